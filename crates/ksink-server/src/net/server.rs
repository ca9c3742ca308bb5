//! The server as its user sees it: open, bind, stop.

use std::{io, net::SocketAddr, sync::Arc};

use ksink_event::{Answer, Answers, Deliveries, Durability, queue};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    ListenAddr,
    accept::accept,
    budget::Budget,
    connection::Shared,
    desk::{Desk, now},
};
use crate::{
    Limits,
    broker::{Broker, BrokerConfig, HostPort, TopicPattern},
    state::Ledger,
};

/// The cluster id of a server without state: the same for every start, so that a restart confuses no
/// client. 22 characters, as Kafka's own are.
const STATELESS_CLUSTER_ID: &str = "ksink-without-state-00";

/// Producer ids of one start without state: a random block of 40 bits, and room for 2^22 in it.
const PRODUCER_ID_BLOCK_BITS: u32 = 22;

/// What a server is told.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What clients are told to connect to. By default each hears the local address of its own
    /// connection, which it can reach by definition.
    pub advertised: Option<HostPort>,
    /// Which topics exist from the start, and which may come. By default any legal name is accepted on
    /// first use.
    pub topics: Vec<TopicPattern>,
    /// How many partitions each topic has; 1 by default.
    pub partitions: u16,
    /// What no peer can exceed.
    pub limits: Limits,
}

/// A server that is open and not yet bound: nobody can connect.
#[derive(Debug)]
pub struct Server {
    desk: Desk,
    heard: mpsc::UnboundedReceiver<Answer>,
    deliveries: Deliveries,
    limits: Arc<Limits>,
}

/// A server that listens. Dropping it lets connections go on; [`stop`](Self::stop) ends them.
#[derive(Debug)]
pub struct Running {
    local_addr: SocketAddr,
    drain: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Why a server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A topic needs at least one partition.
    #[error("the number of partitions must be at least 1")]
    NoPartitions,
    /// The machine gives no random numbers, which producer ids start from.
    #[error("no random numbers: {0}")]
    NoRandomNumbers(getrandom::Error),
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { advertised: None, topics: Vec::new(), partitions: 1, limits: Limits::default() }
    }
}

impl Server {
    /// Opens a server that keeps everything in memory.
    pub fn open(config: ServerConfig) -> Result<Self, OpenError> {
        let ServerConfig { advertised, topics, partitions, limits } = config;
        if partitions == 0 {
            return Err(OpenError::NoPartitions);
        }
        let broker = BrokerConfig {
            advertised,
            topics,
            partitions: i32::from(partitions),
            cluster_id: STATELESS_CLUSTER_ID.into(),
            first_producer_id: random_producer_id().map_err(OpenError::NoRandomNumbers)?,
            durability: Durability::Process,
            has_keeper: false,
        };
        let limits = Arc::new(limits);
        let (queue, deliveries) = queue(limits.queue_requests_max.max(1));
        let (answers, heard) = Answers::new();
        let broker = Broker::new(now(), broker, limits.clone(), &Ledger::default());
        let desk = Desk::new(broker, answers, queue);
        Ok(Self { desk, heard, deliveries, limits })
    }

    /// Starts to listen, on the tokio runtime that this is called on, and hands out the deliveries.
    ///
    /// The deliveries may be read anywhere, also on another runtime. They end once the server has
    /// stopped; a reader that drops them before refuses all that comes.
    pub async fn bind(self, addr: &ListenAddr) -> io::Result<(Running, Deliveries)> {
        let listener = addr.listen().await?;
        let local_addr = listener.local_addr()?;
        let (drain, draining) = watch::channel(false);
        let desk = Arc::new(self.desk);
        let budget = Budget::new(self.limits.memory_bytes_max);
        let shared = Shared {
            desk: desk.clone(),
            budget,
            buffers: Arc::default(),
            limits: self.limits,
            drain: draining,
        };
        let heard = self.heard;
        let accepting = tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, shared) => {}
                () = desk.settle(heard) => {}
            }
        });
        Ok((Running { local_addr, drain, accepting }, self.deliveries))
    }
}

impl Running {
    /// Where the server listens: the port is the real one where 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Begins to stop: accepts and reads no more, and answers what is in flight. Idle clients are
    /// disconnected at once.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until the last connection has ended. The deliveries end after that.
    pub async fn stopped(self) {
        // Only a panic of its own could end the task otherwise, and that is logged by tokio.
        let _ = self.accepting.await;
    }

    /// [`drain`](Self::drain), and waits until it is done.
    pub async fn stop(self) {
        self.drain();
        self.stopped().await;
    }
}

fn random_producer_id() -> Result<i64, getrandom::Error> {
    let block = getrandom::u64()? >> (64 - 40);
    Ok((block << PRODUCER_ID_BLOCK_BITS).cast_signed())
}
