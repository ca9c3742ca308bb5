//! Batches, message sets and codecs, from the outside.

mod allocations;
mod batches;
mod codecs;
mod faults;
mod kafka_protocol_crate;
mod message_sets;
mod support;
mod vectors;
