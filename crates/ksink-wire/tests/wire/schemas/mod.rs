//! The messages against the facts in `data/`: what Kafka's own client says about every field and code.

pub(crate) mod bytes;
mod errors;
pub(crate) mod facts;
mod kafka_protocol_crate;
mod round_trips;
pub(crate) mod tables;
