//! Retries, reconnects and faults of producers that number their batches.

use std::time::Duration;

use ksink_event::Refusal;
use ksink_server::Limits;
use ksink_wire::{ErrorCode, compression::Compression};

use crate::harness::{Client, House, batch_by};

const OUT_OF_ORDER: ErrorCode = ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER;
const KEPT: ErrorCode = ErrorCode::NONE;

/// A batch by producer 7.
fn numbered(epoch: i16, sequence: i32, values: &[&str]) -> Vec<u8> {
    batch_by((7, epoch, sequence), Compression::None, values)
}

/// Sends a batch of producer 7, lets the sink keep what is delivered, and gives the answer.
fn produce(
    house: &mut House,
    client: &mut Client,
    epoch: i16,
    sequence: i32,
    values: &[&str],
) -> (ErrorCode, i64) {
    client.produce(house, 9, "t", &numbered(epoch, sequence, values));
    house.accept_all(client);
    client.hear_produced()
}

#[test]
fn a_copy_is_answered_with_the_offset_of_the_original_and_not_kept_again() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["a", "b"]), (KEPT, 0));
    assert_eq!(produce(&mut house, &mut client, 0, 2, &["c"]), (KEPT, 2));
    for (sequence, values, offset) in [(0, &["a", "b"][..], 0), (2, &["c"][..], 2)] {
        client.produce(&mut house, 9, "t", &numbered(0, sequence, values));
        assert!(house.delivered.is_empty());
        assert_eq!(client.hear_produced(), (KEPT, offset));
    }
    // Bytes and codec do not matter, only the range.
    let recompressed = batch_by((7, 0, 0), Compression::Gzip, &["x", "y"]);
    client.produce(&mut house, 9, "t", &recompressed);
    assert!(house.delivered.is_empty());
    assert_eq!(client.hear_produced(), (KEPT, 0));
}

#[test]
fn only_the_last_five_batches_are_remembered() {
    let mut house = House::new();
    let mut client = house.connect();
    for sequence in 0..6 {
        let expected = (KEPT, i64::from(sequence));
        assert_eq!(produce(&mut house, &mut client, 0, sequence, &["x"]), expected);
    }
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["x"]), (OUT_OF_ORDER, -1));
    assert_eq!(produce(&mut house, &mut client, 0, 1, &["x"]), (KEPT, 1));
}

#[test]
fn a_gap_and_an_overlap_are_out_of_order() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["a", "b"]), (KEPT, 0));
    for (sequence, values) in [(3, &["d"][..]), (1, &["b"]), (0, &["a"]), (0, &["a", "b", "c"])] {
        assert_eq!(produce(&mut house, &mut client, 0, sequence, values), (OUT_OF_ORDER, -1));
    }
    assert_eq!(produce(&mut house, &mut client, 0, 2, &["c"]), (KEPT, 2), "nothing was disturbed");
}

#[test]
fn an_old_epoch_is_fenced_and_a_new_one_begins_with_zero() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(
        produce(&mut house, &mut client, 3, 10, &["a"]),
        (KEPT, 0),
        "any first sequence will do"
    );
    assert_eq!(
        produce(&mut house, &mut client, 2, 0, &["z"]),
        (ErrorCode::INVALID_PRODUCER_EPOCH, -1)
    );
    assert_eq!(produce(&mut house, &mut client, 4, 11, &["b"]), (OUT_OF_ORDER, -1));
    assert_eq!(produce(&mut house, &mut client, 4, 0, &["b"]), (KEPT, 1));
    assert_eq!(
        produce(&mut house, &mut client, 3, 11, &["z"]),
        (ErrorCode::INVALID_PRODUCER_EPOCH, -1)
    );
    assert_eq!(produce(&mut house, &mut client, 4, 1, &["c"]), (KEPT, 2));
}

#[test]
fn sequences_go_on_with_zero_after_the_last_one() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(produce(&mut house, &mut client, 0, i32::MAX - 1, &["a"]), (KEPT, 0));
    assert_eq!(produce(&mut house, &mut client, 0, i32::MAX, &["b", "c", "d"]), (KEPT, 1));
    assert_eq!(produce(&mut house, &mut client, 0, 2, &["e"]), (KEPT, 4));
    assert_eq!(produce(&mut house, &mut client, 0, i32::MAX, &["b", "c", "d"]), (KEPT, 1));
}

#[test]
fn partitions_and_producers_do_not_mix() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["a"]), (KEPT, 0));
    for (topic, producer, offset) in [("t", 8, 1), ("u", 7, 0)] {
        client.produce(
            &mut house,
            9,
            topic,
            &batch_by((producer, 0, 0), Compression::None, &["b"]),
        );
        house.accept_all(&mut client);
        assert_eq!(client.hear_produced(), (KEPT, offset));
    }
}

#[test]
fn a_copy_is_recognised_only_after_the_other_checks() {
    let mut house = House::new();
    let mut client = house.connect();
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["a"]), (KEPT, 0));
    let mut damaged = numbered(0, 0, &["a"]);
    *damaged.last_mut().expect("not empty") ^= 1;
    client.produce(&mut house, 9, "t", &damaged);
    assert_eq!(client.hear_produced(), (ErrorCode::CORRUPT_MESSAGE, -1));
}

#[test]
fn a_copy_of_what_is_in_flight_waits_for_the_first_ones_result() {
    for refusal in [None, Some(Refusal::local("disk full"))] {
        let mut house = House::new();
        let mut client = house.connect();
        client.produce(&mut house, 9, "t", &numbered(0, 0, &["a"]));
        client.produce(&mut house, 9, "t", &numbered(0, 0, &["a"]));
        assert_eq!(house.sets().len(), 1);
        client.hears_nothing();
        let expected = match refusal {
            None => {
                house.accept_all(&mut client);
                (KEPT, 0)
            }
            Some(refusal) => {
                house.refuse_first(&mut client, refusal);
                (ErrorCode::KAFKA_STORAGE_ERROR, -1)
            }
        };
        assert_eq!([client.hear_produced(), client.hear_produced()], [expected, expected]);
    }
}

#[test]
fn a_retry_on_another_connection_hears_the_result_of_the_first_which_is_gone() {
    let mut house = House::new();
    let mut first = house.connect();
    first.produce(&mut house, 9, "t", &numbered(0, 0, &["a"]));
    let mut second = house.connect();
    second.produce(&mut house, 9, "t", &numbered(0, 0, &["a"]));
    assert_eq!(house.sets().len(), 1);
    first.hang_up();
    house.accept_all_for(&mut [&mut first, &mut second]);
    assert_eq!(second.hear_produced(), (KEPT, 0));
}

#[test]
fn after_a_refusal_nothing_lands_before_the_batch_that_was_refused() {
    let mut house = House::new();
    let mut client = house.connect();
    for sequence in 0..3 {
        client.produce(&mut house, 9, "t", &numbered(0, sequence, &["x"]));
    }
    house.refuse_first(&mut client, Refusal::local("disk full"));
    // It was under way when the client did not know yet.
    client.produce(&mut house, 9, "t", &numbered(0, 3, &["x"]));
    house.accept_all(&mut client);
    assert_eq!(client.hear_produced(), (ErrorCode::KAFKA_STORAGE_ERROR, -1));
    for _ in 1..=3 {
        assert_eq!(client.hear_produced(), (OUT_OF_ORDER, -1));
    }
    for sequence in 0..4 {
        assert_eq!(produce(&mut house, &mut client, 0, sequence, &["x"]).0, KEPT, "{sequence}");
    }
}

#[test]
fn what_comes_between_a_refusal_and_the_news_of_it_is_void_too() {
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 9, "t", &numbered(0, 0, &["x"]));
    let news = house.refuse_unheard(Refusal::local("disk full"));
    client.produce(&mut house, 9, "t", &numbered(0, 1, &["y"]));
    let late = &house.delivered[0];
    let chain = late.chain.as_ref().expect("it is numbered");
    assert!(chain.is_void(late.delivery));
    house.settle(&mut client, news);
    house.accept_all(&mut client);
    assert_eq!(client.hear_produced().0, ErrorCode::KAFKA_STORAGE_ERROR);
    assert_eq!(client.hear_produced().0, OUT_OF_ORDER);
    assert_eq!(produce(&mut house, &mut client, 0, 0, &["x"]).0, KEPT);
}

#[test]
fn a_producer_is_forgotten_after_a_day_or_when_there_are_too_many() {
    let mut house = House::with(&[], 1, Limits { producers_max: 2, ..Limits::default() });
    let mut client = house.connect();
    let mut by = |house: &mut House, producer, sequence| {
        client.produce(
            house,
            9,
            "t",
            &batch_by((producer, 0, sequence), Compression::None, &["x"]),
        );
        house.accept_all(&mut client);
        client.hear_produced().0
    };
    assert_eq!(by(&mut house, 1, 0), KEPT);
    assert_eq!(by(&mut house, 1, 9), OUT_OF_ORDER);
    house.pass(Duration::from_secs(24 * 3600));
    assert_eq!(by(&mut house, 2, 0), KEPT, "any batch is a reason to tidy up");
    assert_eq!(by(&mut house, 1, 9), KEPT, "nobody remembers what came before");
    assert_eq!(by(&mut house, 2, 1), KEPT);
    assert_eq!(by(&mut house, 3, 0), KEPT);
    assert_eq!(by(&mut house, 2, 9), OUT_OF_ORDER, "2 was heard of more recently than 1");
    assert_eq!(by(&mut house, 1, 50), KEPT);
}
