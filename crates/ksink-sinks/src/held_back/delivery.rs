//! A commit on its way into the sink.

use std::{collections::HashMap, io, mem};

use ksink_disk::fail_point;
use ksink_event::{Ack, Fault, Position, RecordSet, Refusal, Topic};

use super::{position::Delivered, spill::Sets};
use crate::{Failure, Flushed, OutputId, Sink, Undone};

/// So many sets go at once to a sink that cannot take anything back: what was sent since the last report is
/// sent again when the process is killed.
const PIECE_SETS_MAX: usize = 64;
const PIECE_BYTES_MAX: usize = 256 << 10;

/// A commit that goes, try by try, into the sink.
#[derive(Debug)]
pub(super) struct Delivery {
    serial: u64,
    delivered: Delivered,
    /// Where outputs stand by it, which the server does not know yet.
    positions: Vec<Position>,
    /// Whether the server knows how much is delivered.
    is_reported: bool,
}

/// What was written to the sink since the last flush, in its order.
#[derive(Default)]
struct Group {
    written: Vec<Written>,
    /// Where in `written` a partition is, while its sets are not told apart.
    places: HashMap<(OutputId, Topic, i32), usize>,
    bytes: usize,
    /// Why nothing more can be written.
    stop: Option<Refusal>,
}

struct Written {
    output: OutputId,
    topic: Topic,
    partition: i32,
    records: u64,
}

impl Delivery {
    pub(super) fn new(serial: u64) -> Self {
        Self::resumed(serial, Delivered::default())
    }

    /// Goes on where an earlier run was.
    pub(super) fn resumed(serial: u64, delivered: Delivered) -> Self {
        Self { serial, delivered, positions: Vec::new(), is_reported: true }
    }

    /// Delivers what was not delivered yet. Tells where outputs stand, once everything is.
    pub(super) async fn run(
        &mut self,
        mut sets: Sets<'_>,
        sink: &mut impl Sink,
        ack: &Ack,
    ) -> Result<Vec<Position>, Undone> {
        let mut passed_over = self.delivered.clone();
        loop {
            let group = write_group(&mut sets, &mut passed_over, sink, ack).await;
            if group.written.is_empty() && group.stop.is_none() {
                return Ok(mem::take(&mut self.positions));
            }
            let Flushed { positions, failed } = sink.flush().await;
            self.note(&group, &failed);
            self.positions.extend(positions);
            fail_point("sink-commit-flushed");
            let is_whole = failed.is_empty() && group.stop.is_none();
            if !(is_whole && sink.takes_back()) {
                self.report(ack).await?;
            }
            if let Some(undone) = undone(failed, group.stop) {
                return Err(undone);
            }
        }
    }

    /// Tells the server what was delivered, if it does not know yet.
    pub(super) async fn report(&mut self, ack: &Ack) -> Result<(), Refusal> {
        if !self.is_reported {
            let progress = self.delivered.position(self.serial);
            let positions = self.positions.iter().cloned().chain([progress]).collect();
            ack.reporter().report(positions).await?;
            self.positions.clear();
            self.is_reported = true;
        }
        Ok(())
    }

    /// Counts what a flush delivered.
    fn note(&mut self, group: &Group, failed: &[Failure]) {
        let mut kept: HashMap<OutputId, u64> =
            failed.iter().map(|failure| (failure.output, failure.kept)).collect();
        for Written { output, topic, partition, records } in &group.written {
            let landed = match kept.get_mut(output) {
                Some(left) => {
                    let landed = (*records).min(*left);
                    *left -= landed;
                    landed
                }
                None => *records,
            };
            if landed > 0 {
                *self.delivered.of(topic, *partition) += landed;
                self.is_reported = false;
            }
        }
    }
}

/// Writes sets: all of them, or a piece where the sink cannot take anything back.
async fn write_group(
    sets: &mut Sets<'_>,
    passed_over: &mut Delivered,
    sink: &mut impl Sink,
    ack: &Ack,
) -> Group {
    let mut group = Group::default();
    let takes_back = sink.takes_back();
    while takes_back || (group.written.len() < PIECE_SETS_MAX && group.bytes < PIECE_BYTES_MAX) {
        let set = match next_undelivered(sets, passed_over) {
            Ok(Some(set)) => set,
            Ok(None) => break,
            Err(error) => {
                group.stop = Some(Refusal::local(format!("cannot read a transaction: {error}")));
                break;
            }
        };
        match sink.write(&set, ack).await {
            Ok(output) => group.add(output, &set, takes_back),
            Err(refusal) => {
                group.stop = Some(refusal);
                break;
            }
        }
    }
    group
}

/// The next set, or what is left of it when its first records were delivered.
fn next_undelivered(
    sets: &mut Sets<'_>,
    passed_over: &mut Delivered,
) -> io::Result<Option<RecordSet>> {
    while let Some(set) = sets.next()? {
        let delivered = passed_over.of(&set.topic, set.partition);
        let skipped = usize::try_from(*delivered).map_or(set.len(), |all| all.min(set.len()));
        *delivered -= skipped as u64;
        if skipped == 0 {
            return Ok(Some(set));
        }
        if let Some(rest) = set.without_first(skipped) {
            return Ok(Some(rest));
        }
    }
    Ok(None)
}

impl Group {
    fn add(&mut self, output: OutputId, set: &RecordSet, takes_back: bool) {
        self.bytes += set.bytes_len();
        let next = self.written.len();
        let place = if takes_back {
            // An output keeps all or nothing, so that the order does not matter, and there may be many sets.
            *self.places.entry((output, set.topic.clone(), set.partition)).or_insert(next)
        } else {
            next
        };
        if place == next {
            let (topic, partition) = (set.topic.clone(), set.partition);
            self.written.push(Written { output, topic, partition, records: 0 });
        }
        self.written[place].records += set.len() as u64;
    }
}

/// Why a commit must be tried again, if so. Whatever the sink said, the commit stays decided.
fn undone(failed: Vec<Failure>, stop: Option<Refusal>) -> Option<Undone> {
    let gone = failed.iter().any(|failure| failure.gone);
    let first =
        failed.into_iter().max_by_key(|failure| failure.gone).map(|failure| failure.refusal);
    let refusal = match first.or(stop)? {
        Refusal::Unavailable { fault, reason } => Refusal::Unavailable { fault, reason },
        Refusal::Unknown { reason }
        | Refusal::Rejected { reason }
        | Refusal::TooLarge { reason } => Refusal::Unavailable { fault: Fault::Remote, reason },
    };
    Some(Undone { refusal, gone })
}
