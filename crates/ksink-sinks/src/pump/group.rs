//! What was written and waits for one flush.

use std::time::Instant;

use ksink_event::{Ack, RecordSet, Refusal, accept};

use super::PumpLimits;
use crate::{Flushed, OutputId, Sink, complaints::Complaints};

/// So much of a topic's name goes into a log line.
const TOPIC_BYTES_LOGGED: usize = 128;

/// What was written and waits for one flush.
#[derive(Default)]
pub(super) struct Group {
    written: Vec<Written>,
    bytes: usize,
    records: u64,
}

struct Written {
    ack: Ack,
    output: OutputId,
    /// How many records the set counts for once it is kept: none inside of a transaction, which counts when it
    /// is committed.
    records: u64,
}

impl Group {
    /// Writes one set, or refuses it at once.
    pub(super) async fn write(
        &mut self,
        set: &RecordSet,
        ack: Ack,
        sink: &mut impl Sink,
        complaints: &mut Complaints,
    ) {
        if ack.is_void() {
            return ack.refuse(Refusal::local("an earlier batch of the same producer was refused"));
        }
        self.bytes += set.bytes_len();
        match sink.write(set, &ack).await {
            Ok(output) => {
                let records = if set.transaction.is_none() { set.len() as u64 } else { 0 };
                self.records += records;
                self.written.push(Written { ack, output, records });
            }
            Err(refusal) => {
                if let Some(unsaid) = complaints.next(Instant::now()) {
                    let topic = set.topic.get(..TOPIC_BYTES_LOGGED).unwrap_or(&set.topic);
                    let partition = set.partition;
                    tracing::warn!(topic, partition, %refusal, unsaid, "batch refused");
                }
                ack.refuse(refusal);
            }
        }
    }

    pub(super) fn has_room(&self, limits: &PumpLimits, records_wanted: u64) -> bool {
        self.bytes < limits.group_bytes_max && self.records < records_wanted
    }

    /// Flushes, and answers for everything written. Tells how many records were accepted, and why there is
    /// nothing to go on for, if so.
    pub(super) async fn settle(
        self,
        sink: &mut impl Sink,
        complaints: &mut Complaints,
    ) -> (u64, Option<Refusal>) {
        if self.written.is_empty() {
            return (0, None);
        }
        let Flushed { positions, failed } = sink.flush().await;
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
            if let Some(unsaid) = complaints.next(Instant::now()) {
                tracing::warn!(refusal = %failure.refusal, unsaid, "output failed");
            }
        }
        let gone = failed.into_iter().find(|failure| failure.gone);
        (records, gone.map(|failure| failure.refusal))
    }
}
