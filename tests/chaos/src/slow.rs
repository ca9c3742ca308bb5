//! A sink that takes its time.

use std::{thread, time::Duration};

use ksink_event::{Ack, RecordSet, Refusal};
use ksink_sinks::{Flushed, OutputId, Sink};

/// Which flush stalls: one in the middle of things, counted from 1.
const STALLED_FLUSH: u64 = 10;

/// How long flushes take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Each of them.
    pub flush: Duration,
    /// The one that stalls.
    pub stall: Duration,
}

/// A sink whose flushes take long, as those of a remote one might. The records are not kept before the
/// time is over: whoever gave up waiting cannot know whether they will be.
#[derive(Debug)]
pub(crate) struct Slow<S> {
    sink: S,
    pace: Pace,
    flushes: u64,
}

impl<S> Slow<S> {
    pub(crate) fn new(sink: S, pace: Pace) -> Self {
        Self { sink, pace, flushes: 0 }
    }
}

impl<S: Sink> Sink for Slow<S> {
    async fn write(&mut self, set: &RecordSet, ack: &Ack) -> Result<OutputId, Refusal> {
        self.sink.write(set, ack).await
    }

    async fn flush(&mut self) -> Flushed {
        self.flushes += 1;
        let stalls = self.flushes == STALLED_FLUSH;
        // A sink may block: the pump has a thread of its own.
        thread::sleep(if stalls { self.pace.stall } else { self.pace.flush });
        self.sink.flush().await
    }
}
