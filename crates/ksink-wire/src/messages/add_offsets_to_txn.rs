//! AddOffsetsToTxn (key 25): say that a transaction is about to commit offsets of a group.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | PRODUCER_FENCED may be answered (KIP-588) |
//! | 3 | flexible |
//! | 4 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

use crate::ErrorCode;

message! {
    /// Adds the offsets of a group.
    pub struct AddOffsetsToTxnRequest<'a> {
        /// Whose transaction.
        transactional_id: &'a str,
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// Which group.
        group_id: &'a str,
    }
}

message! {
    /// Says whether they are added.
    pub struct AddOffsetsToTxnResponse {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why they are not.
        error_code: ErrorCode,
    }
}
