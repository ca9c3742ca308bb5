//! What a place for records promises.

use ksink_event::{Position, RecordSet, Refusal};

/// A place for records.
///
/// Whoever drives a sink writes a group of sets, flushes once, and only then tells producers. Sets of one
/// partition come in their order.
///
/// Both functions may block in `write(2)`: give them a thread of their own, as [`pump`](crate::pump())
/// explains.
pub trait Sink: Send {
    /// Takes one set; promises nothing until [`flush`](Self::flush). Tells which output it went to.
    ///
    /// # Errors
    /// When this set alone is refused, with nothing of it kept and everything else as it was. A fault of
    /// the output is no error here: the output takes nothing more until the flush, which reports it.
    fn write(&mut self, set: &RecordSet) -> impl Future<Output = Result<OutputId, Refusal>> + Send;

    /// Makes all that was written since the last flush as safe as the sink can, and says what came of it.
    fn flush(&mut self) -> impl Future<Output = Flushed> + Send;
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
