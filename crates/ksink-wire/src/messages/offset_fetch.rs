//! OffsetFetch (key 9): how far groups have read.
//!
//! | version | change |
//! |---|---|
//! | 1 | from Kafka instead of ZooKeeper |
//! | 2 | null asks for all topics; response: an error for the whole |
//! | 3 | response: throttle time |
//! | 4 | throttling happens after the response was sent |
//! | 5 | response: leader epoch (KIP-320) |
//! | 6 | flexible |
//! | 7 | only offsets that no open transaction will change (KIP-447) |
//! | 8 | many groups at once (KIP-709) |
//! | 9 | the new group protocol (KIP-848) |
//! | 10 | topics by id instead of by name (KIP-848) |

use crate::{ErrorCode, Uuid};

message! {
    /// Asks for committed offsets.
    pub struct OffsetFetchRequest<'a> {
        /// By group.
        groups: Vec<OffsetFetchRequestGroup<'a>> => 8..,
        /// Which group.
        group_id: &'a str => ..=7,
        /// By topic; null asks for all.
        topics: Option<Vec<OffsetFetchRequestTopic<'a>>> => ..=7; nullable 2..,
        /// Whether to wait (with UNSTABLE_OFFSET_COMMIT) for transactions that will change the offsets.
        require_stable: bool => 7..,
    }
}

message! {
    /// Asks for the committed offsets of a group.
    pub struct OffsetFetchRequestGroup<'a> {
        /// Which group.
        group_id: &'a str,
        /// Which member asks; null outside of the new protocol.
        member_id: Option<&'a str> => 9..,
        /// The epoch of the member; -1 outside of the new protocol.
        member_epoch: i32 = -1 => 9..,
        /// By topic; null asks for all.
        topics: Option<Vec<OffsetFetchRequestTopics<'a>>>,
    }
}

message! {
    /// Asks for the committed offsets of a topic, among groups.
    pub struct OffsetFetchRequestTopics<'a> {
        /// Which topic.
        topic_id: Uuid => 10..,
        /// Which topic.
        name: &'a str => ..=9,
        /// Which partitions.
        partition_indexes: Vec<i32>,
    }
}

message! {
    /// Asks for the committed offsets of a topic, of the only group.
    pub struct OffsetFetchRequestTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// Which partitions.
        partition_indexes: Vec<i32>,
    }
}

message! {
    /// Committed offsets. Before version 8 the fields after `groups` speak of the one that was asked for.
    pub struct OffsetFetchResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 3..,
        /// By group.
        groups: Vec<OffsetFetchResponseGroup<'a>> => 8..,
        /// By topic.
        topics: Vec<OffsetFetchResponseTopic<'a>> => ..=7,
        /// Why there are none at all.
        error_code: ErrorCode => 2..=7,
    }
}

message! {
    /// Committed offsets of a group.
    pub struct OffsetFetchResponseGroup<'a> {
        /// Which group.
        group_id: &'a str,
        /// By topic.
        topics: Vec<OffsetFetchResponseTopics<'a>>,
        /// Why there are none at all.
        error_code: ErrorCode,
    }
}

message! {
    /// Committed offsets of a topic, among groups.
    pub struct OffsetFetchResponseTopics<'a> {
        /// Which topic.
        topic_id: Uuid => 10..,
        /// Which topic.
        name: &'a str => ..=9,
        /// By partition.
        partitions: Vec<OffsetFetchResponsePartition<'a>>,
    }
}

message! {
    /// Committed offsets of a topic, of the only group.
    pub struct OffsetFetchResponseTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<OffsetFetchResponsePartition<'a>>,
    }
}

message! {
    /// The committed offset of a partition.
    pub struct OffsetFetchResponsePartition<'a> {
        /// Which partition.
        partition_index: i32,
        /// Of the next record to read; -1 when nothing is committed.
        committed_offset: i64,
        /// Of the last record that was read; -1 when unknown.
        committed_leader_epoch: i32 = -1 => 5..,
        /// What the client wanted to keep beside it.
        metadata: Option<&'a str>,
        /// Why it is not here.
        error_code: ErrorCode,
    }
}
