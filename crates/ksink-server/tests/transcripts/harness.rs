//! A server without sockets: sessions, a broker, and a sink that the test plays.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ksink_event::{
    Answer, Chain, DeliveryId, Durability, Event, LastStop, RecordSet, Refusal, Resumed,
};
use ksink_server::{
    Broker, BrokerConfig, ConnectionId, Decided, Frame, Goodbye, Ledger, Limits, Now, Reply,
    ReplyTo, Session, inspect,
};
use ksink_wire::{
    ApiKey, ErrorCode, Request, Response, ResponseHeader,
    compression::{Compression, Compressor, Decompressor},
    frame::{frame_len, put_request},
    messages::{
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, NewRecord},
};

/// What the harness's clock says at the start: 2026-11-20 09:30:00 UTC.
pub(crate) const START_MS: i64 = 1_795_167_000_000;

/// A broker, and the clock that everybody goes by.
pub(crate) struct House {
    pub(crate) broker: Broker,
    pub(crate) now: Now,
    limits: Arc<Limits>,
    config: BrokerConfig,
    connections: u64,
    /// Decided, and not answered by the sink yet.
    pub(crate) delivered: Vec<Decided>,
    /// To be kept, where there is a keeper.
    pub(crate) frames: VecDeque<Frame>,
    /// What was kept.
    pub(crate) ledger: Ledger,
}

/// One client's end of a connection.
pub(crate) struct Client {
    id: ConnectionId,
    pub(crate) session: Session,
    /// What was asked and not answered yet, in order.
    asked: Vec<(ApiKey, i16, i32)>,
    correlation_id: i32,
    heard: Vec<u8>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(&[], 1, Limits::default())
    }

    pub(crate) fn with(topics: &[&str], partitions: i32, limits: Limits) -> Self {
        Self::configured(limits, Self::config(topics, partitions))
    }

    /// A house whose broker remembers.
    pub(crate) fn with_keeper(durability: Durability) -> Self {
        let config = BrokerConfig { durability, has_keeper: true, ..Self::config(&[], 1) };
        let mut house = Self::configured(Limits::default(), config);
        house.broker.found(house.now, Vec::new());
        house.keep_all();
        house
    }

    fn config(topics: &[&str], partitions: i32) -> BrokerConfig {
        BrokerConfig {
            advertised: None,
            topics: topics.iter().map(|topic| topic.parse().expect("a legal pattern")).collect(),
            partitions,
            cluster_id: "the-cluster".into(),
            first_producer_id: 4_000,
            durability: Durability::Process,
            has_keeper: false,
        }
    }

    fn configured(limits: Limits, config: BrokerConfig) -> Self {
        let limits = Arc::new(limits);
        let now = Now { instant: Instant::now(), unix_ms: START_MS };
        Self {
            broker: Broker::new(now, config.clone(), limits.clone(), &Ledger::default()),
            now,
            limits,
            config,
            connections: 0,
            delivered: Vec::new(),
            frames: VecDeque::new(),
            ledger: Ledger::default(),
        }
    }

    /// The keeper keeps all frames, in memory that a crash spares.
    pub(crate) fn keep_all(&mut self) {
        while let Some(frame) = self.next_frame() {
            self.keep(frame);
        }
    }

    pub(crate) fn next_frame(&mut self) -> Option<Frame> {
        self.frames.extend(std::iter::from_fn(|| self.broker.poll_frame()));
        self.frames.pop_front()
    }

    pub(crate) fn keep(&mut self, frame: Frame) {
        let id = frame.id;
        // By the bytes, as a journal has them.
        let snapshot = self.ledger.snapshot();
        let restored = Ledger::restore(Some(&snapshot), [frame.encode()]).expect("our own bytes");
        self.ledger.apply(frame);
        assert_eq!(restored, self.ledger, "a restart finds what was applied");
        self.broker.framed(self.now, id);
        self.collect();
    }

    /// The process is killed, and another one starts with what was kept.
    pub(crate) fn crash(&mut self) {
        self.restart(LastStop::Unclean, Resumed::default());
    }

    /// Another process starts with what was kept, and its sink found this.
    pub(crate) fn restart(&mut self, last_stop: LastStop, resumed: Resumed) {
        // What it would be called if it remembered nothing.
        let config = BrokerConfig { cluster_id: "another".into(), ..self.config.clone() };
        let now = self.now;
        self.broker = Broker::new(now, config, self.limits.clone(), &self.ledger);
        self.delivered.clear();
        self.frames.clear();
        self.broker.found(self.now, Vec::new());
        self.broker.resume(self.now, last_stop, resumed);
        self.collect();
        self.keep_all();
    }

    /// Takes what the broker wants to be delivered.
    fn collect(&mut self) {
        while let Some(decided) = self.broker.poll_delivery() {
            self.delivered.push(decided);
        }
    }

    /// Time passes, and what it was waited for happens.
    pub(crate) fn pass_for(&mut self, clients: &mut [&mut Client], time: Duration) {
        self.pass(time);
        self.broker.handle_timeout(self.now);
        self.post_to(clients);
    }

    /// Brings the replies that became ready to those clients who are still there.
    pub(crate) fn post_to(&mut self, clients: &mut [&mut Client]) {
        self.collect();
        while let Some(settled) = self.broker.poll_settled() {
            let asker = clients.iter_mut().find(|client| client.id == settled.to.connection);
            if let Some(client) = asker {
                client.session.handle_reply(settled.to.ticket, settled.reply);
            }
        }
        for client in clients {
            self.serve(client);
        }
    }

    pub(crate) fn connect(&mut self) -> Client {
        self.connections += 1;
        let client: SocketAddr = ([192, 0, 2, 7], 50_000).into();
        let local: SocketAddr = ([192, 0, 2, 1], 9092).into();
        Client {
            id: ConnectionId(self.connections),
            session: Session::new(self.limits.clone(), self.now.instant, client, local),
            asked: Vec::new(),
            correlation_id: 0,
            heard: Vec::new(),
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.unix_ms += i64::try_from(time.as_millis()).expect("a short test");
    }

    /// Carries what the session cut to the broker, as `net::connection` does.
    pub(crate) fn serve(&mut self, client: &mut Client) {
        loop {
            self.answer_calls(client);
            client.session.poll_output(self.now.instant, &mut client.heard);
            if !client.session.has_calls() {
                return;
            }
        }
    }

    fn answer_calls(&mut self, client: &mut Client) {
        while let Some(call) = client.session.poll_call() {
            let head = call.head;
            let reply = match Request::decode(head.api, head.version, &call.body) {
                Ok(Request::Produce(request)) => {
                    let inspected = inspect(
                        self.now,
                        head.version,
                        &call.body,
                        &request,
                        &mut Decompressor::new(),
                        &self.limits,
                    );
                    let to = ReplyTo { connection: client.id, ticket: call.ticket };
                    self.broker.handle_produce(self.now, to, &call, inspected)
                }
                Ok(request) => {
                    let to = ReplyTo { connection: client.id, ticket: call.ticket };
                    self.broker.handle(self.now, to, &call, request)
                }
                Err(error) => Some(Reply::Hangup(Goodbye::Malformed {
                    api: head.api,
                    version: head.version,
                    error,
                })),
            };
            self.collect();
            if let Some(reply) = reply {
                client.session.handle_reply(call.ticket, reply);
            }
        }
    }

    /// The sink keeps everything that it was handed.
    pub(crate) fn accept_all(&mut self, client: &mut Client) {
        self.accept_all_for(&mut [client]);
    }

    /// The same where several clients wait.
    pub(crate) fn accept_all_for(&mut self, clients: &mut [&mut Client]) {
        let deliveries = self.delivered.drain(..).map(|decided| decided.delivery).collect();
        self.settle_for(clients, Answer::Accepted { deliveries, positions: Vec::new() });
    }

    /// The sink keeps the first delivery that it has not answered.
    pub(crate) fn accept_first_for(&mut self, clients: &mut [&mut Client]) {
        let deliveries = vec![self.delivered.remove(0).delivery];
        self.settle_for(clients, Answer::Accepted { deliveries, positions: Vec::new() });
    }

    pub(crate) fn settle(&mut self, client: &mut Client, answer: Answer) {
        self.settle_for(&mut [client], answer);
    }

    /// Brings an answer of the sink to the broker, and the replies to those clients who are still there.
    pub(crate) fn settle_for(&mut self, clients: &mut [&mut Client], answer: Answer) {
        self.broker.settle(self.now, answer);
        self.post_to(clients);
    }

    /// The sink refuses the first delivery that it has not answered.
    pub(crate) fn refuse_first(&mut self, client: &mut Client, refusal: Refusal) {
        let news = self.refuse_unheard(refusal);
        self.settle(client, news);
    }

    /// The same, and the broker has not heard of it yet.
    pub(crate) fn refuse_unheard(&mut self, refusal: Refusal) -> Answer {
        let Decided { delivery, chain, .. } = self.delivered.remove(0);
        refused_by_sink(delivery, chain, refusal)
    }

    /// What the sink was handed.
    pub(crate) fn sets(&self) -> Vec<&RecordSet> {
        self.delivered
            .iter()
            .map(|decided| match &decided.event {
                Event::Records(set) => set,
                other => panic!("unexpected event: {other:?}"),
            })
            .collect()
    }
}

/// Refuses by an `Ack`, which breaks the chain as it does in a sink.
fn refused_by_sink(delivery: DeliveryId, chain: Option<Arc<Chain>>, refusal: Refusal) -> Answer {
    let (answers, mut heard) = ksink_event::Answers::new();
    answers.expect(delivery, chain).refuse(refusal);
    heard.try_recv().expect("an acknowledgement answers")
}

impl Client {
    /// Sends a request in a version.
    pub(crate) fn send<'a>(
        &mut self,
        house: &mut House,
        version: i16,
        request: impl Into<Request<'a>>,
    ) {
        let request = request.into();
        self.correlation_id += 1;
        self.asked.push((request.api(), version, self.correlation_id));
        let mut bytes = Vec::new();
        put_request(&mut bytes, version, self.correlation_id, Some(b"test"), &request);
        self.send_bytes(house, &bytes);
    }

    pub(crate) fn send_bytes(&mut self, house: &mut House, bytes: &[u8]) {
        self.session.input().extend_from_slice(bytes);
        self.session.handle_input(house.now.instant);
        house.serve(self);
    }

    /// Sends a request whose answer will not be waited for.
    pub(crate) fn send_unheard<'a>(
        &mut self,
        house: &mut House,
        version: i16,
        request: impl Into<Request<'a>>,
    ) {
        self.send(house, version, request);
        self.asked.pop();
    }

    /// The next whole frame that the client heard, without its size.
    pub(crate) fn hear_frame(&mut self) -> Option<Bytes> {
        let len = frame_len(&self.heard, usize::MAX).expect("a frame")?;
        let rest = self.heard.split_off(4 + len);
        let frame = Bytes::copy_from_slice(&self.heard[4..]);
        self.heard = rest;
        Some(frame)
    }

    /// The next answer, which must be the one to the oldest question.
    #[track_caller]
    pub(crate) fn hear<T>(&mut self, read: impl FnOnce(Response<'_>) -> T) -> T {
        let frame = self.hear_frame().expect("an answer");
        let (api, version, correlation_id) = self.asked.remove(0);
        let (header, body) = ResponseHeader::decode(api, version, &frame).expect("a header");
        assert_eq!(header.correlation_id, correlation_id, "answers come in order");
        read(Response::decode(api, version, body).expect("a body"))
    }

    #[track_caller]
    pub(crate) fn hears_nothing(&mut self) {
        assert_eq!(self.hear_frame(), None);
    }

    /// Makes a topic known, as every client does first.
    pub(crate) fn name_topic(&mut self, house: &mut House, name: &str) {
        let topic = MetadataRequestTopic { name: Some(name), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        self.send(house, 12, request);
        self.hear(|_| ());
    }

    /// Sends a batch to `topic` 0, with acks=all.
    pub(crate) fn produce(&mut self, house: &mut House, version: i16, topic: &str, records: &[u8]) {
        self.send(house, version, produce_request(topic, 0, -1, records));
    }

    /// Leaves without a word.
    pub(crate) fn hang_up(&mut self) {
        self.session.close(Goodbye::Finished);
        self.asked.clear();
        self.heard.clear();
    }

    /// As [`hear_produced`](Self::hear_produced), if there is an answer already.
    pub(crate) fn try_hear_produced(&mut self) -> Option<(ErrorCode, i64)> {
        (!self.heard.is_empty()).then(|| self.hear_produced())
    }

    /// The code and the base offset of the next answer, to a request for one partition.
    #[track_caller]
    pub(crate) fn hear_produced(&mut self) -> (ErrorCode, i64) {
        self.hear(|response| {
            let Response::Produce(response) = response else { panic!("{response:?}") };
            let partition = &response.responses[0].partition_responses[0];
            (partition.error_code, partition.base_offset)
        })
    }
}

/// Records for one partition of one topic.
pub(crate) fn produce_request<'a>(
    topic: &'a str,
    index: i32,
    acks: i16,
    records: &'a [u8],
) -> ProduceRequest<'a> {
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic,
            partition_data: vec![PartitionProduceData { index, records: Some(records) }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A batch of these values, with no producer id.
pub(crate) fn batch(values: &[&str]) -> Vec<u8> {
    batch_by((-1, -1, -1), Compression::None, values)
}

/// A batch of these values by a producer (id, epoch, base sequence).
pub(crate) fn batch_by(
    (id, epoch, sequence): (i64, i16, i32),
    compression: Compression,
    values: &[&str],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut compressor = Compressor::new();
    let mut builder = BatchBuilder::new(&mut out)
        .producer(id, epoch, sequence)
        .compression(compression, &mut compressor);
    for value in values {
        let record =
            NewRecord { timestamp: START_MS, value: Some(value.as_bytes()), ..Default::default() };
        builder.push(&record).expect("a small record");
    }
    builder.finish().expect("a small batch");
    out
}
