//! What survives a restart: facts, the frames that carry them, and the ledger of all that was framed.
//!
//! Whatever must be remembered is a [`Fact`]. The broker puts facts into [`Frame`]s; the keeper writes each frame
//! and applies it to the [`Ledger`], in the same order. So the ledger is what a restart would find: the
//! snapshot is the ledger as it stands, and the broker of the next run is made from it.

mod fact;
mod ledger;
mod report;

pub(crate) use self::{
    fact::{Fact, Kept, KeptBy, Level, TopicFact},
    ledger::{KeptBatch, ProducerMemory, TopicMemory},
};
pub use self::{
    fact::{Frame, FrameId, Needs},
    ledger::{Ledger, LedgerError},
    report::{OffsetReport, ProducerReport, StageReport, StateReport, TransactionReport},
};
