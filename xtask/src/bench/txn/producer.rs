//! A transactional producer that says just what a measurement needs, with KIP-890: a transaction is one Produce and one
//! EndTxn, and each end gives the next epoch.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ksink_wire::{
    ApiKey, ErrorCode, Request, Response, ResponseHeader,
    frame::put_request,
    messages::{
        end_txn::EndTxnRequest,
        init_producer_id::InitProducerIdRequest,
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, NewRecord},
};

/// The topic that everything is produced to.
pub(super) const TOPIC: &str = "bench";

/// The one record of each transaction.
const VALUE: &[u8] = &[b'x'; 100];

/// An answer that takes longer will not come.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a client waits before it asks again, as librdkafka does.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

const PRODUCE_VERSION: i16 = 12;
const END_TXN_VERSION: i16 = 5;
const INIT_PRODUCER_ID_VERSION: i16 = 5;

/// A transactional producer.
#[derive(Debug)]
pub(super) struct Producer {
    stream: TcpStream,
    id: String,
    producer_id: i64,
    epoch: i16,
    correlation_id: i32,
}

impl Producer {
    /// Connects and becomes the producer of this transactional id.
    pub(super) fn connect(server: SocketAddr, id: String) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        let mut producer = Self { stream, id, producer_id: -1, epoch: -1, correlation_id: 0 };
        producer.init()?;
        Ok(producer)
    }

    /// One transaction of one record; returns once the commit is answered.
    pub(super) fn transaction(&mut self) -> Result<()> {
        self.produce()?;
        while !self.end()? {
            thread::sleep(RETRY_PAUSE);
        }
        Ok(())
    }

    /// A transaction whose commit may be decided without being applied: it is asked for and not insisted on.
    pub(super) fn ask_to_commit(&mut self) -> Result<()> {
        self.produce()?;
        self.end().map(drop)
    }

    fn init(&mut self) -> Result<()> {
        let id = self.id.clone();
        loop {
            let request = InitProducerIdRequest {
                transactional_id: Some(&id),
                transaction_timeout_ms: 60_000,
                producer_id: -1,
                producer_epoch: -1,
                ..Default::default()
            };
            let answer = self.ask(ApiKey::InitProducerId, INIT_PRODUCER_ID_VERSION, request)?;
            let told = read(ApiKey::InitProducerId, INIT_PRODUCER_ID_VERSION, &answer, |answer| {
                let Response::InitProducerId(answer) = answer else { return None };
                Some((answer.error_code, answer.producer_id, answer.producer_epoch))
            })?;
            match told {
                (ErrorCode::NONE, producer_id, epoch) => {
                    (self.producer_id, self.epoch) = (producer_id, epoch);
                    return Ok(());
                }
                (ErrorCode::CONCURRENT_TRANSACTIONS, ..) => thread::sleep(RETRY_PAUSE),
                (code, ..) => bail!("InitProducerId was answered {code:?}"),
            }
        }
    }

    fn produce(&mut self) -> Result<()> {
        let mut records = Vec::new();
        let mut batch = BatchBuilder::new(&mut records)
            .producer(self.producer_id, self.epoch, 0)
            .transactional();
        batch.push(&NewRecord { timestamp: 0, value: Some(VALUE), ..Default::default() })?;
        batch.finish()?;
        let id = self.id.clone();
        loop {
            let partition = PartitionProduceData { index: 0, records: Some(&records) };
            let topic = TopicProduceData {
                name: TOPIC,
                partition_data: vec![partition],
                ..Default::default()
            };
            let request = ProduceRequest {
                transactional_id: Some(&id),
                acks: -1,
                timeout_ms: 30_000,
                topic_data: vec![topic],
            };
            let answer = self.ask(ApiKey::Produce, PRODUCE_VERSION, request)?;
            let code = read(ApiKey::Produce, PRODUCE_VERSION, &answer, |answer| {
                let Response::Produce(answer) = answer else { return None };
                Some(answer.responses.first()?.partition_responses.first()?.error_code)
            })?;
            match code {
                ErrorCode::NONE => return Ok(()),
                // The transaction before is decided and not applied yet.
                ErrorCode::CONCURRENT_TRANSACTIONS | ErrorCode::NOT_ENOUGH_REPLICAS => {
                    thread::sleep(RETRY_PAUSE);
                }
                code => bail!("Produce was answered {code:?}"),
            }
        }
    }

    /// Whether the commit is answered for good.
    fn end(&mut self) -> Result<bool> {
        let id = self.id.clone();
        let request = EndTxnRequest {
            transactional_id: &id,
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            committed: true,
        };
        let answer = self.ask(ApiKey::EndTxn, END_TXN_VERSION, request)?;
        let told = read(ApiKey::EndTxn, END_TXN_VERSION, &answer, |answer| {
            let Response::EndTxn(answer) = answer else { return None };
            Some((answer.error_code, answer.producer_id, answer.producer_epoch))
        })?;
        match told {
            (ErrorCode::NONE, producer_id, epoch) => {
                (self.producer_id, self.epoch) = (producer_id, epoch);
                Ok(true)
            }
            (ErrorCode::CONCURRENT_TRANSACTIONS, ..) => Ok(false),
            (code, ..) => bail!("EndTxn was answered {code:?}"),
        }
    }

    fn ask<'a>(
        &mut self,
        api: ApiKey,
        version: i16,
        request: impl Into<Request<'a>>,
    ) -> Result<Vec<u8>> {
        self.correlation_id += 1;
        let mut bytes = Vec::new();
        put_request(&mut bytes, version, self.correlation_id, Some(b"bench"), &request.into());
        self.stream.write_all(&bytes)?;
        let mut len = [0; 4];
        self.stream.read_exact(&mut len).with_context(|| format!("no answer to {api:?}"))?;
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        self.stream.read_exact(&mut frame)?;
        Ok(frame)
    }
}

fn read<T>(
    api: ApiKey,
    version: i16,
    frame: &[u8],
    read: impl FnOnce(Response<'_>) -> Option<T>,
) -> Result<T> {
    let (_, body) = ResponseHeader::decode(api, version, frame).context("no answer's header")?;
    let response = Response::decode(api, version, body).context("no answer's body")?;
    read(response).with_context(|| format!("no answer to {api:?}"))
}
