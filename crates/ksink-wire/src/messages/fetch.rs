//! Fetch (key 1): read records from partitions.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | records may have timestamps (message format 1) |
//! | 3 | a limit for the whole response; partitions are served in the order of the request (KIP-74) |
//! | 4 | record batches (message format 2); isolation level; response: aborted transactions (KIP-98) |
//! | 5 | log start offset, of followers and in the response |
//! | 6 | KAFKA_STORAGE_ERROR may be answered |
//! | 7 | sessions, in which only changes are said (KIP-227) |
//! | 8 | throttling happens after the response was sent |
//! | 9 | current leader epoch (KIP-320) |
//! | 10 | batches may be compressed with zstd (KIP-110) |
//! | 11 | rack; response: a replica that is nearer (KIP-392) |
//! | 12 | flexible; last fetched epoch; response: where logs diverge (KIP-595) |
//! | 13 | topics by id instead of by name (KIP-516) |
//! | 14 | OFFSET_MOVED_TO_TIERED_STORAGE may be answered (KIP-405) |
//! | 15 | a follower says its id and epoch together (KIP-903) |
//! | 16 | response: where to go instead (KIP-951) |
//! | 17 | replica directory (KIP-853) |
//! | 18 | a follower says its high watermark (KIP-1166) |

use super::produce::{LeaderIdAndEpoch, NodeEndpoint};
use crate::{ErrorCode, Uuid};

message! {
    /// Asks for records.
    pub struct FetchRequest<'a> {
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 = -1 => ..=14,
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32,
        /// How many bytes of records are worth an answer at once.
        min_bytes: i32,
        /// How many bytes of records the answer may have; the first batch may have more.
        max_bytes: i32 = i32::MAX => 3..,
        /// 0 also reads what transactions have not committed, 1 only what they have.
        isolation_level: i8 => 4..,
        /// The session to go on with; 0 when there is none.
        session_id: i32 => 7..,
        /// Counts the requests of the session; 0 starts one, -1 does without.
        session_epoch: i32 = -1 => 7..,
        /// What to read; in a session, what changed.
        topics: Vec<FetchTopic<'a>>,
        /// In a session, what not to read any more.
        forgotten_topics_data: Vec<ForgottenTopic<'a>> => 7..,
        /// Where the consumer stands.
        rack_id: &'a str => 11..,
        /// The cluster that the client believes to talk to; null when it does not know.
        #0 cluster_id: Option<&'a str> => 12..,
        /// The follower that asks.
        #1 replica_state: ReplicaState => 15..,
    }
}

message! {
    /// A follower.
    pub struct ReplicaState {
        /// Its number in the cluster; -1 for a consumer.
        replica_id: i32 = -1,
        /// Counts its starts; -1 when unknown.
        replica_epoch: i64 = -1,
    }
}

message! {
    /// What to read from a topic.
    pub struct FetchTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 13..,
        /// Which topic.
        topic: &'a str => ..=12,
        /// The partitions to read.
        partitions: Vec<FetchPartition>,
    }
}

message! {
    /// What to read from a partition.
    pub struct FetchPartition {
        /// Which partition.
        partition: i32,
        /// The leader epoch that the client knows; -1 when it knows none.
        current_leader_epoch: i32 = -1 => 9..,
        /// Where to start.
        fetch_offset: i64,
        /// The epoch of the last record that a follower has; -1 when it has none.
        last_fetched_epoch: i32 = -1 => 12..,
        /// The first offset that a follower has; -1 for a consumer.
        log_start_offset: i64 = -1 => 5..,
        /// How many bytes of records the partition may take of the answer; the first batch may have more.
        partition_max_bytes: i32,
        /// Where a follower keeps the partition.
        #0 replica_directory_id: Uuid => 17..,
        /// What a follower knows to be committed.
        #1 high_watermark: i64 = i64::MAX => 18..,
    }
}

message! {
    /// What not to read any more from a topic.
    pub struct ForgottenTopic<'a> {
        /// Which topic.
        topic_id: Uuid => 13..,
        /// Which topic.
        topic: &'a str => ..=12,
        /// Which partitions.
        partitions: Vec<i32>,
    }
}

message! {
    /// Records.
    pub struct FetchResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// Why there is nothing at all.
        error_code: ErrorCode => 7..,
        /// The session to go on with; 0 when there is none.
        session_id: i32 => 7..,
        /// The records; in a session, of the partitions with news.
        responses: Vec<FetchableTopicResponse<'a>>,
        /// Where the leaders named in this response are.
        #0 node_endpoints: Vec<NodeEndpoint<'a>> => 16..,
    }
}

message! {
    /// Records of a topic.
    pub struct FetchableTopicResponse<'a> {
        /// Which topic.
        topic_id: Uuid => 13..,
        /// Which topic.
        topic: &'a str => ..=12,
        /// By partition.
        partitions: Vec<PartitionData<'a>>,
    }
}

message! {
    /// Records of a partition.
    pub struct PartitionData<'a> {
        /// Which partition.
        partition_index: i32,
        /// Why there are none.
        error_code: ErrorCode,
        /// The offset after the last committed record.
        high_watermark: i64,
        /// The offset before which no transaction is open; -1 when unknown.
        last_stable_offset: i64 = -1 => 4..,
        /// The first offset that the partition still has; -1 when unknown.
        log_start_offset: i64 = -1 => 5..,
        /// Whose records a reader of committed ones must skip; null when it reads all.
        aborted_transactions: Option<Vec<AbortedTransaction>> => 4..,
        /// The replica to read from next time; -1 for the leader.
        preferred_read_replica: i32 = -1 => 11..,
        /// Record batches, still sealed; the last one may be cut. See [`records`](crate::records).
        records: Option<&'a [u8]>,
        /// Where the follower's log and the leader's begin to differ.
        #0 diverging_epoch: EpochEndOffset => 12..,
        /// Who leads the partition, when the client asked the wrong one.
        #1 current_leader: LeaderIdAndEpoch => 12..,
        /// What the follower must fetch instead of records that are gone.
        #2 snapshot_id: SnapshotId => 12..,
    }
}

message! {
    /// A transaction that was aborted within the records.
    pub struct AbortedTransaction {
        /// Its producer.
        producer_id: i64,
        /// Its first offset.
        first_offset: i64,
    }
}

message! {
    /// Where an epoch ends.
    pub struct EpochEndOffset {
        /// The epoch; -1 when there is none.
        epoch: i32 = -1,
        /// The offset after its last record; -1 when there is none.
        end_offset: i64 = -1,
    }
}

message! {
    /// A snapshot of the cluster's metadata.
    pub struct SnapshotId {
        /// The offset after the last record in it; -1 when there is none.
        end_offset: i64 = -1,
        /// The epoch of that record; -1 when there is none.
        epoch: i32 = -1,
    }
}
