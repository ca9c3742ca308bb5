//! Metadata (key 3): which node to talk to, and which topics there are.
//!
//! **Versions** 0-13.
//!
//! **Behaviour**
//! - One node. Its address is the one that this client connected to, unless another one is advertised.
//! - A topic that is named exists from then on, whatever `allow_auto_topic_creation` says: clients that
//!   send `false` there still expect to produce. All topics that were ever named are in the answer to
//!   "all topics": some clients route by nothing else.
//! - "All topics" is the empty list in version 0 and null from 1 on; the empty list of 1 and later is none.
//!
//! **Version notes**: topics by id from 12 on; in 10 and 11 that is INVALID_REQUEST (42), as in Kafka.

use ksink_wire::{
    ErrorCode, Uuid,
    messages::metadata::{
        MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
        MetadataResponsePartition, MetadataResponseTopic,
    },
};

use super::{
    Asked, Broker, HostPort, NODE_ID,
    topics::{TopicIndex, TopicState},
};
use crate::session::Reply;

/// The oldest version in which a topic may be asked for by its id (KIP-516).
const FIRST_BY_ID_VERSION: i16 = 12;

/// No topic was asked for by what this answers.
type Unknown<'a> = (Option<&'a str>, Uuid, ErrorCode);

pub(super) fn handle(broker: &mut Broker, asked: Asked, request: &MetadataRequest<'_>) -> Reply {
    let HostPort { host, port } = broker.address_for(asked.caller);
    let found = find(broker, asked.head.version, request);
    let topics = found.iter().map(|found| match found {
        Ok(index) => describe(broker.topics.state(*index)),
        Err(unknown) => describe_unknown(*unknown),
    });
    asked.head.reply(MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: NODE_ID,
            host: &host,
            port: i32::from(port),
            rack: None,
        }],
        cluster_id: Some(&broker.config.cluster_id),
        controller_id: NODE_ID,
        topics: topics.collect(),
        ..Default::default()
    })
}

/// The topics that a request asks for; what it names exists from now on.
fn find<'a>(
    broker: &mut Broker,
    version: i16,
    request: &MetadataRequest<'a>,
) -> Vec<Result<TopicIndex, Unknown<'a>>> {
    match &request.topics {
        None => broker.topics.all().map(Ok).collect(),
        Some(topics) if topics.is_empty() && version == 0 => broker.topics.all().map(Ok).collect(),
        Some(topics) => topics.iter().map(|topic| find_topic(broker, version, topic)).collect(),
    }
}

fn find_topic<'a>(
    broker: &mut Broker,
    version: i16,
    asked: &MetadataRequestTopic<'a>,
) -> Result<TopicIndex, Unknown<'a>> {
    let by_id = asked.topic_id != Uuid::ZERO || asked.name.is_none();
    if by_id && version < FIRST_BY_ID_VERSION {
        let name = Some(asked.name.unwrap_or_default());
        return Err((name, asked.topic_id, ErrorCode::INVALID_REQUEST));
    }
    // An id is more than a name, which it makes superfluous.
    match asked.name.filter(|_| asked.topic_id == Uuid::ZERO) {
        Some(name) => broker.topics.named(name).map_err(|code| (asked.name, Uuid::ZERO, code)),
        None => {
            let unknown = (None, asked.topic_id, ErrorCode::UNKNOWN_TOPIC_ID);
            broker.topics.with_id(asked.topic_id).ok_or(unknown)
        }
    }
}

fn describe(topic: &TopicState) -> MetadataResponseTopic<'_> {
    let partitions = topic.partitions().map(|partition_index| MetadataResponsePartition {
        partition_index,
        leader_id: NODE_ID,
        // Java ignores what it hears with a lower epoch than before, so it never changes.
        leader_epoch: 0,
        replica_nodes: vec![NODE_ID],
        isr_nodes: vec![NODE_ID],
        ..Default::default()
    });
    MetadataResponseTopic {
        name: Some(&topic.name),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        ..Default::default()
    }
}

fn describe_unknown((name, topic_id, code): Unknown<'_>) -> MetadataResponseTopic<'_> {
    MetadataResponseTopic { error_code: code, name, topic_id, ..Default::default() }
}
