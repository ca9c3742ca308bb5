//! Kafka's wire protocol: requests, responses and record batches, borrowed from the bytes they came in.

#![warn(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used))]

#[macro_use]
mod message;

mod api;
mod crc;
mod error;
mod error_code;
mod header;
mod tags;

pub mod compression;
pub mod frame;
pub mod messages;
pub mod primitives;
pub mod records;
pub mod schema;

pub use api::{ApiKey, Request, Response};
pub use error::{DecodeError, Reason};
pub use error_code::ErrorCode;
pub use header::{HeaderError, RequestHeader, ResponseHeader};
pub use primitives::{Uuid, Version, Wire};
