//! ListOffsets (key 2): where a partition begins and ends.
//!
//! **Versions** 0-8.
//!
//! **Behaviour**
//! - Nothing can be read back yet, so earliest, latest and every other special timestamp are the next
//!   offset; for a point in time there is no record (offset -1, timestamp -1), as in Kafka.
//! - librdkafka needs this API to be advertised for message format v2.

use ksink_wire::{
    ErrorCode,
    messages::list_offsets::{
        ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest,
        ListOffsetsResponse, ListOffsetsTopicResponse,
    },
};

use super::{Asked, Broker, topics::TopicState};
use crate::session::Reply;

/// The lowest timestamp that means something special: the earliest offset that is local (KIP-405).
const SPECIAL_TIMESTAMP_MIN: i64 = -4;

/// As Metadata says it of every partition.
const LEADER_EPOCH: i32 = 0;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &ListOffsetsRequest<'_>) -> Reply {
    let topics = request.topics.iter().map(|topic| {
        let state = broker.topics.existing(topic.name).map(|index| broker.topics.state(index));
        let partitions = topic.partitions.iter().map(|partition| offset_of(state, partition));
        ListOffsetsTopicResponse { name: topic.name, partitions: partitions.collect() }
    });
    let topics = topics.collect();
    asked.head.reply(ListOffsetsResponse { throttle_time_ms: 0, topics })
}

fn offset_of(
    topic: Option<&TopicState>,
    asked: &ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    let partition_index = asked.partition_index;
    let answer = ListOffsetsPartitionResponse { partition_index, ..Default::default() };
    match topic.and_then(|topic| topic.next_offset(partition_index)) {
        None => ListOffsetsPartitionResponse {
            error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ..answer
        },
        Some(_) if asked.timestamp < SPECIAL_TIMESTAMP_MIN => {
            ListOffsetsPartitionResponse { error_code: ErrorCode::UNSUPPORTED_VERSION, ..answer }
        }
        Some(_) if asked.current_leader_epoch > LEADER_EPOCH => {
            ListOffsetsPartitionResponse { error_code: ErrorCode::UNKNOWN_LEADER_EPOCH, ..answer }
        }
        // Version 0 answers with a list, and has room for as many as the client asks for.
        Some(_) if asked.timestamp >= 0 => answer,
        Some(next) => ListOffsetsPartitionResponse {
            offset: next,
            leader_epoch: LEADER_EPOCH,
            old_style_offsets: if asked.max_num_offsets > 0 { vec![next] } else { Vec::new() },
            ..answer
        },
    }
}
