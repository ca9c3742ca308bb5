//! What cannot grow without end, and what happens at its end.

use super::*;

const SEVEN_DAYS: Duration = Duration::from_secs(7 * 24 * 3_600);

fn with_ids(transactions_max: usize) -> World {
    World::with(Rules { transactions_max, ..rules() })
}

#[test]
fn whoever_was_used_least_recently_makes_room() {
    let mut world = with_ids(2);
    let a = world.init("a", None).expect("room");
    world.init("b", None).expect("room");
    world.whole(a, Decision::Commit, Protocol::V1);
    world.init("c", None).expect("b makes room");
    world.settle();
    assert_eq!(world.ledger.entries.keys().map(|id| &**id).collect::<Vec<_>>(), ["a", "c"]);
    world.restart(LastStop::Clean, &Resumed::default());
    world.pass(Duration::from_secs(1));
    assert_eq!(world.add("a", a, &[0]), Ok(()));
    world.init("d", None).expect("c makes room, and not a, which has something open");
    assert_eq!(world.add("a", a, &[1]), Ok(()));
}

#[test]
fn long_ids_make_room_for_each_other() {
    let mut world = World::with(Rules { id_bytes_max: 10, ..rules() });
    for id in ["12345678", "ab", "c"] {
        world.init(id, None).expect("room");
    }
    world.settle();
    assert_eq!(world.ledger.entries.keys().map(|id| &**id).collect::<Vec<_>>(), ["ab", "c"]);
    assert_eq!(world.init("12345678901", None), Err(TxnError::NoRoom), "it alone is too long");
    world.settle();
    assert_eq!(world.ledger.entries.len(), 2, "nobody makes room for that");
}

#[test]
fn nobody_with_something_open_makes_room_and_nobody_waits_for_good() {
    let mut world = with_ids(1);
    let a = world.init("a", None).expect("room");
    world.open(a, Protocol::V2);
    assert_eq!(world.init("b", None), Err(TxnError::NoRoom));
    world.pass(TIMEOUT);
    assert_eq!(world.init("b", None), Err(TxnError::NoRoom), "the abort is not applied yet");
    world.settle();
    world.init("b", None).expect("room");
    assert_eq!(world.add("a", a, &[0]), Err(TxnError::OtherProducer));
}

#[test]
fn an_id_that_is_not_used_is_forgotten_after_seven_days() {
    let mut world = World::new();
    let a = world.init("a", None).expect("room");
    let first = world.open(a, Protocol::V1);
    world.end_waits(a, Decision::Commit, Protocol::V1);
    world.settle();
    world.pass(SEVEN_DAYS - Duration::from_secs(2));
    world.restart(LastStop::Clean, &Resumed::default());
    world.pass(Duration::from_secs(1));
    assert_eq!(world.coordinator.check_producer("a", a), Ok(()));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.coordinator.check_producer("a", a), Err(TxnError::OtherProducer));
    world.settle();
    assert_eq!(world.ledger.entries.len(), 0);
    // Its serial is not used again.
    world.restart(LastStop::Clean, &Resumed::default());
    let a = world.init("a", None).expect("room");
    assert!(world.open(a, Protocol::V1).serial > first.serial);
}

#[test]
fn partitions_of_open_transactions_are_counted() {
    let mut world = World::with(Rules { partitions_max: 3, ..rules() });
    let a = world.init("a", None).expect("room");
    let b = world.init("b", None).expect("room");
    assert_eq!(world.add("a", a, &[0, 1]), Ok(()));
    assert_eq!(world.add("b", b, &[0, 1]), Err(TxnError::NoRoom));
    assert_eq!(world.add("b", b, &[0]), Ok(()));
    assert_eq!(world.add("b", b, &[0]), Ok(()), "it is there already");
    assert_eq!(world.produce("b", b, 1, Protocol::V2), Err(TxnError::NoRoom));
    world.settle();
    world.restart(LastStop::Unclean, &Resumed::default());
    assert_eq!(world.add("b", b, &[1]), Err(TxnError::NoRoom));
    world.end_waits(a, Decision::Abort, Protocol::V1);
    assert_eq!(world.add("b", b, &[1]), Ok(()));
}

/// The epochs of a producer id end at 32766; the highest number is left for fencing.
#[test]
fn after_the_last_epoch_comes_another_producer_id() {
    let last = i16::MAX - 1;
    let reach = || {
        let mut world = World::new();
        let mut producer = world.init("a", None).expect("room");
        while producer.epoch < last {
            producer = world.init("a", Some(producer)).expect("it may");
        }
        world.frame_all();
        (world, producer)
    };
    let (mut world, producer) = reach();
    assert_eq!(world.init("a", None), Ok(at(101, 0)));
    assert_eq!(world.coordinator.check_producer("a", producer), Err(TxnError::OtherProducer));

    let (mut world, producer) = reach();
    let next = world.init("a", Some(producer));
    assert_eq!(next, Ok(at(101, 0)));
    assert_eq!(world.init("a", Some(producer)), next, "the same question");

    for decision in [Decision::Commit, Decision::Abort] {
        let (mut world, producer) = reach();
        let next = world.whole(producer, decision, Protocol::V2);
        assert_eq!(next, at(101, 0));
        let again = world.end("a", producer, decision, Protocol::V2);
        assert_eq!(again, Ok(End::Done(next)), "the same question");
        let open = world.produce("a", next, 0, Protocol::V2);
        assert!(open.is_ok());
    }

    let (mut world, producer) = reach();
    world.open(producer, Protocol::V2);
    assert_eq!(world.init("a", Some(producer)), Err(TxnError::Busy));
    world.settle();
    world.restart(LastStop::Unclean, &Resumed::default());
    assert_eq!(world.init("a", Some(producer)), Ok(at(101, 0)), "not the epoch that only fences");
}

#[test]
fn without_producer_ids_nothing_changes() {
    let mut world = World::new();
    let said = world.coordinator.init_producer(world.now, "a", TIMEOUT_MS, None, &mut || None);
    assert_eq!(said, Err(TxnError::NoRoom));
    world.collect();
    assert!(world.facts.is_empty());
}

#[test]
fn at_power_the_right_to_write_is_synced() {
    for (durability, needs) in [
        (Durability::Power, Needs::Synced),
        (Durability::Process, Needs::Written),
        (Durability::None, Needs::Written),
    ] {
        let mut world = World::with(Rules { durability, ..rules() });
        world.init("a", None).expect("room");
        assert_eq!(world.facts[0].1, needs, "{durability:?}");
    }
}
