//! DeleteTopics (key 20): delete topics.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | TOPIC_DELETION_DISABLED may be answered (KIP-322) |
//! | 4 | flexible |
//! | 5 | response: error message; THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |
//! | 6 | topics by id (KIP-516) |

use crate::{ErrorCode, Uuid};

message! {
    /// Asks for topics to go.
    pub struct DeleteTopicsRequest<'a> {
        /// The topics.
        topics: Vec<DeleteTopicState<'a>> => 6..,
        /// The topics.
        topic_names: Vec<&'a str> => ..=5,
        /// How long to wait until they are gone, in milliseconds.
        timeout_ms: i32,
    }
}

message! {
    /// A topic that is to go, by name or by id.
    pub struct DeleteTopicState<'a> {
        /// Null when the topic is named by its id.
        name: Option<&'a str>,
        /// Zero when the topic is named by its name.
        topic_id: Uuid,
    }
}

message! {
    /// What became of the topics.
    pub struct DeleteTopicsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// One for each that was to go.
        responses: Vec<DeletableTopicResult<'a>>,
    }
}

message! {
    /// What became of a topic.
    pub struct DeletableTopicResult<'a> {
        /// Null when it was named by an id that nobody knows.
        name: Option<&'a str>; nullable 6..,
        /// Its id.
        topic_id: Uuid => 6..,
        /// Why it is still there.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str> => 5..,
    }
}
