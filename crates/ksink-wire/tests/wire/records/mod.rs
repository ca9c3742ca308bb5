//! Batches, message sets and codecs, from the outside.

mod allocations;
mod batches;
mod codecs;
mod kafka_protocol_crate;
mod message_sets;
pub(crate) mod support;
mod vectors;
