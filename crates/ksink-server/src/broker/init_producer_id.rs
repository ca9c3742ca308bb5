//! InitProducerId (key 22): a producer id, so that a producer can number its batches.
//!
//! **Versions** 0-5.
//!
//! **Behaviour**
//! - Without a transactional id: a producer id that nobody had before, epoch 0. Which producer id and
//!   epoch the producer has now does not matter, but they must come together (INVALID_REQUEST, 42).
//! - With one: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53), which every client reports at once; the empty
//!   one is INVALID_REQUEST (42), as in Kafka.

use ksink_wire::{
    ErrorCode,
    messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
};

use super::{Asked, Broker};
use crate::session::{Head, Reply};

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &InitProducerIdRequest<'_>,
) -> Reply {
    let response = match new_producer_id(broker, request) {
        Ok(producer_id) => {
            InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
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

fn new_producer_id(
    broker: &mut Broker,
    request: &InitProducerIdRequest<'_>,
) -> Result<i64, ErrorCode> {
    match request.transactional_id {
        None if (request.producer_id == -1) != (request.producer_epoch == -1) => {
            Err(ErrorCode::INVALID_REQUEST)
        }
        None => {
            let id = broker.producer_ids.next(&mut broker.outgoing);
            id.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
        }
        Some("") => Err(ErrorCode::INVALID_REQUEST),
        Some(_) => Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    }
}
