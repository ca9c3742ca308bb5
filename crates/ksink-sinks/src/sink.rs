//! What a place for records promises.

use ksink_event::{Ack, Decided, Held, Intent, Position, RecordSet, Refusal, Resumed, Transaction};
use std::sync::Arc;

/// A place for records.
///
/// Whoever drives a sink writes a group of sets, flushes once, and only then tells producers. Sets of one
/// partition come in their order.
///
/// Both functions may block in `write(2)`: give them a thread of their own, as [`pump`](crate::pump())
/// explains.
pub trait Sink: Send {
    /// Takes one set; promises nothing until [`flush`](Self::flush). Tells which output it went to.
    /// `ack` is the duty to answer for the set: by its reporter a sink says where an output stands before it
    /// touches it.
    ///
    /// # Errors
    /// When this set alone is refused, with nothing of it kept and everything else as it was. A fault of
    /// the output is no error here: the output takes nothing more until the flush, which reports it.
    fn write(
        &mut self,
        set: &RecordSet,
        ack: &Ack,
    ) -> impl Future<Output = Result<OutputId, Refusal>> + Send;

    /// Makes all that was written since the last flush as safe as the sink can, and says what came of it.
    fn flush(&mut self) -> impl Future<Output = Flushed> + Send;

    /// Whether what an output took since the last flush is taken back whole when it fails. Where it is not, a
    /// [`Failure`] says how many records landed all the same.
    fn takes_back(&self) -> bool {
        false
    }

    /// Brings the outputs to where the server remembers them, before anybody can connect. A sink whose
    /// outputs are not remembered has nothing to do.
    fn recover(
        &mut self,
        held: &Held,
    ) -> impl Future<Output = Result<Resumed, RecoverError>> + Send {
        let _ = held;
        async { Ok(Resumed::default()) }
    }

    /// Ends the sink in good order: takes back what was not accepted, and makes the rest safe.
    ///
    /// # Errors
    /// When that cannot be done, so that the next start must look at outputs as after a crash.
    fn close(&mut self) -> impl Future<Output = Result<(), Refusal>> + Send {
        async { Ok(()) }
    }
}

/// A place for records that can hold those of a transaction back until it is committed, and give them up
/// where it is aborted.
///
/// [`write`](Sink::write) is given sets with a [`transaction`](RecordSet::transaction). Each question is put
/// for many transactions at once, so that they can share what takes long; the answers are in their order.
pub trait TransactionalSink: Sink {
    /// Makes the data of transactions safe and says what a commit will do. All that was written before was
    /// flushed, and all commits that were answered before are framed.
    ///
    /// A refusal as [`Unavailable`](Refusal::Unavailable) or [`Unknown`](Refusal::Unknown) leaves the
    /// transaction open; every other aborts it. A sync that failed must abort it: what was not durable then
    /// may be lost, though a later sync succeeds.
    fn prepare(
        &mut self,
        asked: &[Arc<Transaction>],
    ) -> impl Future<Output = Vec<Result<Prepared, Refusal>>> + Send;

    /// How many commits it takes at once. One whose commits share outputs takes one: what it reports of an output
    /// tells of all that is in it, and would be framed before the acceptance of a commit that was done just before.
    fn commits_at_once(&self) -> usize {
        1
    }

    /// Does what was decided. It is asked again until it says that it is done, so that doing it twice must do
    /// no more than doing it once. All that was answered before is framed. `ack` is the duty to answer for one
    /// of them: by its reporter a sink says where an output stands before it touches it.
    fn commit(
        &mut self,
        decided: &[Decided],
        ack: &Ack,
    ) -> impl Future<Output = Vec<Result<Committed, Undone>>> + Send;

    /// Gives up the data of transactions. It is asked again until it says that it is done.
    fn abort(
        &mut self,
        transactions: &[Arc<Transaction>],
    ) -> impl Future<Output = Vec<Result<Vec<Position>, Refusal>>> + Send;

    /// Names what was committed so far, if that left something which is to be deleted once the server is sure
    /// to remember it.
    fn left_behind(&self) -> Option<u64> {
        None
    }

    /// The server is sure to remember what was accepted up to this [name](Self::left_behind), also after the
    /// loss of power: what it left is deleted.
    fn tidy_up(&mut self, accepted: u64) {
        let _ = accepted;
    }
}

/// A transaction that can be committed.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// What the commit will do.
    pub intent: Intent,
    /// Where the transaction's outputs stand.
    pub positions: Vec<Position>,
}

/// A commit that is done.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Where the outputs stand.
    pub positions: Vec<Position>,
    /// How many records became visible.
    pub records: u64,
}

/// A commit that is not done yet, and that will be tried again.
#[derive(Clone, Debug)]
pub struct Undone {
    /// What keeps it from being done.
    pub refusal: Refusal,
    /// Whether the output will never come back (a pipe that nobody reads): there is nothing to go on for.
    pub gone: bool,
}

impl From<Refusal> for Undone {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, gone: false }
    }
}

/// Why a sink cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// Somebody must decide what to do about this output.
    #[error("{0}")]
    Stopped(String),
    /// The system refused something.
    #[error("{what}: {cause}")]
    Failed {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// Names an output within its sink, from its opening until it is closed. Where each set can fail for itself,
/// each is an output of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputId(pub u64);

/// What came of everything that was written since the last flush.
#[derive(Debug, Default)]
pub struct Flushed {
    /// How far the outputs got, in the order of their writes. Outputs that cannot tell are not among them.
    pub positions: Vec<Position>,
    /// The outputs that failed. Nothing that was written to one of them since the last flush is kept,
    /// except where its refusal says that nobody knows.
    pub failed: Vec<Failure>,
}

/// A fault of one output.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which output.
    pub output: OutputId,
    /// What to tell each producer whose records went there since the last flush.
    pub refusal: Refusal,
    /// Whether the output will never come back (a pipe that nobody reads): there is nothing to go on for.
    pub gone: bool,
    /// How many records, the first of those that were written since the last flush, landed all the same.
    pub kept: u64,
}

impl Failure {
    /// A fault that may pass, with nothing kept.
    pub(crate) fn passing(output: OutputId, refusal: Refusal) -> Self {
        Self { output, refusal, gone: false, kept: 0 }
    }
}

impl Flushed {
    /// Adds what came of one output.
    pub(crate) fn add(&mut self, outcome: Result<Option<Position>, Failure>) {
        match outcome {
            Ok(position) => self.positions.extend(position),
            Err(failure) => self.failed.push(failure),
        }
    }
}
