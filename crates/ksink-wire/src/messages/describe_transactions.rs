//! DescribeTransactions (key 65): what is known of transactions (KIP-664).
//!
//! Flexible from version 0, which is the only one.

use crate::ErrorCode;

message! {
    /// Asks about transactions.
    pub struct DescribeTransactionsRequest<'a> {
        /// Whose transactions.
        transactional_ids: Vec<&'a str>,
    }
}

message! {
    /// Says what is known of transactions.
    pub struct DescribeTransactionsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// One for each that was asked for.
        transaction_states: Vec<TransactionState<'a>>,
    }
}

message! {
    /// What is known of a transaction.
    pub struct TransactionState<'a> {
        /// Why nothing is.
        error_code: ErrorCode,
        /// Whose transaction.
        transactional_id: &'a str,
        /// Such as `Ongoing`.
        transaction_state: &'a str,
        /// How long it may stay without a sign of life before it is aborted, in milliseconds.
        transaction_timeout_ms: i32,
        /// When it started, in milliseconds since the epoch; -1 when none runs.
        transaction_start_time_ms: i64,
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// The partitions that it has, by topic.
        topics: Vec<TopicData<'a>>,
    }
}

message! {
    /// Partitions of a topic.
    pub struct TopicData<'a> {
        /// Which topic.
        topic: &'a str,
        /// Which partitions.
        partitions: Vec<i32>,
    }
}
