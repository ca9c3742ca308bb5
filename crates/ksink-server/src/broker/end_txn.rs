//! EndTxn (key 26): commit or abort a transaction.
//!
//! **Versions** 0-5; 5 is the newer protocol (KIP-890), which raises the epoch with each end and tells it.
//!
//! **Behaviour**
//! - A commit is answered once its decision is safe, and the first try to apply it is over or has taken a second; where
//!   nothing is remembered, once it is applied. Until then CONCURRENT_TRANSACTIONS (51), and the client asks again.
//! - A request that is repeated hears the same again, also after a restart; the other decision is 48.
//! - Nothing to end is 48; an abort by version 5 raises the epoch all the same.
//! - An unknown id, or another producer id, is 49; an epoch that is not the current one is 90.
//! - What the sink refuses for good is aborted: TRANSACTION_ABORTABLE (120).
//!
//! **Version notes**: up to 1, 90 is 47; up to 3, 120 is 49, after which those clients abort and go on.
//!
//! **Where we differ from Kafka**: up to 4, a request by a connection that is older than the one by which the
//! producer went on is 48 without effect: it is a late copy, which would end the next transaction. By version 5, a
//! request of an epoch that never wrote is 90, also when it is one below that of the last end.

use ksink_wire::{
    ErrorCode,
    messages::end_txn::{EndTxnRequest, EndTxnResponse},
};

use super::{Asked, Broker};
use crate::{
    session::{Head, Reply},
    txn::{Decision, End, EndRequest, Producer, Protocol, TxnError},
};

/// The oldest version of the newer protocol.
const FIRST_V2_VERSION: i16 = 5;

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &EndTxnRequest<'_>,
) -> Option<Reply> {
    if request.transactional_id.is_empty() {
        return Some(refusal(asked.head, ErrorCode::INVALID_REQUEST));
    }
    let end = EndRequest {
        connection: asked.to.connection,
        id: request.transactional_id,
        who: Producer { id: request.producer_id, epoch: request.producer_epoch },
        decision: match request.committed {
            true => Decision::Commit,
            false => Decision::Abort,
        },
        protocol: match asked.head.version {
            FIRST_V2_VERSION.. => Protocol::V2,
            _ => Protocol::V1,
        },
    };
    let Broker { coordinator, producer_ids, outgoing, .. } = broker;
    match coordinator.end(asked.now, end, &mut || producer_ids.next(outgoing)) {
        Ok(End::Done(producer)) => Some(reply(asked.head, Ok(producer))),
        Ok(End::Wait(end)) => {
            broker.ends.insert(end, (asked.to, asked.head));
            None
        }
        Err(error) => Some(reply(asked.head, Err(error))),
    }
}

/// What is said while nothing can be remembered; the client asks again.
pub(super) fn not_remembered(head: Head) -> Reply {
    refusal(head, ErrorCode::CONCURRENT_TRANSACTIONS)
}

/// The answer, with the producer to go on with.
pub(super) fn reply(head: Head, said: Result<Producer, TxnError>) -> Reply {
    match said {
        Ok(Producer { id, epoch }) => head.reply(EndTxnResponse {
            producer_id: id,
            producer_epoch: epoch,
            ..Default::default()
        }),
        Err(error) => refusal(head, error.code(head.api, head.version)),
    }
}

fn refusal(head: Head, error_code: ErrorCode) -> Reply {
    head.reply(EndTxnResponse { error_code, ..Default::default() })
}
