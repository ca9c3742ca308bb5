//! CreatePartitions (key 37): more partitions for topics that exist.
//!
//! **Versions** 0-3.
//!
//! **Behaviour**
//! - The number is that of all partitions in the end, and must be more than there are (37). There must be
//!   room for them (44).
//! - Replicas that are assigned by hand are on this node, one assignment for each new partition (39).
//! - A topic that nobody knows is 3; one that is named twice is refused once with 42, as in Kafka.
//! - `validate_only` answers the same and changes nothing.

use std::collections::HashSet;

use ksink_wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use super::{
    Asked, Broker,
    create_topics::check_replicas,
    repeated::repeated,
    topics::{TopicError, TopicIndex},
};
use crate::session::Reply;

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &CreatePartitionsRequest<'_>,
) -> Reply {
    let repeated = repeated(request.topics.iter().map(|topic| topic.name));
    let mut answered = HashSet::new();
    let topics = request.topics.iter().filter(|topic| answered.insert(topic.name));
    let outcomes: Vec<_> = topics
        .map(|topic| {
            let result = match repeated.contains(topic.name) {
                true => Err(TopicError::NamedTwice),
                false => grow(broker, topic, request.validate_only),
            };
            (topic.name, result.err().map(|error| (error.code(), error.to_string())))
        })
        .collect();
    let results = outcomes.iter().map(|(name, error)| CreatePartitionsTopicResult {
        name,
        error_code: error.as_ref().map(|(code, _)| *code).unwrap_or_default(),
        error_message: error.as_ref().map(|(_, message)| &**message),
    });
    asked.head.reply(CreatePartitionsResponse { throttle_time_ms: 0, results: results.collect() })
}

fn grow(
    broker: &mut Broker,
    topic: &CreatePartitionsTopic<'_>,
    validate_only: bool,
) -> Result<(), TopicError> {
    let index = broker.topics.existing(topic.name).ok_or(TopicError::Unknown)?;
    check_count(broker, index, topic)?;
    broker.topics.check_growth(index, topic.count)?;
    if !validate_only {
        broker.topics.grow(index, topic.count);
    }
    Ok(())
}

fn check_count(
    broker: &Broker,
    index: TopicIndex,
    topic: &CreatePartitionsTopic<'_>,
) -> Result<(), TopicError> {
    let has = broker.topics.state(index).partition_count();
    if topic.count <= has {
        return Err(TopicError::NotMorePartitions { has, asked: topic.count });
    }
    let Some(assignments) = &topic.assignments else { return Ok(()) };
    // Both numbers are at least 0, so that this cannot overflow.
    if i32::try_from(assignments.len()) != Ok(topic.count - has) {
        return Err(TopicError::Assignment("there must be one assignment for each new partition"));
    }
    assignments.iter().try_for_each(|assignment| check_replicas(&assignment.broker_ids))
}
