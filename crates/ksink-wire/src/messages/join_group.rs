//! JoinGroup (key 11): become a member of a group.
//!
//! | version | change |
//! |---|---|
//! | 1 | rebalance timeout beside the session timeout (KIP-62) |
//! | 2 | response: throttle time |
//! | 3 | throttling happens after the response was sent |
//! | 4 | MEMBER_ID_REQUIRED may be answered (KIP-394) |
//! | 5 | static members (KIP-345) |
//! | 6 | flexible |
//! | 7 | response: protocol type; its protocol may be null (KIP-559) |
//! | 8 | reason (KIP-800) |
//! | 9 | response: the leader need not assign (KIP-814) |

use crate::ErrorCode;

message! {
    /// Asks to become a member.
    pub struct JoinGroupRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// Without a heartbeat for this long the member is out, in milliseconds.
        session_timeout_ms: i32,
        /// How long the member may take to join again when the group rebalances, in milliseconds; -1 for the session
        /// timeout.
        rebalance_timeout_ms: i32 = -1 => 1..,
        /// Which member; empty the first time.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 5..,
        /// The kind of group, such as `consumer`.
        protocol_type: &'a str,
        /// How the member could share the work, best first.
        protocols: Vec<JoinGroupRequestProtocol<'a>>,
        /// Why the member joins, for people.
        reason: Option<&'a str> => 8..,
    }
}

message! {
    /// A way to share the work.
    pub struct JoinGroupRequestProtocol<'a> {
        /// Its name, such as `range`.
        name: &'a str,
        /// What the leader must know to assign; of consumers, what they subscribe to.
        metadata: &'a [u8],
    }
}

message! {
    /// Says what became of the group.
    pub struct JoinGroupResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 2..,
        /// Why the member is none.
        error_code: ErrorCode,
        /// Counts the rebalances of the group; -1 when the member is none.
        generation_id: i32 = -1,
        /// The kind of group.
        protocol_type: Option<&'a str> => 7..,
        /// How the group shares the work.
        protocol_name: Option<&'a str>; nullable 7..,
        /// The member that assigns.
        leader: &'a str,
        /// Whether the leader keeps the assignment that there is.
        skip_assignment: bool => 9..,
        /// Which member this is.
        member_id: &'a str,
        /// All members, for the leader; empty for the others.
        members: Vec<JoinGroupResponseMember<'a>>,
    }
}

message! {
    /// A member of the group.
    pub struct JoinGroupResponseMember<'a> {
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 5..,
        /// What the member said for the protocol that was chosen.
        metadata: &'a [u8],
    }
}
