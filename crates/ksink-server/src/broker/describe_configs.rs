//! DescribeConfigs (key 32): how topics and the broker are configured.
//!
//! **Versions** 0-4.
//!
//! **Behaviour**
//! - Topics have the settings of Kafka: those that were set when the topic was created, and defaults. A topic that
//!   is not there is 3, an illegal name 17; being named here creates no topic.
//! - The broker has those of Kafka's that say something true about it. The empty name asks for what is set
//!   for all brokers while they run, which is nothing; another node's number is 42.
//! - Anything else has no settings here (42). So has what a request names twice: it is answered once.
//! - No names of settings, or null, are all of them.
//!
//! **Version notes**: up to 0 whether a value is the default; from 1 on where it comes from, and synonyms; from 3
//! on its type and what it is for.
//!
//! **Where we differ from Kafka**: every setting is read-only, as there is no API that alters one, and
//! `retention.ms` is -1: ksink deletes nothing.

use std::collections::HashSet;

use ksink_wire::{
    ErrorCode,
    messages::describe_configs::{
        DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
        DescribeConfigsResponse, DescribeConfigsResult,
    },
};

use super::{
    Asked, Broker, NODE_ID,
    repeated::repeated,
    settings::{self, Setting},
    topics::{TopicError, is_legal},
};
use crate::session::Reply;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

type Found<'a> = Result<Vec<Setting<'a>>, TopicError>;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &DescribeConfigsRequest<'_>) -> Reply {
    let repeated = repeated(request.resources.iter().map(identity));
    let mut answered = HashSet::new();
    let resources = request.resources.iter().filter(|resource| answered.insert(identity(resource)));
    let found: Vec<_> = resources
        .map(|resource| match repeated.contains(&identity(resource)) {
            true => (resource, Err(TopicError::NamedTwice)),
            false => (resource, find(broker, resource)),
        })
        .map(|(resource, found)| {
            (resource, found.map_err(|error| (error.code(), error.to_string())))
        })
        .collect();
    let results = found.iter().map(|(resource, found)| {
        let error = found.as_ref().err();
        DescribeConfigsResult {
            error_code: error.map_or(ErrorCode::NONE, |(code, _)| *code),
            error_message: error.map(|(_, message)| &**message),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            configs: describe(found.as_deref().unwrap_or_default(), resource, request),
        }
    });
    asked.head.reply(DescribeConfigsResponse { throttle_time_ms: 0, results: results.collect() })
}

fn identity<'a>(resource: &DescribeConfigsResource<'a>) -> (i8, &'a str) {
    (resource.resource_type, resource.resource_name)
}

fn find<'a>(broker: &'a Broker, resource: &DescribeConfigsResource<'_>) -> Found<'a> {
    match (resource.resource_type, resource.resource_name) {
        (TOPIC, name) if !is_legal(name) => Err(TopicError::IllegalName),
        (TOPIC, name) => {
            let index = broker.topics.existing(name).ok_or(TopicError::Unknown)?;
            Ok(broker.topics.state(index).settings.in_force(broker).collect())
        }
        (BROKER, "") => Ok(Vec::new()),
        (BROKER, number) if number.parse() == Ok(NODE_ID) => {
            Ok(settings::of_broker(broker).collect())
        }
        (BROKER, _) => Err(TopicError::Nonsense("this is broker 1")),
        _ => Err(TopicError::Nonsense("only topics and brokers have settings here")),
    }
}

fn describe<'a>(
    settings: &'a [Setting<'_>],
    resource: &DescribeConfigsResource<'_>,
    request: &DescribeConfigsRequest<'_>,
) -> Vec<DescribeConfigsResourceResult<'a>> {
    let keys: HashSet<&str> = resource.configuration_keys.iter().flatten().copied().collect();
    settings
        .iter()
        .filter(|setting| keys.is_empty() || keys.contains(setting.name))
        .map(|setting| setting.describe(request.include_synonyms, request.include_documentation))
        .collect()
}
