//! Records of transactions, held back until they are committed.
//!
//! | room | holds |
//! |---|---|
//! | `spill` | where the sets of one transaction wait |
//! | `spills` | those of all transactions, and the folder that they are in |
//! | `encode` | a set as bytes |
//! | `position` | what a state remembers of them |
//! | `delivery` | a commit on its way into the sink |

mod delivery;
mod encode;
mod position;
mod spill;
mod spills;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use ksink_disk::{Disk, RealDisk, fail_point, planted};
use ksink_event::{
    Ack, Decided, Durability, Held, LastStop, Position, RecordSet, Refusal, Resumed, Transaction,
};

pub(crate) use self::position::{Extent, Said, read};

use self::{delivery::Delivery, spills::Spills};
use crate::{
    Committed, Failure, Flushed, OutputId, Prepared, RecoverError, Sink, TransactionalSink, Undone,
};

/// Lets any sink take transactions: their records wait in a spill, and go to the sink, in their order, when the
/// commit is decided. Those of an aborted transaction are never seen by it.
///
/// With a folder, a spill is a file there, written before its records are accepted, and synced before the
/// transaction is said to be prepared: a transaction that is open goes on after a crash of the process, and one
/// that is decided survives the loss of power too (not at [`Durability::None`]). Without, spills stay in
/// memory up to a limit, and what is more in files without names, which end with the process.
///
/// A commit is one group for the sink. What it can [take back](Sink::takes_back) is delivered whole or taken
/// back whole, output by output; what it cannot, piece by piece: a commit that failed goes on from the first
/// record that was not delivered, in each partition. How far it got is reported, so that a later run goes on there
/// too; what was delivered since the last report is then delivered twice.
///
/// A spill is deleted when the state is sure to remember that its commit was applied: when a commit comes
/// that was prepared after the acceptance was framed, for its decision was synced after that; or in the next
/// run. That of an aborted transaction is deleted at once: the abort was framed before, and a spill that is
/// missing after a loss of power belongs to a transaction that is aborted then.
#[derive(Debug)]
pub struct HeldBack<S> {
    sink: S,
    durability: Durability,
    spills: Spills,
    /// Commits that were delivered in part, by serial.
    under_way: BTreeMap<u64, Delivery>,
    /// Commits that are done and whose spills are still there, by serial: the number of the call that did them.
    applied: BTreeMap<u64, u64>,
    /// Counts calls that committed.
    commits: u64,
    /// Of prepared transactions, by serial, how many calls had committed before.
    prepared_after: HashMap<u64, u64>,
}

/// Where and how records are held back.
#[derive(Clone, Debug)]
pub struct HeldBackOptions {
    /// The folder for spills, of the state; `None` where there is no state.
    pub folder: Option<PathBuf>,
    /// Where files without names go, without a state.
    pub temporary_folder: PathBuf,
    /// Without a state, how much of one transaction stays in memory, in bytes.
    pub memory_bytes_max: usize,
    /// Without a state, how much of all transactions stays in memory, in bytes.
    pub total_memory_bytes_max: usize,
    /// How many spills may have their files open at once, at least 1.
    pub open_files_max: usize,
    /// What a commit survives.
    pub durability: Durability,
}

impl Default for HeldBackOptions {
    fn default() -> Self {
        Self {
            folder: None,
            temporary_folder: std::env::temp_dir(),
            memory_bytes_max: 1 << 20,
            total_memory_bytes_max: 16 << 20,
            open_files_max: 64,
            durability: Durability::default(),
        }
    }
}

/// Tells the ids of spills from those of the sink's outputs, which count from the bottom.
const SPILLS: u64 = 1 << 63;

impl<S: Sink> HeldBack<S> {
    /// Over a sink. The folder is made when the first transaction comes.
    pub fn new(sink: S, disk: Arc<dyn Disk>, options: HeldBackOptions) -> Self {
        Self {
            sink,
            durability: options.durability,
            spills: Spills::new(disk, options),
            under_way: BTreeMap::new(),
            applied: BTreeMap::new(),
            commits: 0,
            prepared_after: HashMap::new(),
        }
    }

    /// Over a sink, without a state: what is held back ends with the process.
    pub fn without_state(sink: S) -> Self {
        let options = HeldBackOptions { durability: Durability::None, ..Default::default() };
        Self::new(sink, Arc::new(RealDisk), options)
    }

    /// Says to the server what an earlier try delivered, if it does not know yet. Until it does, nothing else may
    /// go into those outputs, whose positions would run ahead.
    async fn report_deliveries(&mut self, ack: &Ack) -> Result<(), Refusal> {
        for delivery in self.under_way.values_mut() {
            delivery.report(ack).await?;
        }
        Ok(())
    }

    async fn commit_one(&mut self, decided: &Decided, ack: &Ack) -> Result<Committed, Undone> {
        let serial = decided.transaction.serial;
        let mut positions = position::withdrawn(serial).to_vec();
        if self.applied.contains_key(&serial) {
            return Ok(Committed { positions, records: 0 });
        }
        let extent = promised(decided)?;
        self.spills.check(serial, extent)?;
        let delivery = self.under_way.entry(serial).or_insert_with(|| Delivery::new(serial));
        if let Some(sets) = self.spills.sets(serial)? {
            positions.extend(delivery.run(sets, &mut self.sink, ack).await?);
        }
        self.under_way.remove(&serial);
        self.prepared_after.remove(&serial);
        self.applied.insert(serial, self.commits);
        self.spills.forget_unless_it_outlives_us(serial);
        Ok(Committed { positions, records: extent.records })
    }

    /// Deletes the spills of commits that the state is sure to remember as applied, now that these are decided.
    fn delete_applied(&mut self, decided: &[Decided]) {
        let prepared_after =
            decided.iter().filter_map(|it| self.prepared_after.get(&it.transaction.serial));
        if let Some(sure) = prepared_after.max().copied() {
            self.delete_applied_before(sure);
        }
    }

    fn delete_applied_before(&mut self, sure: u64) {
        let applied = self.applied.iter().filter(|(_, call)| **call < sure);
        let serials: Vec<u64> = applied.map(|(serial, _)| *serial).collect();
        for serial in serials {
            // What cannot be deleted now is deleted in the next run.
            let _ = self.spills.remove(serial);
            self.applied.remove(&serial);
        }
    }
}

/// What the intent says of the spill.
fn promised(decided: &Decided) -> Result<Extent, Refusal> {
    let unreadable = || Refusal::local("its intent was written by something else than this sink");
    Extent::of_intent(&decided.intent).ok_or_else(unreadable)
}

impl<S: Sink> Sink for HeldBack<S> {
    async fn write(&mut self, set: &RecordSet, ack: &Ack) -> Result<OutputId, Refusal> {
        self.spills.delete_stale();
        match &set.transaction {
            None => {
                self.report_deliveries(ack).await?;
                self.sink.write(set, ack).await
            }
            Some(transaction) => {
                self.spills.write(transaction.serial, set);
                Ok(OutputId(SPILLS | transaction.serial))
            }
        }
    }

    async fn flush(&mut self) -> Flushed {
        let mut flushed = self.sink.flush().await;
        for (serial, outcome) in self.spills.flush() {
            let output = OutputId(SPILLS | serial);
            flushed.add(match outcome {
                Ok(position) => Ok(position),
                Err(refusal) => Err(Failure::passing(output, refusal)),
            });
        }
        flushed
    }

    async fn recover(&mut self, held: &Held) -> Result<Resumed, RecoverError> {
        let mut resumed = self.sink.recover(held).await?;
        let said: Vec<Said> = held.positions.iter().filter_map(read).collect();
        let is_decided = |serial| held.decided.iter().any(|it| it.transaction.serial == serial);
        let mut extents = HashMap::new();
        for said in said {
            match said {
                Said::Spill(serial, extent) => {
                    extents.insert(serial, extent);
                }
                Said::Delivered(serial, delivered) if is_decided(serial) => {
                    self.under_way.insert(serial, Delivery::resumed(serial, delivered));
                }
                Said::Delivered(serial, _) => {
                    resumed.positions.extend(position::withdrawn(serial));
                }
            }
        }
        self.resume_open(held, &mut extents, &mut resumed)?;
        self.resume_decided(held, &mut extents, &mut resumed)?;
        for transaction in &held.aborted {
            extents.remove(&transaction.serial);
            resumed.positions.extend(position::withdrawn(transaction.serial));
            resumed.applied.push(transaction.serial);
        }
        // What is left belongs to no transaction that anybody knows.
        resumed.positions.extend(extents.keys().copied().flat_map(position::withdrawn));
        self.spills.find_stale()?;
        fail_point("sink-recovered");
        Ok(resumed)
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        self.spills.delete_stale();
        let synced = match self.durability {
            Durability::Process | Durability::Power => self.spills.sync_all(),
            Durability::None => Ok(()),
        };
        self.sink.close().await.and(synced)
    }
}

impl<S: Sink> HeldBack<S> {
    fn resume_open(
        &mut self,
        held: &Held,
        extents: &mut HashMap<u64, Extent>,
        resumed: &mut Resumed,
    ) -> Result<(), RecoverError> {
        for transaction in &held.open {
            let serial = transaction.serial;
            let extent = extents.remove(&serial).unwrap_or_default();
            let is_there =
                held.last_stop != LastStop::Rebooted && self.spills.find(serial, extent)?;
            if !is_there {
                resumed.lost.push(serial);
            }
        }
        Ok(())
    }

    fn resume_decided(
        &mut self,
        held: &Held,
        extents: &mut HashMap<u64, Extent>,
        resumed: &mut Resumed,
    ) -> Result<(), RecoverError> {
        for decided in &held.decided {
            let serial = decided.transaction.serial;
            extents.remove(&serial);
            let extent = promised(decided)
                .map_err(|refusal| RecoverError::Stopped(refusal.reason().to_owned()))?;
            if self.spills.find(serial, extent)? {
                continue;
            }
            let missing = self.spills.missing(serial, extent, &decided.transaction.id);
            if self.durability != Durability::None {
                return Err(RecoverError::Stopped(format!(
                    "{missing}: bring it back from a copy, or move the folder of the state away, to start as if ksink had \
                     never run"
                )));
            }
            tracing::error!("{missing}; at this durability the transaction is given up");
            resumed.positions.extend(position::withdrawn(serial));
            resumed.applied.push(serial);
        }
        Ok(())
    }
}

impl<S: Sink> TransactionalSink for HeldBack<S> {
    async fn prepare(&mut self, asked: &[Arc<Transaction>]) -> Vec<Result<Prepared, Refusal>> {
        self.spills.delete_stale();
        let serials: Vec<u64> = asked.iter().map(|transaction| transaction.serial).collect();
        let synced = match self.durability {
            Durability::Process | Durability::Power if !planted("commit-before-data") => {
                self.spills.sync(&serials)
            }
            Durability::Process | Durability::Power | Durability::None => {
                serials.iter().map(|_| Ok(())).collect()
            }
        };
        fail_point("sink-prepare-synced");
        let prepared = |(serial, synced): (u64, Result<(), Refusal>)| {
            synced?;
            self.prepared_after.insert(serial, self.commits);
            let intent = self.spills.kept(serial).intent();
            Ok(Prepared { intent, positions: Vec::new() })
        };
        serials.into_iter().zip(synced).map(prepared).collect()
    }

    async fn commit(&mut self, decided: &[Decided], ack: &Ack) -> Vec<Result<Committed, Undone>> {
        if let Err(refusal) = self.report_deliveries(ack).await {
            return decided.iter().map(|_| Err(refusal.clone().into())).collect();
        }
        self.delete_applied(decided);
        let mut done = Vec::with_capacity(decided.len());
        for decided in decided {
            done.push(self.commit_one(decided, ack).await);
        }
        self.commits += 1;
        done
    }

    fn left_behind(&self) -> Option<u64> {
        (!self.applied.is_empty()).then_some(self.commits)
    }

    fn tidy_up(&mut self, accepted: u64) {
        self.delete_applied_before(accepted);
    }

    async fn abort(
        &mut self,
        transactions: &[Arc<Transaction>],
    ) -> Vec<Result<Vec<Position>, Refusal>> {
        let mut done = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            let serial = transaction.serial;
            self.prepared_after.remove(&serial);
            done.push(self.spills.remove(serial).map(|()| position::withdrawn(serial).to_vec()));
        }
        done
    }
}

#[cfg(test)]
mod tests;
