//! CreateTopics (key 19): create topics.
//!
//! | version | change |
//! |---|---|
//! | 1 | only validate; response: error message |
//! | 2 | response: throttle time |
//! | 3 | throttling happens after the response was sent |
//! | 4 | the server may choose partitions and replication factor (KIP-464) |
//! | 5 | flexible; response: what was created (KIP-525) |
//! | 6 | THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |
//! | 7 | response: topic id (KIP-516) |

use crate::{ErrorCode, Uuid};

message! {
    /// Asks for new topics.
    pub struct CreateTopicsRequest<'a> {
        /// The topics.
        topics: Vec<CreatableTopic<'a>>,
        /// How long to wait until they exist everywhere, in milliseconds.
        timeout_ms: i32 = 60000,
        /// Whether only to say what would happen.
        validate_only: bool => 1..,
    }
}

message! {
    /// A new topic.
    pub struct CreatableTopic<'a> {
        /// Its name.
        name: &'a str,
        /// How many partitions; -1 when the server chooses, or `assignments` say it.
        num_partitions: i32,
        /// How many replicas each has; -1 when the server chooses, or `assignments` say it.
        replication_factor: i16,
        /// Where each partition goes; empty when the server chooses.
        assignments: Vec<CreatableReplicaAssignment>,
        /// What is configured for the topic.
        configs: Vec<CreatableTopicConfig<'a>>,
    }
}

message! {
    /// Where a partition goes.
    pub struct CreatableReplicaAssignment {
        /// Which partition.
        partition_index: i32,
        /// The nodes that keep it; the first one is preferred to lead.
        broker_ids: Vec<i32>,
    }
}

message! {
    /// A setting of a new topic.
    pub struct CreatableTopicConfig<'a> {
        /// Its name, such as `retention.ms`.
        name: &'a str,
        /// Null for the default.
        value: Option<&'a str>,
    }
}

message! {
    /// What became of the topics.
    pub struct CreateTopicsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 2..,
        /// One for each that was asked for.
        topics: Vec<CreatableTopicResult<'a>>,
    }
}

message! {
    /// What became of a topic.
    pub struct CreatableTopicResult<'a> {
        /// Its name.
        name: &'a str,
        /// Its id.
        topic_id: Uuid => 7..,
        /// Why it was not created.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str> => 1..,
        /// How many partitions it has; -1 when that is not said.
        num_partitions: i32 = -1 => 5..,
        /// How many replicas each has; -1 when that is not said.
        replication_factor: i16 = -1 => 5..,
        /// How it is configured; null when that is not said.
        configs: Option<Vec<CreatableTopicConfigs<'a>>> => 5..,
        /// Why the three fields above are not said.
        #0 topic_config_error_code: ErrorCode => 5..,
    }
}

message! {
    /// A setting of the topic that was created.
    pub struct CreatableTopicConfigs<'a> {
        /// Its name.
        name: &'a str,
        /// Null when it is secret.
        value: Option<&'a str>,
        /// Whether it cannot be changed.
        read_only: bool,
        /// Where the value comes from; see KIP-226. -1 when unknown.
        config_source: i8 = -1,
        /// Whether it is secret.
        is_sensitive: bool,
    }
}
