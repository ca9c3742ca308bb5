//! What a server remembers from before, and what becomes of it.

use std::sync::Arc;

use crate::{Decided, Position, Transaction};

/// What a state holds at start, for whoever is the sink. Without state it is empty.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// How the last run ended.
    pub last_stop: LastStop,
    /// Where each output stood, by its name.
    pub positions: Vec<Position>,
    /// Transactions that are open and go on.
    pub open: Vec<Arc<Transaction>>,
    /// Commits that are decided and were not accepted.
    pub decided: Vec<Decided>,
    /// Aborts that were not accepted.
    pub aborted: Vec<Arc<Transaction>>,
}

/// How the last run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastStop {
    /// There was none, or it said goodbye: outputs are as it left them, and what was added since is not ours.
    #[default]
    Clean,
    /// The process was killed: what lies beyond a position of the same file is ours and was not acknowledged.
    Unclean,
    /// The machine went down: what was not synced may be missing.
    Rebooted,
}

/// What a sink found, in answer to [`Held`], before anybody can connect.
///
/// What is decided and not named here is delivered later, as [`Event::Commit`](crate::Event::Commit) or
/// [`Event::Abort`](crate::Event::Abort).
#[derive(Clone, Debug, Default)]
pub struct Resumed {
    /// Where outputs stand now, as far as that changed.
    pub positions: Vec<Position>,
    /// The serials of transactions whose commit or abort is done.
    pub applied: Vec<u64>,
    /// The serials of open transactions whose data is not there: they are aborted as by a timeout.
    pub lost: Vec<u64>,
}
