//! The desk: the broker, and where its decisions and replies go, behind one lock that is never held across
//! a wait.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use ksink_event::{Answer, Answers, Delivery, Queue, QueueClosed, Slot};
use ksink_wire::Request;
use tokio::sync::mpsc;

use super::outbox::Outbox;
use crate::{
    broker::{Broker, ConnectionId, Decided, Inspected, ReplyTo, Settled},
    session::{Call, Reply},
    time::Now,
};

/// How many answers are settled under one lock.
const ANSWERS_AT_ONCE: usize = 256;

/// Where connections and the sink's answers meet the broker.
#[derive(Debug)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    answers: Answers,
    queue: Queue,
    next_connection: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    broker: Broker,
    outboxes: HashMap<ConnectionId, Arc<Outbox>>,
}

impl Desk {
    pub(super) fn new(broker: Broker, answers: Answers, queue: Queue) -> Self {
        let inner = Mutex::new(Inner { broker, outboxes: HashMap::new() });
        Self { inner, answers, queue, next_connection: AtomicU64::new(0) }
    }

    /// A connection comes in.
    pub(super) fn enter(&self) -> (ConnectionId, Arc<Outbox>) {
        let connection = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::default());
        self.lock().outboxes.insert(connection, outbox.clone());
        (connection, outbox)
    }

    /// A connection is gone. What it produced is decided all the same.
    pub(super) fn leave(&self, connection: ConnectionId) {
        self.lock().outboxes.remove(&connection);
    }

    /// Waits for a place among the deliveries.
    pub(super) async fn reserve(&self) -> Result<Slot, QueueClosed> {
        self.queue.reserve().await
    }

    /// Puts a produce request to the broker; `None` if its reply comes to the outbox later.
    pub(super) fn produce(
        &self,
        to: ReplyTo,
        call: &Call,
        inspected: Inspected,
        slot: Slot,
    ) -> Option<Reply> {
        let mut inner = self.lock();
        let reply = inner.broker.handle_produce(now(), to, call, inspected);
        let deliveries = self.deliveries(&mut inner);
        if !deliveries.is_empty() {
            // Queued under the lock: deliveries leave in the order in which they were decided.
            slot.fill(deliveries);
        }
        reply
    }

    /// Puts any other request to the broker; `None` if its reply comes to the outbox later.
    pub(super) fn handle(
        &self,
        now: Now,
        to: ReplyTo,
        call: &Call,
        request: Request<'_>,
    ) -> Option<Reply> {
        let mut inner = self.lock();
        let reply = inner.broker.handle(now, to, call, request);
        self.carry(&mut inner);
        reply
    }

    /// Settles what the sink answers, for as long as this is polled.
    pub(super) async fn settle(&self, mut heard: mpsc::UnboundedReceiver<Answer>) {
        let mut answers = Vec::new();
        while heard.recv_many(&mut answers, ANSWERS_AT_ONCE).await > 0 {
            let mut inner = self.lock();
            for answer in answers.drain(..) {
                log_refusal(&answer);
                inner.broker.settle(answer);
            }
            self.carry(&mut inner);
        }
    }

    /// Carries what the broker has decided to where it belongs.
    fn carry(&self, inner: &mut Inner) {
        let deliveries = self.deliveries(inner);
        if !deliveries.is_empty() {
            self.queue.push(deliveries);
        }
        while let Some(settled) = inner.broker.poll_settled() {
            inner.post(settled);
        }
    }

    fn deliveries(&self, inner: &mut Inner) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let Some(Decided { delivery, event, chain }) = inner.broker.poll_delivery() {
            deliveries.push(Delivery { event, ack: self.answers.expect(delivery, chain) });
        }
        deliveries
    }

    /// A handler's panic costs its connection only, so a lock that one left behind is still good: every
    /// change of the broker is made by calls that do not stop halfway.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn post(&self, settled: Settled) {
        let Settled { to: ReplyTo { connection, ticket }, reply } = settled;
        // A connection that is gone does not hear it; the records are kept all the same.
        if let Some(outbox) = self.outboxes.get(&connection) {
            outbox.post(ticket, reply);
        }
    }
}

fn log_refusal(answer: &Answer) {
    if let Answer::Refused { refusal, .. } = answer {
        // Whoever refused it says so where it matters; a producer that tries again must not fill the log.
        tracing::debug!(%refusal, "the sink refused a batch");
    }
}

/// This moment, by the clocks of this machine.
pub(super) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX) }
}
