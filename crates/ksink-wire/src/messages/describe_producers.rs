//! DescribeProducers (key 61): the producers that a partition remembers (KIP-664).
//!
//! Flexible from version 0, which is the only one.

use crate::ErrorCode;

message! {
    /// Asks for producers.
    pub struct DescribeProducersRequest<'a> {
        /// By topic.
        topics: Vec<TopicRequest<'a>>,
    }
}

message! {
    /// Asks for the producers of a topic.
    pub struct TopicRequest<'a> {
        /// Which topic.
        name: &'a str,
        /// Which partitions.
        partition_indexes: Vec<i32>,
    }
}

message! {
    /// Names producers.
    pub struct DescribeProducersResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// By topic.
        topics: Vec<TopicResponse<'a>>,
    }
}

message! {
    /// Names the producers of a topic.
    pub struct TopicResponse<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<PartitionResponse<'a>>,
    }
}

message! {
    /// Names the producers of a partition.
    pub struct PartitionResponse<'a> {
        /// Which partition.
        partition_index: i32,
        /// Why they are not here.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// The producers.
        active_producers: Vec<ProducerState>,
    }
}

message! {
    /// A producer, as a partition remembers it.
    pub struct ProducerState {
        /// Its id.
        producer_id: i64,
        /// Its epoch.
        producer_epoch: i32,
        /// The sequence number of its last record; -1 when unknown.
        last_sequence: i32 = -1,
        /// The timestamp of its last record, in milliseconds since the epoch; -1 when unknown.
        last_timestamp: i64 = -1,
        /// The epoch of the coordinator that last ended a transaction of it.
        coordinator_epoch: i32,
        /// The first offset of its open transaction; -1 when there is none.
        current_txn_start_offset: i64 = -1,
    }
}
