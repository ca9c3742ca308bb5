//! What waits for the sink: deliveries, and the produce requests that they answer.

use std::{collections::HashMap, sync::Arc};

use ksink_event::{Chain, DeliveryId, Fault, Refusal};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Link {
    pub(super) topic: TopicIndex,
    pub(super) partition: i32,
    pub(super) producer_id: i64,
}

/// One of a request's partitions, counted over all of its topics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) request: RequestId,
    pub(super) at: usize,
}

/// A delivery that the sink has answered.
#[derive(Debug)]
pub(super) struct Answered {
    /// The producer's batches that it is one of.
    pub(super) link: Option<Link>,
    /// Why it does not count as kept.
    pub(super) refused: Option<Refused>,
    /// Whether it made void what follows it, and was not void itself.
    pub(super) broke_chain: bool,
    places: Vec<Place>,
}

/// Names a produce request among those in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestId(u64);

#[derive(Debug)]
struct Waiting {
    /// The request that brought it, and those that brought copies of it.
    places: Vec<Place>,
    chain: Option<(Link, Arc<Chain>)>,
}

#[derive(Debug)]
struct PendingRequest {
    to: ReplyTo,
    answer: ProduceAnswer,
    waiting: usize,
}

impl InFlight {
    /// A request whose deliveries follow; [`complete`](Self::complete) says what its answer looks like.
    pub(super) fn begin(&mut self) -> RequestId {
        RequestId(self.new_id())
    }

    /// A delivery, and the chain that it joins if its producer numbers its batches.
    pub(super) fn deliver(
        &mut self,
        place: Place,
        link: Option<Link>,
    ) -> (DeliveryId, Option<Arc<Chain>>) {
        let delivery = DeliveryId(self.new_id());
        let chain = link.map(|link| (link, self.join(link)));
        let joined = chain.as_ref().map(|(_, chain)| chain.clone());
        self.deliveries.insert(delivery, Waiting { places: vec![place], chain });
        (delivery, joined)
    }

    /// Lets the answer to a delivery answer a copy of it too.
    ///
    /// # Errors
    /// When the delivery was answered already, which whoever knows it to be in flight has heard of.
    pub(super) fn attach(&mut self, delivery: DeliveryId, place: Place) -> Result<(), Refused> {
        let waiting = self.deliveries.get_mut(&delivery).ok_or_else(out_of_order)?;
        waiting.places.push(place);
        Ok(())
    }

    fn join(&mut self, link: Link) -> Arc<Chain> {
        let (chain, members) = self.chains.entry(link).or_default();
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

    /// Takes note of what the sink said of a delivery. `None` if nobody waits for that.
    pub(super) fn answer(
        &mut self,
        delivery: DeliveryId,
        said: Result<(), Refusal>,
    ) -> Option<Answered> {
        let Waiting { places, chain } = self.deliveries.remove(&delivery)?;
        let void = chain.as_ref().is_some_and(|(_, chain)| chain.is_void(delivery));
        let refused = match (void, said) {
            // The sink may have asked before the refusal that made it void; nobody must hear success.
            (true, _) => Some(out_of_order()),
            (false, Ok(())) => None,
            (false, Err(refusal)) => Some(Refused::by_sink(&refusal)),
        };
        let broke_chain = refused.is_some() && !void;
        if let Some((link, chain)) = &chain {
            self.leave(*link, chain, broke_chain);
        }
        Some(Answered { link: chain.map(|(link, _)| link), refused, broke_chain, places })
    }

    /// Gives the replies that are complete with an answer.
    pub(super) fn settle(&mut self, answered: Answered) -> Vec<Settled> {
        let Answered { refused, places, .. } = answered;
        places.into_iter().filter_map(|place| self.settle_place(place, refused.as_ref())).collect()
    }

    fn settle_place(&mut self, place: Place, refused: Option<&Refused>) -> Option<Settled> {
        let request = self.requests.get_mut(&place.request)?;
        if let Some(refused) = refused {
            request.answer.refuse(place.at, refused.clone());
        }
        request.waiting -= 1;
        if request.waiting > 0 {
            return None;
        }
        let PendingRequest { to, answer, .. } = self.requests.remove(&place.request)?;
        match answer.into_reply() {
            // It was not waiting: acks=0 is answered before the sink is asked.
            Reply::Silence => None,
            reply => Some(Settled { to, reply }),
        }
    }

    /// Forgets a chain with its last delivery, or where it broke: what comes after the refusal is known
    /// begins another.
    fn leave(&mut self, link: Link, left: &Arc<Chain>, broke: bool) {
        let Some((current, members)) = self.chains.get_mut(&link) else { return };
        if Arc::ptr_eq(current, left) {
            *members -= 1;
            if broke || *members == 0 {
                self.chains.remove(&link);
            }
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
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
