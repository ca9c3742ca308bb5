//! What a restart, a stop and a broken journal leave of transactions.

use super::*;

/// exactly-once, Start and stop: open transactions go on, and their timeout starts again.
#[test]
fn an_open_transaction_goes_on_after_a_crash() {
    for newer_protocol in [false, true] {
        let mut house = House::with_keeper(Durability::Process);
        let mut producer = Producer::ready(&mut house, newer_protocol);
        assert_eq!(producer.write(&mut house, "x"), OK);
        house.pass_for(&mut [&mut producer.client], Duration::from_secs(50));
        let serial = house.ledger.held(LastStop::Unclean).open[0].serial;
        house.crash();
        producer.reconnect(&mut house);
        house.pass_for(&mut [&mut producer.client], Duration::from_secs(50));
        assert_eq!(house.asked(), [""; 0]);
        producer.send(&mut house, "y");
        let Event::Records(set) = house.event() else { panic!("{:?}", house.delivered) };
        assert_eq!(set.transaction.map(|it| it.serial), Some(serial));
        house.accept_all(&mut producer.client);
        house.settle_frames(&mut producer.client);
        assert_eq!(producer.client.hear_produced().0, OK);
        assert_eq!(producer.end_whole(&mut house, true), OK);
    }
}

/// exactly-once, Start and stop: the decided is applied, and a retry of EndTxn hears of it, also after a restart.
#[test]
fn a_decided_commit_is_delivered_after_a_crash() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, true);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    house.prepare(&mut producer.client);
    house.keep_all();
    house.crash();
    let decided = house.ledger.held(LastStop::Unclean).decided;
    let Event::Commit(delivered) = house.event() else { panic!("{:?}", house.delivered) };
    assert_eq!([delivered], *decided);
    producer.reconnect(&mut house);
    producer.end(&mut house, true);
    assert_eq!(producer.hear_end(), BUSY);
    house.settle_transactions(&mut producer.client);
    producer.end(&mut house, true);
    assert_eq!(producer.hear_end(), OK);
    house.crash();
    assert_eq!(house.asked(), [""; 0]);
}

/// exactly-once, Start and stop: what the sink says that it applied before the bind is not delivered again.
#[test]
fn what_recovery_applied_is_done() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, false);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    house.prepare(&mut producer.client);
    house.keep_all();
    let serial = house.ledger.held(LastStop::Unclean).decided[0].transaction.serial;
    house.restart(LastStop::Unclean, Resumed { applied: vec![serial], ..Resumed::default() });
    assert_eq!(house.asked(), [""; 0]);
    producer.reconnect(&mut house);
    producer.end(&mut house, true);
    assert_eq!(producer.hear_end(), OK);
    assert_eq!(house.ledger.held(LastStop::Unclean).decided, []);
}

/// exactly-once, Start and stop: after a reboot without a clean stop, or an unclean stop at `none`, every open
/// transaction is aborted as by a timeout; otherwise only one whose data is lost.
#[test]
fn a_transaction_whose_data_did_not_survive_is_aborted() {
    for (durability, last_stop, is_lost, is_aborted) in [
        (Durability::Process, LastStop::Rebooted, false, true),
        (Durability::Power, LastStop::Rebooted, false, true),
        (Durability::None, LastStop::Unclean, false, true),
        (Durability::None, LastStop::Clean, false, false),
        (Durability::Process, LastStop::Unclean, true, true),
        (Durability::Process, LastStop::Clean, true, true),
        (Durability::Process, LastStop::Unclean, false, false),
        (Durability::Process, LastStop::Clean, false, false),
    ] {
        let mut house = House::with_keeper(durability);
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        let serial = house.ledger.held(last_stop).open[0].serial;
        let lost = if is_lost { vec![serial] } else { Vec::new() };
        house.restart(last_stop, Resumed { lost, ..Resumed::default() });
        let expected: &[&str] = if is_aborted { &["abort"] } else { &[] };
        assert_eq!(house.asked(), expected, "{durability:?}, {last_stop:?}, lost {is_lost}");
        producer.reconnect(&mut house);
        house.settle_transactions(&mut producer.client);
        producer.end(&mut house, true);
        house.settle_transactions(&mut producer.client);
        assert_eq!(producer.hear_end(), if is_aborted { STATE } else { OK });
    }
}

/// exactly-once, Start and stop: every open transaction is aborted after a reboot, also one of which all facts were
/// lost. Its end is not taken for the one before it.
#[test]
fn a_transaction_that_a_reboot_made_the_server_forget_cannot_be_ended() {
    for newer_protocol in [false, true] {
        let mut house = House::with_keeper(Durability::Power);
        let mut producer = Producer::ready(&mut house, newer_protocol);
        assert_eq!(producer.write(&mut house, "x"), OK);
        assert_eq!(producer.end_whole(&mut house, true), OK);
        house.restart(LastStop::Rebooted, Resumed::default());
        producer.reconnect(&mut house);
        house.settle_transactions(&mut producer.client);
        producer.end(&mut house, true);
        house.settle_transactions(&mut producer.client);
        assert_eq!(producer.hear_end(), ErrorCode::PRODUCER_FENCED);
    }
}

/// exactly-once, Transactions 5: the retry of an EndTxn is recognised, after a reboot too where the protocol tells it
/// from the next one.
#[test]
fn the_retry_of_an_end_is_recognised_after_a_reboot() {
    let mut house = House::with_keeper(Durability::Power);
    let mut producer = Producer::ready(&mut house, true);
    assert_eq!(producer.write(&mut house, "x"), OK);
    let epoch = producer.epoch;
    assert_eq!(producer.end_whole(&mut house, true), OK);
    house.restart(LastStop::Rebooted, Resumed::default());
    producer.reconnect(&mut house);
    house.settle_transactions(&mut producer.client);
    producer.epoch = epoch;
    producer.end(&mut house, true);
    assert_eq!(producer.hear_end(), OK);
    assert_eq!(producer.epoch, epoch + 2, "what the reboot gave it");
}

/// exactly-once, Start and stop: where there is no state, a clean stop aborts open transactions and waits for decided
/// ones.
#[test]
fn a_server_without_state_aborts_what_is_open_when_it_stops() {
    let mut house = House::new();
    let mut producer = Producer::ready(&mut house, true);
    assert_eq!(producer.write(&mut house, "x"), OK);
    house.broker.abort_open_transactions(house.now);
    house.post_to(&mut [&mut producer.client]);
    assert_eq!(house.asked(), ["abort"]);
    assert!(house.broker.has_unsettled_transactions());
    house.settle_transactions(&mut producer.client);
    assert!(!house.broker.has_unsettled_transactions());
}

/// exactly-once, Faults: while the journal fails transaction requests hear 51, and a COMMIT that waits counts as
/// decided.
#[test]
fn a_commit_that_waits_for_the_journal_is_decided() {
    let mut house = House::with_keeper(Durability::Process);
    let mut producer = Producer::ready(&mut house, false);
    assert_eq!(producer.write(&mut house, "x"), OK);
    producer.end(&mut house, true);
    house.prepare(&mut producer.client);
    let decision = house.next_frame().expect("the decision");
    house.broker.keeper_failed();
    house.post_to(&mut [&mut producer.client]);
    assert_eq!(producer.hear_end(), BUSY);
    house.pass_for(&mut [&mut producer.client], Duration::from_secs(3_600));
    assert_eq!(producer.add(&mut house, &[0]), [BUSY]);
    assert_eq!(producer.init(&mut house), BUSY);
    producer.end(&mut house, false);
    assert_eq!(producer.hear_end(), BUSY);
    assert_eq!(house.asked(), [""; 0]);
    // The new journal holds what waited.
    house.keep(decision);
    house.post_to(&mut [&mut producer.client]);
    assert_eq!(house.asked(), ["commit"]);
    house.settle_transactions(&mut producer.client);
    producer.end(&mut house, true);
    assert_eq!(producer.hear_end(), OK);
}
