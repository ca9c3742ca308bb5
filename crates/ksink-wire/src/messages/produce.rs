//! Produce (key 0): append records to partitions.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | records may have timestamps (message format 1); response: when they were appended |
//! | 3 | transactional id; record batches (message format 2) and nothing older (KIP-98) |
//! | 4 | KAFKA_STORAGE_ERROR may be answered |
//! | 5 | response: log start offset |
//! | 6 | throttling happens after the response was sent |
//! | 7 | batches may be compressed with zstd (KIP-110) |
//! | 8 | response: which records are at fault, and why (KIP-467) |
//! | 9 | flexible |
//! | 10 | response: where to go instead (KIP-951) |
//! | 11 | TRANSACTION_ABORTABLE may be answered (KIP-890) |
//! | 12 | a transaction's partitions need not be added first (KIP-890) |
//! | 13 | topics by id instead of by name (KIP-516) |

use crate::{ErrorCode, Uuid};

message! {
    /// Records for partitions.
    pub struct ProduceRequest<'a> {
        /// Who the producer is across its restarts; null when it has no transactions.
        transactional_id: Option<&'a str> => 3..,
        /// Who must have the records before the answer: -1 all replicas, 1 the leader; 0 wants no answer at all.
        acks: i16,
        /// How long the replicas may take, in milliseconds.
        timeout_ms: i32,
        /// The records, by topic.
        topic_data: Vec<TopicProduceData<'a>>,
    }
}

message! {
    /// Records for one topic.
    pub struct TopicProduceData<'a> {
        /// Which topic.
        topic_id: Uuid => 13..,
        /// Which topic.
        name: &'a str => ..=12,
        /// The records, by partition.
        partition_data: Vec<PartitionProduceData<'a>>,
    }
}

message! {
    /// Records for one partition.
    pub struct PartitionProduceData<'a> {
        /// Which partition.
        index: i32,
        /// One record batch, or before version 3 a message set; still sealed, see [`records`](crate::records).
        records: Option<&'a [u8]>,
    }
}

message! {
    /// What became of the records.
    pub struct ProduceResponse<'a> {
        /// By topic.
        responses: Vec<TopicProduceResponse<'a>>,
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// Where the leaders named in this response are.
        #0 node_endpoints: Vec<NodeEndpoint<'a>> => 10..,
    }
}

message! {
    /// What became of the records for one topic.
    pub struct TopicProduceResponse<'a> {
        /// Which topic.
        topic_id: Uuid => 13..,
        /// Which topic.
        name: &'a str => ..=12,
        /// By partition.
        partition_responses: Vec<PartitionProduceResponse<'a>>,
    }
}

message! {
    /// What became of the records for one partition.
    pub struct PartitionProduceResponse<'a> {
        /// Which partition.
        index: i32,
        /// Why nothing was appended.
        error_code: ErrorCode,
        /// The offset of the first record; -1 when nothing was appended.
        base_offset: i64,
        /// When the records were appended, in milliseconds since the epoch, if that replaced their own
        /// timestamps; otherwise -1.
        log_append_time_ms: i64 = -1 => 2..,
        /// The first offset that the partition still has; -1 when unknown.
        log_start_offset: i64 = -1 => 5..,
        /// The records that are at fault; the others of the batch would have been fine.
        record_errors: Vec<BatchIndexAndErrorMessage<'a>> => 8..,
        /// What is at fault with the batch, for people.
        error_message: Option<&'a str> => 8..,
        /// Who leads the partition, when the client asked the wrong one.
        #0 current_leader: LeaderIdAndEpoch => 10..,
    }
}

message! {
    /// A record that is at fault.
    pub struct BatchIndexAndErrorMessage<'a> {
        /// Which record of the batch, from 0.
        batch_index: i32,
        /// What is at fault with it, for people.
        batch_index_error_message: Option<&'a str>,
    }
}

message! {
    /// Who leads a partition.
    pub struct LeaderIdAndEpoch {
        /// The node; -1 when unknown.
        leader_id: i32 = -1,
        /// The newest epoch; -1 when unknown.
        leader_epoch: i32 = -1,
    }
}

message! {
    /// Where a node is.
    pub struct NodeEndpoint<'a> {
        /// Its number in the cluster.
        node_id: i32,
        /// A name or an address.
        host: &'a str,
        /// The TCP port.
        port: i32,
        /// Where it stands; null when nobody said.
        rack: Option<&'a str>,
    }
}
