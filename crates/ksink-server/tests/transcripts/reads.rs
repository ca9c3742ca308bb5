//! What is asked about the log that is not there yet.

use ksink_wire::{
    ErrorCode, Response,
    messages::{
        fetch::{FetchPartition, FetchRequest, FetchTopic},
        find_coordinator::FindCoordinatorRequest,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};

use crate::harness::{Client, House, batch};

/// A partition that three records were produced to.
fn house_with_three_records() -> (House, Client) {
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 9, "t", &batch(&["a", "b", "c"]));
    house.accept_all(&mut client);
    client.hear(|_| ());
    (house, client)
}

#[test]
fn earliest_and_latest_are_the_next_offset() {
    let (mut house, mut client) = house_with_three_records();
    for version in 0..=8 {
        for (partition_index, timestamp, expected) in [
            (0, -1, (ErrorCode::NONE, 3)),
            (0, -2, (ErrorCode::NONE, 3)),
            (0, -9, (ErrorCode::UNSUPPORTED_VERSION, -1)),
            (1, -1, (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, -1)),
        ] {
            let partition = ListOffsetsPartition {
                partition_index,
                timestamp,
                max_num_offsets: 1,
                ..Default::default()
            };
            let topic = ListOffsetsTopic { name: "t", partitions: vec![partition] };
            let request =
                ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
            client.send(&mut house, version, request);
            client.hear(|response| {
                let Response::ListOffsets(response) = response else { panic!("{response:?}") };
                let heard = &response.topics[0].partitions[0];
                let offset = match version {
                    0 => heard.old_style_offsets.first().copied().unwrap_or(-1),
                    _ => heard.offset,
                };
                assert_eq!((heard.error_code, offset), expected, "version {version}");
            });
        }
    }
}

#[test]
fn a_leader_epoch_of_the_future_is_unknown() {
    let (mut house, mut client) = house_with_three_records();
    for (current_leader_epoch, expected) in
        [(-1, ErrorCode::NONE), (0, ErrorCode::NONE), (1, ErrorCode::UNKNOWN_LEADER_EPOCH)]
    {
        let partition =
            ListOffsetsPartition { current_leader_epoch, timestamp: -1, ..Default::default() };
        let topic = ListOffsetsTopic { name: "t", partitions: vec![partition] };
        let request = ListOffsetsRequest { topics: vec![topic], ..Default::default() };
        client.send(&mut house, 5, request);
        client.hear(|response| {
            let Response::ListOffsets(response) = response else { panic!("{response:?}") };
            assert_eq!(response.topics[0].partitions[0].error_code, expected);
        });
    }
}

#[test]
fn a_fetch_finds_nothing_at_the_end_and_an_error_elsewhere() {
    let (mut house, mut client) = house_with_three_records();
    let mut check = |topic, offset, expected| {
        let partition = FetchPartition { fetch_offset: offset, ..Default::default() };
        // Some clients name a partition twice and want one answer.
        let partitions = vec![partition.clone(), partition];
        let topics = vec![FetchTopic { topic, partitions, ..Default::default() }];
        client.send(&mut house, 11, FetchRequest { topics, ..Default::default() });
        client.session.handle_timeout(house.now.instant);
        house.serve(&mut client);
        client.hear(|response| {
            let Response::Fetch(response) = response else { panic!("{response:?}") };
            let partitions = &response.responses[0].partitions;
            let heard = (partitions.len(), partitions[0].error_code, partitions[0].high_watermark);
            assert_eq!(heard, expected, "{topic} at {offset}");
            assert_eq!(partitions[0].records, Some(&[][..]));
        });
    };
    check("t", 3, (1, ErrorCode::NONE, 3));
    check("t", 0, (1, ErrorCode::OFFSET_OUT_OF_RANGE, 3));
    check("t", 4, (1, ErrorCode::OFFSET_OUT_OF_RANGE, 3));
    check("unknown", 0, (1, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, -1));
}

#[test]
fn every_coordinator_is_this_node() {
    let mut house = House::new();
    let mut client = house.connect();
    for version in 0..=6 {
        let request =
            FindCoordinatorRequest { key: "t", key_type: 1, coordinator_keys: vec!["t", ""] };
        client.send(&mut house, version, request);
        client.hear(|response| {
            let Response::FindCoordinator(response) = response else { panic!("{response:?}") };
            let nodes: Vec<_> = match version {
                ..=3 => vec![(response.error_code, response.node_id, response.port)],
                _ => {
                    let found = response.coordinators.iter();
                    found.map(|found| (found.error_code, found.node_id, found.port)).collect()
                }
            };
            assert!(!nodes.is_empty());
            assert!(nodes.iter().all(|node| *node == (ErrorCode::NONE, 1, 9092)), "{nodes:?}");
        });
    }
    client.send(
        &mut house,
        3,
        FindCoordinatorRequest { key: "t", key_type: 9, ..Default::default() },
    );
    client.hear(|response| {
        let Response::FindCoordinator(response) = response else { panic!("{response:?}") };
        assert_eq!((response.error_code, response.node_id), (ErrorCode::INVALID_REQUEST, -1));
    });
}
