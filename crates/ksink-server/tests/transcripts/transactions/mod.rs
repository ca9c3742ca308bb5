//! Transactions from a producer's first word to its last, by both protocols.

mod commits;
mod fencing;
mod requests;
mod restarts;

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
