//! Kafka's wire protocol: requests, responses and record batches, borrowed from the bytes they came in.

#![warn(missing_docs)]

pub mod compression;
mod crc;
pub mod records;
