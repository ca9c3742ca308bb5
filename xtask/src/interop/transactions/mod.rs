//! Rows about transactions: what a client is told to do step by step, what has to come of it, and what was
//! heard and seen meanwhile.

pub(crate) mod heard;
pub(crate) mod rows;
pub(crate) mod script;
pub(crate) mod watch;
