//! Commits and aborts, from EndTxn to what the sink has done.

use super::*;

#[test]
fn a_commit_prepares_and_applies_what_was_written_in_between() {
    for mut house in House::both() {
        for newer_protocol in [false, true] {
            let mut producer = Producer::ready(&mut house, newer_protocol);
            for round in 0..3 {
                let epoch = producer.epoch;
                if !newer_protocol {
                    assert_eq!(producer.add(&mut house, &[0]), [OK]);
                }
                producer.send(&mut house, "x");
                let Event::Records(set) = house.event() else { panic!("{:?}", house.delivered) };
                let transaction = set.transaction.expect("it says so");
                assert_eq!(&*transaction.id, "a");
                house.accept_all(&mut producer.client);
                house.settle_frames(&mut producer.client);
                assert_eq!(producer.client.hear_produced().0, OK);
                producer.end(&mut house, true);
                house.prepare(&mut producer.client);
                house.settle_frames(&mut producer.client);
                let Event::Commit(Decided { transaction: decided, intent }) = house.event() else {
                    panic!("{:?}", house.delivered)
                };
                assert_eq!((decided, intent), (transaction, Intent("rename x.tmp".into())));
                producer.client.hears_nothing();
                house.settle_transactions(&mut producer.client);
                assert_eq!(producer.hear_end(), OK, "round {round}");
                assert_eq!(producer.epoch - epoch, i16::from(newer_protocol));
            }
        }
    }
}

#[test]
fn an_abort_never_asks_for_an_intent() {
    for mut house in House::both() {
        for newer_protocol in [false, true] {
            let mut producer = Producer::ready(&mut house, newer_protocol);
            assert_eq!(producer.write(&mut house, "x"), OK);
            producer.end(&mut house, false);
            house.settle_frames(&mut producer.client);
            assert_eq!(house.asked(), ["abort"]);
            house.settle_transactions(&mut producer.client);
            assert_eq!(producer.hear_end(), OK);
        }
    }
}

/// exactly-once, Transactions 2: refused as Unavailable or Unknown the transaction stays open, EndTxn hears 51, and
/// the next one prepares again.
#[test]
fn what_cannot_be_prepared_now_stays_open() {
    for refusal in [Refusal::local("disk full"), Refusal::unknown("no answer")] {
        let mut house = House::with_keeper(Durability::Process);
        let mut producer = Producer::ready(&mut house, false);
        assert_eq!(producer.write(&mut house, "x"), OK);
        // Nearly its timeout, which begins again with the producer's sign of life.
        house.pass_for(&mut [&mut producer.client], Duration::from_millis(59_999));
        for _ in 0..3 {
            producer.end(&mut house, true);
            assert_eq!(house.asked(), ["prepare"]);
            house.refuse_first(&mut producer.client, refusal.clone());
            assert_eq!(producer.hear_end(), BUSY);
            house.pass_for(&mut [&mut producer.client], Duration::from_secs(59));
        }
        assert_eq!(producer.write(&mut house, "y"), OK, "it is open");
        assert_eq!(producer.end_whole(&mut house, true), OK);
    }
}

/// exactly-once, Transactions 2: while the sink is asked the transaction's timeout does not fire.
#[test]
fn no_timeout_fires_while_the_sink_prepares() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, true);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    house.pass_for(&mut [&mut producer.client], Duration::from_secs(3_600));
    assert_eq!(house.asked(), ["prepare"]);
    house.settle_transactions(&mut producer.client);
    assert_eq!(producer.hear_end(), OK);
}

/// exactly-once, Transactions 2: rejected, too large, or a sync that failed: it is aborted (120 where EndTxn knows
/// it), and the producer can go on.
#[test]
fn what_can_never_be_prepared_is_aborted_and_the_producer_goes_on() {
    for (version, code) in [
        (3, ErrorCode::INVALID_PRODUCER_ID_MAPPING),
        (4, ErrorCode::TRANSACTION_ABORTABLE),
        (5, ErrorCode::TRANSACTION_ABORTABLE),
    ] {
        for refusal in [Refusal::rejected("exists"), Refusal::too_large("a terabyte")] {
            let mut house = House::with_keeper(Durability::Process);
            let mut producer = Producer::ready(&mut house, version == 5);
            assert_eq!(producer.write(&mut house, "x"), OK);
            let commit = |producer: &Producer, committed| EndTxnRequest {
                transactional_id: "a",
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                committed,
            };
            producer.client.send(&mut house, version, commit(&producer, true));
            house.refuse_first(&mut producer.client, refusal);
            assert_eq!(producer.hear_end(), code, "version {version}");
            house.settle_frames(&mut producer.client);
            assert_eq!(house.asked(), ["abort"]);
            house.settle_transactions(&mut producer.client);
            producer.client.send(&mut house, version, commit(&producer, false));
            assert_eq!(producer.hear_end(), OK, "version {version}: the abort is done already");
            assert_eq!(producer.write(&mut house, "y"), OK);
            assert_eq!(producer.end_whole(&mut house, true), OK);
        }
    }
}

/// exactly-once, Transactions 3: the COMMIT frame, synced, is the commit point; the commit is not delivered and
/// EndTxn not answered before, at `process` too.
#[test]
fn nothing_is_committed_before_its_frame_is_synced() {
    for (durability, needs) in [
        (Durability::Process, Needs::Synced),
        (Durability::Power, Needs::Synced),
        (Durability::None, Needs::Written),
    ] {
        let mut house = House::with_keeper(durability);
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        house.keep_all();
        producer.end(&mut house, true);
        house.prepare(&mut producer.client);
        house.pass_for(&mut [&mut producer.client], Duration::from_secs(3_600));
        assert_eq!(house.asked(), [""; 0]);
        producer.client.hears_nothing();
        let frame = house.next_frame().expect("the decision");
        assert_eq!(frame.needs, needs, "{durability:?}");
        house.keep(frame);
        assert_eq!(house.asked(), ["commit"]);
        house.settle_transactions(&mut producer.client);
        assert_eq!(producer.hear_end(), OK);
    }
}

/// exactly-once, Levels: records inside of a transaction are answered as at `process`, at `power` too; only the commit
/// syncs.
#[test]
fn records_of_a_transaction_are_not_synced_one_by_one() {
    let mut house = House::with_keeper(Durability::Power);
    let mut producer = Producer::ready(&mut house, true);
    for (plain, needs) in [(false, Needs::Written), (true, Needs::Synced)] {
        match plain {
            true => producer.client.produce(&mut house, 9, "t", &batch(&["x"])),
            false => producer.send(&mut house, "x"),
        }
        house.keep_all();
        house.accept_all(&mut producer.client);
        let frame = house.next_frame().expect("what is kept");
        assert_eq!(frame.needs, needs);
        house.keep(frame);
        house.post_to(&mut [&mut producer.client]);
        assert_eq!(producer.client.hear_produced().0, OK);
    }
}

/// exactly-once, Transactions 3: a decided commit never becomes anything but a complete one.
#[test]
fn a_decided_commit_is_not_overtaken() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, false);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    house.prepare(&mut producer.client);
    // The frame is not written yet.
    let mut successor = Producer::new(&mut house, false);
    let init = InitProducerIdRequest {
        transactional_id: Some("a"),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    for _ in 0..2 {
        successor.client.send(&mut house, 4, init.clone());
        house.pass_for(&mut [&mut successor.client], Duration::from_secs(120));
    }
    house.settle_transactions(&mut producer.client);
    house.post_to(&mut [&mut producer.client, &mut successor.client]);
    assert_eq!(producer.hear_end(), OK);
    house.restart(LastStop::Unclean, Resumed::default());
    assert_eq!(house.asked(), [""; 0], "it is applied, and no abort follows");
}

/// exactly-once, Transactions 4 and 9: a commit is repeated until it is accepted; an `Ack` that is dropped makes it come
/// again.
#[test]
fn a_commit_comes_again_until_it_is_accepted() {
    for mut house in House::both() {
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        producer.end(&mut house, true);
        house.prepare(&mut producer.client);
        house.settle_frames(&mut producer.client);
        let mut rest = Duration::from_millis(100);
        for _ in 0..10 {
            let Event::Commit(decided) = house.event() else { panic!("{:?}", house.delivered) };
            assert_eq!(decided.intent, Intent("rename x.tmp".into()));
            // What a dropped acknowledgement says.
            house.refuse_first(&mut producer.client, Refusal::local("dropped"));
            house.pass_for(&mut [&mut producer.client], rest - Duration::from_millis(1));
            assert_eq!(house.asked(), [""; 0]);
            house.pass_for(&mut [&mut producer.client], Duration::from_millis(1));
            rest = (rest * 2).min(Duration::from_secs(5));
        }
        house.settle_transactions(&mut producer.client);
        house.pass_for(&mut [&mut producer.client], Duration::from_secs(60));
        assert_eq!(house.asked(), [""; 0]);
    }
}

/// exactly-once, Transactions 5: with state EndTxn is answered once the first try has failed; without, it hears 51
/// until delivery is complete.
#[test]
fn the_first_try_decides_what_a_commit_hears() {
    for (mut house, remembers) in House::both().into_iter().zip([false, true]) {
        for newer_protocol in [false, true] {
            let mut producer = Producer::ready(&mut house, newer_protocol);
            assert_eq!(producer.write(&mut house, "x"), OK);
            let before = (producer.id, producer.epoch);
            producer.end(&mut house, true);
            house.prepare(&mut producer.client);
            house.settle_frames(&mut producer.client);
            house.refuse_first(&mut producer.client, Refusal::remote("down"));
            let heard = if remembers { OK } else { BUSY };
            assert_eq!(producer.hear_end(), heard);
            // Whoever asks again hears the same.
            (producer.id, producer.epoch) = before;
            producer.end(&mut house, true);
            assert_eq!(producer.hear_end(), heard);
            // Until it is applied, everything else waits.
            let mut other = Producer::new(&mut house, newer_protocol);
            assert_eq!(other.init(&mut house), BUSY);
            if remembers && newer_protocol {
                assert_eq!(producer.write(&mut house, "y"), BUSY);
            } else if !newer_protocol {
                assert_eq!(producer.add(&mut house, &[0]), [BUSY]);
            }
            house.pass_for(&mut [&mut producer.client], Duration::from_millis(100));
            house.settle_transactions(&mut producer.client);
            (producer.id, producer.epoch) = before;
            producer.end(&mut house, true);
            assert_eq!(producer.hear_end(), OK);
        }
    }
}

/// exactly-once, Transactions 5: EndTxn waits for the first try for one second at most.
#[test]
fn a_first_try_that_takes_long_keeps_nobody_waiting_for_more_than_a_second() {
    for (mut house, heard) in House::both().into_iter().zip([BUSY, OK]) {
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        producer.end(&mut house, true);
        house.prepare(&mut producer.client);
        house.settle_frames(&mut producer.client);
        house.pass_for(&mut [&mut producer.client], Duration::from_millis(999));
        producer.client.hears_nothing();
        house.pass_for(&mut [&mut producer.client], Duration::from_millis(1));
        assert_eq!(producer.hear_end(), heard);
        assert_eq!(house.asked(), ["commit"], "it is still under way");
    }
}

/// exactly-once, Transactions 6: an abort is framed first, then goes to the sink, and is repeated like a commit.
#[test]
fn an_abort_is_framed_first_and_repeated() {
    let mut house = House::with_keeper(Durability::Power);
    let mut producer = Producer::ready(&mut house, false);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, false);
    assert_eq!(house.asked(), [""; 0]);
    producer.client.hears_nothing();
    house.settle_frames(&mut producer.client);
    assert_eq!(house.asked(), ["abort"]);
    house.refuse_first(&mut producer.client, Refusal::local("disk full"));
    assert_eq!(producer.hear_end(), OK);
    house.pass_for(&mut [&mut producer.client], Duration::from_millis(100));
    assert_eq!(house.asked(), ["abort"]);
    house.crash();
    assert_eq!(house.asked(), ["abort"], "a restart goes on with it");
}

/// exactly-once, Transactions 9: an `Ack` that is dropped refuses Prepare.
#[test]
fn a_dropped_question_is_no_answer() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, true);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    let question = house.delivered.remove(0);
    let (answers, mut heard) = ksink_event::Answers::new();
    drop(answers.expect(question.delivery, question.chain));
    let dropped = heard.try_recv().expect("an acknowledgement answers");
    house.settle(&mut producer.client, dropped);
    assert_eq!(producer.hear_end(), BUSY);
    assert_eq!(producer.end_whole(&mut house, true), OK);
}

/// exactly-once, Transactions 9: transactions and their outcome outlive connections.
#[test]
fn a_commit_goes_on_without_its_connection_and_its_retry_hears_of_it() {
    for mut house in House::both() {
        for newer_protocol in [false, true] {
            let mut producer = Producer::ready(&mut house, newer_protocol);
            assert_eq!(producer.write(&mut house, "x"), OK);
            producer.end(&mut house, true);
            producer.reconnect(&mut house);
            producer.end(&mut house, true);
            assert_eq!(producer.hear_end(), BUSY, "the first one is under way");
            house.settle_transactions(&mut producer.client);
            let before = (producer.id, producer.epoch);
            producer.end(&mut house, true);
            assert_eq!(producer.hear_end(), OK);
            (producer.id, producer.epoch) = before;
            producer.end(&mut house, false);
            assert_eq!(producer.hear_end(), STATE, "it is committed");
        }
    }
}
