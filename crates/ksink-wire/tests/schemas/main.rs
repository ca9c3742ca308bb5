//! The messages against the facts in `data/`: what Kafka's own client says about every field and code.

mod bytes;
mod errors;
mod facts;
mod kafka_protocol_crate;
mod round_trips;
mod tables;
