//! What may be produced, and how the rest is refused, with the proof that nothing of it is delivered.

use std::time::Duration;

use ksink_server::Limits;
use ksink_wire::{
    ErrorCode, Response, Uuid,
    compression::{Compression, Compressor},
    messages::{
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, MessageSetBuilder, NewRecord},
};

use crate::harness::{Client, House, START_MS, batch, batch_by, produce_request};

#[test]
fn every_version_with_batches_delivers_the_records_with_their_offsets() {
    for version in 3..=12 {
        let mut house = House::new();
        let mut client = house.connect();
        for (values, base_offset) in [(&["a", "b"][..], 0), (&["c"], 2)] {
            client.produce(&mut house, version, "t", &batch(values));
            {
                let sets = house.sets();
                let records: Vec<_> =
                    sets[0].records().iter().map(|record| (record.offset, record.value)).collect();
                let expected: Vec<_> = (base_offset..)
                    .zip(values.iter().map(|value| Some(value.as_bytes())))
                    .collect();
                assert_eq!(records, expected, "version {version}");
            }
            house.accept_all(&mut client);
            assert_eq!(client.hear_produced(), (ErrorCode::NONE, base_offset), "version {version}");
        }
    }
}

#[test]
fn version_13_names_topics_by_id() {
    let mut house = House::new();
    let mut client = house.connect();
    let topic = MetadataRequestTopic { name: Some("t"), ..Default::default() };
    client.send(
        &mut house,
        13,
        MetadataRequest { topics: Some(vec![topic]), ..Default::default() },
    );
    let topic_id = client.hear(|response| match response {
        Response::Metadata(response) => response.topics[0].topic_id,
        other => panic!("{other:?}"),
    });
    let records = batch(&["x"]);
    let mut produce = |topic_id| {
        let topic = TopicProduceData {
            topic_id,
            ..produce_request("", 0, -1, &records).topic_data.remove(0)
        };
        let request = ProduceRequest { acks: -1, topic_data: vec![topic], ..Default::default() };
        client.send(&mut house, 13, request);
        house.accept_all(&mut client);
        client.hear_produced()
    };
    assert_eq!(produce(topic_id), (ErrorCode::NONE, 0));
    assert_eq!(produce(Uuid([9; 16])), (ErrorCode::UNKNOWN_TOPIC_ID, -1));
}

#[test]
fn the_oldest_versions_carry_message_sets() {
    for (version, magic, compression) in [
        (0, 0, Compression::None),
        (1, 0, Compression::Gzip),
        (2, 1, Compression::Snappy),
        (2, 1, Compression::Lz4),
    ] {
        let mut house = House::new();
        let mut client = house.connect();
        client.produce(&mut house, version, "t", &message_set(magic, compression));
        {
            let sets = house.sets();
            let values: Vec<_> =
                sets[0].records().iter().map(|record| (record.offset, record.value)).collect();
            assert_eq!(values, [(0, Some(&b"a"[..])), (1, None)], "magic {magic} {compression:?}");
        }
        house.accept_all(&mut client);
        assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    }
}

fn message_set(magic: i8, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    let mut compressor = Compressor::new();
    let builder = match magic {
        0 => MessageSetBuilder::v0(&mut out),
        _ => MessageSetBuilder::v1(&mut out),
    };
    let mut builder = builder.compression(compression, &mut compressor);
    for value in [Some(&b"a"[..]), None] {
        let record = NewRecord { timestamp: START_MS, value, ..Default::default() };
        builder.push(&record).expect("a small message");
    }
    builder.finish().expect("a small set");
    out
}

#[test]
fn the_success_of_a_batch_says_create_time_and_where_the_log_begins() {
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 8, "t", &batch(&["a", "b"]));
    house.accept_all(&mut client);
    client.hear(|response| {
        let Response::Produce(response) = response else { panic!("{response:?}") };
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.log_append_time_ms, -1);
        assert_eq!(partition.log_start_offset, 2, "nothing can be read back yet");
    });
}

/// A request that must be refused with a code, and of which nothing may be delivered.
#[track_caller]
fn refused(name: &str, version: i16, request: ProduceRequest<'_>, code: ErrorCode) {
    let mut house = House::with(&[], 2, Limits::default());
    let mut client = house.connect();
    client.send(&mut house, version, request);
    assert!(house.delivered.is_empty(), "{name}: delivered");
    assert_eq!(client.hear_produced(), (code, -1), "{name}");
    check_no_offset_was_taken(&mut house, &mut client);
}

fn check_no_offset_was_taken(house: &mut House, client: &mut Client) {
    client.produce(house, 9, "t", &batch(&["next"]));
    house.accept_all(client);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
}

#[test]
fn requests_are_refused_for_what_they_ask() {
    let records = batch(&["a"]);
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let illegal = ErrorCode::INVALID_TOPIC_EXCEPTION;
    refused("partition 2 of 2", 9, produce_request("t", 2, -1, &records), unknown);
    refused("partition -1", 9, produce_request("t", -1, -1, &records), unknown);
    refused("an illegal name", 9, produce_request("a/b", 0, -1, &records), illegal);
    refused(
        "Kafka's own topic",
        9,
        produce_request("__consumer_offsets", 0, -1, &records),
        illegal,
    );
    refused("acks 5", 9, produce_request("t", 0, 5, &records), ErrorCode::INVALID_REQUIRED_ACKS);
    let null = PartitionProduceData { index: 0, records: None };
    let topic = TopicProduceData { name: "t", partition_data: vec![null], ..Default::default() };
    let request = ProduceRequest { acks: -1, topic_data: vec![topic], ..Default::default() };
    refused("null records", 9, request, ErrorCode::INVALID_RECORD);
}

#[test]
fn the_shape_of_a_batch_is_judged_before_acks_and_after_the_partition() {
    let cut = &batch(&["a"])[..65];
    refused("shape before acks", 9, produce_request("t", 0, 5, cut), ErrorCode::INVALID_RECORD);
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    refused("partition before shape", 9, produce_request("t", 9, 5, cut), unknown);
}

#[test]
fn zstd_needs_version_7() {
    let zstd = batch_by((-1, -1, -1), Compression::Zstd, &["a"]);
    let unsupported = ErrorCode::UNSUPPORTED_COMPRESSION_TYPE;
    refused("zstd in version 6", 6, produce_request("t", 0, -1, &zstd), unsupported);
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 7, "t", &zstd);
    assert_eq!(house.sets().len(), 1);
}

#[test]
fn a_transactional_batch_without_a_transactional_id_refuses_the_whole_request() {
    let mut transactional = Vec::new();
    let mut builder = BatchBuilder::new(&mut transactional).producer(7, 0, 0).transactional();
    builder.push(&NewRecord { value: Some(b"x"), ..Default::default() }).expect("small");
    builder.finish().expect("small");
    let plain = batch(&["y"]);
    let partitions = [(0, &plain), (1, &transactional)]
        .map(|(index, records)| PartitionProduceData { index, records: Some(records) });
    let request = ProduceRequest {
        acks: -1,
        topic_data: vec![TopicProduceData {
            name: "t",
            partition_data: partitions.to_vec(),
            ..Default::default()
        }],
        ..Default::default()
    };
    refused("transactional", 9, request, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
}

#[test]
fn a_partition_that_is_named_twice_is_refused_twice_and_the_others_are_kept() {
    let mut house = House::with(&[], 2, Limits::default());
    let mut client = house.connect();
    let records = batch(&["a"]);
    let partition = |index| PartitionProduceData { index, records: Some(&records) };
    let request = ProduceRequest {
        acks: -1,
        topic_data: vec![TopicProduceData {
            name: "t",
            partition_data: vec![partition(0), partition(1), partition(0)],
            ..Default::default()
        }],
        ..Default::default()
    };
    client.send(&mut house, 9, request);
    assert_eq!(house.sets().iter().map(|set| set.partition).collect::<Vec<_>>(), [1]);
    house.accept_all(&mut client);
    client.hear(|response| {
        let Response::Produce(response) = response else { panic!("{response:?}") };
        let partitions = &response.responses[0].partition_responses;
        let codes: Vec<_> = partitions.iter().map(|it| (it.index, it.error_code)).collect();
        let invalid = ErrorCode::INVALID_RECORD;
        assert_eq!(codes, [(0, invalid), (1, ErrorCode::NONE), (0, invalid)]);
    });
}

#[test]
fn a_batch_beyond_the_limit_is_too_large_and_so_is_what_it_decompresses_to() {
    let limits =
        Limits { message_bytes_max: 1000, decompressed_bytes_max: 10_000, ..Limits::default() };
    for (name, compression, bytes) in
        [("as it came", Compression::None, 1000), ("decompressed", Compression::Zstd, 20_000)]
    {
        let mut house = House::with(&[], 1, limits.clone());
        let mut client = house.connect();
        let records = batch_by((-1, -1, -1), compression, &[&"x".repeat(bytes)]);
        client.produce(&mut house, 9, "t", &records);
        assert!(house.delivered.is_empty(), "{name}");
        assert_eq!(client.hear_produced(), (ErrorCode::MESSAGE_TOO_LARGE, -1), "{name}");
    }
}

#[test]
fn a_timestamp_too_far_ahead_is_refused_and_the_records_are_named() {
    let mut house = House::new();
    let mut client = house.connect();
    let ahead = START_MS + 3_600_001;
    let mut records = Vec::new();
    let mut builder = BatchBuilder::new(&mut records);
    for timestamp in [START_MS, ahead, -1, ahead] {
        builder.push(&NewRecord { timestamp, ..Default::default() }).expect("small");
    }
    builder.finish().expect("small");
    client.produce(&mut house, 9, "t", &records);
    assert!(house.delivered.is_empty());
    client.hear(|response| {
        let Response::Produce(response) = response else { panic!("{response:?}") };
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::INVALID_TIMESTAMP);
        let named: Vec<_> = partition.record_errors.iter().map(|error| error.batch_index).collect();
        assert_eq!(named, [1, 3]);
    });
    house.pass(Duration::from_millis(1));
    client.produce(&mut house, 9, "t", &records);
    assert_eq!(house.sets().len(), 1, "an hour ahead is allowed");
}
