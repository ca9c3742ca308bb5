//! What waits for the sink: deliveries, and the produce requests that they answer.

use std::{collections::HashMap, mem, sync::Arc};

use ksink_event::{Chain, DeliveryId, Fault, Refusal};
use ksink_wire::ErrorCode;

use super::{
    ReplyTo, Settled,
    produce::{ProduceAnswer, Refused},
    topics::TopicIndex,
};
use crate::{
    session::Reply,
    state::{Kept, Needs},
};

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
    /// Who waits for it.
    pub(super) places: Vec<Place>,
}

/// What an acceptance by the sink means.
#[derive(Debug)]
pub(super) enum Accepted {
    /// An earlier batch of its producer was refused: nobody must hear success.
    Void,
    /// It is kept, once a restart would remember this, that safely.
    Kept(Option<Link>, Kept, Needs),
}

/// Names a produce request among those in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestId(u64);

#[derive(Debug)]
struct Waiting {
    /// The request that brought it, and those that brought copies of it.
    places: Vec<Place>,
    chain: Option<(Link, Arc<Chain>)>,
    /// What is to be remembered of it once the sink keeps it; taken when the sink says so.
    kept: Option<(Kept, Needs)>,
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
        kept: (Kept, Needs),
    ) -> (DeliveryId, Option<Arc<Chain>>) {
        let delivery = DeliveryId(self.new_id());
        let chain = link.map(|link| (link, self.join(link)));
        let joined = chain.as_ref().map(|(_, chain)| chain.clone());
        self.deliveries.insert(delivery, Waiting { places: vec![place], chain, kept: Some(kept) });
        (delivery, joined)
    }

    /// Lets the answer to a delivery answer a copy of it too.
    ///
    /// # Errors
    /// When the delivery was answered already, which whoever knows it to be in flight has heard of.
    pub(super) fn attach(&mut self, delivery: DeliveryId, place: Place) -> Result<(), Refused> {
        let waiting = self.deliveries.get_mut(&delivery).ok_or_else(Refused::out_of_order)?;
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

    /// The sink keeps a delivery. Until [`answer`](Self::answer) its copies still find it. `None` if nobody waits
    /// for that.
    pub(super) fn accept(&mut self, delivery: DeliveryId) -> Option<Accepted> {
        let waiting = self.deliveries.get_mut(&delivery)?;
        if waiting.chain.as_ref().is_some_and(|(_, chain)| chain.is_void(delivery)) {
            return Some(Accepted::Void);
        }
        let (kept, needs) = waiting.kept.take()?;
        Some(Accepted::Kept(waiting.chain.as_ref().map(|(link, _)| *link), kept, needs))
    }

    /// Takes note of what becomes of a delivery. `None` if nobody waits for that.
    pub(super) fn answer(
        &mut self,
        delivery: DeliveryId,
        said: Result<(), Refused>,
    ) -> Option<Answered> {
        let Waiting { places, chain, kept } = self.deliveries.remove(&delivery)?;
        // What the sink has accepted before a refusal could make it void stays accepted.
        let may_be_void = kept.is_some();
        let void = may_be_void && chain.as_ref().is_some_and(|(_, chain)| chain.is_void(delivery));
        let refused = match (void, said) {
            (true, _) => Some(Refused::out_of_order()),
            (false, said) => said.err(),
        };
        let broke_chain = refused.is_some() && !void;
        if let Some((link, chain)) = &chain {
            self.leave(*link, chain, broke_chain);
        }
        Some(Answered { link: chain.map(|(link, _)| link), refused, broke_chain, places })
    }

    /// Lets nobody wait for a delivery any more; its copies may again.
    pub(super) fn take_places(&mut self, delivery: DeliveryId) -> Vec<Place> {
        self.deliveries.get_mut(&delivery).map(|it| mem::take(&mut it.places)).unwrap_or_default()
    }

    /// Gives the replies that are complete with an answer.
    pub(super) fn settle(&mut self, places: Vec<Place>, refused: Option<&Refused>) -> Vec<Settled> {
        places.into_iter().filter_map(|place| self.settle_place(place, refused)).collect()
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

impl Refused {
    /// What follows a refusal hears.
    pub(super) fn out_of_order() -> Self {
        Self::new(
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            "an earlier batch of this producer was refused, so this one cannot follow it",
        )
    }

    /// The sink keeps it, and a restart might forget that.
    pub(super) fn not_remembered() -> Self {
        Self::new(
            ErrorCode::REQUEST_TIMED_OUT,
            "the journal cannot be written: whether the batch is kept is not certain yet",
        )
    }

    /// What the client hears of a sink's refusal.
    pub(super) fn by_sink(refusal: &Refusal) -> Self {
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
