//! What requests mean. The broker decides at once and never waits. Who must wait for a sink is written down in
//! [`in_flight`]; who must wait until a restart would remember it, in [`outgoing`].

mod add_partitions_to_txn;
mod api_versions;
pub(crate) mod apis;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod end_txn;
mod fetch;
mod find_coordinator;
mod in_flight;
mod init_producer_id;
mod inspect;
mod list_offsets;
mod metadata;
mod outgoing;
mod produce;
mod producer_ids;
mod repeated;
mod sasl_authenticate;
mod sasl_handshake;
mod sequences;
mod settings;
mod topics;
mod transactions;

use std::{collections::VecDeque, fmt, net::SocketAddr, sync::Arc};

use ksink_event::{Answer, Chain, DeliveryId, Durability, Event};
use ksink_wire::Request;

pub(crate) use self::sequences::BATCHES_MAX;
use self::{
    in_flight::{Accepted, InFlight},
    outgoing::{HeldReply, Outgoing, Then},
    produce::Refused,
    producer_ids::ProducerIds,
    sequences::Sequences,
    topics::Topics,
    transactions::Ends,
};
pub use self::{
    inspect::{Inspected, inspect},
    topics::{TopicPattern, TopicPatternError},
};
use crate::{
    Limits,
    session::{Call, Caller, Head, Reply, Ticket},
    state::{Fact, Frame, FrameId, Ledger, Level, Needs},
    time::Now,
    txn::Coordinator,
};

/// The id of the only node: ours.
const NODE_ID: i32 = 1;

/// What the broker is told about its place in the world.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// What clients are told to connect to; the local address of each client's own connection if `None`.
    pub advertised: Option<HostPort>,
    /// Which topics exist from the start, and which may come; all may if there are none.
    pub topics: Vec<TopicPattern>,
    /// How many partitions each topic has; at least 1.
    pub partitions: i32,
    /// Names the cluster to its clients, unless the ledger says otherwise.
    pub cluster_id: Arc<str>,
    /// Producer ids are counted from here, unless the ledger says that some were given out already.
    pub first_producer_id: i64,
    /// What an acknowledgement survives.
    pub durability: Durability,
    /// Whether there is somebody who keeps [frames](Broker::poll_frame), and says when they are.
    pub has_keeper: bool,
}

/// A host and a port, as a client is told them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Names a connection between the network and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Where the reply to a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The connection that asked.
    pub connection: ConnectionId,
    /// Its place in line.
    pub ticket: Ticket,
}

/// The whole of what ksink knows about topics, producers and requests in flight.
#[derive(Debug)]
pub struct Broker {
    config: BrokerConfig,
    limits: Arc<Limits>,
    topics: Topics,
    producer_ids: ProducerIds,
    sequences: Sequences,
    in_flight: InFlight,
    coordinator: Coordinator,
    ends: Ends,
    outgoing: Outgoing,
    /// What must reach the sink, in this order.
    deliveries: VecDeque<Decided>,
    settled: VecDeque<Settled>,
    /// Nothing can be remembered at the moment, so that nothing new is let in.
    keeper_failed: bool,
    /// The sink could not be closed in good order.
    left_in_disorder: bool,
    /// What acknowledgements of the run before survived.
    last_level: Level,
}

/// An event that was decided and is not yet handed to the sink.
#[derive(Debug)]
pub struct Decided {
    /// Names it in the answer.
    pub delivery: DeliveryId,
    /// What happened.
    pub event: Event,
    /// The chain that breaks with its refusal, if its producer numbers its batches.
    pub chain: Option<Arc<Chain>>,
}

/// A reply that became ready.
#[derive(Debug)]
pub struct Settled {
    /// Whom it is for.
    pub to: ReplyTo,
    /// What to say.
    pub reply: Reply,
}

impl Broker {
    /// A broker that knows what the ledger holds, and the topics of its configuration. An empty ledger is that
    /// of a broker that has seen nothing yet.
    pub fn new(now: Now, mut config: BrokerConfig, limits: Arc<Limits>, ledger: &Ledger) -> Self {
        config.cluster_id = ledger.cluster_id.clone().unwrap_or(config.cluster_id);
        let topics = Topics::new(config.topics.clone(), config.partitions, limits.clone(), ledger);
        let first_producer_id = ledger.producer_ids.unwrap_or(config.first_producer_id);
        let producer_ids = ProducerIds::from(first_producer_id);
        let sequences = Sequences::new(now.instant, limits.producers_max, &topics, ledger);
        let coordinator = transactions::coordinator(now, &config, &limits, ledger);
        Self {
            config,
            limits,
            topics,
            producer_ids,
            sequences,
            in_flight: InFlight::default(),
            coordinator,
            ends: Ends::new(),
            outgoing: Outgoing::default(),
            deliveries: VecDeque::new(),
            settled: VecDeque::new(),
            keeper_failed: false,
            left_in_disorder: false,
            last_level: ledger.level,
        }
    }

    /// Remembers what the state is for, and who the cluster is, unless that is remembered already. To be called
    /// before the first request.
    pub fn found(&mut self, now: Now, purpose: Vec<(String, String)>) {
        for (name, value) in purpose {
            self.outgoing.note(Fact::Purpose { name, value });
        }
        self.outgoing.note(Fact::Cluster(self.config.cluster_id.clone()));
        self.outgoing.note(Fact::Level(self.config.durability.into()));
        self.seal(now);
    }

    /// Decides about any request but Produce, which is for [`handle_produce`](Self::handle_produce). The reply
    /// is `None` if it comes out of [`poll_settled`](Self::poll_settled) later.
    pub fn handle(
        &mut self,
        now: Now,
        to: ReplyTo,
        call: &Call,
        request: Request<'_>,
    ) -> Option<Reply> {
        let asked = Asked { now, to, caller: call.caller, head: call.head };
        let if_failed = match self.config.has_keeper {
            true => apis::if_not_remembered(call.head, &request),
            false => None,
        };
        if self.keeper_failed && if_failed.is_some() {
            return if_failed;
        }
        let reply = match (apis::dispatch(self, asked, &request), if_failed) {
            (Some(reply), Some(if_failed)) if self.has_something_to_remember() => {
                self.outgoing.then().replies.push(HeldReply { to, reply, if_failed });
                None
            }
            (reply, _) => reply,
        };
        self.seal(now);
        reply
    }

    /// Takes note of what the sink said.
    pub fn settle(&mut self, now: Now, answer: Answer) {
        match answer {
            Answer::Accepted { deliveries, positions } => {
                self.outgoing.note_positions(positions);
                deliveries.into_iter().for_each(|delivery| self.accept(now, delivery));
            }
            Answer::Refused { delivery, refusal } if self.is_of_transaction(delivery) => {
                self.coordinator.refused(now, delivery, &refusal);
            }
            Answer::Refused { delivery, refusal } => {
                self.settle_one(delivery, Err(Refused::by_sink(&refusal)));
            }
            Answer::Prepared { delivery, intent, positions } => {
                self.outgoing.note_positions(positions);
                self.coordinator.prepared(now, delivery, intent);
            }
            Answer::LeftInDisorder => self.left_in_disorder = true,
            Answer::Reported { positions, must_be_synced, framed } => {
                if must_be_synced {
                    self.outgoing.need(Needs::Synced);
                }
                if !positions.is_empty() {
                    // What is appended from now on may outlive the loss of power, so this has to as well.
                    self.outgoing.need(self.needs_of_records(false));
                }
                self.outgoing.note_positions(positions);
                self.outgoing.then().reported.push(framed);
            }
        }
        self.seal(now);
    }

    /// The next frame to be kept, in the order of decisions. Without a keeper there is none.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.outgoing.poll_frame()
    }

    /// Whether the sink could not be closed in good order, so that a restart must look for what a crash leaves.
    pub fn was_left_in_disorder(&self) -> bool {
        self.left_in_disorder
    }

    /// Whether [`poll_frame`](Self::poll_frame) has something.
    pub fn has_frames(&self) -> bool {
        self.outgoing.has_frames()
    }

    /// A frame is as safe as it must be.
    pub fn framed(&mut self, now: Now, frame: FrameId) {
        self.keeper_failed = false;
        if let Some(then) = self.outgoing.framed(frame) {
            self.finish(now, then);
        }
        self.seal(now);
    }

    /// Frames cannot be kept at the moment. Whoever waits for one hears so, and may ask again; what the sink has
    /// accepted stays in flight until its frame is kept.
    pub fn keeper_failed(&mut self) {
        self.keeper_failed = true;
        self.coordinator.journal_failed();
        self.take_decisions();
        let Self { outgoing, in_flight, settled, .. } = self;
        for then in outgoing.waiting_mut() {
            then.reported.clear();
            settled.extend(then.replies.drain(..).map(HeldReply::failed));
            let refused = Refused::not_remembered();
            for delivery in &then.accepted {
                let places = in_flight.take_places(*delivery);
                settled.extend(in_flight.settle(places, Some(&refused)));
            }
        }
    }

    /// The next event for the sink, in the order of decisions.
    pub fn poll_delivery(&mut self) -> Option<Decided> {
        self.deliveries.pop_front()
    }

    /// The next reply that became ready.
    pub fn poll_settled(&mut self) -> Option<Settled> {
        self.settled.pop_front()
    }

    fn accept(&mut self, now: Now, delivery: DeliveryId) {
        if self.is_of_transaction(delivery) {
            return self.coordinator.accepted(now, delivery);
        }
        match self.in_flight.accept(delivery) {
            None => {}
            Some(Accepted::Void) => self.settle_one(delivery, Err(Refused::out_of_order())),
            Some(Accepted::Kept(link, mut kept, needs)) => {
                // What is forgotten already is not to be remembered by a restart alone.
                kept.by = kept.by.filter(|_| link.is_some_and(|link| self.sequences.knows(link)));
                self.outgoing.note(Fact::Kept(kept));
                self.outgoing.then().accepted.push(delivery);
                self.outgoing.need(needs);
            }
        }
    }

    /// At `none` nothing is ever synced.
    fn needs_max(&self) -> Needs {
        match self.config.durability {
            Durability::Process | Durability::Power => Needs::Synced,
            Durability::None => Needs::Written,
        }
    }

    /// How safe a batch must be before it is acknowledged. In a transaction the commit is what must survive.
    fn needs_of_records(&self, is_transactional: bool) -> Needs {
        match self.config.durability {
            Durability::Power if !is_transactional => Needs::Synced,
            Durability::Process | Durability::Power | Durability::None => Needs::Written,
        }
    }

    fn settle_one(&mut self, delivery: DeliveryId, said: Result<(), Refused>) {
        let Some(answered) = self.in_flight.answer(delivery, said) else { return };
        match (answered.link, &answered.refused) {
            (Some(link), None) => self.sequences.keep(link, delivery),
            (Some(link), Some(_)) if answered.broke_chain => self.sequences.refuse(link, delivery),
            // A void one was taken back with the one that made it void.
            (Some(_), Some(_)) | (None, _) => {}
        }
        let settled = self.in_flight.settle(answered.places, answered.refused.as_ref());
        self.settled.extend(settled);
    }

    /// Whether an answer may rest on something that a restart would forget.
    fn has_something_to_remember(&mut self) -> bool {
        self.take_decisions();
        self.note_changed_topics();
        self.config.has_keeper && self.outgoing.is_pending()
    }

    /// Ends the frame of the call at hand. Without a keeper, all that waits for it goes on at once.
    fn seal(&mut self, now: Now) {
        self.take_decisions();
        self.note_changed_topics();
        if self.config.has_keeper {
            return self.outgoing.seal(self.needs_max());
        }
        while let Some(then) = self.outgoing.forget() {
            self.finish(now, then);
            self.take_decisions();
        }
    }

    fn note_changed_topics(&mut self) {
        for fact in self.topics.take_changes() {
            self.outgoing.note(Fact::Topic(fact));
        }
    }

    fn finish(&mut self, now: Now, then: Then) {
        if let Some(reserved_to) = then.producer_ids_to {
            self.producer_ids.framed(reserved_to);
        }
        for mark in then.decided {
            self.coordinator.framed(now, mark);
        }
        for delivery in then.accepted {
            self.settle_one(delivery, Ok(()));
        }
        let replies = then.replies.into_iter();
        self.settled.extend(replies.map(|held| Settled { to: held.to, reply: held.reply }));
        then.reported.into_iter().for_each(|framed| framed.say());
    }

    /// The address that a caller is told to connect to.
    fn address_for(&self, caller: Caller) -> HostPort {
        self.config.advertised.clone().unwrap_or_else(|| HostPort::from(caller.local))
    }
}

/// Who asks what, and when: all that a handler needs besides the body.
#[derive(Clone, Copy, Debug)]
struct Asked {
    now: Now,
    to: ReplyTo,
    caller: Caller,
    head: Head,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(addr: SocketAddr) -> Self {
        // A dual-stack listener sees IPv4 clients as `::ffff:a.b.c.d`, which few of them could dial.
        Self { host: addr.ip().to_canonical().to_string(), port: addr.port() }
    }
}
