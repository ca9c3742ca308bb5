//! Answers leave in the order of their requests, and batches land in the order of their producers.

use std::time::Duration;

use ksink_event::{Answer, Refusal};
use ksink_server::Goodbye;
use ksink_wire::{
    ErrorCode, Response,
    compression::Compression,
    frame::put_request,
    messages::fetch::{FetchPartition, FetchRequest, FetchTopic},
};

use crate::harness::{House, batch, batch_by, produce_request};

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let mut house = House::new();
    let mut client = house.connect();
    for value in ["a", "b", "c"] {
        client.produce(&mut house, 9, "t", &batch(&[value]));
    }
    // The sink may answer in any order.
    for last in [2, 1, 0] {
        let delivery = house.delivered.remove(last).delivery;
        client.hears_nothing();
        let answer = Answer::Accepted { deliveries: vec![delivery], positions: Vec::new() };
        house.settle(&mut client, answer);
    }
    for offset in 0..3 {
        assert_eq!(client.hear_produced(), (ErrorCode::NONE, offset));
    }
}

#[test]
fn an_unheard_produce_keeps_nobody_waiting() {
    let mut house = House::new();
    let mut client = house.connect();
    client.send_unheard(&mut house, 9, produce_request("t", 0, 0, &batch(&["unheard"])));
    client.name_topic(&mut house, "t");
    assert_eq!(house.sets().len(), 1, "it is delivered all the same");
    house.accept_all(&mut client);
    client.hears_nothing();
    assert!(client.session.ended().is_none());
}

#[test]
fn nothing_lands_after_an_unheard_produce_that_was_refused() {
    let mut house = House::new();
    let mut client = house.connect();
    let records = batch(&["x"]);
    let mut bytes = Vec::new();
    for (topic, acks) in [("t", -1), ("an illegal name", 0), ("t", -1)] {
        let request = produce_request(topic, 0, acks, &records).into();
        put_request(&mut bytes, 9, 1, None, &request);
    }
    client.send_bytes(&mut house, &bytes);
    assert_eq!(house.sets().len(), 1, "the first of the three");
    house.accept_all(&mut client);
    assert!(client.hear_frame().is_some(), "it is answered all the same");
    client.hears_nothing();
    assert!(matches!(client.session.ended(), Some(Goodbye::RefusedUnheard { .. })));
}

#[test]
fn an_unheard_produce_that_is_refused_closes_the_connection() {
    let check = |topic: &str, refuse_later: bool| {
        let mut house = House::new();
        let mut client = house.connect();
        client.send_unheard(&mut house, 9, produce_request(topic, 0, 0, &batch(&["x"])));
        if refuse_later {
            assert!(client.session.ended().is_none());
            house.refuse_first(&mut client, Refusal::local("disk full"));
        }
        let ended = client.session.ended();
        assert!(matches!(ended, Some(Goodbye::RefusedUnheard { .. })), "{topic}: {ended:?}");
        client.hears_nothing();
    };
    check("an illegal name", false);
    check("t", true);
}

#[test]
fn a_fetch_waits_its_time_and_the_answers_behind_it_wait_too() {
    let mut house = House::new();
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    client.send(&mut house, 12, fetch_within(500));
    client.produce(&mut house, 9, "t", &batch(&["x"]));
    house.accept_all(&mut client);
    house.pass(Duration::from_millis(499));
    client.session.handle_timeout(house.now.instant);
    house.serve(&mut client);
    client.hears_nothing();
    house.pass(Duration::from_millis(1));
    assert_eq!(client.session.poll_timeout(), Some(house.now.instant));
    client.session.handle_timeout(house.now.instant);
    house.serve(&mut client);
    client.hear(|response| assert!(matches!(response, Response::Fetch(_))));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
}

#[test]
fn a_fetch_that_waits_holds_up_no_stop() {
    let check = |is_drained: bool| {
        let mut house = House::new();
        let mut client = house.connect();
        client.name_topic(&mut house, "t");
        client.send(&mut house, 12, fetch_within(30_000));
        client.hears_nothing();
        match is_drained {
            true => client.session.handle_drain(),
            false => client.session.handle_end_of_input(),
        }
        house.serve(&mut client);
        client.hear(|response| assert!(matches!(response, Response::Fetch(_))));
        assert!(client.session.ended().is_some());
    };
    check(true);
    check(false);
}

/// A fetch of the end of partition 0 of `t`.
fn fetch_within(max_wait_ms: i32) -> FetchRequest<'static> {
    let partitions = vec![FetchPartition::default()];
    let topic = FetchTopic { topic: "t", partitions, ..Default::default() };
    FetchRequest { max_wait_ms, topics: vec![topic], ..Default::default() }
}

#[test]
fn what_follows_a_refused_batch_of_the_same_producer_is_void() {
    let mut house = House::new();
    let mut client = house.connect();
    let numbered = |id, sequence| batch_by((id, 0, sequence), Compression::None, &["x"]);
    for (producer, sequence) in [(7, 0), (7, 1), (8, 0), (7, 2)] {
        client.produce(&mut house, 9, "t", &numbered(producer, sequence));
    }
    client.produce(&mut house, 9, "t", &batch(&["of nobody"]));
    house.delivered.rotate_left(1);
    house.refuse_first(&mut client, Refusal::local("disk full"));
    let is_void = |house: &House| -> Vec<bool> {
        let void = |decided: &ksink_server::Decided| {
            decided.chain.as_ref().is_some_and(|chain| chain.is_void(decided.delivery))
        };
        house.delivered.iter().map(void).collect()
    };
    // Left: producer 8, producer 7 sequence 2, nobody's, producer 7 sequence 0.
    assert_eq!(is_void(&house), [false, true, false, false]);
    house.accept_all(&mut client);
    let codes: Vec<_> = (0..5).map(|_| client.hear_produced().0).collect();
    let out_of_order = ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER;
    let expected = [ErrorCode::NONE, ErrorCode::KAFKA_STORAGE_ERROR, ErrorCode::NONE, out_of_order];
    assert_eq!(codes[..4], expected);
    assert_eq!(codes[4], ErrorCode::NONE, "a batch without a producer id depends on nobody");
}

#[test]
fn after_a_refusal_the_producer_can_go_on() {
    let mut house = House::new();
    let mut client = house.connect();
    let records = batch_by((7, 0, 0), Compression::None, &["x"]);
    client.produce(&mut house, 9, "t", &records);
    house.refuse_first(&mut client, Refusal::local("disk full"));
    assert_eq!(client.hear_produced(), (ErrorCode::KAFKA_STORAGE_ERROR, -1));
    client.produce(&mut house, 9, "t", &records);
    house.accept_all(&mut client);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1), "a refused batch may leave a gap");
}

#[test]
fn a_sinks_refusal_is_told_by_its_cause() {
    let check = |refusal: Refusal, code| {
        let mut house = House::new();
        let mut client = house.connect();
        client.send(&mut house, 9, produce_request("t", 0, -1, &batch(&["x"])));
        house.refuse_first(&mut client, refusal);
        client.hear(|response| {
            let Response::Produce(response) = response else { panic!("{response:?}") };
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!(partition.error_code, code);
            assert_eq!(partition.error_message, Some("the reason"));
            assert_eq!((partition.base_offset, partition.log_append_time_ms), (-1, -1));
        });
    };
    check(Refusal::local("the reason"), ErrorCode::KAFKA_STORAGE_ERROR);
    check(Refusal::remote("the reason"), ErrorCode::NOT_ENOUGH_REPLICAS);
    check(Refusal::unknown("the reason"), ErrorCode::REQUEST_TIMED_OUT);
    check(Refusal::rejected("the reason"), ErrorCode::INVALID_RECORD);
    check(Refusal::too_large("the reason"), ErrorCode::MESSAGE_TOO_LARGE);
}
