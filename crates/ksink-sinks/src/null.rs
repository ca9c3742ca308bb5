//! Nowhere.

use ksink_event::{Ack, RecordSet, Refusal};

use crate::{Flushed, OutputId, Sink};

/// Throws everything away, for measurements and for trying out producers. [`Progress`](crate::Progress)
/// counts what came.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl Sink for NullSink {
    async fn write(&mut self, _set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        Ok(OutputId(0))
    }

    async fn flush(&mut self) -> Flushed {
        Flushed::default()
    }
}
