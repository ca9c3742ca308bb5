//! A client that says exactly what a test wants said, and waits for the answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use ksink_wire::{
    ApiKey, ErrorCode, Request, Response, ResponseHeader,
    frame::put_request,
    messages::{
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, NewRecord},
};

/// Nothing on loopback takes this long; a test that waits longer has found a bug.
const PATIENCE: Duration = Duration::from_secs(20);

/// The version that produce requests are sent in: the last one that names topics.
pub(crate) const PRODUCE_VERSION: i16 = 12;

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When that fails, as everything here does: the test has failed then.
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket has a write timeout");
        Self { stream, correlation_id: 0 }
    }

    /// The client's own address, as the server sees it.
    pub fn addr(&self) -> SocketAddr {
        self.stream.local_addr().expect("it is connected")
    }

    /// Sends a request and does not wait.
    pub fn send<'a>(&mut self, version: i16, request: impl Into<Request<'a>>) {
        self.try_send(version, request).expect("the server reads");
    }

    /// Sends a request to a server that may have closed the connection.
    ///
    /// # Errors
    /// When it has.
    pub fn try_send<'a>(
        &mut self,
        version: i16,
        request: impl Into<Request<'a>>,
    ) -> io::Result<()> {
        self.correlation_id += 1;
        let mut bytes = Vec::new();
        put_request(&mut bytes, version, self.correlation_id, Some(b"test"), &request.into());
        self.stream.write_all(&bytes)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// The next frame; `None` once the server has closed the connection.
    pub fn hear_frame(&mut self) -> Option<Vec<u8>> {
        let mut len = [0; 4];
        match self.stream.read_exact(&mut len) {
            Ok(()) => {}
            Err(error) if is_closed(&error) => return None,
            Err(error) => panic!("no answer: {error}"),
        }
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        self.stream.read_exact(&mut frame).expect("the rest of the frame");
        Some(frame)
    }

    /// The next answer to a request of this API and version.
    pub fn hear<T>(
        &mut self,
        api: ApiKey,
        version: i16,
        read: impl FnOnce(Response<'_>) -> T,
    ) -> T {
        let frame = self.hear_frame().expect("an answer");
        read_answer(api, version, &frame, read)
    }

    /// Asks for a topic's metadata, and gives the code.
    pub fn name_topic(&mut self, name: &str) -> ErrorCode {
        let topic = MetadataRequestTopic { name: Some(name), ..Default::default() };
        self.send(9, MetadataRequest { topics: Some(vec![topic]), ..Default::default() });
        self.hear(ApiKey::Metadata, 9, |response| match response {
            Response::Metadata(response) => response.topics[0].error_code,
            other => panic!("{other:?}"),
        })
    }

    /// Where this client is told to connect to.
    pub fn told_addr(&mut self) -> (String, u16) {
        self.send(9, MetadataRequest { topics: Some(Vec::new()), ..Default::default() });
        self.hear(ApiKey::Metadata, 9, |response| match response {
            Response::Metadata(response) => {
                let broker = &response.brokers[0];
                (broker.host.to_owned(), u16::try_from(broker.port).expect("a port"))
            }
            other => panic!("{other:?}"),
        })
    }

    /// Sends records to partition 0 of a topic and does not wait.
    pub fn send_records(&mut self, topic: &str, acks: i16, records: &[u8]) {
        self.send_records_to(topic, 0, acks, records);
    }

    /// Sends records to a partition and does not wait.
    pub fn send_records_to(&mut self, topic: &str, partition: i32, acks: i16, records: &[u8]) {
        self.send(PRODUCE_VERSION, produce(topic, partition, acks, records));
    }

    /// The code and the base offset of the next answer to [`send_records`](Self::send_records).
    pub fn hear_produced(&mut self) -> (ErrorCode, i64) {
        self.hear_produced_or_closed().expect("an answer")
    }

    /// The same; `None` once the server has closed the connection.
    pub fn hear_produced_or_closed(&mut self) -> Option<(ErrorCode, i64)> {
        let frame = self.hear_frame()?;
        Some(read_answer(ApiKey::Produce, PRODUCE_VERSION, &frame, |response| match response {
            Response::Produce(response) => {
                let partition = &response.responses[0].partition_responses[0];
                (partition.error_code, partition.base_offset)
            }
            other => panic!("{other:?}"),
        }))
    }
}

fn read_answer<T>(
    api: ApiKey,
    version: i16,
    frame: &[u8],
    read: impl FnOnce(Response<'_>) -> T,
) -> T {
    let (_, body) = ResponseHeader::decode(api, version, frame).expect("a header");
    read(Response::decode(api, version, body).expect("a body"))
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

/// A request with records for one partition.
pub fn produce<'a>(topic: &'a str, index: i32, acks: i16, records: &'a [u8]) -> ProduceRequest<'a> {
    let partition_data = vec![PartitionProduceData { index, records: Some(records) }];
    let topic = TopicProduceData { name: topic, partition_data, ..Default::default() };
    ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// A batch of these values, without a producer id and of the timestamp 0.
pub fn batch<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Vec<u8> {
    batch_at(0, values)
}

/// A batch of these values, without a producer id. The timestamp is in milliseconds since the epoch.
pub fn batch_at<V: AsRef<[u8]>>(timestamp: i64, values: impl IntoIterator<Item = V>) -> Vec<u8> {
    let values: Vec<V> = values.into_iter().collect();
    batch_of(values.iter().map(|value| NewRecord {
        timestamp,
        value: Some(value.as_ref()),
        ..Default::default()
    }))
}

/// A batch of these values by a producer: its id, its epoch, and the first sequence.
pub fn batch_by<V: AsRef<[u8]>>(
    (id, epoch, sequence): (i64, i16, i32),
    values: impl IntoIterator<Item = V>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = BatchBuilder::new(&mut out).producer(id, epoch, sequence);
    for value in values {
        let value = Some(value.as_ref());
        builder.push(&NewRecord { value, ..Default::default() }).expect("a small record");
    }
    builder.finish().expect("a small batch");
    out
}

/// A batch of these records, without a producer id.
pub fn batch_of<'a>(records: impl IntoIterator<Item = NewRecord<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = BatchBuilder::new(&mut out);
    for record in records {
        builder.push(&record).expect("a small record");
    }
    builder.finish().expect("a small batch");
    out
}
