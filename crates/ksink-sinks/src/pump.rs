//! Carries deliveries to a sink. One flush answers a whole group.
//!
//! The pump takes what is ready, writes it, flushes once, and accepts the group with the positions that
//! the flush told. A set that the sink refuses is refused alone; an output that fails refuses all of the
//! group that went there, so that no batch is kept while an earlier one of its producer is not.
//!
//! Sinks may block in `write(2)`, so the pump wants a thread of its own:
//!
//! ```no_run
//! use ksink_sinks::{NullSink, PumpEnd, PumpOptions, pump};
//!
//! # fn start(mut deliveries: ksink_event::Deliveries) -> std::thread::JoinHandle<PumpEnd> {
//! std::thread::spawn(move || {
//!     let runtime = tokio::runtime::Builder::new_current_thread().build().expect("no I/O driver to fail");
//!     runtime.block_on(pump(&mut deliveries, &mut NullSink, &PumpOptions::default()))
//! })
//! # }
//! ```

mod progress;

use std::time::Instant;

use ksink_event::{Ack, Deliveries, Delivery, Event, RecordSet, Refusal, accept};

pub use self::progress::Progress;

use crate::{Flushed, OutputId, Sink, complaints::Complaints};

/// So much of a topic's name goes into a log line.
const TOPIC_BYTES_LOGGED: usize = 128;

/// How the pump runs, and who watches it.
#[derive(Clone, Debug, Default)]
pub struct PumpOptions {
    /// How much one flush may have to answer for.
    pub limits: PumpLimits,
    /// Ends the pump once that many records are accepted. Batches are never split, so that the last one
    /// may exceed it; nothing is taken that is not needed.
    pub records_max: Option<u64>,
    /// Hears how many records were accepted.
    pub progress: Progress,
}

/// How much one flush may have to answer for. The first delivery of a group is taken whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct PumpLimits {
    /// Deliveries in a group.
    pub group_deliveries_max: usize,
    /// Bytes of records in a group, uncompressed, after which no further delivery is taken.
    pub group_bytes_max: usize,
}

impl Default for PumpLimits {
    fn default() -> Self {
        Self { group_deliveries_max: 1024, group_bytes_max: 4 << 20 }
    }
}

/// Why the pump ended.
#[derive(Clone, Debug)]
pub enum PumpEnd {
    /// The server stopped, and everything that it handed out is answered.
    ServerStopped,
    /// [`PumpOptions::records_max`] records are accepted.
    RecordsReached,
    /// An output is gone for good, for this reason; everything that went there was refused.
    OutputGone(Refusal),
}

/// Carries deliveries to the sink until the server stops, enough records came, or the output is gone.
///
/// What is left in `deliveries` then was not looked at; dropping it refuses it.
pub async fn pump(
    deliveries: &mut Deliveries,
    sink: &mut impl Sink,
    options: &PumpOptions,
) -> PumpEnd {
    let mut accepted = 0;
    let mut complaints = Complaints::new(Instant::now());
    loop {
        let records_wanted =
            options.records_max.map_or(u64::MAX, |max| max.saturating_sub(accepted));
        if records_wanted == 0 {
            return PumpEnd::RecordsReached;
        }
        let Some(first) = deliveries.next().await else { return PumpEnd::ServerStopped };
        let mut group = Group::new(&mut complaints);
        group.take(first, sink).await;
        while group.has_room(&options.limits, records_wanted) {
            let Some(next) = deliveries.next_ready() else { break };
            group.take(next, sink).await;
        }
        if group.written.is_empty() {
            continue;
        }
        let (records, gone) = group.settle(sink.flush().await);
        accepted += records;
        if records > 0 {
            options.progress.add(records);
        }
        if let Some(why) = gone {
            return PumpEnd::OutputGone(why);
        }
    }
}

/// What was taken and waits for one flush.
struct Group<'c> {
    complaints: &'c mut Complaints,
    written: Vec<Written>,
    deliveries: usize,
    bytes: usize,
    records: u64,
}

struct Written {
    ack: Ack,
    output: OutputId,
    records: u64,
}

impl<'c> Group<'c> {
    fn new(complaints: &'c mut Complaints) -> Self {
        Self { complaints, written: Vec::new(), deliveries: 0, bytes: 0, records: 0 }
    }

    /// Writes one delivery, or refuses it at once.
    async fn take(&mut self, Delivery { event, ack }: Delivery, sink: &mut impl Sink) {
        self.deliveries += 1;
        match event {
            Event::Records(set) => self.write(&set, ack, sink).await,
            Event::Prepare(_) | Event::Commit(_) | Event::Abort(_) => {
                ack.refuse(Refusal::rejected("this sink keeps plain records only"));
            }
        }
    }

    async fn write(&mut self, set: &RecordSet, ack: Ack, sink: &mut impl Sink) {
        if ack.is_void() {
            return ack.refuse(Refusal::local("an earlier batch of the same producer was refused"));
        }
        self.bytes += set.bytes_len();
        match sink.write(set, &ack).await {
            Ok(output) => {
                let records = set.len() as u64;
                self.records += records;
                self.written.push(Written { ack, output, records });
            }
            Err(refusal) => {
                if let Some(unsaid) = self.complaints.next(Instant::now()) {
                    let topic = set.topic.get(..TOPIC_BYTES_LOGGED).unwrap_or(&set.topic);
                    let partition = set.partition;
                    tracing::warn!(topic, partition, %refusal, unsaid, "batch refused");
                }
                ack.refuse(refusal);
            }
        }
    }

    fn has_room(&self, limits: &PumpLimits, records_wanted: u64) -> bool {
        self.deliveries < limits.group_deliveries_max
            && self.bytes < limits.group_bytes_max
            && self.records < records_wanted
    }

    /// Answers for everything written. Tells how many records were accepted, and why there is nothing to
    /// go on for, if so.
    fn settle(self, Flushed { positions, failed }: Flushed) -> (u64, Option<Refusal>) {
        let mut kept = Vec::with_capacity(self.written.len());
        let mut records = 0;
        for written in self.written {
            match failed.iter().find(|failure| failure.output == written.output) {
                Some(failure) => written.ack.refuse(failure.refusal.clone()),
                None => {
                    records += written.records;
                    kept.push(written.ack);
                }
            }
        }
        accept(kept, positions);
        // What is gone for good ends the pump, and whoever runs it hears why.
        for failure in failed.iter().filter(|failure| !failure.gone) {
            if let Some(unsaid) = self.complaints.next(Instant::now()) {
                tracing::warn!(refusal = %failure.refusal, unsaid, "output failed");
            }
        }
        let gone = failed.into_iter().find(|failure| failure.gone);
        (records, gone.map(|failure| failure.refusal))
    }
}

#[cfg(test)]
mod tests;
