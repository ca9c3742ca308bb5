//! ListTransactions (key 66): the transactions that a broker coordinates (KIP-664).
//!
//! | version | change |
//! |---|---|
//! | 0 | flexible from the start |
//! | 1 | those that run for long (KIP-994) |
//! | 2 | a pattern for transactional ids (KIP-1152) |

use crate::ErrorCode;

message! {
    /// Asks for transactions.
    pub struct ListTransactionsRequest<'a> {
        /// Those in one of these states; empty for all.
        state_filters: Vec<&'a str>,
        /// Those of one of these producers; empty for all.
        producer_id_filters: Vec<i64>,
        /// Those that run for longer than this, in milliseconds; negative for all.
        duration_filter: i64 = -1 => 1..,
        /// Those whose transactional id matches this regular expression; null or empty for all.
        transactional_id_pattern: Option<&'a str> => 2..,
    }
}

message! {
    /// Names transactions.
    pub struct ListTransactionsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why they are not here.
        error_code: ErrorCode,
        /// Those of `state_filters` that the server does not know.
        unknown_state_filters: Vec<&'a str>,
        /// The transactions.
        transaction_states: Vec<TransactionState<'a>>,
    }
}

message! {
    /// A transaction.
    pub struct TransactionState<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// The producer's id.
        producer_id: i64,
        /// Such as `Ongoing`.
        transaction_state: &'a str,
    }
}
