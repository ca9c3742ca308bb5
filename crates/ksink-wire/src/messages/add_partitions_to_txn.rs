//! AddPartitionsToTxn (key 24): say which partitions a transaction is about to write.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | PRODUCER_FENCED may be answered (KIP-588) |
//! | 3 | flexible |
//! | 4 | many transactions, and only verifying, between brokers (KIP-890) |
//! | 5 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

use crate::ErrorCode;

message! {
    /// Adds partitions. Clients use version 3 at most; the later ones are for brokers.
    pub struct AddPartitionsToTxnRequest<'a> {
        /// The transactions.
        transactions: Vec<AddPartitionsToTxnTransaction<'a>> => 4..,
        /// Whose transaction.
        v3_and_below_transactional_id: &'a str => ..=3,
        /// The producer's id.
        v3_and_below_producer_id: i64 => ..=3,
        /// The producer's epoch.
        v3_and_below_producer_epoch: i16 => ..=3,
        /// The partitions, by topic.
        v3_and_below_topics: Vec<AddPartitionsToTxnTopic<'a>> => ..=3,
    }
}

message! {
    /// Adds partitions to one transaction.
    pub struct AddPartitionsToTxnTransaction<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// Whether only to say which of them are in the transaction.
        verify_only: bool,
        /// The partitions, by topic.
        topics: Vec<AddPartitionsToTxnTopic<'a>>,
    }
}

message! {
    /// Partitions of a topic.
    pub struct AddPartitionsToTxnTopic<'a> {
        /// Which topic.
        name: &'a str,
        /// Which partitions.
        partitions: Vec<i32>,
    }
}

message! {
    /// What became of the partitions.
    pub struct AddPartitionsToTxnResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why nothing was done at all.
        error_code: ErrorCode => 4..,
        /// By transaction.
        results_by_transaction: Vec<AddPartitionsToTxnResult<'a>> => 4..,
        /// By topic.
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult<'a>> => ..=3,
    }
}

message! {
    /// What became of the partitions of a transaction.
    pub struct AddPartitionsToTxnResult<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// By topic.
        topic_results: Vec<AddPartitionsToTxnTopicResult<'a>>,
    }
}

message! {
    /// What became of the partitions of a topic.
    pub struct AddPartitionsToTxnTopicResult<'a> {
        /// Which topic.
        name: &'a str,
        /// By partition.
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
    }
}

message! {
    /// What became of a partition.
    pub struct AddPartitionsToTxnPartitionResult {
        /// Which partition.
        partition_index: i32,
        /// Why it is not in the transaction; OPERATION_NOT_ATTEMPTED when another one was at fault.
        partition_error_code: ErrorCode,
    }
}
