//! What passes between the ksink server and its sinks: what happened, and the duty to answer.
//!
//! A [`Delivery`] is an [`Event`] and the [`Ack`] that must answer it. [`Deliveries`] is the stream of
//! them that a server hands out; whoever reads it is the sink.

mod ack;
mod delivery;
mod durability;
mod event;
mod held;
mod position;
mod refusal;

pub use ack::{Ack, Answer, Answers, Chain, DeliveryId, Framed, Reporter, accept};
pub use delivery::{Deliveries, Delivery, Queue, QueueClosed, Slot, queue};
pub use durability::Durability;
pub use event::{Decided, Event, Intent, Numbering, RecordSet, Topic, Transaction};
pub use held::{Held, LastStop, Resumed};
pub use position::Position;
pub use refusal::{Fault, Refusal};
