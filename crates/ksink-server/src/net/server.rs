//! The server as its user sees it: open, resume, bind, stop.

use std::{io, iter, net::SocketAddr, path::PathBuf, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ksink_event::{Answers, Deliveries, Durability, Held, LastStop, Resumed, queue};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    ListenAddr,
    accept::accept,
    budget::Budget,
    connection::Shared,
    desk::{Desk, now},
    keeper::Keeper,
    state::{OtherPurpose, State, StateConfig},
};
use crate::{
    Limits,
    broker::{Broker, BrokerConfig, HostPort, TopicPattern},
    state::{Ledger, LedgerError},
};

/// The cluster id of a server without state: the same for every start, so that a restart confuses no
/// client. 22 characters, as Kafka's own are.
const STATELESS_CLUSTER_ID: &str = "ksink-without-state-00";

/// Producer ids of one start without state, or of a new state: a random block of 40 bits, and room for 2^22 in it.
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
    /// What an acknowledgement survives.
    pub durability: Durability,
    /// Where to keep what a restart must know. Without it everything is kept in memory, and forgotten.
    pub state: Option<StateConfig>,
}

/// A server that is open and not yet bound: nobody can connect.
#[derive(Debug)]
pub struct Server {
    broker: Broker,
    state: Option<State>,
    held: Held,
    limits: Arc<Limits>,
}

/// A server that listens. Dropping it lets connections go on; [`stop`](Self::stop) ends them.
#[derive(Debug)]
pub struct Running {
    local_addr: SocketAddr,
    drain: watch::Sender<bool>,
    serving: JoinHandle<()>,
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
    /// The journal of the state cannot be opened.
    #[error(transparent)]
    Journal(ksink_journal::OpenError),
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Unwritable(ksink_journal::JournalError),
    /// The state's contents cannot be read.
    #[error("cannot read the state in {}: {cause}", folder.display())]
    Ledger {
        /// The folder of the state.
        folder: PathBuf,
        /// Why not.
        cause: LedgerError,
    },
    /// The state is for something else.
    #[error("{other} (state in {}): go on with what it was made for, or choose another state folder", folder.display())]
    OtherPurpose {
        /// The folder of the state.
        folder: PathBuf,
        /// What is different.
        other: OtherPurpose,
    },
}

impl OpenError {
    /// Whether somebody else uses the state.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Journal(ksink_journal::OpenError::Locked { .. }))
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            advertised: None,
            topics: Vec::new(),
            partitions: 1,
            limits: Limits::default(),
            durability: Durability::default(),
            state: None,
        }
    }
}

impl Server {
    /// Opens a server: with what its state holds, or with an empty memory.
    ///
    /// # Errors
    /// When the state is in use, damaged, of another purpose, or of a newer ksink.
    pub fn open(config: ServerConfig) -> Result<Self, OpenError> {
        let ServerConfig { advertised, topics, partitions, limits, durability, state } = config;
        if partitions == 0 {
            return Err(OpenError::NoPartitions);
        }
        let opened = state.as_ref().map(State::open).transpose()?;
        let (state_opened, last_stop) = opened.unzip();
        let empty = Ledger::default();
        let ledger = state_opened.as_ref().map_or(&empty, State::ledger);
        let limits = Arc::new(limits);
        let config = BrokerConfig {
            advertised,
            topics,
            partitions: i32::from(partitions),
            cluster_id: cluster_id(state_opened.is_some()).map_err(OpenError::NoRandomNumbers)?,
            first_producer_id: random_producer_id().map_err(OpenError::NoRandomNumbers)?,
            durability,
            has_keeper: state_opened.is_some(),
        };
        let mut broker = Broker::new(now(), config, limits.clone(), ledger);
        broker.found(now(), state.map(|state| state.purpose).unwrap_or_default());
        let held = ledger.held(ledger.last_stop(last_stop.unwrap_or(LastStop::Clean)));
        Ok(Self { broker, state: state_opened, held, limits })
    }

    /// What the state holds. Whoever is the sink answers for it by [`resume`](Self::resume) before
    /// [`bind`](Self::bind).
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// Takes note of what the sink found, durably.
    ///
    /// # Errors
    /// When it cannot be remembered.
    pub fn resume(&mut self, resumed: Resumed) -> Result<(), OpenError> {
        if self.held.last_stop == LastStop::Rebooted {
            tracing::warn!(
                "what was written shortly before the last end may be missing: it did not end in good order, and what \
                 was acknowledged was not synced everywhere; open transactions are aborted"
            );
        }
        self.broker.resume(now(), self.held.last_stop, resumed);
        self.keep()
    }

    /// Has everything kept that was decided so far.
    fn keep(&mut self) -> Result<(), OpenError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let frames: Vec<_> = iter::from_fn(|| self.broker.poll_frame()).collect();
        let kept = state.write(&frames).and_then(|_| state.sync());
        kept.map_err(OpenError::Unwritable)?;
        for frame in frames {
            self.broker.framed(now(), frame.id);
            state.apply(frame);
        }
        Ok(())
    }

    /// Starts to listen, on the tokio runtime that this is called on, and hands out the deliveries.
    ///
    /// The deliveries may be read anywhere, also on another runtime. They end once the last connection has ended;
    /// a reader that drops them before refuses all that comes.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the state not written.
    pub async fn bind(mut self, addr: &ListenAddr) -> io::Result<(Running, Deliveries)> {
        // Whoever did not answer for what is held hears of all that is decided.
        self.broker.resume(now(), self.held.last_stop, Resumed::default());
        self.keep().map_err(io::Error::other)?;
        let listener = match addr.listen().await {
            Ok(listener) => listener,
            Err(error) => {
                // What was left in good order still is.
                let state = self.state.filter(|_| self.held.last_stop == LastStop::Clean);
                state.map(State::close).transpose().map_err(io::Error::other)?;
                return Err(error);
            }
        };
        let local_addr = listener.local_addr()?;
        let (drain, draining) = watch::channel(false);
        let (queue, deliveries) = queue(self.limits.queue_requests_max.max(1));
        let (answers, heard) = Answers::new();
        let desk = Arc::new(Desk::new(self.broker, answers, queue.clone()));
        let shared = Shared {
            desk: desk.clone(),
            queue,
            budget: Budget::new(self.limits.memory_bytes_max),
            buffers: Arc::default(),
            limits: self.limits,
            drain: draining,
        };
        let is_remembered = self.state.is_some();
        let keeper = Keeper::new(desk.clone(), heard, self.state);
        desk.begin();
        let keeping = tokio::spawn(keeper.run());
        let serving = tokio::spawn(async move {
            accept(listener, shared).await;
            if !is_remembered {
                desk.end_transactions().await;
            }
            desk.close();
            // Only a panic of its own could end it otherwise, and that is logged by tokio.
            let _ = keeping.await;
        });
        Ok((Running { local_addr, drain, serving }, deliveries))
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

    /// Waits until the last connection has ended and what was delivered is answered for. Read the deliveries to
    /// their end meanwhile, or drop them.
    pub async fn stopped(self) {
        // Only a panic of its own could end the task otherwise, and that is logged by tokio.
        let _ = self.serving.await;
    }

    /// [`drain`](Self::drain), and waits until it is done.
    pub async fn stop(self) {
        self.drain();
        self.stopped().await;
    }
}

/// A random id where there is a state to remember it: 16 bytes in base64, as Kafka's.
fn cluster_id(is_remembered: bool) -> Result<Arc<str>, getrandom::Error> {
    if !is_remembered {
        return Ok(STATELESS_CLUSTER_ID.into());
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(id).into())
}

fn random_producer_id() -> Result<i64, getrandom::Error> {
    let block = getrandom::u64()? >> (64 - 40);
    Ok((block << PRODUCER_ID_BLOCK_BITS).cast_signed())
}
