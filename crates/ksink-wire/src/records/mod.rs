//! Record batches (v2) and message sets (v0, v1), presented through one record type.

mod batch;
mod error;
mod record;
mod walk;

pub use batch::{Attributes, Compression, RecordBatch};
pub use error::RecordError;
pub use record::{Header, Headers, Record};
pub use walk::{Iter, Records, Walk};
