//! DescribeGroups (key 15): the state and the members of groups.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | authorized operations (KIP-430) |
//! | 4 | response: static members (KIP-345) |
//! | 5 | flexible |
//! | 6 | response: error message; GROUP_ID_NOT_FOUND instead of a dead group (KIP-1043) |

use crate::ErrorCode;

message! {
    /// Asks about groups.
    pub struct DescribeGroupsRequest<'a> {
        /// Which groups.
        groups: Vec<&'a str>,
        /// Whether to fill `authorized_operations` of the response.
        include_authorized_operations: bool => 3..,
    }
}

message! {
    /// Says what is known of groups.
    pub struct DescribeGroupsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// One for each that was asked for.
        groups: Vec<DescribedGroup<'a>>,
    }
}

message! {
    /// What is known of a group.
    pub struct DescribedGroup<'a> {
        /// Why nothing is.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str> => 6..,
        /// Which group.
        group_id: &'a str,
        /// Such as `Stable`.
        group_state: &'a str,
        /// The kind of group.
        protocol_type: &'a str,
        /// How the group shares the work.
        protocol_data: &'a str,
        /// The members.
        members: Vec<DescribedGroupMember<'a>>,
        /// What the client may do with the group, a bit each; the lowest number when it was not asked.
        authorized_operations: i32 = i32::MIN => 3..,
    }
}

message! {
    /// A member of a group.
    pub struct DescribedGroupMember<'a> {
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 4..,
        /// How its client calls itself.
        client_id: &'a str,
        /// Where its client is.
        client_host: &'a str,
        /// What it said when it joined.
        member_metadata: &'a [u8],
        /// What it shall do.
        member_assignment: &'a [u8],
    }
}
