//! Deliveries on their way from the server to whoever keeps them.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

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
pub struct Queue {
    parcels: mpsc::UnboundedSender<(Parcel, Option<OwnedSemaphorePermit>)>,
    places: Arc<Semaphore>,
}

/// A reserved place in the queue. Filling it never waits, so it can be done under a lock; dropping it
/// gives it back.
#[derive(Debug)]
pub struct Slot {
    queue: Queue,
    place: OwnedSemaphorePermit,
}

/// The deliveries of one request. Whoever opens it first has them.
#[derive(Clone, Debug)]
struct Parcel(Arc<Mutex<Vec<Delivery>>>);

impl Parcel {
    fn open(&self) -> Vec<Delivery> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

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
/// When `requests_max` is larger than 2^60.
pub fn queue(requests_max: usize) -> (Queue, Deliveries) {
    let (parcels, receiver) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(requests_max));
    let queue = Queue { parcels, places: places.clone() };
    (queue, Deliveries { receiver, places, ready: VecDeque::new() })
}

impl Queue {
    /// Waits for a place.
    pub async fn reserve(&self) -> Result<Slot, QueueClosed> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| QueueClosed)?;
        Ok(Slot { queue: self.clone(), place })
    }

    /// Adds deliveries beyond the places: those that no client waits to be let in with, such as commits. Their
    /// number is for the caller to limit.
    pub fn push(&self, deliveries: Vec<Delivery>) {
        self.send(deliveries, None);
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.parcels.is_closed()
    }

    fn send(&self, deliveries: Vec<Delivery>, place: Option<OwnedSemaphorePermit>) {
        let parcel = Parcel(Arc::new(Mutex::new(deliveries)));
        let sent = self.parcels.send((parcel.clone(), place));
        // A reader that left before this was sent did not take it along, and as long as the queue lives nobody
        // else would.
        if sent.is_err() || self.is_closed() {
            drop(parcel.open());
        }
    }
}

impl Slot {
    /// Fills the place with the deliveries of one request. They keep their order, and the order of
    /// these calls.
    ///
    /// Where nobody reads any more they are dropped, which refuses them.
    pub fn fill(self, deliveries: Vec<Delivery>) {
        self.queue.send(deliveries, Some(self.place));
    }
}

/// The deliveries of a server, in the order in which they were decided.
#[derive(Debug)]
pub struct Deliveries {
    receiver: mpsc::UnboundedReceiver<(Parcel, Option<OwnedSemaphorePermit>)>,
    places: Arc<Semaphore>,
    ready: VecDeque<Delivery>,
}

impl Deliveries {
    /// The next delivery; `None` once the server has stopped and everything was handed out.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(delivery);
            }
            let (parcel, _place) = self.receiver.recv().await?;
            self.ready.extend(parcel.open());
        }
    }

    /// The next delivery if it is there already.
    pub fn next_ready(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(delivery);
            }
            let (parcel, _place) = self.receiver.try_recv().ok()?;
            self.ready.extend(parcel.open());
        }
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.places.close();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use bytes::Bytes;
    use ksink_wire::{
        compression::Decompressor,
        records::{BatchBuilder, NewRecord, RecordBatch},
    };

    use super::*;
    use crate::{Answer, Answers, DeliveryId, RecordSet};

    fn delivery(answers: &Answers, id: u64) -> Delivery {
        let mut batch = Vec::new();
        let mut builder = BatchBuilder::new(&mut batch);
        builder.push(&NewRecord::default()).expect("a small record");
        builder.finish().expect("a small batch");
        let (batch, _) = RecordBatch::parse(&batch).expect("it was just built");
        let mut out = Vec::new();
        let records = batch.open(&mut Decompressor::new(), &mut out, 0).expect("it is whole");
        let body = Bytes::copy_from_slice(records.body());
        let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let set = RecordSet::new("t".into(), 0, 0, client, body, records.walk());
        Delivery { event: Event::Records(set), ack: answers.expect(DeliveryId(id), None) }
    }

    #[tokio::test]
    async fn deliveries_keep_their_order_over_requests() {
        let (answers, _heard) = Answers::new();
        let (queue, mut deliveries) = queue(2);
        for ids in [[1, 2], [3, 4]] {
            let slot = queue.reserve().await.expect("somebody reads");
            slot.fill(ids.map(|id| delivery(&answers, id)).into());
        }
        drop(queue);
        let mut taken = 0;
        while let Some(Delivery { ack, .. }) = deliveries.next().await {
            taken += 1;
            ack.accept(Vec::new());
        }
        assert_eq!(taken, 4);
        assert!(deliveries.next_ready().is_none());
    }

    #[tokio::test]
    async fn a_place_that_is_filled_after_the_reader_left_refuses() {
        let (answers, mut heard) = Answers::new();
        let (queue, deliveries) = queue(1);
        let slot = queue.reserve().await.expect("somebody reads");
        drop(deliveries);
        slot.fill(vec![delivery(&answers, 7)]);
        match heard.try_recv() {
            Ok(Answer::Refused { delivery, .. }) => assert_eq!(delivery, DeliveryId(7)),
            other => panic!("nobody heard of it: {other:?}"),
        }
        assert_eq!(queue.reserve().await.err(), Some(QueueClosed));
    }

    #[tokio::test]
    async fn what_the_reader_leaves_behind_is_refused() {
        let (answers, mut heard) = Answers::new();
        let (queue, deliveries) = queue(1);
        queue.reserve().await.expect("somebody reads").fill(vec![delivery(&answers, 8)]);
        drop(deliveries);
        assert!(matches!(heard.try_recv(), Ok(Answer::Refused { delivery: DeliveryId(8), .. })));
    }
}
