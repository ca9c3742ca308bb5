//! A proxy between a client of few words and a server that answers everything at once.

use std::{io, net::SocketAddr};

use ksink_proxy::{Counts, Ending, Fault, Proxy, Schedule, Tally};
use ksink_wire::{
    Request, Response,
    frame::{put_request, put_response},
    messages::{
        api_versions::ApiVersionsRequest,
        produce::{
            PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
            TopicProduceData, TopicProduceResponse,
        },
    },
    records::{BatchBuilder, NewRecord},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// The last version that names topics.
const VERSION: i16 = 12;

/// What the server saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A request; connections are counted from 0.
    Asked { connection: usize, correlation_id: i32 },
    /// The end of a connection.
    Ended(usize),
}

/// The proxy at work.
pub(crate) struct Stage {
    addr: SocketAddr,
    tally: Tally,
    heard: UnboundedReceiver<Heard>,
}

/// A client's connection through the proxy.
pub(crate) struct Client(TcpStream);

impl Stage {
    pub(crate) async fn open<const N: usize>(faults: [Fault; N]) -> Self {
        Self::open_before(faults.to_vec(), 1).await
    }

    /// The server answers two requests at a time, the last one first.
    pub(crate) async fn open_with_a_confused_server() -> Self {
        Self::open_before(Vec::new(), 2).await
    }

    async fn open_before(faults: Vec<Fault>, answered_at_once: usize) -> Self {
        let proxy = Proxy::bind(Schedule::scripted(faults)).await.unwrap();
        let (addr, tally) = (proxy.addr().unwrap(), proxy.tally());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (tell, heard) = unbounded_channel();
        tokio::spawn(serve(listener, tell, answered_at_once));
        tokio::spawn(proxy.run(server));
        Self { addr, tally, heard }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.addr).await.unwrap())
    }

    /// What the server saw next.
    pub(crate) async fn heard(&mut self, count: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        while heard.len() < count {
            heard.push(self.heard.recv().await.unwrap());
        }
        heard
    }

    pub(crate) fn counts(&self) -> Counts {
        self.tally.counts()
    }
}

impl Client {
    /// Sends a Produce request of two records under each of these correlation ids, in one piece.
    pub(crate) async fn send(&mut self, correlation_ids: &[i32]) {
        let frames = correlation_ids.iter().flat_map(|id| produce(*id, -1));
        self.write(&frames.collect::<Vec<u8>>()).await;
    }

    pub(crate) async fn send_unanswered(&mut self, correlation_id: i32) {
        self.write(&produce(correlation_id, 0)).await;
    }

    pub(crate) async fn send_api_versions(&mut self, correlation_id: i32) {
        self.write(&request(0, correlation_id, &ApiVersionsRequest::default().into())).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The correlation ids of the next replies.
    pub(crate) async fn hear_all(&mut self, count: usize) -> Vec<i32> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(read_frame(&mut self.0).await.unwrap().1);
        }
        ids
    }

    /// What comes before the end, and which end it is.
    pub(crate) async fn hear_end(&mut self) -> (Vec<u8>, Ending) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest).await {
            Ok(_) => (rest, Ending::Fin),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => (rest, Ending::Rst),
            Err(error) => panic!("{error}"),
        }
    }

    /// Says that nothing more will come.
    pub(crate) async fn hang_up(&mut self) {
        self.0.shutdown().await.unwrap();
    }
}

/// The server's reply to [`Client::send`], whole.
pub(crate) fn reply(correlation_id: i32) -> Vec<u8> {
    let partition_responses = vec![PartitionProduceResponse::default()];
    let topic = TopicProduceResponse { name: "t", partition_responses, ..Default::default() };
    let response = ProduceResponse { responses: vec![topic], ..Default::default() };
    let mut bytes = Vec::new();
    put_response(&mut bytes, VERSION, correlation_id, &Response::from(response));
    bytes
}

fn produce(correlation_id: i32, acks: i16) -> Vec<u8> {
    let mut records = Vec::new();
    let mut builder = BatchBuilder::new(&mut records);
    for _ in 0..2 {
        builder.push(&NewRecord { value: Some(b"v"), ..Default::default() }).unwrap();
    }
    builder.finish().unwrap();
    let partition_data = vec![PartitionProduceData { index: 0, records: Some(&records) }];
    let topic = TopicProduceData { name: "t", partition_data, ..Default::default() };
    let produce = ProduceRequest { acks, topic_data: vec![topic], ..Default::default() };
    request(VERSION, correlation_id, &produce.into())
}

fn request(version: i16, correlation_id: i32, request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_request(&mut bytes, version, correlation_id, Some(b"test"), request);
    bytes
}

async fn serve(listener: TcpListener, tell: UnboundedSender<Heard>, answered_at_once: usize) {
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer_all(stream, connection, tell.clone(), answered_at_once));
    }
}

async fn answer_all(
    mut stream: TcpStream,
    connection: usize,
    tell: UnboundedSender<Heard>,
    answered_at_once: usize,
) {
    let mut unanswered = Vec::new();
    while let Some((frame, _)) = read_frame(&mut stream).await {
        let correlation_id = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        tell.send(Heard::Asked { connection, correlation_id }).ok();
        if frame != produce(correlation_id, 0)[4..] {
            unanswered.push(correlation_id);
        }
        if unanswered.len() == answered_at_once {
            for id in unanswered.drain(..).rev() {
                // The proxy may have hung up.
                stream.write_all(&reply(id)).await.ok();
            }
        }
    }
    tell.send(Heard::Ended(connection)).ok();
}

/// The next frame without its prefix, and the number that it begins with; `None` at the end.
async fn read_frame(stream: &mut TcpStream) -> Option<(Vec<u8>, i32)> {
    let length = stream.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.ok()?;
    let first = i32::from_be_bytes(*frame.first_chunk()?);
    Some((frame, first))
}
