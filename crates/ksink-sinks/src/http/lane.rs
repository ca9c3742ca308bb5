//! The sets of one partition, one record after the other.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use ksink_event::{Fault, RecordSet, Refusal};

use super::{
    connection::Connection,
    dead_letters::DeadLetters,
    post::{Cause, Remote, Undelivered},
    request::Requests,
};
use crate::{Failure, Format, OutputId};

/// What every lane works with.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) remote: Remote,
    pub(super) requests: Requests,
    pub(super) format: Format,
    pub(super) dead_letters: Option<DeadLetters>,
}

/// The sets of one partition that were written since the last flush, in their order.
#[derive(Debug, Default)]
pub(super) struct Lane {
    sets: VecDeque<(OutputId, RecordSet)>,
}

/// What came of a lane.
#[derive(Debug)]
pub(super) struct LaneEnd {
    pub(super) failed: Vec<Failure>,
    /// Whether the server did not answer.
    pub(super) is_silent: bool,
    /// A connection that can be used again.
    pub(super) connection: Option<Connection>,
}

impl Lane {
    pub(super) fn push(&mut self, id: OutputId, set: RecordSet) {
        self.sets.push_back((id, set));
    }

    /// Delivers the sets. One that fails ends it: what follows in the partition must not land before it.
    pub(super) async fn run(
        mut self,
        work: Arc<Work>,
        mut connection: Option<Connection>,
    ) -> LaneEnd {
        while let Some((output, set)) = self.sets.pop_front() {
            if let Err(Stop { refusal, kept, is_silent }) =
                work.deliver(&set, &mut connection).await
            {
                let unsent = Failure { kept, ..Failure::passing(output, refusal) };
                let mut failed = self.refuse(&after(&unsent.refusal));
                failed.insert(0, unsent);
                return LaneEnd { failed, is_silent, connection };
            }
        }
        LaneEnd { failed: Vec::new(), is_silent: false, connection }
    }

    /// Refuses all sets that are left.
    pub(super) fn refuse(self, refusal: &Refusal) -> Vec<Failure> {
        let failures = self.sets.into_iter();
        failures.map(|(output, _)| Failure::passing(output, refusal.clone())).collect()
    }
}

/// What the sets hear that were not sent for the sake of order. Nothing is wrong with them.
fn after(refusal: &Refusal) -> Refusal {
    let reason = "not sent, since an earlier batch of the partition failed";
    match refusal {
        Refusal::Unavailable { fault: Fault::Local, .. } => Refusal::local(reason),
        Refusal::Unavailable { fault: Fault::Remote, .. }
        | Refusal::Unknown { .. }
        | Refusal::Rejected { .. }
        | Refusal::TooLarge { .. } => Refusal::remote(reason),
    }
}

/// Why a set was not delivered whole.
struct Stop {
    refusal: Refusal,
    /// How many of its first records were delivered.
    kept: u64,
    is_silent: bool,
}

impl Work {
    /// Delivers the records of a set, up to the first that is not kept anywhere.
    async fn deliver(
        &self,
        set: &RecordSet,
        connection: &mut Option<Connection>,
    ) -> Result<(), Stop> {
        let mut bodies = self.format.render(set);
        for (at, record) in set.records().iter().enumerate() {
            let mut body = Vec::new();
            bodies.write_next(&mut body);
            let request = self.requests.request(set, &record, Bytes::from(body));
            let Err(undelivered) = self.remote.post(connection, request).await else { continue };
            let is_silent = undelivered.is_silence();
            let kept = match &self.dead_letters {
                Some(letters) if undelivered.cause.is_for_good() => {
                    letters.keep(set, &record, &undelivered)
                }
                _ => Err(refusal(undelivered)),
            };
            let stop = |refusal| {
                let refusal = with_prefix(refusal, at, set);
                Stop { refusal, kept: at as u64, is_silent }
            };
            kept.map_err(stop)?;
        }
        Ok(())
    }
}

fn refusal(Undelivered { cause, reason, .. }: Undelivered) -> Refusal {
    match cause {
        Cause::Never => Refusal::rejected(reason),
        Cause::TooLarge => Refusal::too_large(reason),
        Cause::NotNow => Refusal::remote(reason),
        Cause::Unknown => Refusal::unknown(reason),
    }
}

/// The refusal of a set of which the first `kept` records are kept: "nothing was kept" would be wrong.
fn with_prefix(refusal: Refusal, kept: usize, set: &RecordSet) -> Refusal {
    if kept == 0 {
        return refusal;
    }
    let reason =
        format!("{} (the first {kept} of {} records were delivered)", refusal.reason(), set.len());
    match refusal {
        Refusal::Unavailable { .. } | Refusal::Unknown { .. } => Refusal::unknown(reason),
        Refusal::Rejected { .. } => Refusal::rejected(reason),
        Refusal::TooLarge { .. } => Refusal::too_large(reason),
    }
}
