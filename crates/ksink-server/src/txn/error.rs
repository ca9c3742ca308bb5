//! Why the coordinator does not do what it is asked.

use ksink_wire::{ApiKey, ErrorCode};

/// Why the coordinator does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TxnError {
    /// The producer id is not the one of the transactional id, or nobody knows the transactional id.
    #[error("the producer id does not belong to the transactional id")]
    OtherProducer,
    /// The epoch is over, or was never given out.
    #[error("the producer's epoch is not the current one")]
    Fenced,
    /// Something is still being done; asking again helps.
    #[error("the transaction before is still being ended")]
    Busy,
    /// There is no such transaction, or the partition is not in it.
    #[error("the transaction is not in a state for that")]
    State,
    /// The batch belongs to no transaction, and one of its producer is open on the partition.
    #[error("a transaction of the same producer is open on the partition")]
    Plain,
    /// The sink cannot take the transaction for good, so that it was aborted.
    #[error("the transaction cannot be committed and was aborted")]
    Aborted,
    /// The timeout is not one that can be.
    #[error("the transaction timeout is not within the limits of the server")]
    Timeout,
    /// As many transactional ids as there may be have something open, or there are no more producer ids.
    #[error("there is no room for another transaction")]
    NoRoom,
}

impl TxnError {
    /// What a client hears in that version of an API.
    pub(crate) fn code(self, api: ApiKey, version: i16) -> ErrorCode {
        match self {
            Self::OtherProducer => ErrorCode::INVALID_PRODUCER_ID_MAPPING,
            Self::Fenced => fenced(api, version),
            Self::Busy => ErrorCode::CONCURRENT_TRANSACTIONS,
            Self::State if api == ApiKey::Produce && version >= 11 => {
                ErrorCode::TRANSACTION_ABORTABLE
            }
            Self::State | Self::Plain => ErrorCode::INVALID_TXN_STATE,
            Self::Aborted if version >= 4 => ErrorCode::TRANSACTION_ABORTABLE,
            // Older clients do not know that code. Of those that they know this is the one after which they abort
            // and go on; what Kafka says after an abort of its own, 90 or 47, would end them.
            Self::Aborted => ErrorCode::INVALID_PRODUCER_ID_MAPPING,
            Self::Timeout => ErrorCode::INVALID_TRANSACTION_TIMEOUT,
            Self::NoRoom => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        }
    }
}

/// PRODUCER_FENCED is younger than these APIs (KIP-588), and Produce never says it.
fn fenced(api: ApiKey, version: i16) -> ErrorCode {
    let is_known = match api {
        ApiKey::InitProducerId => version >= 4,
        ApiKey::AddPartitionsToTxn | ApiKey::EndTxn => version >= 2,
        _ => false,
    };
    match is_known {
        true => ErrorCode::PRODUCER_FENCED,
        false => ErrorCode::INVALID_PRODUCER_EPOCH,
    }
}
