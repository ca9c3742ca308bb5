//! Fetch (key 1): nothing can be read back yet, and this says so politely.
//!
//! **Versions** 4-12; librdkafka uses message format v2, headers and zstd only where it is advertised.
//!
//! **Behaviour**
//! - A partition is empty at its next offset; any other offset is OFFSET_OUT_OF_RANGE (1).
//! - The answer waits for `max_wait_ms`, as a broker without new records does, unless it holds an error.
//! - A partition that is named twice is answered once; fetch sessions are not kept (session id 0), and one
//!   that the client thinks it has is FETCH_SESSION_ID_NOT_FOUND (70).

use std::{collections::HashSet, time::Duration};

use ksink_wire::{
    ErrorCode,
    messages::fetch::{
        FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse,
        PartitionData,
    },
};

use super::{Asked, Broker};
use crate::session::Reply;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &FetchRequest<'_>) -> Reply {
    if request.session_id != 0 {
        let error_code = ErrorCode::FETCH_SESSION_ID_NOT_FOUND;
        return asked.head.reply(FetchResponse { error_code, ..Default::default() });
    }
    let mut seen = HashSet::new();
    let responses: Vec<_> =
        request.topics.iter().map(|topic| fetch_topic(broker, &mut seen, topic)).collect();
    let failed = responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .any(|partition| partition.error_code != ErrorCode::NONE);
    let reply = asked.head.encode(FetchResponse { responses, ..Default::default() });
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    match failed {
        true => Reply::Send(reply),
        false => Reply::SendAt(asked.now.instant + wait.min(broker.limits.fetch_wait_max), reply),
    }
}

fn fetch_topic<'a>(
    broker: &Broker,
    seen: &mut HashSet<(&'a str, i32)>,
    asked: &FetchTopic<'a>,
) -> FetchableTopicResponse<'a> {
    let partitions = asked
        .partitions
        .iter()
        .filter(|partition| seen.insert((asked.topic, partition.partition)))
        .map(|partition| fetch_partition(broker, asked.topic, partition))
        .collect();
    FetchableTopicResponse { topic: asked.topic, partitions, ..Default::default() }
}

fn fetch_partition<'a>(broker: &Broker, topic: &str, asked: &FetchPartition) -> PartitionData<'a> {
    let topic = broker.topics.existing(topic).map(|index| broker.topics.state(index));
    let next = topic.and_then(|topic| topic.next_offset(asked.partition));
    let error = match next {
        None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Some(next) if next == asked.fetch_offset => ErrorCode::NONE,
        Some(_) => ErrorCode::OFFSET_OUT_OF_RANGE,
    };
    let end = next.unwrap_or(-1);
    PartitionData {
        partition_index: asked.partition,
        error_code: error,
        high_watermark: end,
        last_stable_offset: end,
        log_start_offset: end,
        records: Some(&[]),
        ..Default::default()
    }
}
