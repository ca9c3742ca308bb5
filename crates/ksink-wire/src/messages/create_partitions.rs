//! CreatePartitions (key 37): give topics more partitions.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | flexible |
//! | 3 | THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |

use crate::ErrorCode;

message! {
    /// Asks for more partitions.
    pub struct CreatePartitionsRequest<'a> {
        /// By topic.
        topics: Vec<CreatePartitionsTopic<'a>>,
        /// How long to wait until they exist everywhere, in milliseconds.
        timeout_ms: i32,
        /// Whether only to say what would happen.
        validate_only: bool,
    }
}

message! {
    /// Asks for more partitions of a topic.
    pub struct CreatePartitionsTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// How many it shall have in the end.
        count: i32,
        /// Where each new partition goes; null when the server chooses.
        assignments: Option<Vec<CreatePartitionsAssignment>>,
    }
}

message! {
    /// Where a new partition goes.
    pub struct CreatePartitionsAssignment {
        /// The nodes that keep it; the first one is preferred to lead.
        broker_ids: Vec<i32>,
    }
}

message! {
    /// What became of the topics.
    pub struct CreatePartitionsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// By topic.
        results: Vec<CreatePartitionsTopicResult<'a>>,
    }
}

message! {
    /// What became of a topic.
    pub struct CreatePartitionsTopicResult<'a> {
        /// Which topic.
        name: &'a str,
        /// Why it has no more partitions.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
    }
}
