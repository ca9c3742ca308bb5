//! Transcripts: bytes through a session and the broker, with a clock that the test holds.

mod admin;
mod admission;
mod harness;
mod idempotence;
mod keeper;
mod malformed;
mod metadata;
mod model;
mod order;
mod produce;
mod producer_ids;
mod reads;
mod transactions;
