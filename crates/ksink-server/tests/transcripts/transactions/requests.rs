//! Requests that are wrong in themselves.

use super::*;

#[test]
fn partitions_that_do_not_exist_keep_the_others_out() {
    let mut house = House::with(&["t", "u-*"], 2, Limits::default());
    let mut producer = Producer::ready(&mut house, false);
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let others = ErrorCode::OPERATION_NOT_ATTEMPTED;
    assert_eq!(producer.add(&mut house, &[0, 2, 1]), [others, unknown, others]);
    producer.send(&mut house, "x");
    assert_eq!(producer.client.hear_produced().0, STATE, "nothing was added");
    let mut request = producer.add_request(&[0]);
    for (name, code) in [("u-1", unknown), ("v", ErrorCode::TOPIC_AUTHORIZATION_FAILED)] {
        request.v3_and_below_topics[0].name = name;
        producer.client.send(&mut house, 0, request.clone());
        producer.client.hear(|response| {
            let Response::AddPartitionsToTxn(response) = response else { panic!("{response:?}") };
            let topic = &response.results_by_topic_v3_and_below[0];
            assert_eq!(topic.results_by_partition[0].partition_error_code, code, "{name}");
        });
    }
}

#[test]
fn timeouts_have_limits() {
    let mut house = House::new();
    let mut client = house.connect();
    for (transaction_timeout_ms, code) in [
        (0, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
        (-1, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
        (900_001, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
        (i32::MAX, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
        (900_000, OK),
        (1, OK),
    ] {
        let request = InitProducerIdRequest {
            transactional_id: Some("a"),
            transaction_timeout_ms,
            ..Default::default()
        };
        client.send(&mut house, 0, request);
        client.hear(|response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, code, "{transaction_timeout_ms} ms");
        });
    }
}

#[test]
fn half_a_producer_and_the_empty_id_are_refused() {
    let mut house = House::new();
    let mut client = house.connect();
    let request = |id, producer_id, producer_epoch| InitProducerIdRequest {
        transactional_id: Some(id),
        transaction_timeout_ms: 60_000,
        producer_id,
        producer_epoch,
    };
    for request in [request("", -1, -1), request("a", 7, -1), request("a", -1, 7)] {
        client.send(&mut house, 5, request.clone());
        client.hear(|response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, ErrorCode::INVALID_REQUEST, "{request:?}");
        });
    }
}

/// Otherwise what a producer has in flight could overtake a first batch that was told to come again.
#[test]
fn the_newer_protocol_begins_with_sequence_0() {
    for (newer_protocol, code) in [(true, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER), (false, OK)] {
        let mut house = House::new();
        let mut producer = Producer::ready(&mut house, newer_protocol);
        producer.sequence = 1;
        assert_eq!(producer.write(&mut house, "x"), code);
    }
}
