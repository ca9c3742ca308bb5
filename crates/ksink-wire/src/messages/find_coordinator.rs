//! FindCoordinator (key 10): which broker looks after a group or a transactional id.
//!
//! | version | change |
//! |---|---|
//! | 1 | transactional ids besides groups (KIP-98); response: error message, throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | flexible |
//! | 4 | many keys at once (KIP-699) |
//! | 5 | TRANSACTION_ABORTABLE may be answered (KIP-890) |
//! | 6 | share groups (KIP-932) |

use crate::ErrorCode;

message! {
    /// Asks for coordinators.
    pub struct FindCoordinatorRequest<'a> {
        /// The group or the transactional id.
        key: &'a str => ..=3,
        /// What the keys are: 0 groups, 1 transactional ids, 2 share groups.
        key_type: i8 => 1..,
        /// The groups or the transactional ids.
        coordinator_keys: Vec<&'a str> => 4..,
    }
}

message! {
    /// Names coordinators. Before version 4 the fields after `coordinators` speak of the one that was asked for.
    pub struct FindCoordinatorResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// One for each key.
        coordinators: Vec<Coordinator<'a>> => 4..,
        /// Why there is none.
        error_code: ErrorCode => ..=3,
        /// The same for people.
        error_message: Option<&'a str> => 1..=3,
        /// The node; -1 when there is none.
        node_id: i32 => ..=3,
        /// A name or an address.
        host: &'a str => ..=3,
        /// The TCP port; -1 when there is none.
        port: i32 => ..=3,
    }
}

message! {
    /// The coordinator of one key.
    pub struct Coordinator<'a> {
        /// The group or the transactional id.
        key: &'a str,
        /// The node; -1 when there is none.
        node_id: i32,
        /// A name or an address.
        host: &'a str,
        /// The TCP port; -1 when there is none.
        port: i32,
        /// Why there is none.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
    }
}
