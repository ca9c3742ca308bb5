//! A transactional producer that says just what a test or a measurement needs, with KIP-890: a transaction is Produce and
//! EndTxn, and each end gives the next epoch.

use std::{net::SocketAddr, thread, time::Duration};

use ksink_wire::{
    ApiKey, ErrorCode, Response,
    messages::{
        end_txn::EndTxnRequest, init_producer_id::InitProducerIdRequest, produce::ProduceRequest,
    },
    records::{BatchBuilder, NewRecord},
};

use crate::client::{Client, PRODUCE_VERSION, produce};

/// How long a client waits before it asks again, as librdkafka does.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A transaction that takes so many of these pauses is stuck.
const RETRIES_MAX: u32 = 1_000;

const END_TXN_VERSION: i16 = 5;
const INIT_PRODUCER_ID_VERSION: i16 = 5;

/// A transactional producer of one topic's partition 0.
#[derive(Debug)]
pub struct TransactionalProducer {
    client: Client,
    id: String,
    producer_id: i64,
    epoch: i16,
    sequence: i32,
}

impl TransactionalProducer {
    /// Connects and becomes the producer of this transactional id.
    ///
    /// # Panics
    /// When that is refused, as everything here does.
    pub fn connect(addr: SocketAddr, id: impl Into<String>) -> Self {
        let mut client = Client::connect(addr);
        let id = id.into();
        let (producer_id, epoch) = retry(|| init(&mut client, &id));
        Self { client, id, producer_id, epoch, sequence: 0 }
    }

    /// The same producer on another connection, to a server that was started again.
    pub fn reconnect(&mut self, addr: SocketAddr) {
        self.client = Client::connect(addr);
    }

    /// Produces records inside of a transaction, which begins with the first ones.
    pub fn produce<V: AsRef<[u8]>>(&mut self, topic: &str, values: impl IntoIterator<Item = V>) {
        let mut records = Vec::new();
        let mut batch = BatchBuilder::new(&mut records)
            .producer(self.producer_id, self.epoch, self.sequence)
            .transactional();
        for value in values {
            let value = Some(value.as_ref());
            batch.push(&NewRecord { value, ..Default::default() }).expect("a small record");
        }
        let count = batch.finish().expect("a small batch").records;
        retry(|| {
            let transactional_id = Some(&*self.id);
            let request = ProduceRequest { transactional_id, ..produce(topic, 0, -1, &records) };
            self.client.send(PRODUCE_VERSION, request);
            match self.client.hear_produced().0 {
                ErrorCode::NONE => Some(()),
                // The transaction before is decided and not applied yet.
                ErrorCode::CONCURRENT_TRANSACTIONS | ErrorCode::NOT_ENOUGH_REPLICAS => None,
                code => panic!("Produce was answered {code:?}"),
            }
        });
        self.sequence += i32::try_from(count).expect("a small batch");
    }

    /// Ends the transaction, and asks again until that is answered for good.
    pub fn end(&mut self, committed: bool) {
        retry(|| self.try_end(committed).then_some(()));
    }

    /// Asks once for the end of the transaction; whether it is answered for good.
    pub fn try_end(&mut self, committed: bool) -> bool {
        let request = EndTxnRequest {
            transactional_id: &self.id,
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            committed,
        };
        self.client.send(END_TXN_VERSION, request);
        let told = self.client.hear(ApiKey::EndTxn, END_TXN_VERSION, |response| match response {
            Response::EndTxn(told) => (told.error_code, told.producer_id, told.producer_epoch),
            other => panic!("{other:?}"),
        });
        match told {
            (ErrorCode::NONE, producer_id, epoch) => {
                (self.producer_id, self.epoch, self.sequence) = (producer_id, epoch, 0);
                true
            }
            (ErrorCode::CONCURRENT_TRANSACTIONS, ..) => false,
            (code, ..) => panic!("EndTxn was answered {code:?}"),
        }
    }
}

/// A producer id and its epoch, unless a transaction of the id is still to be finished.
fn init(client: &mut Client, id: &str) -> Option<(i64, i16)> {
    let request = InitProducerIdRequest {
        transactional_id: Some(id),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
    };
    client.send(INIT_PRODUCER_ID_VERSION, request);
    client.hear(ApiKey::InitProducerId, INIT_PRODUCER_ID_VERSION, |response| match response {
        Response::InitProducerId(told) => match told.error_code {
            ErrorCode::NONE => Some((told.producer_id, told.producer_epoch)),
            ErrorCode::CONCURRENT_TRANSACTIONS => None,
            code => panic!("InitProducerId was answered {code:?}"),
        },
        other => panic!("{other:?}"),
    })
}

fn retry<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..RETRIES_MAX {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(RETRY_PAUSE);
    }
    panic!("the server still asks for patience");
}
