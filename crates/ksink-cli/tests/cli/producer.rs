//! A producer that numbers its batches, and may have a transactional id: it goes by the second protocol of
//! transactions (KIP-890), in which Produce adds partitions and each end raises the epoch.

use std::{collections::HashMap, net::SocketAddr};

use ksink_tests::{Client, produce};
use ksink_wire::{
    ApiKey, ErrorCode, Response,
    messages::{
        end_txn::EndTxnRequest, init_producer_id::InitProducerIdRequest, produce::ProduceRequest,
    },
    records::{BatchBuilder, NewRecord},
};

use crate::process::{Ksink, wait_for};

const INIT_PRODUCER_ID_VERSION: i16 = 5;
const END_TXN_VERSION: i16 = 5;
const PRODUCE_VERSION: i16 = 12;

/// Longer than any test; shorter than the longest that a server allows.
const TIMEOUT_MS: i32 = 600_000;

/// A producer on one connection.
pub(crate) struct Producer {
    client: Client,
    transactional_id: Option<&'static str>,
    id: i64,
    epoch: i16,
    /// The next sequence number, by topic.
    sequences: HashMap<String, i32>,
    /// What was sent last: topic, sequence and values.
    last: Option<(String, i32, Vec<String>)>,
}

impl Producer {
    /// One that numbers its batches.
    pub(crate) fn idempotent(ksink: &Ksink) -> Self {
        Self::begin(ksink, None)
    }

    /// One with transactions.
    pub(crate) fn transactional(ksink: &Ksink, id: &'static str) -> Self {
        Self::begin(ksink, Some(id))
    }

    fn begin(ksink: &Ksink, transactional_id: Option<&'static str>) -> Self {
        let (sequences, last) = Default::default();
        let client = ksink.connect();
        let mut producer = Self { client, transactional_id, id: -1, epoch: -1, sequences, last };
        // Until an earlier transaction of the id is applied, this hears that it should ask again.
        wait_for("a producer id", || (producer.init() == ErrorCode::NONE).then_some(()));
        producer
    }

    /// Goes on after ksink was started again.
    pub(crate) fn reconnect(&mut self, ksink: &Ksink) {
        self.client = ksink.connect();
    }

    /// The same, with a server that is not the binary.
    pub(crate) fn reconnect_to(&mut self, addr: SocketAddr) {
        self.client = Client::connect(addr);
    }

    fn init(&mut self) -> ErrorCode {
        let request = InitProducerIdRequest {
            transactional_id: self.transactional_id,
            transaction_timeout_ms: TIMEOUT_MS,
            producer_id: -1,
            producer_epoch: -1,
        };
        self.client.send(INIT_PRODUCER_ID_VERSION, request);
        let heard =
            self.client.hear(ApiKey::InitProducerId, INIT_PRODUCER_ID_VERSION, |response| {
                match response {
                    Response::InitProducerId(it) => {
                        (it.error_code, it.producer_id, it.producer_epoch)
                    }
                    other => panic!("{other:?}"),
                }
            });
        (self.id, self.epoch) = (heard.1, heard.2);
        heard.0
    }

    /// Sends a batch to partition 0, and gives the code and the base offset.
    pub(crate) fn produce(&mut self, topic: &str, values: &[&str]) -> (ErrorCode, i64) {
        let next = self.sequences.entry(topic.to_owned()).or_default();
        let sequence = *next;
        *next += i32::try_from(values.len()).expect("a few");
        let values = values.iter().map(|&value| value.to_owned()).collect();
        self.last = Some((topic.to_owned(), sequence, values));
        self.produce_again()
    }

    /// Sends the last batch, as it was.
    pub(crate) fn produce_again(&mut self) -> (ErrorCode, i64) {
        let (topic, sequence, values) = self.last.as_ref().expect("something was sent");
        let mut batch = Vec::new();
        let builder = BatchBuilder::new(&mut batch).producer(self.id, self.epoch, *sequence);
        let mut builder = match self.transactional_id {
            Some(_) => builder.transactional(),
            None => builder,
        };
        for value in values {
            let record = NewRecord { value: Some(value.as_bytes()), ..Default::default() };
            builder.push(&record).expect("a small record");
        }
        builder.finish().expect("a small batch");
        let request = ProduceRequest {
            transactional_id: self.transactional_id,
            ..produce(topic, 0, -1, &batch)
        };
        self.client.send(PRODUCE_VERSION, request);
        self.client.hear_produced()
    }

    /// Commits, and waits until that is said to be done.
    pub(crate) fn commit(&mut self) {
        assert_eq!(self.end(true), ErrorCode::NONE);
    }

    /// Aborts, and waits until that is said to be done.
    pub(crate) fn abort(&mut self) {
        assert_eq!(self.end(false), ErrorCode::NONE);
    }

    /// Ends the transaction, and gives the code.
    pub(crate) fn end(&mut self, committed: bool) -> ErrorCode {
        self.ask_to_end(committed);
        let heard = self.client.hear(ApiKey::EndTxn, END_TXN_VERSION, |response| match response {
            Response::EndTxn(it) => (it.error_code, it.producer_id, it.producer_epoch),
            other => panic!("{other:?}"),
        });
        if heard.0 == ErrorCode::NONE {
            (self.id, self.epoch) = (heard.1, heard.2);
            self.sequences.clear();
        }
        heard.0
    }

    /// Asks for the end of the transaction, and does not wait.
    pub(crate) fn ask_to_end(&mut self, committed: bool) {
        let request = EndTxnRequest {
            transactional_id: self.transactional_id.expect("a transactional producer"),
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed,
        };
        self.client.send(END_TXN_VERSION, request);
    }
}
