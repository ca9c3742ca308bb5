//! InitProducerId (key 22): a producer id, so that a producer can number its batches.
//!
//! **Versions** 0-5.
//!
//! **Behaviour**
//! - Without a transactional id: a producer id that nobody had before, epoch 0. Which producer id and
//!   epoch the producer has now does not matter, but they must come together (INVALID_REQUEST, 42).
//! - With one: the producer id of that transactional id, with its next epoch; whoever had an earlier one is fenced. A
//!   producer that names the id and epoch which it has (KIP-360) must have the current ones (90); when it asks the
//!   same again it hears the same again.
//! - An open transaction is aborted first: CONCURRENT_TRANSACTIONS (51), and the client asks again. So does it while a
//!   transaction is being ended.
//! - A timeout of less than 1 ms or more than 15 minutes is 50; the empty transactional id 42.
//! - After epoch 32766 comes another producer id.
//! - There are 10,000 transactional ids. For another one, that is forgotten which has nothing open and was used least
//!   recently; if all have something open, COORDINATOR_NOT_AVAILABLE (15), and the client asks again.
//!
//! **Version notes**: up to 3, 90 is 47.
//!
//! **Where we differ from Kafka**: a producer that is fenced itself cannot abort the transaction of its successor.

use ksink_wire::{
    ErrorCode,
    messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
};

use super::{Asked, Broker};
use crate::{
    session::{Head, Reply},
    txn::Producer,
};

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &InitProducerIdRequest<'_>,
) -> Reply {
    let response = match producer(broker, asked, request) {
        Ok(Producer { id, epoch }) => {
            InitProducerIdResponse { producer_id: id, producer_epoch: epoch, ..Default::default() }
        }
        Err(code) => InitProducerIdResponse {
            error_code: code,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        },
    };
    asked.head.reply(response)
}

/// What is said while nothing can be remembered; the client asks again.
pub(super) fn not_remembered(head: Head) -> Reply {
    head.reply(InitProducerIdResponse {
        error_code: ErrorCode::CONCURRENT_TRANSACTIONS,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    })
}

fn producer(
    broker: &mut Broker,
    asked: Asked,
    request: &InitProducerIdRequest<'_>,
) -> Result<Producer, ErrorCode> {
    let who = match (request.producer_id, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ErrorCode::INVALID_REQUEST),
        (id, epoch) => Some(Producer { id, epoch }),
    };
    let Broker { coordinator, producer_ids, outgoing, .. } = broker;
    let mut new_id = || producer_ids.next(outgoing);
    match request.transactional_id {
        None => match new_id() {
            Some(id) => Ok(Producer { id, epoch: 0 }),
            None => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        },
        Some("") => Err(ErrorCode::INVALID_REQUEST),
        Some(id) => coordinator
            .init_producer(asked.now, id, request.transaction_timeout_ms, who, &mut new_id)
            .map_err(|error| error.code(asked.head.api, asked.head.version)),
    }
}
