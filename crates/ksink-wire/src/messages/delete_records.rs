//! DeleteRecords (key 21): delete the records before an offset.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | flexible |

use crate::ErrorCode;

message! {
    /// Asks for records to go.
    pub struct DeleteRecordsRequest<'a> {
        /// By topic.
        topics: Vec<DeleteRecordsTopic<'a>>,
        /// How long to wait until they are gone, in milliseconds.
        timeout_ms: i32,
    }
}

message! {
    /// Asks for records of a topic to go.
    pub struct DeleteRecordsTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<DeleteRecordsPartition>,
    }
}

message! {
    /// Asks for records of a partition to go.
    pub struct DeleteRecordsPartition {
        /// Which partition.
        partition_index: i32,
        /// Of the first record that stays; -1 when none shall.
        offset: i64,
    }
}

message! {
    /// What became of the records.
    pub struct DeleteRecordsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// By topic.
        topics: Vec<DeleteRecordsTopicResult<'a>>,
    }
}

message! {
    /// What became of the records of a topic.
    pub struct DeleteRecordsTopicResult<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        partitions: Vec<DeleteRecordsPartitionResult>,
    }
}

message! {
    /// What became of the records of a partition.
    pub struct DeleteRecordsPartitionResult {
        /// Which partition.
        partition_index: i32,
        /// The first offset that the partition still has.
        low_watermark: i64,
        /// Why they are still there.
        error_code: ErrorCode,
    }
}
