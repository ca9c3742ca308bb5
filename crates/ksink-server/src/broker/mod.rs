//! What requests mean. The broker decides at once and never waits; who must wait for a sink is written
//! down in [`in_flight`] and answered by [`Broker::settle`].

mod api_versions;
pub(crate) mod apis;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod fetch;
mod find_coordinator;
mod in_flight;
mod init_producer_id;
mod inspect;
mod list_offsets;
mod metadata;
mod produce;
mod producer_ids;
mod repeated;
mod sasl_authenticate;
mod sasl_handshake;
mod sequences;
mod settings;
mod topics;

use std::{fmt, net::SocketAddr, sync::Arc};

use ksink_event::{Answer, Chain, DeliveryId, Event, Refusal};
use ksink_wire::Request;

use self::{in_flight::InFlight, producer_ids::ProducerIds, sequences::Sequences, topics::Topics};
pub use self::{
    inspect::{Inspected, inspect},
    topics::{TopicPattern, TopicPatternError},
};
use crate::{
    Limits,
    session::{Call, Caller, Head, Reply, Ticket},
    time::Now,
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
    /// Names the cluster to its clients.
    pub cluster_id: Arc<str>,
    /// Producer ids are counted from here; random unless there is state.
    pub first_producer_id: i64,
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
}

/// What came of a request.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The reply; `None` if it comes out of [`Broker::settle`] later.
    pub reply: Option<Reply>,
    /// What must reach the sink, in this order.
    pub deliveries: Vec<Decided>,
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
    /// A broker that has seen nothing yet but the topics of its configuration.
    pub fn new(config: BrokerConfig, limits: Arc<Limits>) -> Self {
        let topics = Topics::new(config.topics.clone(), config.partitions, limits.clone());
        let producer_ids = ProducerIds::from(config.first_producer_id);
        let sequences = Sequences::new(limits.producers_max);
        let in_flight = InFlight::default();
        Self { config, limits, topics, producer_ids, sequences, in_flight }
    }

    /// Decides about any request but Produce, which is for [`handle_produce`](Self::handle_produce).
    pub fn handle(&mut self, now: Now, call: &Call, request: Request<'_>) -> Reply {
        let asked = Asked { now, caller: call.caller, head: call.head };
        apis::dispatch(self, asked, request)
    }

    /// Takes note of what the sink said, and gives the replies that are complete now.
    pub fn settle(&mut self, answer: Answer) -> Vec<Settled> {
        match answer {
            // Positions are for the journal; without state there is nothing to remember them for.
            Answer::Accepted { deliveries, positions: _ } => deliveries
                .into_iter()
                .flat_map(|delivery| self.settle_one(delivery, Ok(())))
                .collect(),
            Answer::Refused { delivery, refusal } => self.settle_one(delivery, Err(refusal)),
            // Nobody is asked to prepare yet.
            Answer::Prepared { .. } => Vec::new(),
            Answer::Reported { framed, .. } => {
                // Whoever reported may be gone.
                let _ = framed.send(());
                Vec::new()
            }
        }
    }

    fn settle_one(&mut self, delivery: DeliveryId, said: Result<(), Refusal>) -> Vec<Settled> {
        let Some(answered) = self.in_flight.answer(delivery, said) else { return Vec::new() };
        match (answered.link, &answered.refused) {
            (Some(link), None) => self.sequences.keep(link, delivery),
            (Some(link), Some(_)) if answered.broke_chain => self.sequences.refuse(link, delivery),
            // A void one was taken back with the one that made it void.
            (Some(_), Some(_)) | (None, _) => {}
        }
        self.in_flight.settle(answered)
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
