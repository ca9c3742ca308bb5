//! Drives one session over one socket until either is done.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use ksink_event::Queue;
use ksink_wire::{Request, compression::Decompressor};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::watch,
    time::{sleep_until, timeout},
};

use super::{
    budget::{Budget, Charge},
    buffers::Buffers,
    desk::{Desk, now},
    outbox::Outbox,
};
use crate::{
    Limits,
    broker::{ConnectionId, Inspected, ReplyTo, inspect},
    session::{Call, Goodbye, Reply, Session},
};

/// The least that is read at once. An idle connection holds no buffer at all.
const READ_BYTES_MIN: usize = 16 << 10;

/// The most that is read at once: beyond it a socket gives no more, and the cache is left behind.
const READ_BYTES_MAX: usize = 256 << 10;

/// Room is made for this much of a frame before it came; the rest of a larger one finds room as it comes.
const FRAME_BYTES_AT_ONCE: usize = 2 << 20;

/// A smaller request is copied out of the buffer that it came in, so that it does not hold all of it.
const OWN_BYTES_MAX: usize = 32 << 10;

/// A buffer for answers that grew larger than this is not kept.
const OUTPUT_BYTES_KEPT: usize = 64 << 10;

thread_local! {
    /// The contexts of the codecs are large and can be used again.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// What all connections share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) desk: Arc<Desk>,
    /// The way to the sink.
    pub(super) queue: Queue,
    pub(super) budget: Budget,
    pub(super) buffers: Arc<Buffers>,
    pub(super) limits: Arc<Limits>,
    /// Turns true when the server stops.
    pub(super) drain: watch::Receiver<bool>,
}

/// One client.
struct Connection {
    stream: TcpStream,
    session: Session,
    shared: Shared,
    id: ConnectionId,
    outbox: Arc<Outbox>,
    /// For what the session has read and not cut into calls yet.
    charge: Charge,
    output: Vec<u8>,
}

/// Serves a client until the connection ends, and says why it did.
pub(super) async fn serve(stream: TcpStream, shared: Shared) -> Goodbye {
    let (client, local) = match (stream.peer_addr(), stream.local_addr()) {
        (Ok(client), Ok(local)) => (client, local),
        (Err(error), _) | (_, Err(error)) => return failed(&error),
    };
    let _ = stream.set_nodelay(true);
    let session = Session::new(shared.limits.clone(), Instant::now(), client, local);
    let (id, outbox) = shared.desk.enter();
    let (charge, output) = Default::default();
    let mut connection = Connection { stream, session, shared, id, outbox, charge, output };
    connection.run().await
}

impl Drop for Connection {
    /// Also after a panic: nobody would fetch the replies.
    fn drop(&mut self) {
        self.shared.desk.leave(self.id);
    }
}

impl Connection {
    async fn run(&mut self) -> Goodbye {
        loop {
            self.answer_calls().await;
            if let Err(goodbye) = self.write_output().await {
                return goodbye;
            }
            if let Some(goodbye) = self.session.ended() {
                return goodbye.clone();
            }
            if !self.session.has_calls() {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        let wants_input = self.session.wants_input();
        let deadline = self.session.poll_timeout();
        tokio::select! {
            replies = self.outbox.fetch() => {
                for (ticket, reply) in replies {
                    self.session.handle_reply(ticket, reply);
                }
            }
            readable = self.stream.readable(), if wants_input => match readable {
                Ok(()) => self.read().await,
                Err(error) => self.session.close(failed(&error)),
            },
            () = until(deadline) => self.session.handle_timeout(Instant::now()),
            () = drained(&mut self.shared.drain), if !self.session.is_finishing() => {
                self.session.handle_drain();
            }
        }
    }

    /// Reads what is there, up to a share that leaves the others their turn.
    async fn read(&mut self) {
        let wanted = self.session.input_wanted().clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        self.shared.budget.add(&mut self.charge, wanted).await;
        self.make_room(wanted);
        // The buffer may have more room than was charged for.
        let mut room = self.session.input().limit(wanted);
        match read_now(&mut self.stream, &mut room).await {
            None => {}
            Some(Ok(0)) => self.session.handle_end_of_input(),
            Some(Ok(_)) => self.session.handle_input(Instant::now()),
            Some(Err(error)) => self.session.close(failed(&error)),
        }
    }

    /// Makes room for the next read, and for the rest of the frame while that is not too much.
    fn make_room(&mut self, wanted: usize) {
        let rest = self.session.input_wanted().clamp(wanted, FRAME_BYTES_AT_ONCE);
        let input = self.session.input();
        if input.capacity() - input.len() < wanted {
            let mut roomy = self.shared.buffers.take(input.len() + rest);
            roomy.extend_from_slice(input);
            *input = roomy;
        }
    }

    async fn answer_calls(&mut self) {
        while let Some(mut call) = self.session.poll_call() {
            let charge = self.charge.split(call.body.len());
            let opened = charge.sibling();
            call.body = self.own(call.body, charge);
            let ticket = call.ticket;
            if let Some(reply) = self.answer(call, opened).await {
                self.session.handle_reply(ticket, reply);
            }
        }
        let unread = self.session.input().len();
        if unread == 0 {
            *self.session.input() = BytesMut::new();
        }
        self.charge.shrink_to(unread);
    }

    /// Lets a body carry its own charge, and its own bytes where the buffer would be too large for it.
    fn own(&self, body: Bytes, charge: Charge) -> Bytes {
        match body.len() {
            ..OWN_BYTES_MAX => charge.carried_by(Bytes::copy_from_slice(&body), None),
            _ => charge.carried_by(body, Some(self.shared.buffers.clone())),
        }
    }

    async fn answer(&self, call: Call, mut opened: Charge) -> Option<Reply> {
        let request = Request::decode(call.head.api, call.head.version, &call.body);
        match request {
            Ok(Request::Produce(request)) => {
                let mut inspected = DECOMPRESSOR.with_borrow_mut(|decompressor| {
                    let (version, limits) = (call.head.version, &self.shared.limits);
                    inspect(now(), version, &call.body, &request, decompressor, limits)
                });
                drop(request);
                self.shared.budget.add(&mut opened, inspected.decompressed_bytes()).await;
                inspected.map_decompressed(|body| {
                    let charge = opened.split(body.len());
                    charge.carried_by(body, None)
                });
                self.produce(&call, inspected).await
            }
            Ok(request) => {
                let to = ReplyTo { connection: self.id, ticket: call.ticket };
                self.shared.desk.handle(now(), to, &call, request)
            }
            Err(error) => {
                let (api, version) = (call.head.api, call.head.version);
                Some(Reply::Hangup(Goodbye::Malformed { api, version, error }))
            }
        }
    }

    async fn produce(&self, call: &Call, inspected: Inspected) -> Option<Reply> {
        let to = ReplyTo { connection: self.id, ticket: call.ticket };
        match self.shared.queue.reserve().await {
            Ok(slot) => self.shared.desk.produce(to, call, inspected, slot),
            Err(_) => Some(Reply::Hangup(Goodbye::Draining)),
        }
    }

    async fn write_output(&mut self) -> Result<(), Goodbye> {
        self.session.poll_output(Instant::now(), &mut self.output);
        let mut unsent = self.output.as_slice();
        while !unsent.is_empty() {
            match self.stream.try_write(unsent) {
                Ok(sent) => unsent = &unsent[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let allowed = self.shared.limits.write_time_max;
                    wait_writable(&self.stream, allowed).await?;
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        self.output.clear();
        if self.output.capacity() > OUTPUT_BYTES_KEPT || self.session.is_idle() {
            self.output = Vec::new();
        }
        Ok(())
    }
}

/// Reads once if anything is there. Unlike a read after `readable()`, this also finds out that the socket is
/// empty now, and saves asking it again.
async fn read_now(stream: &mut TcpStream, room: &mut impl BufMut) -> Option<io::Result<usize>> {
    let mut read = pin!(stream.read_buf(room));
    poll_fn(|context| match read.as_mut().poll(context) {
        Poll::Ready(read) => Poll::Ready(Some(read)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn wait_writable(stream: &TcpStream, allowed: Duration) -> Result<(), Goodbye> {
    match timeout(allowed, stream.writable()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(Goodbye::SlowReader(allowed)),
    }
}

/// Waits until the server stops; a server that was dropped without a word goes on.
pub(super) async fn drained(drain: &mut watch::Receiver<bool>) {
    if drain.wait_for(|drain| *drain).await.is_err() {
        std::future::pending().await
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn failed(error: &io::Error) -> Goodbye {
    Goodbye::Failed(error.to_string())
}
