//! Batches, message sets and codecs, from the outside.

mod batches;
mod support;
