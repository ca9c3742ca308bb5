//! CreateTopics (key 19): topics with as many partitions, and the settings, that somebody wants.
//!
//! **Versions** 0-7.
//!
//! **Behaviour**
//! - A topic is judged in Kafka's order: its name (17; 29 outside of `--topics`), whether there is one (36) or one
//!   that differs in `.` and `_` alone (17), its settings (40), its replicas and partitions. One fault keeps only
//!   its own topic from being created.
//! - -1 partitions are those of `--partitions`; the replication factor is 1, or -1 (38). Replicas that are
//!   assigned by hand are on this node, partitions counted from 0 (39), and both numbers are -1 then (42).
//! - A topic that is named twice is refused once, with 42, as in Kafka.
//! - More than 10,000 partitions in one request are refused as a whole (44), and so is a topic for which there
//!   is no room.
//! - `validate_only` answers the same and creates nothing.
//!
//! **Version notes**: from 5 on the answer tells partitions and settings, from 7 on the id.

use std::collections::HashSet;

use ksink_wire::{
    Uuid,
    messages::create_topics::{
        CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
        CreateTopicsRequest, CreateTopicsResponse,
    },
};

use super::{
    Asked, Broker, NODE_ID,
    repeated::repeated,
    settings::{Setting, TopicSettings},
    topics::TopicError,
};
use crate::session::Reply;

/// How many partitions one request may ask for: Kafka's `MAX_PARTITIONS_PER_BATCH`.
const REQUEST_PARTITIONS_MAX: usize = 10_000;

/// The oldest version that tells settings (KIP-525).
const FIRST_TELLING_VERSION: i16 = 5;

/// A topic that was created, or would have been.
struct Created {
    id: Uuid,
    partitions: i32,
    settings: TopicSettings,
}

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &CreateTopicsRequest<'_>,
) -> Reply {
    let results = create_all(broker, request);
    let told: Vec<_> = results.iter().map(|result| Told::of(broker, result)).collect();
    let tells_settings = asked.head.version >= FIRST_TELLING_VERSION;
    let topics = told.iter().map(|told| told.response(tells_settings)).collect();
    asked.head.reply(CreateTopicsResponse { throttle_time_ms: 0, topics })
}

type Outcome<'a> = (&'a str, Result<Created, TopicError>);

fn create_all<'a>(broker: &mut Broker, request: &CreateTopicsRequest<'a>) -> Vec<Outcome<'a>> {
    let is_too_large = partitions_asked(broker, request) > REQUEST_PARTITIONS_MAX;
    let repeated = repeated(request.topics.iter().map(|topic| topic.name));
    let mut answered = HashSet::new();
    let topics = request.topics.iter().filter(|topic| answered.insert(topic.name));
    let outcomes = topics.map(|topic| {
        let result = match topic.name {
            _ if is_too_large => Err(TopicError::TooManyPartitions),
            name if repeated.contains(name) => Err(TopicError::NamedTwice),
            _ => create(broker, topic, request.validate_only),
        };
        (topic.name, result)
    });
    outcomes.collect()
}

fn partitions_asked(broker: &Broker, request: &CreateTopicsRequest<'_>) -> usize {
    let of_topic = |topic: &CreatableTopic<'_>| match (&*topic.assignments, topic.num_partitions) {
        ([], -1) => usize::try_from(broker.config.partitions).unwrap_or(0),
        // What is less than none is refused by itself.
        ([], count) => usize::try_from(count).unwrap_or(0),
        (assignments, _) => assignments.len(),
    };
    request.topics.iter().map(of_topic).fold(0, usize::saturating_add)
}

fn create(
    broker: &mut Broker,
    topic: &CreatableTopic<'_>,
    validate_only: bool,
) -> Result<Created, TopicError> {
    broker.topics.check_new_name(topic.name)?;
    let settings = TopicSettings::parse(&topic.configs)?;
    let partitions = partitions_of(topic)?.unwrap_or(broker.config.partitions);
    let new = broker.topics.plan_new(topic.name, partitions, settings.clone())?;
    let id = broker.topics.id_of_new(topic.name);
    if !validate_only {
        broker.topics.add(new);
    }
    Ok(Created { id, partitions, settings })
}

/// How many partitions a topic shall have; `None` if the server chooses.
fn partitions_of(topic: &CreatableTopic<'_>) -> Result<Option<i32>, TopicError> {
    match (&*topic.assignments, topic.replication_factor, topic.num_partitions) {
        ([], -1 | 1, -1) => Ok(None),
        ([], -1 | 1, 1..) => Ok(Some(topic.num_partitions)),
        ([], -1 | 1, _) => Err(TopicError::NoPartitions),
        ([], _, _) => Err(TopicError::ReplicationFactor),
        (assignments, -1, -1) => assigned(assignments).map(Some),
        _ => Err(TopicError::Nonsense(
            "where replicas are assigned, partitions and replication factor must be -1",
        )),
    }
}

/// How many partitions are assigned; they must be those from 0 on.
fn assigned(assignments: &[CreatableReplicaAssignment]) -> Result<i32, TopicError> {
    let mut seen = HashSet::new();
    for assignment in assignments {
        check_replicas(&assignment.broker_ids)?;
        if !seen.insert(assignment.partition_index) {
            return Err(TopicError::Assignment("a partition is assigned more than once"));
        }
    }
    let count = i32::try_from(seen.len()).unwrap_or(i32::MAX);
    match (0..count).all(|partition| seen.contains(&partition)) {
        true => Ok(count),
        false => Err(TopicError::Assignment("the partitions are not those from 0 on")),
    }
}

/// There is one place for a partition.
pub(super) fn check_replicas(broker_ids: &[i32]) -> Result<(), TopicError> {
    match broker_ids {
        [NODE_ID] => Ok(()),
        [] => Err(TopicError::Assignment("a partition is assigned to no broker")),
        [only] if *only != NODE_ID => {
            Err(TopicError::Assignment("a partition is assigned to a broker that does not exist"))
        }
        _ => Err(TopicError::Assignment("a partition is assigned to more than the one broker")),
    }
}

/// What the client is told about one topic; the response borrows from it.
enum Told<'a> {
    Created { name: &'a str, created: &'a Created, settings: Vec<Setting<'a>> },
    Refused { name: &'a str, error: &'a TopicError, message: String },
}

impl<'a> Told<'a> {
    fn of(broker: &'a Broker, (name, result): &'a Outcome<'a>) -> Self {
        match result {
            Ok(created) => {
                let settings = created.settings.in_force(broker).collect();
                Self::Created { name, created, settings }
            }
            Err(error) => Self::Refused { name, error, message: error.to_string() },
        }
    }

    fn response(&self, tells_settings: bool) -> CreatableTopicResult<'_> {
        match self {
            Self::Created { name, created, settings } => CreatableTopicResult {
                name,
                topic_id: created.id,
                num_partitions: created.partitions,
                replication_factor: 1,
                configs: tells_settings.then(|| settings.iter().map(describe).collect()),
                ..Default::default()
            },
            Self::Refused { name, error, message } => CreatableTopicResult {
                name,
                error_code: error.code(),
                error_message: Some(message),
                configs: Some(Vec::new()),
                ..Default::default()
            },
        }
    }
}

fn describe<'a>(setting: &'a Setting<'_>) -> CreatableTopicConfigs<'a> {
    CreatableTopicConfigs {
        name: setting.name,
        value: Some(setting.value()),
        // Nobody alters a setting once the topic exists.
        read_only: true,
        config_source: setting.source(),
        is_sensitive: false,
    }
}
