//! Deliveries on their way from the server to whoever keeps them.

use std::{collections::VecDeque, fmt};

use tokio::sync::mpsc;

use crate::{Ack, Event};

/// An event and the duty to answer for it.
#[derive(Debug)]
pub struct Delivery {
    /// What happened.
    pub event: Event,
    /// Must be answered once; dropping it refuses.
    pub ack: Ack,
}

/// The server's end of the way. See [`queue`].
#[derive(Clone, Debug)]
pub struct Queue(mpsc::Sender<Vec<Delivery>>);

/// A reserved place in the queue. Filling it never waits, so it can be done under a lock; dropping it
/// gives it back.
#[derive(Debug)]
pub struct Slot(mpsc::OwnedPermit<Vec<Delivery>>);

/// Nobody reads deliveries any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueClosed;

impl fmt::Display for QueueClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads deliveries any more")
    }
}

impl std::error::Error for QueueClosed {}

/// The way from a server to a sink, with room for `requests_max` produce requests.
///
/// # Panics
/// When `requests_max` is 0.
pub fn queue(requests_max: usize) -> (Queue, Deliveries) {
    let (sender, receiver) = mpsc::channel(requests_max);
    (Queue(sender), Deliveries { receiver, ready: VecDeque::new() })
}

impl Queue {
    /// Waits for a place.
    pub async fn reserve(&self) -> Result<Slot, QueueClosed> {
        self.0.clone().reserve_owned().await.map(Slot).map_err(|_| QueueClosed)
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl Slot {
    /// Fills the place with the deliveries of one request. They keep their order, and the order of
    /// these calls.
    pub fn fill(self, deliveries: Vec<Delivery>) {
        self.0.send(deliveries);
    }
}

/// The deliveries of a server, in the order in which they were decided.
#[derive(Debug)]
pub struct Deliveries {
    receiver: mpsc::Receiver<Vec<Delivery>>,
    ready: VecDeque<Delivery>,
}

impl Deliveries {
    /// The next delivery; `None` once the server has stopped and everything was handed out.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(delivery);
            }
            self.ready.extend(self.receiver.recv().await?);
        }
    }

    /// The next delivery if it is there already.
    pub fn next_ready(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(delivery);
            }
            self.ready.extend(self.receiver.try_recv().ok()?);
        }
    }
}
