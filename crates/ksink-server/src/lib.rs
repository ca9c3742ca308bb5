//! A Kafka endpoint without the cluster: any Kafka producer in, deliveries out.
//!
//! [`Server::open`] makes a server, [`Server::bind`] lets clients in. What they produce comes out as
//! [`Deliveries`]: each is an [`Event`] and an [`Ack`], the duty to answer for it once. A producer is
//! told that its records are kept when, and only when, the acknowledgement was accepted.
//!
//! ```
//! use ksink_server::{Event, Server, ServerConfig, accept};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::open(ServerConfig::default())?;
//! let (running, mut deliveries) = server.bind(&"127.0.0.1:0".parse()?).await?;
//! println!("producers may connect to {}", running.local_addr());
//! # running.drain();
//!
//! while let Some(first) = deliveries.next().await {
//!     // Take all that is ready, keep it, and answer for the whole group at once.
//!     let mut group = Vec::new();
//!     let mut next = Some(first);
//!     while let Some(delivery) = next {
//!         match &delivery.event {
//!             Event::Records(set) if !delivery.ack.is_void() => {
//!                 for record in set.records().iter() {
//!                     println!("{}/{}@{}: {:?}", set.topic, set.partition, record.offset, record.value);
//!                 }
//!                 group.push(delivery.ack);
//!             }
//!             // A dropped acknowledgement refuses: the producer tries again.
//!             _ => drop(delivery.ack),
//!         }
//!         next = deliveries.next_ready();
//!     }
//!     accept(group, Vec::new());
//! }
//! # running.stopped().await;
//! # Ok(())
//! # }
//! ```
//!
//! The pure half, [`session`](Session) and [`Broker`], takes bytes, values and [`Now`]: no socket, no
//! clock, no task. All of that is in `net`. Tests drive the pure half by itself, and so can you.

#![warn(missing_docs)]

mod broker;
mod limits;
mod net;
mod session;
mod state;
mod time;
mod txn;

pub use ksink_event::{
    Ack, Decided as DecidedCommit, Deliveries, Delivery, Durability, Event, Fault, Held, Intent,
    LastStop, Position, RecordSet, Refusal, Reporter, Resumed, Topic, Transaction, accept,
};

pub use ksink_journal::{JournalError, OpenError as JournalOpenError};

pub use self::{
    broker::{
        Broker, BrokerConfig, ConnectionId, Decided, HostPort, Inspected, ReplyTo, Settled,
        TopicPattern, TopicPatternError, inspect,
    },
    limits::Limits,
    net::{
        ListenAddr, ListenAddrError, OpenError, OtherPurpose, Running, Server, ServerConfig,
        StateConfig, StateContents,
    },
    session::{Call, Caller, Goodbye, Head, Reply, Session, Ticket},
    state::{
        Frame, FrameId, Ledger, LedgerError, Needs, OffsetReport, ProducerReport, StageReport,
        StateReport, TransactionReport,
    },
    time::Now,
};
