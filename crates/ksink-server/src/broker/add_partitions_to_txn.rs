//! AddPartitionsToTxn (key 24): say which partitions a transaction is about to write.
//!
//! **Versions** 0-3; the later ones are for brokers.
//!
//! **Behaviour**
//! - Opens a transaction where none is open. An empty list does so too.
//! - A partition that does not exist is 3, one of a topic outside of `--topics` 29; then the others are
//!   OPERATION_NOT_ATTEMPTED (55), and nothing is added.
//! - An unknown id, or another producer id, is 49; an epoch that is not the current one is 90.
//! - While the transaction before is being ended it is CONCURRENT_TRANSACTIONS (51), and the client asks again. When
//!   as many partitions are in open transactions as there may be, COORDINATOR_NOT_AVAILABLE (15).
//!
//! **Version notes**: up to 1, 90 is 47.

use ksink_wire::{
    ErrorCode,
    messages::add_partitions_to_txn::{
        AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
        AddPartitionsToTxnTopic, AddPartitionsToTxnTopicResult,
    },
};

use super::{Asked, Broker, topics::TopicError};
use crate::{
    session::{Head, Reply},
    txn::{Partitions, Producer},
};

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &AddPartitionsToTxnRequest<'_>,
) -> Reply {
    let topics = &request.v3_and_below_topics;
    let is_absent = |topic: &str, partition| fault(broker, topic, partition).is_some();
    if topics.iter().any(|topic| topic.partitions.iter().any(|it| is_absent(topic.name, *it))) {
        return reply(asked.head, topics, |topic, partition| {
            fault(broker, topic, partition).unwrap_or(ErrorCode::OPERATION_NOT_ATTEMPTED)
        });
    }
    let said = match request.v3_and_below_transactional_id {
        "" => Err(ErrorCode::INVALID_REQUEST),
        id => add(broker, asked, id, request),
    };
    reply(asked.head, topics, |_, _| said.err().unwrap_or_default())
}

/// What is said while nothing can be remembered; the client asks again.
pub(super) fn not_remembered(head: Head, topics: &[AddPartitionsToTxnTopic<'_>]) -> Reply {
    reply(head, topics, |_, _| ErrorCode::CONCURRENT_TRANSACTIONS)
}

fn add(
    broker: &mut Broker,
    asked: Asked,
    id: &str,
    request: &AddPartitionsToTxnRequest<'_>,
) -> Result<(), ErrorCode> {
    let who = Producer {
        id: request.v3_and_below_producer_id,
        epoch: request.v3_and_below_producer_epoch,
    };
    let Broker { topics, coordinator, .. } = broker;
    let partitions: Partitions = request
        .v3_and_below_topics
        .iter()
        .filter_map(|topic| Some((topics.name_of(topics.existing(topic.name)?)?, topic)))
        .flat_map(|(name, topic)| topic.partitions.iter().map(move |it| (name.clone(), *it)))
        .collect();
    coordinator
        .add_partitions(asked.now, asked.to.connection, id, who, partitions)
        .map_err(|error| error.code(asked.head.api, asked.head.version))
}

/// Why a partition cannot be in a transaction.
fn fault(broker: &Broker, topic: &str, partition: i32) -> Option<ErrorCode> {
    match broker.topics.existing(topic) {
        Some(index) if broker.topics.state(index).next_offset(partition).is_some() => None,
        Some(_) => Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        None => Some(match broker.topics.check_new_name(topic) {
            Err(error @ TopicError::Restricted) => error.code(),
            Ok(()) | Err(_) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        }),
    }
}

fn reply(
    head: Head,
    topics: &[AddPartitionsToTxnTopic<'_>],
    code: impl Fn(&str, i32) -> ErrorCode,
) -> Reply {
    let result = |topic: &str, partition_index| AddPartitionsToTxnPartitionResult {
        partition_index,
        partition_error_code: code(topic, partition_index),
    };
    let topics = topics.iter().map(|topic| AddPartitionsToTxnTopicResult {
        name: topic.name,
        results_by_partition: topic.partitions.iter().map(|it| result(topic.name, *it)).collect(),
    });
    head.reply(AddPartitionsToTxnResponse {
        results_by_topic_v3_and_below: topics.collect(),
        ..Default::default()
    })
}
