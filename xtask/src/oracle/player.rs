//! Plays a transcript at one server and keeps what it answered.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use ksink_wire::{
    ErrorCode, Request, Response, ResponseHeader,
    frame::put_request,
    messages::{
        create_topics::{CreatableTopic, CreateTopicsRequest},
        init_producer_id::InitProducerIdRequest,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        metadata::{MetadataRequest, MetadataRequestTopic},
    },
};

use super::{
    answer::{Answer, Asked, GivenOut},
    peer::{Heard, Peer},
};
use crate::{interop::rows::PARTITIONS, wait::until};

/// How long Kafka may take until it does all that it does.
const START_WAIT: Duration = Duration::from_secs(30);

/// How long Kafka may take until a topic that it created can be written to.
const TOPIC_WAIT: Duration = Duration::from_secs(10);

/// How long a transaction may take to be ended in all of its partitions.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// What a client hears that asks too early, and asks again after.
const BUSY: &[ErrorCode] = &[
    ErrorCode::CONCURRENT_TRANSACTIONS,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode::COORDINATOR_NOT_AVAILABLE,
    ErrorCode::NOT_COORDINATOR,
];

/// Who plays the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    addr: SocketAddr,
    /// Whether a topic must be created before it is used.
    creates_topics: bool,
}

/// One request of a transcript, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub name: String,
    pub answer: Answer,
}

/// An answer to ask further questions with.
pub(crate) struct Reply {
    asked: Asked,
    heard: Heard,
}

/// Plays one transcript at one server.
pub(crate) struct Player {
    cast: Cast,
    /// Its name.
    pub transcript: &'static str,
    peer: Option<Peer>,
    correlation_id: i32,
    given_out: GivenOut,
    steps: Vec<Step>,
    /// When the transcript began, in milliseconds since the epoch.
    pub now_ms: i64,
}

impl Cast {
    pub(crate) fn kafka(addr: SocketAddr) -> Self {
        Self { addr, creates_topics: true }
    }

    pub(crate) fn ksink(addr: SocketAddr) -> Self {
        Self { addr, creates_topics: false }
    }
}

impl Player {
    pub(crate) fn new(cast: Cast, transcript: &'static str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        Self {
            cast,
            transcript,
            peer: None,
            correlation_id: 0,
            given_out: GivenOut::default(),
            steps: Vec::new(),
            now_ms,
        }
    }

    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// A topic of four partitions that is this transcript's own, and exists from now on.
    pub(crate) fn topic(&mut self, name: &str) -> Result<String> {
        let topic = format!("{}-{name}", self.transcript);
        match self.cast.creates_topics {
            true => self.create(&topic)?,
            false => self.name(&topic)?,
        }
        Ok(topic)
    }

    /// Waits until the server gives out producer ids, which Kafka does a little after it listens.
    pub(crate) fn await_producer_ids(&mut self) -> Result<()> {
        let mut gives = Ok(false);
        until(START_WAIT, || {
            gives = self.gives_producer_ids();
            !matches!(gives, Ok(false))
        });
        ensure!(gives?, "the server gives out no producer ids");
        Ok(())
    }

    fn gives_producer_ids(&mut self) -> Result<bool> {
        let request =
            InitProducerIdRequest { transaction_timeout_ms: 60_000, ..Default::default() };
        self.prepare(4, &request.into())?.read(|response| match response {
            Response::InitProducerId(response) => Some(response.error_code.is_none()),
            _ => None,
        })
    }

    /// Asks on the connection that is open, and keeps the answer.
    pub(crate) fn ask<'a>(
        &mut self,
        step: impl Into<String>,
        version: i16,
        request: impl Into<Request<'a>>,
    ) -> Result<Reply> {
        let (asked, bytes) = self.write(version, &request.into());
        self.exchange(step.into(), asked, &bytes)
    }

    /// Asks until the server has time for it, as clients do, and keeps the last answer.
    pub(crate) fn ask_settled<'a>(
        &mut self,
        step: impl Into<String>,
        version: i16,
        request: impl Into<Request<'a>>,
    ) -> Result<Reply> {
        let (step, request) = (step.into(), request.into());
        let mut last = Ok(None);
        until(SETTLE_WAIT, || {
            last = self.prepare(version, &request).map(Some);
            !matches!(&last, Ok(Some(reply)) if reply.says_one_of(BUSY))
        });
        let reply = last.with_context(|| step.clone())?.context("asked at least once")?;
        self.keep(step, &reply);
        Ok(reply)
    }

    /// Sends bytes as they are on a fresh connection, and keeps what comes.
    pub(crate) fn ask_bytes(
        &mut self,
        step: impl Into<String>,
        bytes: &[u8],
        asked: Asked,
    ) -> Result<Reply> {
        self.peer = None;
        let reply = self.exchange(step.into(), asked, bytes)?;
        self.peer = None;
        Ok(reply)
    }

    /// Sends a request that hears nothing, and then asks whether the connection still stands.
    pub(crate) fn ask_unheard<'a>(
        &mut self,
        step: impl Into<String>,
        version: i16,
        request: impl Into<Request<'a>>,
    ) -> Result<()> {
        let (_, unheard) = self.write(version, &request.into());
        let brokers_only = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
        let (asked, then) = self.write(9, &brokers_only.into());
        self.exchange(step.into(), asked, &[unheard, then].concat())?;
        Ok(())
    }

    fn exchange(&mut self, step: String, asked: Asked, bytes: &[u8]) -> Result<Reply> {
        let reply = self.hear(asked, bytes).with_context(|| step.clone())?;
        self.keep(step, &reply);
        Ok(reply)
    }

    fn keep(&mut self, name: String, reply: &Reply) {
        let answer = Answer::in_step(&name, reply.asked, &reply.heard, &mut self.given_out);
        self.steps.push(Step { name, answer });
    }

    fn hear(&mut self, asked: Asked, bytes: &[u8]) -> Result<Reply> {
        let mut peer = match self.peer.take() {
            Some(peer) => peer,
            None => Peer::connect(self.cast.addr)?,
        };
        peer.send(bytes);
        let heard = peer.hear()?;
        if matches!(heard, Heard::Frame(_)) {
            self.peer = Some(peer);
        }
        Ok(Reply { asked, heard })
    }

    fn write(&mut self, version: i16, request: &Request<'_>) -> (Asked, Vec<u8>) {
        self.correlation_id += 1;
        let asked = Asked { api: request.api(), version, correlation_id: self.correlation_id };
        let mut bytes = Vec::new();
        put_request(&mut bytes, version, self.correlation_id, Some(b"oracle"), request);
        (asked, bytes)
    }

    /// Asks without keeping the answer.
    pub(crate) fn prepare(&mut self, version: i16, request: &Request<'_>) -> Result<Reply> {
        let (asked, bytes) = self.write(version, request);
        self.hear(asked, &bytes)
    }

    fn name(&mut self, topic: &str) -> Result<()> {
        let topic = MetadataRequestTopic { name: Some(topic), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        self.prepare(9, &request.into())?;
        Ok(())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        let topic = CreatableTopic {
            name,
            num_partitions: PARTITIONS,
            replication_factor: 1,
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let code = self.prepare(5, &request.into())?.read(|response| match response {
            Response::CreateTopics(response) => Some(response.topics[0].error_code),
            _ => None,
        })?;
        ensure!(code == ErrorCode::NONE, "Kafka does not create the topic {name}: {code}");
        let mut is_ready = Ok(false);
        until(TOPIC_WAIT, || {
            is_ready = self.is_ready(name);
            !matches!(is_ready, Ok(false))
        });
        ensure!(is_ready?, "the topic {name} was created and cannot be used");
        Ok(())
    }

    /// Whether every partition of a topic has its log.
    fn is_ready(&mut self, name: &str) -> Result<bool> {
        let partition = |partition_index| ListOffsetsPartition {
            partition_index,
            timestamp: -1,
            ..Default::default()
        };
        let topic = ListOffsetsTopic { name, partitions: (0..PARTITIONS).map(partition).collect() };
        let request =
            ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        self.prepare(5, &request.into())?.read(|response| match response {
            Response::ListOffsets(response) => {
                Some(response.topics[0].partitions.iter().all(|it| it.error_code.is_none()))
            }
            _ => None,
        })
    }
}

impl Reply {
    /// Whether one of the codes in the answer is one of these.
    pub(crate) fn says_one_of(&self, codes: &[ErrorCode]) -> bool {
        Answer::of(self.asked, &self.heard).says_one_of(codes)
    }

    /// Reads something out of the answer that later requests need.
    pub(crate) fn read<T>(&self, read: impl FnOnce(Response<'_>) -> Option<T>) -> Result<T> {
        let Asked { api, version, .. } = self.asked;
        let Heard::Frame(frame) = &self.heard else { bail!("{api}: no answer to go on with") };
        let (_, body) = ResponseHeader::decode(api, version, frame)?;
        read(Response::decode(api, version, body)?).with_context(|| format!("{api}: unexpected"))
    }
}
