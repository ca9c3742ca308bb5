//! DeleteGroups (key 42): delete groups without members.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | flexible |
//! | 3 | response: error message |

use crate::ErrorCode;

message! {
    /// Asks for groups to go.
    pub struct DeleteGroupsRequest<'a> {
        /// Which groups.
        groups_names: Vec<&'a str>,
    }
}

message! {
    /// What became of the groups.
    pub struct DeleteGroupsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// One for each that was to go.
        results: Vec<DeletableGroupResult<'a>>,
    }
}

message! {
    /// What became of a group.
    pub struct DeletableGroupResult<'a> {
        /// Which group.
        group_id: &'a str,
        /// Why it is still there.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str> => 3..,
    }
}
