//! EndTxn (key 26): commit or abort a transaction.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | PRODUCER_FENCED may be answered (KIP-588) |
//! | 3 | flexible |
//! | 4 | TRANSACTION_ABORTABLE may be answered (KIP-890) |
//! | 5 | the epoch is raised with each transaction; response: producer id and epoch (KIP-890) |

use crate::ErrorCode;

message! {
    /// Ends a transaction.
    pub struct EndTxnRequest<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// Whether to commit it; otherwise it is aborted.
        committed: bool,
    }
}

message! {
    /// Says whether the transaction is ended.
    pub struct EndTxnResponse {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why it is not ended.
        error_code: ErrorCode,
        /// The id to go on with; -1 when it is not ended.
        producer_id: i64 = -1 => 5..,
        /// The epoch to go on with; -1 when it is not ended.
        producer_epoch: i16 = -1 => 5..,
    }
}
