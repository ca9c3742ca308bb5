//! One file a transaction: `x.tmp` while it runs, `x` once it is committed.
//!
//! | room | holds |
//! |---|---|
//! | `running` | transactions that run, and their temporary files |
//! | `writing` | records on their way into a temporary file |
//! | `names` | which names belong to whom, and what has them already |
//! | `preparing` | what a commit will do, synced and planned |
//! | `intent` | that plan as bytes |
//! | `apply` | one file of a decided commit |
//! | `committing` | decided commits, many at once, with the syncs that they share |
//! | `conflict` | settling by hand what a start stopped at |
//! | `recovery` | what becomes of transactions when a server starts again |
//! | `position` | what a state remembers |

mod apply;
mod committing;
mod conflict;
mod intent;
mod names;
mod position;
mod preparing;
mod recovery;
mod running;
mod writing;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, Open, RealDisk, fail_point};
use ksink_event::{
    Ack, Decided, Durability, Held, Position, RecordSet, Refusal, Reporter, Resumed, Transaction,
};

pub use self::conflict::{Moved, keep_both};
pub(crate) use self::{
    intent::{Plan, Step},
    position::Said,
};

use self::{
    names::Names,
    position::{Base, Which},
    running::{Running, remove},
};
use crate::{
    Committed, Flushed, Format, OpenError, OutputId, Prepared, RecoverError, Sink,
    TransactionPattern, TransactionalSink, Undone, file::look::look_at_folder,
};

/// Writes each transaction to files of its own, named by a [`TransactionPattern`].
///
/// While it runs, a file ends in `.tmp`; a commit gives it its final name, or adds its bytes to the file that has the
/// name, as [`TxnExisting`] says; an abort deletes it. Where the pattern has `{topic}` a transaction has a file for each
/// topic, and all are committed or none is. Records outside of transactions are refused for good.
///
/// A commit is decided when the server remembers the plan that preparing it made, and never becomes anything but a
/// complete one. The temporary file of one that was appended is deleted when the server is sure to remember that: with
/// the next commit that was prepared later, in the next run, or when the next transaction wants its name, for a decided
/// append whose temporary file is gone is done, as a rename is.
///
/// A state remembers, besides files, which transactional id and topic a name belongs to, where names may meet, and the
/// number of each id's last transaction, where the pattern has `{txnSeq}`; of each at most
/// [`names_max`](TransactionalOptions::names_max).
#[derive(Debug)]
pub struct TransactionalFiles {
    disk: Arc<dyn Disk>,
    pattern: TransactionPattern,
    format: Format,
    options: TransactionalOptions,
    names: Names,
    /// Transactions that run, by serial.
    running: BTreeMap<u64, Running>,
    /// Which transaction a temporary file belongs to, by path.
    owners: HashMap<PathBuf, u64>,
    /// By which the server hears of files that the flush makes, if there are any.
    reporter: Option<Reporter>,
    /// What was written to since the last flush: serials and final names.
    touched: BTreeSet<(u64, PathBuf)>,
    /// Folders with names that were not synced.
    unsynced_folders: BTreeSet<PathBuf>,
    /// Commits that are done, by serial: the number of the call that did them.
    applied: BTreeMap<u64, u64>,
    /// Temporary files of commits that are done, to be deleted.
    leftovers: HashMap<PathBuf, Leftover>,
    /// Temporary files that were removed, while power loss could bring them back: until then the server knows of them.
    unlinked: HashSet<PathBuf>,
    /// Where commits append, if not where their plans say, by serial and final name.
    bases: HashMap<(u64, String), Base>,
    /// Serials and final names of commits of which an earlier try may have left something.
    doubtful: HashMap<(u64, String), apply::Earlier>,
    /// Positions that the next answer is to withdraw.
    withdrawals: Vec<Position>,
    /// Counts calls that committed.
    commits: u64,
    /// Of prepared transactions, by serial, how many calls had committed before.
    prepared_after: HashMap<u64, u64>,
    /// The final names that prepared transactions will have, and their serials.
    promised: HashMap<PathBuf, u64>,
    /// Folders that are durable themselves.
    durable_folders: HashSet<PathBuf>,
    /// Whether what an earlier run left was not deleted yet.
    has_leftovers_of_last_run: bool,
    /// Counts openings, for their ids.
    openings: u64,
}

/// A temporary file whose bytes are in the final file.
#[derive(Clone, Copy, Debug)]
struct Leftover {
    which: Which,
    /// The call that committed it; `None` for an earlier run.
    call: Option<u64>,
}

/// How transactions' files are kept.
#[derive(Clone, Copy, Debug)]
pub struct TransactionalOptions {
    /// What becomes of a final name that something has already.
    pub existing: TxnExisting,
    /// What a commit survives.
    pub durability: Durability,
    /// How many temporary files may be open at once, at least 1.
    pub open_files_max: usize,
    /// How many names, and how many transactional ids' numbers, are remembered.
    pub names_max: usize,
    /// How many syncs run at the same time, at least 1.
    pub syncs_at_once: usize,
}

impl Default for TransactionalOptions {
    fn default() -> Self {
        Self {
            existing: TxnExisting::default(),
            durability: Durability::default(),
            open_files_max: 256,
            names_max: 100_000,
            syncs_at_once: 16,
        }
    }
}

/// What becomes of a final name that something has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TxnExisting {
    /// The records are added to the file.
    #[default]
    Append,
    /// The new file gets a number: `x.1.jsonl`.
    Suffix,
    /// The commit is refused for good.
    Fail,
    /// The new file takes the place of the old one.
    Replace,
}

impl TransactionalFiles {
    /// Makes sure that files can be made in the folder of the pattern.
    ///
    /// # Errors
    /// When they cannot.
    pub fn open(
        pattern: TransactionPattern,
        format: Format,
        options: TransactionalOptions,
    ) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk), pattern, format, options)
    }

    /// Does the same on another file system than this machine's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        disk: Arc<dyn Disk>,
        pattern: TransactionPattern,
        format: Format,
        options: TransactionalOptions,
    ) -> Result<Self, OpenError> {
        let folder = pattern.folder();
        disk.create_folder(folder)
            .and_then(|()| disk.open(folder, Open::UnlinkedTemporary).map(drop))
            .map_err(|cause| OpenError { path: folder.to_owned(), cause })?;
        Ok(Self {
            disk,
            names: Names::new(pattern.clone(), options.names_max),
            pattern,
            format,
            options,
            running: BTreeMap::new(),
            owners: HashMap::new(),
            reporter: None,
            touched: BTreeSet::new(),
            unsynced_folders: BTreeSet::new(),
            applied: BTreeMap::new(),
            leftovers: HashMap::new(),
            unlinked: HashSet::new(),
            bases: HashMap::new(),
            doubtful: HashMap::new(),
            withdrawals: Vec::new(),
            commits: 0,
            prepared_after: HashMap::new(),
            promised: HashMap::new(),
            durable_folders: HashSet::new(),
            has_leftovers_of_last_run: false,
            openings: 0,
        })
    }

    /// Looks whether [`open`](Self::open) would find what it needs, without making a file or a folder.
    ///
    /// # Errors
    /// When it would not.
    pub fn look(pattern: &TransactionPattern) -> Result<(), OpenError> {
        let folder = pattern.folder();
        look_at_folder(folder).map_err(|cause| OpenError { path: folder.to_owned(), cause })
    }

    /// Whether outputs are made durable before a commit is decided.
    fn syncs(&self) -> bool {
        match self.options.durability {
            Durability::Process | Durability::Power => true,
            Durability::None => false,
        }
    }

    /// Deletes what an earlier run left. The server remembers that there is nothing else to be done with it: it has
    /// synced that before it asks for anything.
    fn delete_leftovers_of_last_run(&mut self) {
        if mem::take(&mut self.has_leftovers_of_last_run) {
            self.delete_leftovers(0);
        }
    }

    /// Deletes temporary files that are not needed any more, of calls that committed before this one.
    fn delete_leftovers(&mut self, before_call: u64) {
        let is_due = |leftover: &Leftover| leftover.call.is_none_or(|call| call < before_call);
        let due = self.leftovers.iter().filter(|(_, leftover)| is_due(leftover));
        let due: Vec<(PathBuf, Which)> = due.map(|(path, it)| (path.clone(), it.which)).collect();
        for (path, which) in due {
            // What cannot be deleted now is deleted later.
            if remove(&*self.disk, &path, which).is_ok() {
                fail_point("sink-leftover-deleted");
                self.leftovers.remove(&path);
                if !self.note_unlinked(&path) {
                    self.withdrawals.push(Position::withdrawn(self.pattern.name(&path)));
                }
            }
        }
    }

    /// Notes that a temporary file was removed. Says whether the server must know of it still.
    fn note_unlinked(&mut self, path: &Path) -> bool {
        let must_be_known = self.syncs();
        if must_be_known {
            self.unlinked.insert(path.to_owned());
            self.unsynced_folders.extend(path.parent().map(Path::to_owned));
        }
        must_be_known
    }

    /// What the server is to remember of a temporary file that was removed.
    fn unlinked_position(&mut self, path: &Path, which: Which) -> Position {
        let name = self.pattern.name(path);
        match self.note_unlinked(path) {
            true => Said::Leftover { name, which }.position(),
            false => Position::withdrawn(name),
        }
    }

    fn abort_one(&mut self, serial: u64) -> Result<Vec<Position>, Refusal> {
        let Some(running) = self.running.get_mut(&serial) else { return Ok(Vec::new()) };
        let mut removed = Vec::new();
        for file in running.files.values_mut() {
            // Nothing of it is to be cut or kept.
            if let Some(output) = &mut file.output {
                let _ = output.abandon();
            }
            file.output = None;
            remove(&*self.disk, &file.path, file.it.which).map_err(|error| {
                Refusal::local(format!("cannot remove {}: {error}", file.path.display()))
            })?;
            fail_point("sink-abort-file-removed");
            removed.push((file.path.clone(), file.it.which));
        }
        self.forget(serial);
        Ok(removed.iter().map(|(path, which)| self.unlinked_position(path, *which)).collect())
    }

    /// Forgets a transaction that has ended.
    fn forget(&mut self, serial: u64) {
        let Some(running) = self.running.remove(&serial) else { return };
        for (last, file) in running.files {
            self.owners.remove(&file.path);
            self.touched.remove(&(serial, last));
        }
        self.prepared_after.remove(&serial);
        self.break_promises(serial);
    }
}

impl Sink for TransactionalFiles {
    async fn write(&mut self, set: &RecordSet, ack: &Ack) -> Result<OutputId, Refusal> {
        self.delete_leftovers_of_last_run();
        match &set.transaction {
            Some(transaction) => self.write_of(transaction, set, ack),
            None => Err(Refusal::rejected(
                "this output keeps each transaction in a file of its own, and these records belong to none",
            )),
        }
    }

    async fn flush(&mut self) -> Flushed {
        self.flush_touched().await
    }

    fn takes_back(&self) -> bool {
        true
    }

    async fn recover(&mut self, held: &Held) -> Result<Resumed, RecoverError> {
        self.has_leftovers_of_last_run = true;
        self.recover_held(held)
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        self.delete_leftovers_of_last_run();
        self.end()
    }
}

impl TransactionalSink for TransactionalFiles {
    async fn prepare(&mut self, asked: &[Arc<Transaction>]) -> Vec<Result<Prepared, Refusal>> {
        self.delete_leftovers_of_last_run();
        self.prepare_all(asked)
    }

    fn commits_at_once(&self) -> usize {
        usize::MAX
    }

    fn left_behind(&self) -> Option<u64> {
        (!self.leftovers.is_empty()).then_some(self.commits)
    }

    fn tidy_up(&mut self, accepted: u64) {
        self.forget_before(accepted);
    }

    async fn commit(&mut self, decided: &[Decided], ack: &Ack) -> Vec<Result<Committed, Undone>> {
        self.delete_leftovers_of_last_run();
        self.commit_all(decided, ack).await
    }

    async fn abort(
        &mut self,
        transactions: &[Arc<Transaction>],
    ) -> Vec<Result<Vec<Position>, Refusal>> {
        self.delete_leftovers_of_last_run();
        let mut done = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            done.push(self.abort_one(transaction.serial));
        }
        done
    }
}

#[cfg(test)]
mod tests;
