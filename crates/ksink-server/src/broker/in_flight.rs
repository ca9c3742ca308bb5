//! What waits for the sink: deliveries, and the produce requests that they answer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use ksink_event::{Answer, Chain, DeliveryId, Fault, Refusal};
use ksink_wire::ErrorCode;

use super::{
    ReplyTo, Settled,
    produce::{ProduceAnswer, Refused},
    topics::TopicIndex,
};
use crate::session::Reply;

/// Deliveries that the sink has not answered, and requests that wait for them.
///
/// Limited by the requests that sessions and the queue let in.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    next_id: u64,
    deliveries: HashMap<DeliveryId, Waiting>,
    requests: HashMap<RequestId, PendingRequest>,
    chains: HashMap<Link, (Arc<Chain>, usize)>,
}

/// What must land in order: the batches of one producer in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub(super) topic: TopicIndex,
    pub(super) partition: i32,
    pub(super) producer_id: i64,
}

/// Names a produce request among those in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestId(u64);

#[derive(Debug)]
struct Waiting {
    request: RequestId,
    /// Which of the request's partitions, counted over all of its topics.
    place: usize,
    chain: Option<(Link, Arc<Chain>)>,
}

#[derive(Debug)]
struct PendingRequest {
    to: ReplyTo,
    answer: ProduceAnswer,
    waiting: usize,
}

impl InFlight {
    pub(super) fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// A request whose deliveries follow; [`complete`](Self::complete) says what its answer looks like.
    pub(super) fn begin(&mut self) -> RequestId {
        RequestId(self.new_id())
    }

    /// A delivery of a request, and the chain that it joins if its producer numbers its batches.
    pub(super) fn deliver(
        &mut self,
        request: RequestId,
        place: usize,
        link: Option<Link>,
    ) -> (DeliveryId, Option<Arc<Chain>>) {
        let delivery = DeliveryId(self.new_id());
        let chain = link.map(|link| (link, self.join(link)));
        let joined = chain.as_ref().map(|(_, chain)| chain.clone());
        self.deliveries.insert(delivery, Waiting { request, place, chain });
        (delivery, joined)
    }

    /// What comes after a refusal that the producer has heard of begins a new chain.
    fn join(&mut self, link: Link) -> Arc<Chain> {
        let (chain, members) = self.chains.entry(link).or_default();
        if chain.is_broken() {
            (*chain, *members) = Default::default();
        }
        *members += 1;
        chain.clone()
    }

    /// Lets a request wait for `waiting` deliveries. `answer` holds what each place says if the sink
    /// accepts it.
    pub(super) fn complete(
        &mut self,
        request: RequestId,
        to: ReplyTo,
        answer: ProduceAnswer,
        waiting: usize,
    ) {
        self.requests.insert(request, PendingRequest { to, answer, waiting });
    }

    /// Takes note of an answer.
    pub(super) fn settle(&mut self, answer: Answer) -> Vec<Settled> {
        match answer {
            // Positions are for the journal; without state there is nothing to remember them for.
            Answer::Accepted { deliveries, positions: _ } => {
                deliveries.into_iter().filter_map(|delivery| self.accept(delivery)).collect()
            }
            Answer::Refused { delivery, refusal } => {
                self.refuse(delivery, &refusal).into_iter().collect()
            }
        }
    }

    fn accept(&mut self, delivery: DeliveryId) -> Option<Settled> {
        let waiting = self.take(delivery)?;
        // The sink may have asked before the refusal that made it void; the client must not hear success.
        let refused = waiting.is_void(delivery).then(out_of_order);
        self.settle_place(&waiting, refused)
    }

    fn refuse(&mut self, delivery: DeliveryId, refusal: &Refusal) -> Option<Settled> {
        let waiting = self.take(delivery)?;
        let refused = match waiting.is_void(delivery) {
            true => out_of_order(),
            false => Refused::by_sink(refusal),
        };
        self.settle_place(&waiting, Some(refused))
    }

    fn settle_place(&mut self, waiting: &Waiting, refused: Option<Refused>) -> Option<Settled> {
        let request = self.requests.get_mut(&waiting.request)?;
        if let Some(refused) = refused {
            request.answer.refuse(waiting.place, refused);
        }
        request.waiting -= 1;
        if request.waiting > 0 {
            return None;
        }
        let PendingRequest { to, answer, .. } = self.requests.remove(&waiting.request)?;
        match answer.into_reply() {
            // It was not waiting: acks=0 is answered before the sink is asked.
            Reply::Silence => None,
            reply => Some(Settled { to, reply }),
        }
    }

    fn take(&mut self, delivery: DeliveryId) -> Option<Waiting> {
        let waiting = self.deliveries.remove(&delivery)?;
        if let Some((link, chain)) = &waiting.chain {
            self.leave(*link, chain);
        }
        Some(waiting)
    }

    /// Forgets a chain with its last delivery.
    fn leave(&mut self, link: Link, left: &Arc<Chain>) {
        let Entry::Occupied(mut chain) = self.chains.entry(link) else { return };
        let (current, members) = chain.get_mut();
        if Arc::ptr_eq(current, left) {
            *members -= 1;
            if *members == 0 {
                chain.remove();
            }
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Waiting {
    fn is_void(&self, delivery: DeliveryId) -> bool {
        self.chain.as_ref().is_some_and(|(_, chain)| chain.is_void(delivery))
    }
}

fn out_of_order() -> Refused {
    Refused::new(
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        "an earlier batch of this producer was refused, so this one cannot follow it",
    )
}

impl Refused {
    /// What the client hears of a sink's refusal.
    fn by_sink(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Unavailable { fault: Fault::Local, .. } => ErrorCode::KAFKA_STORAGE_ERROR,
            Refusal::Unavailable { fault: Fault::Remote, .. } => ErrorCode::NOT_ENOUGH_REPLICAS,
            Refusal::Unknown { .. } => ErrorCode::REQUEST_TIMED_OUT,
            Refusal::Rejected { .. } => ErrorCode::INVALID_RECORD,
            Refusal::TooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
        };
        Self::new(code, refusal.reason().to_owned())
    }
}
