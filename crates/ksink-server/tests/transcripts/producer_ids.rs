//! Producer ids outside of transactions.

use ksink_wire::{ErrorCode, Response, messages::init_producer_id::InitProducerIdRequest};

use crate::harness::House;

fn check(version: i16, request: InitProducerIdRequest<'_>, expected: (ErrorCode, i64, i16)) {
    let mut house = House::new();
    let mut client = house.connect();
    client.send(&mut house, version, request.clone());
    client.hear(|response| {
        let Response::InitProducerId(response) = response else { panic!("{response:?}") };
        let heard = (response.error_code, response.producer_id, response.producer_epoch);
        assert_eq!(heard, expected, "version {version}: {request:?}");
    });
}

#[test]
fn every_producer_gets_an_id_of_its_own() {
    let mut house = House::new();
    for expected in 4_000..4_003 {
        let mut client = house.connect();
        client.send(&mut house, 4, InitProducerIdRequest::default());
        client.hear(|response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            assert_eq!((response.producer_id, response.producer_epoch), (expected, 0));
        });
    }
}

#[test]
fn what_a_producer_without_transactions_had_before_does_not_matter() {
    for version in 0..=5 {
        check(version, InitProducerIdRequest::default(), (ErrorCode::NONE, 4_000, 0));
    }
    let had = InitProducerIdRequest { producer_id: 0, producer_epoch: 0, ..Default::default() };
    check(5, had, (ErrorCode::NONE, 4_000, 0));
    let half = InitProducerIdRequest { producer_id: 12, producer_epoch: -1, ..Default::default() };
    check(4, half, (ErrorCode::INVALID_REQUEST, -1, -1));
}
