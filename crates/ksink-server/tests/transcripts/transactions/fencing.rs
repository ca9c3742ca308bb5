//! Who may not write or end a transaction: fenced producers, late requests, copies.

use super::*;

#[test]
fn a_second_instance_fences_the_first() {
    for mut house in House::both() {
        let mut first = Producer::ready(&mut house, false);
        assert_eq!(first.write(&mut house, "x"), OK);
        let mut second = Producer::new(&mut house, false);
        assert_eq!(second.init(&mut house), BUSY, "the open transaction is aborted first");
        house.settle_frames(&mut second.client);
        assert_eq!(house.asked(), ["abort"]);
        house.settle_transactions(&mut second.client);
        assert_eq!(second.init(&mut house), OK);
        assert_eq!((second.id, second.epoch), (first.id, first.epoch + 2));
        assert_eq!(second.write(&mut house, "y"), OK);
        // Nothing of the first one reaches the transaction of the second.
        first.send(&mut house, "zombie");
        assert_eq!(first.client.hear_produced().0, ErrorCode::INVALID_PRODUCER_EPOCH);
        assert_eq!(first.add(&mut house, &[0]), [FENCED]);
        first.end(&mut house, true);
        assert_eq!(first.hear_end(), FENCED);
        assert_eq!(second.end_whole(&mut house, true), OK);
    }
}

#[test]
fn a_transaction_that_nobody_ends_is_aborted_after_its_timeout() {
    for mut house in House::both() {
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        house.pass_for(&mut [&mut producer.client], Duration::from_millis(59_999));
        assert_eq!(house.asked(), [""; 0]);
        house.pass_for(&mut [&mut producer.client], Duration::from_millis(1));
        house.settle_frames(&mut producer.client);
        assert_eq!(house.asked(), ["abort"]);
        house.settle_transactions(&mut producer.client);
        producer.send(&mut house, "late");
        assert_eq!(producer.client.hear_produced().0, ErrorCode::INVALID_PRODUCER_EPOCH);
        producer.end(&mut house, true);
        assert_eq!(producer.hear_end(), STATE);
        producer.end(&mut house, false);
        assert_eq!(producer.hear_end(), OK, "an abort is what became of it");
        assert_eq!(producer.write(&mut house, "y"), OK);
    }
}

#[test]
fn a_late_copy_of_end_txn_does_not_end_the_next_transaction() {
    for mut house in House::both() {
        let mut producer = Producer::ready(&mut house, false);
        assert_eq!(producer.write(&mut house, "x"), OK);
        let mut old = std::mem::replace(&mut producer.client, house.connect());
        assert_eq!(producer.end_whole(&mut house, true), OK);
        assert_eq!(producer.write(&mut house, "y"), OK);
        for committed in [true, false] {
            std::mem::swap(&mut producer.client, &mut old);
            producer.end(&mut house, committed);
            assert_eq!(producer.hear_end(), STATE);
            std::mem::swap(&mut producer.client, &mut old);
        }
        assert_eq!(house.asked(), [""; 0]);
        assert_eq!(producer.write(&mut house, "z"), OK, "it is open");
        assert_eq!(producer.end_whole(&mut house, true), OK);
    }
}

#[test]
fn batches_request_and_producer_must_agree() {
    let mut house = House::new();
    let mut producer = Producer::ready(&mut house, false);
    let batch = producer.batch("x");
    let plain = batch_by((producer.id, 0, 0), ksink_wire::compression::Compression::None, &["p"]);
    let mut check = |house: &mut House, version, request: ProduceRequest<'_>, code| {
        producer.client.send(house, version, request);
        house.accept_all(&mut producer.client);
        assert_eq!(producer.client.hear_produced().0, code, "version {version}");
    };
    check(&mut house, 9, by("a", &batch), STATE);
    check(&mut house, 11, by("a", &batch), ErrorCode::TRANSACTION_ABORTABLE);
    check(&mut house, 9, by("b", &batch), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    check(&mut house, 9, by("", &batch), ErrorCode::INVALID_REQUEST);
    let nameless = produce_request("t", 0, -1, &batch);
    check(&mut house, 9, nameless, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    let stranger = transactional((1, 0, 0), "x");
    check(&mut house, 12, by("a", &stranger), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    // A plain batch may name any transactional id, and is plain.
    check(&mut house, 9, by("b", &plain), OK);
    let next = transactional((4_000, 0, 1), "x");
    check(&mut house, 12, by("a", &next), OK);
    // Also once the partition is in the transaction.
    let next = transactional((4_000, 0, 2), "x");
    check(&mut house, 9, by("b", &next), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    let plain = batch_by((4_000, 0, 2), ksink_wire::compression::Compression::None, &["p"]);
    check(&mut house, 12, by("a", &plain), STATE);
    check(&mut house, 9, by("a", &next), OK);
}

#[test]
fn a_copy_of_a_batch_of_an_earlier_transaction_is_a_copy() {
    for mut house in House::both() {
        let mut producer = Producer::ready(&mut house, false);
        let batch = producer.batch("x");
        assert_eq!(producer.write(&mut house, "x"), OK);
        assert_eq!(producer.end_whole(&mut house, true), OK);
        for _ in 0..2 {
            producer.client.send(&mut house, 9, by("a", &batch));
            assert_eq!(producer.client.hear_produced(), (OK, 0));
            assert_eq!(producer.write(&mut house, "y"), OK, "the next one follows");
        }
    }
}
