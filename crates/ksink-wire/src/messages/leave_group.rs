//! LeaveGroup (key 13): take members out of a group.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | many members at once, also static ones (KIP-345) |
//! | 4 | flexible |
//! | 5 | reason (KIP-800) |

use crate::ErrorCode;

message! {
    /// Asks for members to be out.
    pub struct LeaveGroupRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// Which members.
        members: Vec<MemberIdentity<'a>> => 3..,
        /// Which member.
        member_id: &'a str => ..=2,
    }
}

message! {
    /// A member that is to be out.
    pub struct MemberIdentity<'a> {
        /// Which member; may be empty for a static one.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str>,
        /// Why it leaves, for people.
        reason: Option<&'a str> => 5..,
    }
}

message! {
    /// What became of the members.
    pub struct LeaveGroupResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// Why nothing was done at all.
        error_code: ErrorCode,
        /// One for each that was to leave.
        members: Vec<MemberResponse<'a>> => 3..,
    }
}

message! {
    /// What became of a member.
    pub struct MemberResponse<'a> {
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str>,
        /// Why it is still in.
        error_code: ErrorCode,
    }
}
