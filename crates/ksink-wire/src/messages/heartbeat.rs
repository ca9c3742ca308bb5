//! Heartbeat (key 12): stay a member of a group.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | static members (KIP-345) |
//! | 4 | flexible |

use crate::ErrorCode;

message! {
    /// A sign of life.
    pub struct HeartbeatRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// The generation of the group.
        generation_id: i32,
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 3..,
    }
}

message! {
    /// Says whether the member still is one.
    pub struct HeartbeatResponse {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// REBALANCE_IN_PROGRESS when the member must join again.
        error_code: ErrorCode,
    }
}
