//! What really happened.

/// Counts of what passed and what was broken since the proxy began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections of clients.
    pub connections: u64,
    /// Produce requests that clients sent, each try counted, whatever became of it.
    pub requests: u64,
    /// Records in them, as their batches say.
    pub records: u64,
    /// Replies to Produce requests that passed whole.
    pub replies: u64,
    /// Replies that were thrown away, with their connection.
    pub dropped_replies: u64,
    /// Replies of which half passed before the connection ended.
    pub half_replies: u64,
    /// Requests that were delivered before the connection ended at once.
    pub delivered_and_cut: u64,
    /// Requests that were sent to the server a second time.
    pub duplicates: u64,
    /// Those of them that the server answered without an error.
    pub duplicates_accepted: u64,
    /// Replies that came late.
    pub delays: u64,
    /// Connections that went silent.
    pub black_holes: u64,
    /// Produce requests that the server had not answered when the client hung up by itself.
    pub given_up: u64,
    /// Replies of the server that were not the next one asked for. A server that keeps the order has none.
    pub misplaced_replies: u64,
}

impl Counts {
    /// How many replies a client did not hear because its connection was cut. Requests that were in
    /// flight on the same connection are not counted again.
    pub fn cuts(&self) -> u64 {
        self.dropped_replies + self.half_replies + self.delivered_and_cut
    }
}
