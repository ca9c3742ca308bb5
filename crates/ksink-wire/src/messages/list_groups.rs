//! ListGroups (key 16): the groups that a broker looks after.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | flexible |
//! | 4 | states (KIP-518) |
//! | 5 | types (KIP-848) |

use crate::ErrorCode;

message! {
    /// Asks for groups.
    pub struct ListGroupsRequest<'a> {
        /// Those in one of these states; empty for all.
        states_filter: Vec<&'a str> => 4..,
        /// Those of one of these types; empty for all.
        types_filter: Vec<&'a str> => 5..,
    }
}

message! {
    /// Names groups.
    pub struct ListGroupsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// Why they are not here.
        error_code: ErrorCode,
        /// The groups.
        groups: Vec<ListedGroup<'a>>,
    }
}

message! {
    /// A group.
    pub struct ListedGroup<'a> {
        /// Which group.
        group_id: &'a str,
        /// The kind of group.
        protocol_type: &'a str,
        /// Such as `Stable`.
        group_state: &'a str => 4..,
        /// Such as `classic`.
        group_type: &'a str => 5..,
    }
}
