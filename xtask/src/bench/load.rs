//! The load: connections that keep requests in flight and read the answers.
//!
//! A request is built once and sent again and again, with its correlation id set in place: the load shares the machine
//! with the server and must cost less than it.

use std::{
    collections::VecDeque,
    hint,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use ksink_wire::{ApiKey, ErrorCode, Response, ResponseHeader, frame};

use super::batches::PRODUCE_VERSION;

/// Where the correlation id stands in a request: after the length, the API's key and its version.
const CORRELATION_ID: Range<usize> = 8..12;

/// An answer that takes longer will not come.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// No answer to these requests is longer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The last part of a wait is spent awake: a sleep ends when the kernel likes.
const AWAKE: Duration = Duration::from_micros(150);

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) connections: usize,
    /// How many requests of each connection wait for their answers.
    pub(super) in_flight: usize,
    /// When the next request is due after the last one; none waits for that, but for answers only.
    pub(super) interval: Option<Duration>,
}

/// What comes back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    /// Answers to Produce, all of which must say that nothing went wrong.
    Produced,
    /// So many bytes each, whatever they are.
    Bytes(usize),
}

/// Open connections to one server.
#[derive(Debug)]
pub(super) struct Load {
    connections: Vec<Connection>,
    pace: Pace,
}

/// What a load did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) took: Duration,
    /// Of each connection: from when a request was sent, or was due, until its answer was read.
    pub(super) latencies: Vec<Vec<Duration>>,
}

impl Done {
    pub(super) fn requests(&self) -> usize {
        self.latencies.iter().map(Vec::len).sum()
    }

    /// How many requests the slowest connection made for each one of the fastest.
    pub(super) fn fairness(&self) -> f64 {
        let requests = || self.latencies.iter().map(Vec::len);
        requests().min().unwrap_or(0) as f64 / requests().max().unwrap_or(1).max(1) as f64
    }
}

impl Load {
    pub(super) fn connect(
        server: SocketAddr,
        request: &[u8],
        answers: Answers,
        pace: Pace,
    ) -> Result<Self> {
        let connection = || Connection::open(server, request.to_vec(), answers);
        let connections = (0..pace.connections).map(|_| connection()).collect::<Result<_>>()?;
        Ok(Self { connections, pace })
    }

    /// Sends requests for so long, and waits for the last answer.
    pub(super) fn run(&mut self, time: Duration) -> Result<Done> {
        let pace = self.pace;
        let start = Instant::now();
        let end = start + time;
        let latencies = thread::scope(|scope| {
            let runs: Vec<_> = self
                .connections
                .iter_mut()
                .map(|connection| scope.spawn(move || connection.run(pace, end)))
                .collect();
            runs.into_iter()
                .map(|run| run.join().map_err(|_| anyhow!("the load panicked"))?)
                .collect::<Result<Vec<_>>>()
        })?;
        Ok(Done { took: start.elapsed(), latencies })
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    request: Vec<u8>,
    answer: Vec<u8>,
    answers: Answers,
    /// Of the next request, and of the next answer.
    next_ids: (i32, i32),
}

impl Connection {
    fn open(server: SocketAddr, request: Vec<u8>, answers: Answers) -> Result<Self> {
        let stream = TcpStream::connect(server).context("the server accepts no connection")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        let input = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, input, request, answer: Vec::new(), answers, next_ids: (0, 0) })
    }

    fn run(&mut self, pace: Pace, end: Instant) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut in_flight = VecDeque::new();
        let mut due = Instant::now();
        loop {
            while in_flight.len() < pace.in_flight && due.max(Instant::now()) < end {
                if let Some(interval) = pace.interval {
                    wait_until(due);
                    in_flight.push_back(due);
                    due += interval;
                } else {
                    in_flight.push_back(Instant::now());
                }
                self.send()?;
            }
            let Some(sent) = in_flight.pop_front() else { return Ok(latencies) };
            self.receive()?;
            latencies.push(sent.elapsed());
        }
    }

    fn send(&mut self) -> Result<()> {
        let id = &mut self.next_ids.0;
        self.request[CORRELATION_ID].copy_from_slice(&id.to_be_bytes());
        *id = id.wrapping_add(1);
        self.stream.write_all(&self.request).context("a request cannot be sent")
    }

    fn receive(&mut self) -> Result<()> {
        match self.answers {
            Answers::Bytes(bytes) => self.receive_bytes(bytes),
            Answers::Produced => self.receive_produced(),
        }
    }

    fn receive_bytes(&mut self, bytes: usize) -> Result<()> {
        self.answer.resize(bytes, 0);
        self.input.read_exact(&mut self.answer).context("no answer came")
    }

    fn receive_produced(&mut self) -> Result<()> {
        self.receive_bytes(frame::PREFIX_BYTES)?;
        let length = frame::frame_len(&self.answer, ANSWER_BYTES_MAX)?.unwrap_or(0);
        self.receive_bytes(length)?;
        let id = &mut self.next_ids.1;
        check_produced(&self.answer, *id)?;
        *id = id.wrapping_add(1);
        Ok(())
    }
}

/// Whether an answer is the one to this request, and says that all records were kept.
fn check_produced(answer: &[u8], correlation_id: i32) -> Result<()> {
    let (header, body) = ResponseHeader::decode(ApiKey::Produce, PRODUCE_VERSION, answer)?;
    ensure!(header.correlation_id == correlation_id, "an answer out of order");
    let Response::Produce(response) = Response::decode(ApiKey::Produce, PRODUCE_VERSION, body)?
    else {
        bail!("an answer to another request");
    };
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let partition = partitions.next().context("an answer without a partition")?;
    ensure!(partition.error_code == ErrorCode::NONE, "refused: {:?}", partition.error_code);
    Ok(())
}

fn wait_until(due: Instant) {
    if let Some(sleep) = due.checked_duration_since(Instant::now() + AWAKE) {
        thread::sleep(sleep);
    }
    while Instant::now() < due {
        hint::spin_loop();
    }
}
