//! One client connection as a state machine: bytes in, calls out, replies in, bytes out.
//!
//! No socket, no task, no clock; those are in `net::connection`. Methods come in the kinds of quinn:
//! `handle_*` for what comes in, `poll_*` for what goes out, plain names for questions.

mod call;
mod goodbye;
mod pipeline;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use ksink_wire::{RequestHeader, frame::frame_len};

use self::pipeline::Pipeline;
pub use self::{
    call::{Call, Caller, Head, Reply},
    goodbye::Goodbye,
    pipeline::Ticket,
};
use crate::{Limits, broker::apis};

/// The bytes of a size prefix.
const PREFIX_BYTES: usize = 4;

/// A frame may take a second longer for each of these.
const FRAME_BYTES_PER_SECOND: u64 = 16 << 10;

/// A connection: its half-read frame, its requests in flight and their places in line.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    phase: Phase,
    input: BytesMut,
    /// When the first byte of the frame in `input` came.
    frame_since: Option<Instant>,
    last_input: Instant,
    calls: VecDeque<Call>,
    pipeline: Pipeline,
}

/// How far a connection got.
#[derive(Clone, Debug)]
enum Phase {
    /// Requests are served.
    Open(Caller),
    /// Nothing is read any more; what is in line is still answered.
    Finishing(Goodbye),
    /// Nothing is read or answered any more.
    Closed(Goodbye),
}

impl Session {
    /// A connection from `client`, accepted at `local`.
    pub fn new(limits: Arc<Limits>, now: Instant, client: SocketAddr, local: SocketAddr) -> Self {
        Self {
            limits,
            phase: Phase::Open(Caller { client, local }),
            input: BytesMut::new(),
            frame_since: None,
            last_input: now,
            calls: VecDeque::new(),
            pipeline: Pipeline::default(),
        }
    }

    /// The buffer to append received bytes to; then call [`handle_input`](Self::handle_input).
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Takes note of the bytes that were appended to [`input`](Self::input), and cuts whole frames.
    pub fn handle_input(&mut self, now: Instant) {
        self.last_input = now;
        self.frame_since.get_or_insert(now);
        self.cut_frames(now);
    }

    /// The client sends no more.
    pub fn handle_end_of_input(&mut self) {
        // A client may close its sending half and still read the answers, so they are not dropped.
        self.finish(Goodbye::Finished);
    }

    /// Fills the place of a call.
    pub fn handle_reply(&mut self, ticket: Ticket, reply: Reply) {
        match reply {
            Reply::Send(bytes) => self.pipeline.fill(ticket, bytes),
            Reply::Silence => self.pipeline.fill(ticket, Vec::new()),
            Reply::SendAt(_, bytes) if self.is_finishing() => self.pipeline.fill(ticket, bytes),
            Reply::SendAt(when, bytes) => self.pipeline.fill_at(ticket, when, bytes),
            // What was decided is still answered, so that nobody sends again what was kept. What was not looked at
            // yet would land without what came before it.
            Reply::Hangup(goodbye) => {
                self.pipeline.fill(ticket, Vec::new());
                for call in self.calls.drain(..) {
                    self.pipeline.fill(call.ticket, Vec::new());
                }
                self.finish(goodbye);
            }
        }
    }

    /// Time passed: delayed replies become ready, and who is late or idle is told goodbye.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pipeline.handle_timeout(now);
        if self.frame_deadline().is_some_and(|deadline| deadline <= now) {
            self.close(Goodbye::SlowFrame);
        } else if self.idle_deadline().is_some_and(|deadline| deadline <= now) {
            self.close(Goodbye::Idle);
        }
    }

    /// The server stops: reads no more and answers what is in line.
    pub fn handle_drain(&mut self) {
        self.finish(Goodbye::Draining);
    }

    /// Closes at once, without answering what is in line.
    pub fn close(&mut self, goodbye: Goodbye) {
        if !self.is_closed() {
            self.phase = Phase::Closed(goodbye);
            self.calls.clear();
            self.pipeline.clear();
        }
    }

    /// The next request to be answered.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    /// Appends the replies that are next in line. Each makes room for a request that may have come
    /// already, so ask for [calls](Self::poll_call) again.
    pub fn poll_output(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.pipeline.drain_ready(out);
        self.cut_frames(now);
    }

    /// Whether there is a request to be answered.
    pub fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.frame_deadline(), self.idle_deadline(), self.pipeline.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Why the connection ends, once there is nothing left to do for it.
    pub fn ended(&self) -> Option<&Goodbye> {
        match &self.phase {
            Phase::Open(_) => None,
            Phase::Finishing(goodbye) => {
                (self.pipeline.is_empty() && self.calls.is_empty()).then_some(goodbye)
            }
            Phase::Closed(goodbye) => Some(goodbye),
        }
    }

    /// False while too much is in flight: stop reading, and TCP slows the client down for us.
    pub fn wants_input(&self) -> bool {
        matches!(self.phase, Phase::Open(_)) && self.has_room()
    }

    /// Whether nothing is in flight and nothing is half-read.
    pub fn is_idle(&self) -> bool {
        self.pipeline.is_empty() && self.input.is_empty()
    }

    /// Whether no more requests are taken.
    pub fn is_finishing(&self) -> bool {
        !matches!(self.phase, Phase::Open(_))
    }

    /// How many bytes the frame at the front still lacks, as far as is known; at least 1.
    pub fn input_wanted(&self) -> usize {
        match frame_len(&self.input, self.limits.frame_bytes_max) {
            Ok(Some(len)) => (PREFIX_BYTES + len).saturating_sub(self.input.len()).max(1),
            Ok(None) | Err(_) => PREFIX_BYTES,
        }
    }

    fn has_room(&self) -> bool {
        self.pipeline.len() < self.limits.pipeline_requests_max
            && (self.pipeline.is_empty() || self.pipeline.bytes() < self.limits.pipeline_bytes_max)
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    fn finish(&mut self, goodbye: Goodbye) {
        if matches!(self.phase, Phase::Open(_)) {
            self.phase = Phase::Finishing(goodbye);
            // A fetch that waits for records must not hold up a stop.
            self.pipeline.hurry();
        }
    }

    fn cut_frames(&mut self, now: Instant) {
        while self.wants_input() {
            match self.cut_frame(now) {
                Ok(true) => {}
                Ok(false) => break,
                Err(goodbye) => self.finish(goodbye),
            }
        }
    }

    /// Turns the frame at the front into a call, if it is whole.
    fn cut_frame(&mut self, now: Instant) -> Result<bool, Goodbye> {
        let Some(len) = frame_len(&self.input, self.limits.frame_bytes_max)? else {
            return Ok(false);
        };
        if self.input.len() < PREFIX_BYTES + len {
            return Ok(false);
        }
        let frame = self.input.split_to(PREFIX_BYTES + len).freeze().slice(PREFIX_BYTES..);
        self.frame_since = (!self.input.is_empty()).then_some(now);
        self.admit(frame)?;
        Ok(true)
    }

    /// Gives a frame its place in line.
    fn admit(&mut self, frame: Bytes) -> Result<(), Goodbye> {
        let Phase::Open(caller) = self.phase else { return Ok(()) };
        match RequestHeader::decode(&frame) {
            Ok((header, body)) => {
                let head = Head::of(&header);
                let body = frame.slice_ref(body);
                apis::admit(head.api, head.version)?;
                let ticket = self.pipeline.enter(frame.len());
                self.calls.push_back(Call { ticket, caller, head, body });
            }
            // The one request that is answered in a version that we do not know (KIP-511).
            Err(error) => {
                let answer = apis::answer_unreadable(error)?;
                let ticket = self.pipeline.enter(frame.len());
                self.pipeline.fill(ticket, answer);
            }
        }
        Ok(())
    }

    fn frame_deadline(&self) -> Option<Instant> {
        if !self.wants_input() {
            return None;
        }
        let transfer = Duration::from_secs(self.input.len() as u64 / FRAME_BYTES_PER_SECOND);
        self.frame_since.map(|since| since + self.limits.frame_time_max + transfer)
    }

    /// A connection that waits for us is not idle.
    fn idle_deadline(&self) -> Option<Instant> {
        let waits = self.pipeline.is_empty() && matches!(self.phase, Phase::Open(_));
        waits.then(|| self.last_input + self.limits.idle_max)
    }
}
