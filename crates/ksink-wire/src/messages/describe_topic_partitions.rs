//! DescribeTopicPartitions (key 75): the partitions of topics, a page at a time (KIP-966).
//!
//! Flexible from version 0, which is the only one.

use crate::{ErrorCode, Uuid, primitives::Nullable};

message! {
    /// Asks about topics.
    pub struct DescribeTopicPartitionsRequest<'a> {
        /// Which topics; empty for all.
        topics: Vec<TopicRequest<'a>>,
        /// How many partitions the answer may have.
        response_partition_limit: i32 = 2000,
        /// Where to go on; null to start at the first topic.
        cursor: Option<Cursor<'a>>,
    }
}

message! {
    /// A topic that is asked for.
    pub struct TopicRequest<'a> {
        /// Its name.
        name: &'a str,
    }
}

message! {
    /// Where a page starts.
    pub struct Cursor<'a> {
        /// In which topic.
        topic_name: &'a str,
        /// At which of its partitions.
        partition_index: i32,
    }
}

impl<'a> Nullable<'a> for Cursor<'a> {}

message! {
    /// A page of topics.
    pub struct DescribeTopicPartitionsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// By name.
        topics: Vec<DescribeTopicPartitionsResponseTopic<'a>>,
        /// Where the next page starts; null when there is none.
        next_cursor: Option<Cursor<'a>>,
    }
}

message! {
    /// A topic, or why there is none.
    pub struct DescribeTopicPartitionsResponseTopic<'a> {
        /// Why the topic cannot be used.
        error_code: ErrorCode,
        /// Its name.
        name: Option<&'a str>,
        /// Its id.
        topic_id: Uuid,
        /// Whether Kafka itself keeps things in it.
        is_internal: bool,
        /// Those of its partitions that are on the page.
        partitions: Vec<DescribeTopicPartitionsResponsePartition>,
        /// What the client may do with the topic, a bit each; the lowest number when that is not said.
        topic_authorized_operations: i32 = i32::MIN,
    }
}

message! {
    /// A partition, and who keeps it.
    pub struct DescribeTopicPartitionsResponsePartition {
        /// Why the partition cannot be used.
        error_code: ErrorCode,
        /// Its number in the topic, from 0.
        partition_index: i32,
        /// The node that takes its records; -1 when there is none.
        leader_id: i32,
        /// Grows with each change of the leader; -1 when unknown.
        leader_epoch: i32 = -1,
        /// The nodes that keep it.
        replica_nodes: Vec<i32>,
        /// Those of them that keep up with the leader.
        isr_nodes: Vec<i32>,
        /// Those of the others that could lead without loss; null when unknown.
        eligible_leader_replicas: Option<Vec<i32>>,
        /// Those that could lead without loss when that was last known; null when unknown.
        last_known_elr: Option<Vec<i32>>,
        /// Those of them that are not there.
        offline_replicas: Vec<i32>,
    }
}
