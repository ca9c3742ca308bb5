//! OffsetCommit (key 8): remember how far a group has read.
//!
//! | version | change |
//! |---|---|
//! | 1 | kept in Kafka instead of ZooKeeper; member and generation; commit timestamp |
//! | 2 | retention time instead of the commit timestamp |
//! | 3 | response: throttle time |
//! | 4 | throttling happens after the response was sent |
//! | 5 | no retention time any more (KIP-211) |
//! | 6 | leader epoch (KIP-320) |
//! | 7 | static members (KIP-345) |
//! | 8 | flexible |
//! | 9 | the new group protocol (KIP-848) |
//! | 10 | topics by id instead of by name (KIP-848) |

use crate::{ErrorCode, Uuid};

message! {
    /// Commits offsets.
    pub struct OffsetCommitRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// The generation of the group, or in the new protocol the epoch of the member; -1 outside of a group.
        generation_id_or_member_epoch: i32 = -1 => 1..,
        /// Which member; empty outside of a group.
        member_id: &'a str => 1..,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 7..,
        /// How long to remember, in milliseconds; -1 for as long as the server likes.
        retention_time_ms: i64 = -1 => 2..=4,
        /// By topic.
        topics: Vec<OffsetCommitRequestTopic<'a>>,
    }
}

message! {
    /// Commits offsets of a topic.
    pub struct OffsetCommitRequestTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 10..,
        /// Which topic.
        name: &'a str => ..=9,
        /// By partition.
        partitions: Vec<OffsetCommitRequestPartition<'a>>,
    }
}

message! {
    /// Commits an offset of a partition.
    pub struct OffsetCommitRequestPartition<'a> {
        /// Which partition.
        partition_index: i32,
        /// Of the next record to read.
        committed_offset: i64,
        /// Of the last record that was read; -1 when unknown.
        committed_leader_epoch: i32 = -1 => 6..,
        /// When it was committed, in milliseconds since the epoch.
        commit_timestamp: i64 => 1..=1,
        /// Whatever the client wants to keep beside it.
        committed_metadata: Option<&'a str>,
    }
}

message! {
    /// What became of the offsets.
    pub struct OffsetCommitResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 3..,
        /// By topic.
        topics: Vec<OffsetCommitResponseTopic<'a>>,
    }
}

message! {
    /// What became of the offsets of a topic.
    pub struct OffsetCommitResponseTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 10..,
        /// Which topic.
        name: &'a str => ..=9,
        /// By partition.
        partitions: Vec<OffsetCommitResponsePartition>,
    }
}

message! {
    /// What became of the offset of a partition.
    pub struct OffsetCommitResponsePartition {
        /// Which partition.
        partition_index: i32,
        /// Why it is not committed.
        error_code: ErrorCode,
    }
}
