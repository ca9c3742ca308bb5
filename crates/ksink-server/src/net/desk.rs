//! The desk: the broker, and where its decisions and replies go, behind one lock that is never held across
//! a wait.

use std::{
    collections::HashMap,
    iter,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use ksink_event::{Answer, Answers, Delivery, Queue, Slot};
use ksink_wire::Request;
use tokio::sync::Notify;

use super::outbox::Outbox;
use crate::{
    broker::{Broker, ConnectionId, Decided, Inspected, ReplyTo, Settled},
    session::{Call, Reply},
    state::{Frame, FrameId},
    time::Now,
};

/// Where connections, the sink's answers and the keeper meet the broker.
#[derive(Debug)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    next_connection: AtomicU64,
    /// Wakes the keeper.
    work: Notify,
    /// Wakes whoever waits for the sink's answers at the end.
    settled: Notify,
}

#[derive(Debug)]
struct Inner {
    broker: Broker,
    outboxes: HashMap<ConnectionId, Arc<Outbox>>,
    /// `None` once nothing goes to the sink any more.
    sink: Option<ToSink>,
    /// When the keeper wakes by itself.
    alarm: Option<Instant>,
}

/// The way to the sink and back.
#[derive(Debug)]
struct ToSink {
    queue: Queue,
    answers: Answers,
}

impl Desk {
    pub(super) fn new(broker: Broker, answers: Answers, queue: Queue) -> Self {
        let sink = Some(ToSink { queue, answers });
        let inner = Mutex::new(Inner { broker, outboxes: HashMap::new(), sink, alarm: None });
        let (next_connection, work, settled) = Default::default();
        Self { inner, next_connection, work, settled }
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
        let deliveries = inner.deliveries();
        if !deliveries.is_empty() {
            // Queued under the lock: deliveries leave in the order in which they were decided.
            slot.fill(deliveries);
        }
        self.wake_keeper(&inner);
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
        inner.carry();
        self.wake_keeper(&inner);
        reply
    }

    /// Settles what the sink answers.
    pub(super) fn settle(&self, answers: Vec<Answer>) {
        let mut inner = self.lock();
        for answer in answers {
            log_refusal(&answer);
            inner.broker.settle(now(), answer);
        }
        inner.carry();
        self.settled.notify_one();
    }

    /// Carries on with what was decided before anybody could connect.
    pub(super) fn begin(&self) {
        self.lock().carry();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. Should that change, the keeper is woken.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let mut inner = self.lock();
        inner.alarm = inner.broker.poll_timeout();
        inner.alarm
    }

    /// Does what its time has come for.
    pub(super) fn handle_timeout(&self) {
        let mut inner = self.lock();
        inner.broker.handle_timeout(now());
        inner.carry();
    }

    /// Nobody will come back to open transactions: they are aborted. Waits until the sink has done so, and has
    /// applied what else is decided, or is gone.
    pub(super) async fn end_transactions(&self) {
        {
            let mut inner = self.lock();
            inner.broker.abort_open_transactions(now());
            inner.carry();
            self.wake_keeper(&inner);
        }
        while self.lock().waits_for_transactions() {
            self.settled.notified().await;
        }
    }

    /// Takes what the broker wants to be kept.
    pub(super) fn take_frames(&self) -> Vec<Frame> {
        let mut inner = self.lock();
        iter::from_fn(|| inner.broker.poll_frame()).collect()
    }

    /// These frames are as safe as they must be.
    pub(super) fn framed(&self, frames: &[FrameId]) {
        let mut inner = self.lock();
        frames.iter().for_each(|frame| inner.broker.framed(now(), *frame));
        inner.carry();
    }

    /// Nothing can be kept at the moment.
    pub(super) fn keeper_failed(&self) {
        let mut inner = self.lock();
        inner.broker.keeper_failed();
        inner.carry();
    }

    /// Whether the sink could not be closed in good order.
    pub(super) fn was_left_in_disorder(&self) -> bool {
        self.lock().broker.was_left_in_disorder()
    }

    /// Waits until the keeper has something to do.
    pub(super) async fn woken(&self) {
        self.work.notified().await;
    }

    /// Lets nothing more go to the sink: its deliveries end, and once it has answered, so does the keeper.
    pub(super) fn close(&self) {
        self.lock().sink = None;
    }

    fn wake_keeper(&self, inner: &Inner) {
        let timeout = inner.broker.poll_timeout();
        let is_earlier =
            timeout.is_some_and(|timeout| inner.alarm.is_none_or(|alarm| timeout < alarm));
        if inner.broker.has_frames() || is_earlier {
            self.work.notify_one();
        }
    }

    /// A handler's panic costs its connection only, so a lock that one left behind is still good: every
    /// change of the broker is made by calls that do not stop halfway.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Carries what the broker has decided to where it belongs.
    fn carry(&mut self) {
        let deliveries = self.deliveries();
        if let Some(sink) = &self.sink
            && !deliveries.is_empty()
        {
            sink.queue.push(deliveries);
        }
        while let Some(settled) = self.broker.poll_settled() {
            self.post(settled);
        }
    }

    fn waits_for_transactions(&self) -> bool {
        let has_sink = self.sink.as_ref().is_some_and(|sink| !sink.queue.is_closed());
        has_sink && self.broker.has_unsettled_transactions()
    }

    fn deliveries(&mut self) -> Vec<Delivery> {
        let Self { broker, sink, .. } = self;
        let Some(ToSink { answers, .. }) = sink else { return Vec::new() };
        let decided = iter::from_fn(|| broker.poll_delivery());
        let delivery = |Decided { delivery, event, chain }| Delivery {
            event,
            ack: answers.expect(delivery, chain),
        };
        decided.map(delivery).collect()
    }

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
