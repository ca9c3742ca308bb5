//! Time as the pure half of the server knows it: an argument.

use std::time::Instant;

/// This moment, on both clocks that the protocol needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For waits and deadlines; never goes back.
    pub instant: Instant,
    /// For comparison with the timestamps of records: milliseconds since the epoch.
    pub unix_ms: i64,
}
