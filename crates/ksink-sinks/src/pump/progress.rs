//! What the pump has done so far.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What the pump has done so far, for whoever watches. Clones watch the same pump.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    started: Instant,
    records: AtomicU64,
    /// Nanoseconds from `started` to the last acceptance.
    last_ns: AtomicU64,
}

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Counts {
            started: Instant::now(),
            records: AtomicU64::new(0),
            last_ns: AtomicU64::new(0),
        }))
    }
}

impl Progress {
    /// How many records were accepted.
    pub fn records(&self) -> u64 {
        self.0.records.load(Ordering::Relaxed)
    }

    /// When the last record was accepted, or, before the first one, when this was made.
    pub fn idle_since(&self) -> Instant {
        self.0.started + Duration::from_nanos(self.0.last_ns.load(Ordering::Relaxed))
    }

    pub(super) fn add(&self, records: u64) {
        let now_ns = u64::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.last_ns.store(now_ns, Ordering::Relaxed);
        self.0.records.fetch_add(records, Ordering::Relaxed);
    }
}
