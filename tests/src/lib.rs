//! What end-to-end tests share: a client that says exactly what a test wants said, and a server to say it to.

mod client;
mod house;
mod transactional;

pub use client::{Client, batch, batch_at, batch_by, batch_of, produce};
pub use house::{House, Stop};
pub use transactional::TransactionalProducer;
