//! TxnOffsetCommit (key 28): remember how far a group has read, once a transaction is committed.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | leader epoch (KIP-320) |
//! | 3 | flexible; member and generation (KIP-447) |
//! | 4 | TRANSACTION_ABORTABLE may be answered (KIP-890) |
//! | 5 | the offsets need not be added to the transaction first (KIP-890) |
//! | 6 | topics by id instead of by name |

use crate::{ErrorCode, Uuid};

message! {
    /// Commits offsets within a transaction.
    pub struct TxnOffsetCommitRequest<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// Which group.
        group_id: &'a str,
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// The generation of the group, or in the new protocol the epoch of the member; -1 outside of a group.
        generation_id_or_member_epoch: i32 = -1 => 3..,
        /// Which member; empty outside of a group.
        member_id: &'a str => 3..,
        /// Of a static member.
        group_instance_id: Option<&'a str> => 3..,
        /// By topic.
        topics: Vec<TxnOffsetCommitRequestTopic<'a>>,
    }
}

message! {
    /// Commits offsets of a topic.
    pub struct TxnOffsetCommitRequestTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 6..,
        /// Which topic.
        name: &'a str => ..=5,
        /// By partition.
        partitions: Vec<TxnOffsetCommitRequestPartition<'a>>,
    }
}

message! {
    /// Commits an offset of a partition.
    pub struct TxnOffsetCommitRequestPartition<'a> {
        /// Which partition.
        partition_index: i32,
        /// Of the next record to read.
        committed_offset: i64,
        /// Of the last record that was read; -1 when unknown.
        committed_leader_epoch: i32 = -1 => 2..,
        /// Whatever the client wants to keep beside it.
        committed_metadata: Option<&'a str>,
    }
}

message! {
    /// What became of the offsets.
    pub struct TxnOffsetCommitResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// By topic.
        topics: Vec<TxnOffsetCommitResponseTopic<'a>>,
    }
}

message! {
    /// What became of the offsets of a topic.
    pub struct TxnOffsetCommitResponseTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 6..,
        /// Which topic.
        name: &'a str => ..=5,
        /// By partition.
        partitions: Vec<TxnOffsetCommitResponsePartition>,
    }
}

message! {
    /// What became of the offset of a partition.
    pub struct TxnOffsetCommitResponsePartition {
        /// Which partition.
        partition_index: i32,
        /// Why it is not committed.
        error_code: ErrorCode,
    }
}
