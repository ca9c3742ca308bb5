//! What is remembered, when a producer hears of it, and what a restart finds.

use std::{
    pin::pin,
    task::{Context, Waker},
};

use ksink_event::{Answer, Answers, DeliveryId, Durability, LastStop, Position, Refusal, Resumed};
use ksink_server::{Needs, Reply};
use ksink_wire::{
    ErrorCode, Response,
    compression::Compression,
    messages::{
        create_topics::{CreatableTopic, CreateTopicsRequest},
        init_producer_id::InitProducerIdRequest,
        metadata::MetadataRequest,
    },
};

use crate::harness::{Client, House, batch, batch_by, produce_request};

const VERSION: i16 = 11;

fn house() -> (House, Client) {
    let mut house = House::with_keeper(Durability::Process);
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    house.keep_all();
    (house, client)
}

/// A numbered batch of one record.
fn numbered(sequence: i32) -> Vec<u8> {
    batch_by((7, 0, sequence), Compression::None, &["x"])
}

fn accept_all_with(house: &mut House, positions: Vec<Position>) {
    let deliveries = house.delivered.drain(..).map(|decided| decided.delivery).collect();
    house.broker.settle(house.now, Answer::Accepted { deliveries, positions });
}

/// exactly-once, Plain records 2: one frame for the group, and only then the answers.
#[test]
fn a_producer_hears_success_once_its_batch_is_remembered() {
    let (mut house, mut client) = house();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    client.produce(&mut house, VERSION, "t", &numbered(1));
    house.accept_all(&mut client);
    client.hears_nothing();
    let frame = house.next_frame().expect("the group is to be remembered");
    assert!(house.next_frame().is_none(), "in one frame");
    house.keep(frame);
    house.post_to(&mut [&mut client]);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1));
}

/// exactly-once, Plain records 2: nothing is answered that a restart would forget.
#[test]
fn a_restart_recognises_copies_and_goes_on_counting() {
    let (mut house, mut client) = house();
    for sequence in 0..3 {
        client.produce(&mut house, VERSION, "t", &numbered(sequence));
    }
    house.accept_all(&mut client);
    house.keep_all();
    house.crash();
    let mut client = house.connect();
    client.produce(&mut house, VERSION, "t", &numbered(1));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1), "a copy, with the first one's offset");
    client.produce(&mut house, VERSION, "t", &numbered(4));
    assert_eq!(client.hear_produced().0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    client.produce(&mut house, VERSION, "t", &numbered(3));
    assert_eq!(house.sets()[0].base_offset, 3);
}

/// exactly-once, Plain records 5: a copy waits for the first one's answer also while the frame is pending, and on
/// another connection.
#[test]
fn a_copy_waits_for_the_frame_of_the_first_one() {
    let (mut house, mut client) = house();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    house.accept_all(&mut client);
    client.hang_up();
    let mut other = house.connect();
    other.produce(&mut house, VERSION, "t", &numbered(0));
    other.hears_nothing();
    assert!(house.delivered.is_empty(), "it is not delivered again");
    house.keep_all();
    house.post_to(&mut [&mut other]);
    assert_eq!(other.hear_produced(), (ErrorCode::NONE, 0));
}

/// exactly-once, Plain records 1: positions are framed with the group that they cover.
#[test]
fn positions_are_remembered_with_their_group_and_can_be_withdrawn() {
    let (mut house, mut client) = house();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    accept_all_with(&mut house, vec![Position::at("a", &b"1"[..]), Position::at("b", &b"2"[..])]);
    assert!(held_outputs(&house).is_empty());
    house.keep_all();
    assert_eq!(held_outputs(&house), ["a", "b"]);
    client.produce(&mut house, VERSION, "t", &numbered(1));
    accept_all_with(&mut house, vec![Position::withdrawn("a")]);
    house.keep_all();
    assert_eq!(held_outputs(&house), ["b"]);
}

fn held_outputs(house: &House) -> Vec<String> {
    let held = house.ledger.held(Default::default());
    held.positions.iter().map(|position| position.output.to_string()).collect()
}

/// exactly-once, Plain records 4: a refused delivery makes the later ones of its producer void; 45 whatever the sink
/// says.
#[test]
fn what_follows_a_refused_batch_is_not_remembered_even_if_the_sink_accepts_it() {
    let (mut house, mut client) = house();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    client.produce(&mut house, VERSION, "t", &numbered(1));
    house.refuse_first(&mut client, Refusal::local("disk full"));
    house.accept_all(&mut client);
    house.keep_all();
    assert_eq!(client.hear_produced().0, ErrorCode::KAFKA_STORAGE_ERROR);
    assert_eq!(client.hear_produced().0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    house.crash();
    let mut client = house.connect();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    assert_eq!(house.sets()[0].base_offset, 0, "the offsets were never acknowledged");
}

/// exactly-once, Faults: Produce that waits for a failed journal hears 7, and its retry attaches.
#[test]
fn while_the_journal_fails_what_waits_hears_so_and_a_retry_attaches() {
    let (mut house, mut client) = house();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    house.accept_all(&mut client);
    let frame = house.next_frame().expect("a frame");
    house.broker.keeper_failed();
    house.post_to(&mut [&mut client]);
    assert_eq!(client.hear_produced().0, ErrorCode::REQUEST_TIMED_OUT);

    client.produce(&mut house, VERSION, "t", &numbered(0));
    client.hears_nothing();
    assert!(house.delivered.is_empty(), "it attached");
    client.produce(&mut house, VERSION, "t", &numbered(1));
    house.keep(frame);
    house.post_to(&mut [&mut client]);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    assert_eq!(client.hear_produced().0, ErrorCode::KAFKA_STORAGE_ERROR, "nothing new was let in");

    client.produce(&mut house, VERSION, "t", &numbered(1));
    house.accept_all(&mut client);
    house.keep_all();
    house.post_to(&mut [&mut client]);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1), "now it is");
}

/// exactly-once, Plain records 6: acks=0 never waits, and is written and framed like the rest.
#[test]
fn acks_0_is_remembered_too() {
    let (mut house, mut client) = house();
    let records = numbered(0);
    client.send_unheard(&mut house, VERSION, produce_request("t", 0, 0, &records));
    house.accept_all(&mut client);
    house.keep_all();
    house.crash();
    let mut client = house.connect();
    client.produce(&mut house, VERSION, "t", &numbered(0));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0), "a copy of what was kept");
}

/// exactly-once, Levels: at `none` a batch is answered once it is queued, and a later refusal closes the connection.
#[test]
fn at_none_the_answer_waits_for_nothing() {
    let mut house = House::with_keeper(Durability::None);
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    client.produce(&mut house, VERSION, "t", &numbered(0));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    house.accept_all(&mut client);
    house.keep_all();
    client.hears_nothing();
    client.produce(&mut house, VERSION, "t", &numbered(1));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1));
    house.refuse_first(&mut client, Refusal::local("disk full"));
    house.serve(&mut client);
    let goodbye = client.session.ended().expect("the connection is closed").to_string();
    assert!(goodbye.contains("disk full"), "{goodbye}");
}

/// exactly-once, Levels: at `power` a plain group's frame must be synced, at `process` written.
#[test]
fn how_safe_a_frame_must_be_follows_the_level() {
    for (durability, needs) in [
        (Durability::None, Needs::Written),
        (Durability::Process, Needs::Written),
        (Durability::Power, Needs::Synced),
    ] {
        let mut house = House::with_keeper(durability);
        let mut client = house.connect();
        client.name_topic(&mut house, "t");
        house.keep_all();
        client.produce(&mut house, VERSION, "t", &batch(&["x"]));
        accept_all_with(&mut house, Vec::new());
        assert_eq!(house.next_frame().map(|frame| frame.needs), Some(needs), "{durability:?}");
    }
}

/// What a sink says about an output before it touches it.
fn report(positions: Vec<Position>) -> Answer {
    let (answers, mut heard) = Answers::new();
    let reporter = answers.expect(DeliveryId(0), None).reporter();
    let mut report = pin!(reporter.report(positions));
    assert!(report.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // The first answer is that of the delivery, which nobody gave.
    std::iter::from_fn(|| heard.try_recv().ok())
        .find(|answer| matches!(answer, Answer::Reported { .. }))
        .expect("it was reported")
}

/// exactly-once, Plain records 3, Levels: what is appended after a report may survive the loss of power at `power`,
/// and so must the report. A question whether all is framed needs no sync.
#[test]
fn a_report_is_as_safe_as_what_is_appended_after_it() {
    for (durability, positions, needs) in [
        (Durability::Process, vec![Position::at("a", &b"1"[..])], Needs::Written),
        (Durability::Power, vec![Position::at("a", &b"1"[..])], Needs::Synced),
        (Durability::Power, Vec::new(), Needs::Written),
    ] {
        let mut house = House::with_keeper(durability);
        house.broker.settle(house.now, report(positions));
        assert_eq!(house.next_frame().map(|frame| frame.needs), Some(needs), "{durability:?}");
    }
}

#[test]
fn producer_ids_are_reserved_in_blocks_that_no_restart_gives_out_again() {
    let (mut house, mut client) = house();
    let first = init_producer(&mut house, &mut client);
    client.hears_nothing();
    let frame = house.next_frame().expect("a block is reserved");
    assert_eq!(frame.needs, Needs::Synced);
    house.keep(frame);
    house.post_to(&mut [&mut client]);
    let first = first(&mut client);
    let second = init_producer(&mut house, &mut client)(&mut client);
    assert_eq!(second, first + 1, "at once, out of the block");
    house.crash();
    let mut client = house.connect();
    let third = init_producer(&mut house, &mut client);
    house.keep_all();
    house.post_to(&mut [&mut client]);
    assert!(third(&mut client) >= first + 1000);
}

/// Asks for a producer id; the answer may come later.
fn init_producer(
    house: &mut House,
    client: &mut Client,
) -> impl FnOnce(&mut Client) -> i64 + use<> {
    let request =
        InitProducerIdRequest { producer_id: -1, producer_epoch: -1, ..Default::default() };
    client.send(house, 4, request);
    |client| {
        client.hear(|response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, ErrorCode::NONE);
            response.producer_id
        })
    }
}

#[test]
fn a_topic_that_was_created_exists_after_a_restart_with_its_id() {
    let (mut house, mut client) = house();
    let topic = CreatableTopic {
        name: "made",
        num_partitions: 3,
        replication_factor: 1,
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], timeout_ms: 1000, ..Default::default() };
    client.send(&mut house, 7, request);
    client.hears_nothing();
    house.keep_all();
    house.post_to(&mut [&mut client]);
    client.hear(|_| ());
    let before = topics(&mut house, &mut client);
    house.crash();
    let mut client = house.connect();
    assert_eq!(topics(&mut house, &mut client), before);
    assert!(before.iter().any(|(name, _, partitions)| name == "made" && *partitions == 3));
}

fn topics(house: &mut House, client: &mut Client) -> Vec<(String, [u8; 16], usize)> {
    client.send(house, 12, MetadataRequest { topics: None, ..Default::default() });
    client.hear(|response| {
        let Response::Metadata(response) = response else { panic!("{response:?}") };
        let known = response.topics.iter();
        let mut topics: Vec<_> = known
            .map(|topic| {
                (topic.name.unwrap_or_default().into(), topic.topic_id.0, topic.partitions.len())
            })
            .collect();
        topics.sort();
        topics
    })
}

/// Whether a topic was created is not certain while nothing can be remembered, so the connection is closed.
#[test]
fn an_admin_hears_nothing_while_the_journal_fails() {
    let (mut house, mut client) = house();
    let topic = CreatableTopic {
        name: "made",
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], timeout_ms: 1000, ..Default::default() };
    client.send(&mut house, 7, request);
    house.broker.keeper_failed();
    let settled = house.broker.poll_settled().expect("an end");
    assert!(matches!(settled.reply, Reply::Hangup(_)));
}

#[test]
fn a_restart_is_the_same_cluster() {
    let (mut house, _) = house();
    for _ in 0..2 {
        house.crash();
        let mut client = house.connect();
        client.send(&mut house, 12, MetadataRequest::default());
        client.hear(|response| {
            let Response::Metadata(response) = response else { panic!("{response:?}") };
            assert_eq!(response.cluster_id, Some("the-cluster"));
        });
    }
}

/// exactly-once, Start and stop: after a reboot each producer's first batch may leave a gap once, and copies are still
/// recognised.
#[test]
fn after_a_reboot_a_producer_may_go_on_behind_what_was_forgotten() {
    for (durability, may_leave_gap) in
        [(Durability::Process, true), (Durability::None, true), (Durability::Power, false)]
    {
        let mut house = House::with_keeper(durability);
        let mut client = house.connect();
        client.name_topic(&mut house, "t");
        client.produce(&mut house, VERSION, "t", &numbered(0));
        house.accept_all(&mut client);
        house.keep_all();
        house.restart(LastStop::Rebooted, Resumed::default());

        let mut client = house.connect();
        client.produce(&mut house, VERSION, "t", &numbered(0));
        assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0), "{durability:?}: a copy");
        client.produce(&mut house, VERSION, "t", &numbered(3));
        assert_eq!(house.delivered.len(), usize::from(may_leave_gap), "{durability:?}");
        client.produce(&mut house, VERSION, "t", &numbered(9));
        assert_eq!(house.delivered.len(), usize::from(may_leave_gap), "{durability:?}: once");
    }
}

/// exactly-once, Start and stop: an unclean stop at `none` is as bad as a reboot.
#[test]
fn a_kill_at_none_may_have_cost_what_a_reboot_may() {
    for (durability, expected) in [
        (Durability::None, LastStop::Rebooted),
        (Durability::Process, LastStop::Unclean),
        (Durability::Power, LastStop::Unclean),
    ] {
        let house = House::with_keeper(durability);
        assert_eq!(house.ledger.last_stop(LastStop::Unclean), expected, "{durability:?}");
        assert_eq!(house.ledger.last_stop(LastStop::Clean), LastStop::Clean);
    }
}
