//! ListOffsets (key 2): where a partition starts and ends, or stood at a time.
//!
//! | version | change |
//! |---|---|
//! | 1 | one offset with its timestamp instead of a list (KIP-79) |
//! | 2 | isolation level (KIP-98); response: throttle time |
//! | 3 | throttling happens after the response was sent |
//! | 4 | leader epochs (KIP-320) |
//! | 5 | OFFSET_NOT_AVAILABLE may be answered (KIP-207) |
//! | 6 | flexible |
//! | 7 | the record with the highest timestamp (KIP-734) |
//! | 8 | the first offset on local disk (KIP-405) |
//! | 9 | the last offset in tiered storage (KIP-1005) |
//! | 10 | timeout, since tiered storage may be slow (KIP-1075) |
//! | 11 | the first offset that is not in tiered storage yet (KIP-1023) |

use crate::ErrorCode;

message! {
    /// Asks for offsets.
    pub struct ListOffsetsRequest<'a> {
        /// The follower that asks; -1 for a client.
        replica_id: i32,
        /// 0 counts what transactions have not committed, 1 does not.
        isolation_level: i8 => 2..,
        /// By topic.
        topics: Vec<ListOffsetsTopic<'a>>,
        /// How long the answer may take, in milliseconds.
        timeout_ms: i32 => 10..,
    }
}

message! {
    /// Asks for the offsets of a topic.
    pub struct ListOffsetsTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<ListOffsetsPartition>,
    }
}

message! {
    /// Asks for an offset of a partition.
    pub struct ListOffsetsPartition {
        /// Which partition.
        partition_index: i32,
        /// The leader epoch that the client knows; -1 when it knows none.
        current_leader_epoch: i32 = -1 => 4..,
        /// The first record at or after this time is meant, in milliseconds since the epoch; -1 for the end, -2
        /// for the start, -3 for the highest timestamp, -4 and -5 for local and tiered storage.
        timestamp: i64,
        /// How many offsets the list may have.
        max_num_offsets: i32 => ..=0,
    }
}

message! {
    /// Offsets.
    pub struct ListOffsetsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 2..,
        /// By topic.
        topics: Vec<ListOffsetsTopicResponse<'a>>,
    }
}

message! {
    /// Offsets of a topic.
    pub struct ListOffsetsTopicResponse<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<ListOffsetsPartitionResponse>,
    }
}

message! {
    /// An offset of a partition.
    pub struct ListOffsetsPartitionResponse {
        /// Which partition.
        partition_index: i32,
        /// Why there is none.
        error_code: ErrorCode,
        /// Starts of segments, newest first.
        old_style_offsets: Vec<i64> => ..=0,
        /// When the record at the offset happened; -1 when there is none.
        timestamp: i64 = -1 => 1..,
        /// The offset; -1 when there is none.
        offset: i64 = -1 => 1..,
        /// The leader epoch of the record; -1 when unknown.
        leader_epoch: i32 = -1 => 4..,
    }
}
