//! Transactions from a producer's first word to its last, by both protocols.

use std::time::Duration;

use ksink_event::{
    Answer, Decided, Durability, Event, Intent, LastStop, Position, Refusal, Resumed,
};
use ksink_server::{Limits, Needs};
use ksink_wire::{
    ErrorCode, Response,
    messages::{
        add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic},
        end_txn::EndTxnRequest,
        init_producer_id::InitProducerIdRequest,
        produce::ProduceRequest,
    },
    records::{BatchBuilder, NewRecord},
};

use crate::harness::{Client, House, START_MS, batch, batch_by, produce_request};

const OK: ErrorCode = ErrorCode::NONE;
const BUSY: ErrorCode = ErrorCode::CONCURRENT_TRANSACTIONS;
const STATE: ErrorCode = ErrorCode::INVALID_TXN_STATE;
const FENCED: ErrorCode = ErrorCode::PRODUCER_FENCED;

/// A transactional producer, and what it goes by.
struct Producer {
    client: Client,
    newer_protocol: bool,
    id: i64,
    epoch: i16,
    sequence: i32,
}

impl Producer {
    fn new(house: &mut House, newer_protocol: bool) -> Self {
        let client = house.connect();
        Self { client, newer_protocol, id: -1, epoch: -1, sequence: 0 }
    }

    /// A producer that may write under the id `a`.
    fn ready(house: &mut House, newer_protocol: bool) -> Self {
        let mut producer = Self::new(house, newer_protocol);
        producer.client.name_topic(house, "t");
        assert_eq!(producer.init(house), OK);
        producer
    }

    /// Takes the right to write under the id `a`.
    #[track_caller]
    fn init(&mut self, house: &mut House) -> ErrorCode {
        let request = InitProducerIdRequest {
            transactional_id: Some("a"),
            transaction_timeout_ms: 60_000,
            ..Default::default()
        };
        self.client.send(house, 4, request);
        house.settle_frames(&mut self.client);
        let (code, id, epoch) = self.client.hear(|response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            (response.error_code, response.producer_id, response.producer_epoch)
        });
        if code == OK {
            (self.id, self.epoch, self.sequence) = (id, epoch, 0);
        }
        code
    }

    fn add_request(&self, partitions: &[i32]) -> AddPartitionsToTxnRequest<'static> {
        AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: "a",
            v3_and_below_producer_id: self.id,
            v3_and_below_producer_epoch: self.epoch,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: "t",
                partitions: partitions.to_vec(),
            }],
            ..Default::default()
        }
    }

    /// Adds partitions, and gives the code of each.
    #[track_caller]
    fn add(&mut self, house: &mut House, partitions: &[i32]) -> Vec<ErrorCode> {
        let request = self.add_request(partitions);
        self.client.send(house, 3, request);
        house.settle_frames(&mut self.client);
        self.client.hear(|response| {
            let Response::AddPartitionsToTxn(response) = response else { panic!("{response:?}") };
            let results = response.results_by_topic_v3_and_below.iter();
            let results = results.flat_map(|topic| &topic.results_by_partition);
            results.map(|result| result.partition_error_code).collect()
        })
    }

    fn batch(&self, value: &str) -> Vec<u8> {
        transactional((self.id, self.epoch, self.sequence), value)
    }

    fn version(&self) -> i16 {
        if self.newer_protocol { 12 } else { 9 }
    }

    /// Sends a record into the transaction, and does not wait.
    fn send(&mut self, house: &mut House, value: &str) {
        let batch = self.batch(value);
        self.client.send(house, self.version(), by("a", &batch));
        self.sequence += 1;
    }

    /// Sends a record that is kept, after what the protocol wants before.
    #[track_caller]
    fn write(&mut self, house: &mut House, value: &str) -> ErrorCode {
        if !self.newer_protocol {
            assert_eq!(self.add(house, &[0]), [OK]);
        }
        self.send(house, value);
        if house.delivered.is_empty() {
            self.sequence -= 1;
        } else {
            house.accept_all(&mut self.client);
            house.settle_frames(&mut self.client);
        }
        self.client.hear_produced().0
    }

    fn end(&mut self, house: &mut House, committed: bool) {
        let request = EndTxnRequest {
            transactional_id: "a",
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed,
        };
        self.client.send(house, if self.newer_protocol { 5 } else { 3 }, request);
    }

    #[track_caller]
    fn hear_end(&mut self) -> ErrorCode {
        let (code, id, epoch) = self.client.hear(|response| {
            let Response::EndTxn(response) = response else { panic!("{response:?}") };
            (response.error_code, response.producer_id, response.producer_epoch)
        });
        if code == OK && self.newer_protocol {
            (self.id, self.epoch, self.sequence) = (id, epoch, 0);
        }
        code
    }

    /// Ends the transaction with all that it takes.
    #[track_caller]
    fn end_whole(&mut self, house: &mut House, committed: bool) -> ErrorCode {
        self.end(house, committed);
        house.settle_transactions(&mut self.client);
        self.hear_end()
    }

    /// Goes on by another connection.
    fn reconnect(&mut self, house: &mut House) {
        self.client.hang_up();
        self.client = house.connect();
    }
}

/// What the tests of this file let the sink and the keeper do.
impl House {
    fn both() -> [Self; 2] {
        [Self::new(), Self::with_keeper(Durability::Process)]
    }

    fn settle_frames(&mut self, client: &mut Client) {
        self.keep_all();
        self.post_to(&mut [client]);
    }

    /// The next event for the sink; there must be one, and no other.
    #[track_caller]
    fn event(&self) -> Event {
        assert_eq!(self.delivered.len(), 1, "{:?}", self.delivered);
        self.delivered[0].event.clone()
    }

    /// The sink can commit.
    #[track_caller]
    fn prepare(&mut self, client: &mut Client) {
        assert!(matches!(self.event(), Event::Prepare(_)), "{:?}", self.delivered);
        let delivery = self.delivered.remove(0).delivery;
        let positions = vec![Position::at("x.tmp", "length 7".as_bytes())];
        let intent = Intent("rename x.tmp".into());
        self.settle(client, Answer::Prepared { delivery, intent, positions });
    }

    fn settle_transactions(&mut self, client: &mut Client) {
        while !self.delivered.is_empty() || self.next_is_there() {
            self.settle_frames(client);
            match self.delivered.first().map(|decided| decided.event.clone()) {
                Some(Event::Prepare(_)) => self.prepare(client),
                Some(_) => self.accept_first_for(&mut [client]),
                None => {}
            }
        }
    }

    fn next_is_there(&mut self) -> bool {
        let frame = self.next_frame();
        let is_there = frame.is_some();
        frame.into_iter().for_each(|frame| self.frames.push_front(frame));
        is_there
    }

    /// What the sink is asked, in short.
    fn asked(&self) -> Vec<&'static str> {
        let events = self.delivered.iter().map(|decided| match &decided.event {
            Event::Records(_) => "records",
            Event::Prepare(_) => "prepare",
            Event::Commit(_) => "commit",
            Event::Abort(_) => "abort",
        });
        events.collect()
    }
}

fn transactional((id, epoch, sequence): (i64, i16, i32), value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = BatchBuilder::new(&mut out).producer(id, epoch, sequence).transactional();
    let value = Some(value.as_bytes());
    builder
        .push(&NewRecord { timestamp: START_MS, value, ..Default::default() })
        .expect("a small record");
    builder.finish().expect("a small batch");
    out
}

fn by<'a>(id: &'a str, records: &'a [u8]) -> ProduceRequest<'a> {
    ProduceRequest { transactional_id: Some(id), ..produce_request("t", 0, -1, records) }
}

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

/// exactly-once, Start and stop: after a reboot without a clean stop every open transaction is aborted as by a
/// timeout; otherwise only one whose data is lost.
#[test]
fn a_transaction_whose_data_did_not_survive_is_aborted() {
    for (last_stop, is_lost, is_aborted) in [
        (LastStop::Rebooted, false, true),
        (LastStop::Unclean, true, true),
        (LastStop::Clean, true, true),
        (LastStop::Unclean, false, false),
        (LastStop::Clean, false, false),
    ] {
        let mut house = House::with_keeper(Durability::Power);
        let mut producer = Producer::ready(&mut house, true);
        assert_eq!(producer.write(&mut house, "x"), OK);
        let serial = house.ledger.held(last_stop).open[0].serial;
        let lost = if is_lost { vec![serial] } else { Vec::new() };
        house.restart(last_stop, Resumed { lost, ..Resumed::default() });
        let expected: &[&str] = if is_aborted { &["abort"] } else { &[] };
        assert_eq!(house.asked(), expected, "{last_stop:?}, lost {is_lost}");
        producer.reconnect(&mut house);
        house.settle_transactions(&mut producer.client);
        producer.end(&mut house, true);
        house.settle_transactions(&mut producer.client);
        assert_eq!(producer.hear_end(), if is_aborted { STATE } else { OK });
    }
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
