//! InitProducerId (key 22): get a producer id and epoch, for idempotence and transactions.
//!
//! | version | change |
//! |---|---|
//! | 1 | throttling happens after the response was sent |
//! | 2 | flexible |
//! | 3 | a producer may ask to go on with its id and a higher epoch (KIP-360) |
//! | 4 | PRODUCER_FENCED may be answered (KIP-588) |
//! | 5 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

use crate::ErrorCode;

message! {
    /// Asks for a producer id.
    pub struct InitProducerIdRequest<'a> {
        /// Who the producer is across its restarts; null when it is idempotent and no more.
        transactional_id: Option<&'a str>,
        /// How long a transaction may stay without a sign of life before it is aborted, in milliseconds.
        transaction_timeout_ms: i32,
        /// The id that the producer has; -1 when it has none.
        producer_id: i64 = -1 => 3..,
        /// The epoch that the producer has; -1 when it has none.
        producer_epoch: i16 = -1 => 3..,
    }
}

message! {
    /// Gives a producer id.
    pub struct InitProducerIdResponse {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why there is no id.
        error_code: ErrorCode,
        /// The id; -1 when there is none.
        producer_id: i64 = -1,
        /// The epoch; the producers with lower ones are fenced.
        producer_epoch: i16,
    }
}
