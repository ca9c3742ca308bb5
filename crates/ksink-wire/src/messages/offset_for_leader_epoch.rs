//! OffsetForLeaderEpoch (key 23): where the records of a leader epoch end.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: the epoch that was found |
//! | 2 | current leader epoch (KIP-320); response: throttle time |
//! | 3 | the follower that asks (KIP-320) |
//! | 4 | flexible |

use crate::ErrorCode;

message! {
    /// Asks where epochs end.
    pub struct OffsetForLeaderEpochRequest<'a> {
        /// The follower that asks; -1 for a consumer, -2 when that is not said.
        replica_id: i32 = -2 => 3..,
        /// By topic.
        topics: Vec<OffsetForLeaderTopic<'a>>,
    }
}

message! {
    /// Asks where epochs of a topic end.
    pub struct OffsetForLeaderTopic<'a> {
        /// Which topic.
        topic: &'a str,
        /// By partition.
        partitions: Vec<OffsetForLeaderPartition>,
    }
}

message! {
    /// Asks where an epoch of a partition ends.
    pub struct OffsetForLeaderPartition {
        /// Which partition.
        partition: i32,
        /// The leader epoch that the client knows; -1 when it knows none.
        current_leader_epoch: i32 = -1 => 2..,
        /// The epoch in question.
        leader_epoch: i32,
    }
}

message! {
    /// Says where epochs end.
    pub struct OffsetForLeaderEpochResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 2..,
        /// By topic.
        topics: Vec<OffsetForLeaderTopicResult<'a>>,
    }
}

message! {
    /// Says where epochs of a topic end.
    pub struct OffsetForLeaderTopicResult<'a> {
        /// Which topic.
        topic: &'a str,
        /// By partition.
        partitions: Vec<EpochEndOffset>,
    }
}

message! {
    /// Says where an epoch of a partition ends.
    pub struct EpochEndOffset {
        /// Why nothing is known.
        error_code: ErrorCode,
        /// Which partition.
        partition: i32,
        /// The epoch in question, or the last one before it that has records; -1 when there is none.
        leader_epoch: i32 = -1 => 1..,
        /// The offset after its last record; -1 when there is none.
        end_offset: i64 = -1,
    }
}
