//! Kafka's wire protocol: requests, responses and record batches, borrowed from the bytes they came in.

pub mod records;
