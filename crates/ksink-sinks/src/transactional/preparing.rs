//! What a commit will do: made durable first, then planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Open, fail_point, planted, sync_folders};
use ksink_event::{Position, Refusal, Transaction};

use super::{
    TransactionalFiles, TxnExisting,
    apply::crc_of,
    intent::{FilePlan, Plan, Step},
    names::Chosen,
    position::Base,
    running::{Running, TemporaryFile, cannot_open},
};
use crate::{Prepared, TransactionName, file::syncs::in_parallel};

impl TransactionalFiles {
    /// Plans and syncs many transactions at once.
    pub(super) fn prepare_all(
        &mut self,
        asked: &[Arc<Transaction>],
    ) -> Vec<Result<Prepared, Refusal>> {
        let mut plans = Vec::with_capacity(asked.len());
        for transaction in asked {
            plans.push(self.plan(transaction.serial));
        }
        if self.syncs() && !planted("commit-before-data") {
            self.sync_planned(asked, &mut plans);
        }
        fail_point("sink-prepare-synced");
        let mut prepared = Vec::with_capacity(asked.len());
        for (plan, transaction) in plans.into_iter().zip(asked) {
            if plan.is_ok() {
                self.prepared_after.insert(transaction.serial, self.commits);
            } else {
                self.break_promises(transaction.serial);
            }
            prepared.push(plan.map(|plan| {
                let positions = std::mem::take(&mut self.withdrawals);
                Prepared { intent: plan.intent(), positions }
            }));
        }
        prepared
    }

    /// What the commit of a transaction will do.
    fn plan(&mut self, serial: u64) -> Result<Plan, Refusal> {
        self.break_promises(serial);
        if let Some(running) = self.running.get_mut(&serial) {
            for file in running.files.values_mut() {
                file.output.as_mut().map_or(Ok(()), |output| output.cut())?;
            }
        }
        let Some(running) = self.running.get(&serial) else { return Ok(Plan::default()) };
        if running.is_doomed {
            return Err(Refusal::rejected("an earlier sync failed"));
        }
        let (written, empty): (Vec<_>, Vec<_>) =
            running.files.iter().partition(|(_, file)| file.it.records > 0);
        let (seq, chosen) = self.choose(serial, running, &written)?;
        let mut plan = Plan { seq, ..Plan::default() };
        for ((_, file), chosen) in written.into_iter().zip(&chosen) {
            plan.records += file.it.records;
            plan.files.push(self.plan_file(file, chosen)?);
        }
        plan.empty =
            empty.into_iter().map(|(_, file)| (file.name.clone(), file.it.which)).collect();
        self.promised.extend(chosen.into_iter().map(|chosen| (chosen.last, serial)));
        Ok(plan)
    }

    /// Chooses the final names.
    fn choose(
        &self,
        serial: u64,
        running: &Running,
        written: &[(&PathBuf, &TemporaryFile)],
    ) -> Result<(u64, Vec<Chosen>), Refusal> {
        let finals: Vec<PathBuf> = written.iter().map(|(last, _)| (*last).clone()).collect();
        let at_seq = |seq| {
            let name = |topic| TransactionName { topic, id: &running.id, seq };
            written.iter().map(|(_, file)| self.pattern.path(&name(&file.topic))).collect()
        };
        let is_promised =
            |path: &Path| self.promised.get(path).is_some_and(|owner| *owner != serial);
        let existing = self.options.existing;
        self.names.choose(&*self.disk, existing, &finals, at_seq, running.seq, is_promised)
    }

    fn plan_file(&self, file: &TemporaryFile, chosen: &Chosen) -> Result<FilePlan, Refusal> {
        let step = match (self.options.existing, chosen.there) {
            (TxnExisting::Replace, _) => Step::Replace,
            (TxnExisting::Append, Some(there)) => {
                let to = Base { which: there.identity.into(), len: there.len };
                let crc = self
                    .disk
                    .open(&file.path, Open::Read)
                    .and_then(|open| crc_of(&*open, 0, file.it.len))
                    .map_err(|error| cannot_open(&file.path, &error))?;
                Step::Append { to, crc }
            }
            (TxnExisting::Append | TxnExisting::Suffix | TxnExisting::Fail, _) => Step::Rename,
        };
        Ok(FilePlan {
            temporary: file.name.clone(),
            which: file.it.which,
            len: file.it.len,
            last: self.pattern.name(&chosen.last),
            step,
        })
    }

    /// Syncs all files of plans side by side, and each folder once. A plan is not good any more when a sync of it
    /// failed: what was not durable then may be lost, though a later sync succeeds.
    fn sync_planned(&mut self, asked: &[Arc<Transaction>], plans: &mut [Result<Plan, Refusal>]) {
        let mut files = Vec::new();
        for (at, (transaction, plan)) in asked.iter().zip(&*plans).enumerate() {
            if let (Ok(_), Some(running)) = (plan, self.running.get(&transaction.serial)) {
                files.extend(running.files.values().map(|file| (at, file)));
            }
        }
        let disk = &*self.disk;
        let synced = in_parallel(&files, self.options.syncs_at_once, |(_, file)| {
            file.to_sync(disk)?.sync_data().map_err(|error| sync_failed(&file.path, &error))
        });
        let failed = files.iter().zip(synced).filter_map(|((at, _), it)| Some((*at, it.err()?)));
        for (at, refusal) in failed.collect::<Vec<_>>() {
            plans[at] = Err(refusal);
        }
        self.sync_new_names();
        for (transaction, plan) in asked.iter().zip(plans) {
            let is_doomed = self.running.get(&transaction.serial).is_some_and(|it| it.is_doomed);
            if plan.is_ok() && is_doomed {
                *plan = Err(Refusal::rejected("a sync of its folder failed"));
            }
        }
    }

    /// Makes the names of temporary files durable. Where that fails, no transaction with a file there can be committed.
    pub(super) fn sync_new_names(&mut self) {
        let folders = std::mem::take(&mut self.unsynced_folders);
        for (folder, synced) in self.sync_folders(folders) {
            let Err(error) = synced else { continue };
            tracing::warn!(folder = %folder.display(), %error, "a folder cannot be synced");
            for running in self.running.values_mut() {
                let is_in = |file: &TemporaryFile| file.path.parent() == Some(&folder);
                running.is_doomed |= running.files.values().any(is_in);
            }
        }
    }

    /// Makes the names in folders durable, and once those of the folders themselves.
    pub(super) fn sync_folders(
        &mut self,
        folders: BTreeSet<PathBuf>,
    ) -> BTreeMap<PathBuf, io::Result<()>> {
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        let (disk, known) = (&*self.disk, &self.durable_folders);
        let results = in_parallel(&folders, self.options.syncs_at_once, |folder| {
            if known.contains(folder) {
                disk.sync_folder(folder)
            } else {
                sync_folders(disk, folder)
            }
        });
        for (folder, result) in folders.iter().zip(&results) {
            match result {
                Ok(()) => {
                    self.durable_folders.insert(folder.clone());
                    self.forget_unlinked(folder);
                }
                Err(_) => {
                    self.durable_folders.remove(folder);
                }
            }
        }
        folders.into_iter().zip(results).collect()
    }

    /// Temporary files that were removed from a folder cannot come back.
    fn forget_unlinked(&mut self, folder: &Path) {
        for path in self.unlinked.extract_if(|path| path.parent() == Some(folder)) {
            // The name may have another file by now.
            if !self.owners.contains_key(&path) {
                self.withdrawals.push(Position::withdrawn(self.pattern.name(&path)));
            }
        }
    }

    /// Lets others have the final names that a transaction was to have.
    pub(super) fn break_promises(&mut self, serial: u64) {
        self.promised.retain(|_, owner| *owner != serial);
    }
}

fn sync_failed(path: &Path, error: &io::Error) -> Refusal {
    Refusal::rejected(format!("cannot sync {}: {error}", path.display()))
}
