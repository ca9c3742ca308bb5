//! DeleteTopics (key 20): topics go.
//!
//! **Versions** 0-6.
//!
//! **Behaviour**
//! - A topic that is deleted is not listed any more, and its partitions are unknown. What of it is on its way to
//!   the sink still lands there, and what is in the sink stays.
//! - A topic of that name that comes later has a new id, and goes on counting its offsets.
//! - A name that nobody knows is 3, an id 100. What is named twice in a request is refused once with 42; so is a
//!   topic that is named in two ways, or in none.
//!
//! **Version notes**: by id from 6 on.

use std::collections::HashSet;

use ksink_wire::{
    Uuid,
    messages::delete_topics::{
        DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
    },
};

use super::{
    Asked, Broker,
    repeated::repeated,
    topics::{TopicError, TopicIndex},
};
use crate::session::Reply;

/// The oldest version that may name topics by their ids (KIP-516).
const FIRST_BY_ID_VERSION: i16 = 6;

/// A topic as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Named<'a> {
    name: Option<&'a str>,
    id: Uuid,
}

/// A topic's name and id, as far as the client is told them, and whether it is gone.
struct Outcome {
    name: Option<String>,
    id: Uuid,
    result: Result<(), TopicError>,
}

pub(super) fn handle(
    broker: &mut Broker,
    asked: Asked,
    request: &DeleteTopicsRequest<'_>,
) -> Reply {
    let named: Vec<Named<'_>> = match asked.head.version {
        FIRST_BY_ID_VERSION.. => request.topics.iter().map(Named::of).collect(),
        _ => request.topic_names.iter().map(|name| Named::by_name(name)).collect(),
    };
    let outcomes = delete_all(broker, &named);
    let messages: Vec<_> = outcomes.iter().map(Outcome::message).collect();
    let answers = outcomes.iter().zip(&messages);
    let responses =
        answers.map(|(outcome, message)| outcome.response(message.as_deref())).collect();
    asked.head.reply(DeleteTopicsResponse { throttle_time_ms: 0, responses })
}

/// Finds every topic before one of them goes: a topic may be named by its name and by its id.
fn delete_all(broker: &mut Broker, named: &[Named<'_>]) -> Vec<Outcome> {
    let repeated = repeated(named.iter().copied());
    let mut answered = HashSet::new();
    let mut found = HashSet::new();
    let mut outcomes = Vec::new();
    for named in named.iter().filter(|named| answered.insert(**named)) {
        let index = match repeated.contains(named) {
            true => Err(TopicError::NamedTwice),
            false => find(broker, named),
        };
        let index = index.and_then(|index| match found.insert(index) {
            true => Ok(index),
            false => Err(TopicError::NamedTwice),
        });
        outcomes.push(Outcome::of(broker, named, index));
    }
    for index in found {
        broker.topics.delete(index);
    }
    outcomes
}

fn find(broker: &Broker, named: &Named<'_>) -> Result<TopicIndex, TopicError> {
    match (named.name, named.id) {
        (Some(name), Uuid::ZERO) => broker.topics.existing(name).ok_or(TopicError::Unknown),
        (None, Uuid::ZERO) => Err(TopicError::Nonsense("the topic has neither a name nor an id")),
        (None, id) => broker.topics.with_id(id).ok_or(TopicError::UnknownId),
        (Some(_), _) => {
            Err(TopicError::Nonsense("the topic has a name and an id, where one is enough"))
        }
    }
}

impl<'a> Named<'a> {
    fn by_name(name: &'a str) -> Self {
        Self { name: Some(name), id: Uuid::ZERO }
    }

    fn of(topic: &DeleteTopicState<'a>) -> Self {
        Self { name: topic.name, id: topic.topic_id }
    }
}

impl Outcome {
    fn of(broker: &Broker, named: &Named<'_>, found: Result<TopicIndex, TopicError>) -> Self {
        match found {
            Ok(index) => {
                let topic = broker.topics.state(index);
                Self { name: Some(topic.name.to_string()), id: topic.id, result: Ok(()) }
            }
            Err(error) => {
                Self { name: named.name.map(str::to_owned), id: named.id, result: Err(error) }
            }
        }
    }

    fn message(&self) -> Option<String> {
        self.result.as_ref().err().map(TopicError::to_string)
    }

    fn response<'a>(&'a self, message: Option<&'a str>) -> DeletableTopicResult<'a> {
        let error_code = self.result.as_ref().err().map(TopicError::code).unwrap_or_default();
        DeletableTopicResult {
            name: self.name.as_deref(),
            topic_id: self.id,
            error_code,
            error_message: message,
        }
    }
}
