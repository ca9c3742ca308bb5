//! SyncGroup (key 14): hand out, or be told, who does what in a group.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | static members (KIP-345) |
//! | 4 | flexible |
//! | 5 | protocol type and name (KIP-559) |

use crate::ErrorCode;

message! {
    /// Asks for the assignment; from the leader, hands it out.
    pub struct SyncGroupRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// The generation of the group.
        generation_id: i32,
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 3..,
        /// The kind of group.
        protocol_type: Option<&'a str> => 5..,
        /// How the group shares the work.
        protocol_name: Option<&'a str> => 5..,
        /// By member, from the leader; empty from the others.
        assignments: Vec<SyncGroupRequestAssignment<'a>>,
    }
}

message! {
    /// What a member shall do.
    pub struct SyncGroupRequestAssignment<'a> {
        /// Which member.
        member_id: &'a str,
        /// As the protocol defines it.
        assignment: &'a [u8],
    }
}

message! {
    /// What the member shall do.
    pub struct SyncGroupResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// Why there is no assignment.
        error_code: ErrorCode,
        /// The kind of group.
        protocol_type: Option<&'a str> => 5..,
        /// How the group shares the work.
        protocol_name: Option<&'a str> => 5..,
        /// As the protocol defines it.
        assignment: &'a [u8],
    }
}
