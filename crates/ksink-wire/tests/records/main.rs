//! Batches, message sets and codecs, from the outside.
#![cfg(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]

mod allocations;
mod batches;
mod codecs;
mod faults;
mod kafka_protocol_crate;
mod message_sets;
mod support;
mod vectors;
