//! Decided commits, many at once, with the syncs that they share.

use std::{collections::BTreeSet, path::PathBuf};

use ksink_disk::fail_point;
use ksink_event::{Ack, Decided, Position, Refusal};

use super::{
    Leftover, TransactionalFiles,
    apply::{self, Done, Earlier, Work},
    intent::{FilePlan, Plan},
    position::{Base, Said, Which, base_name},
    running::remove,
};
use crate::{Committed, Undone, file::syncs::in_parallel};

/// So often in one try a final file may have changed since it was looked at.
const BASES_MAX: usize = 8;

/// A try to apply one commit.
pub(super) struct Try<'d> {
    pub(super) decided: &'d Decided,
    pub(super) plan: Plan,
    /// Whether an earlier call has done it.
    is_applied: bool,
    /// What was done for each file, until it is durable.
    done: Vec<Option<Done>>,
    /// Whether the temporary files are still there.
    leftover: Vec<bool>,
    /// Why it must be tried again.
    pub(super) undone: Option<apply::Undone>,
}

impl<'d> Try<'d> {
    pub(super) fn new(decided: &'d Decided) -> Self {
        let (plan, undone) = match Plan::read(&decided.intent) {
            Ok(plan) => (plan, None),
            Err(refusal) => (Plan::default(), Some(apply::Undone::Unreadable(refusal))),
        };
        Self { decided, plan, is_applied: false, done: Vec::new(), leftover: Vec::new(), undone }
    }

    pub(super) fn serial(&self) -> u64 {
        self.decided.transaction.serial
    }
}

impl TransactionalFiles {
    /// Applies commits.
    pub(super) async fn commit_all(
        &mut self,
        decided: &[Decided],
        ack: &Ack,
    ) -> Vec<Result<Committed, Undone>> {
        self.forget_applied(decided);
        let mut tries: Vec<Try<'_>> = decided.iter().map(Try::new).collect();
        for it in &mut tries {
            it.is_applied = self.applied.contains_key(&it.serial());
            for _ in 0..BASES_MAX {
                if it.is_applied || self.run(it).is_ok() {
                    break;
                }
                let Some(apply::Undone::Base(base)) = it.undone else { break };
                it.undone = self.report_base(it, base, ack).await.err();
            }
        }
        self.make_durable(&mut tries);
        let call = self.commits;
        self.commits += 1;
        tries.into_iter().map(|it| self.end_try(it, call)).collect()
    }

    /// Forgets what the server is sure to remember, now that these are decided: what was committed before one of
    /// them was prepared.
    fn forget_applied(&mut self, decided: &[Decided]) {
        let prepared_after =
            decided.iter().filter_map(|it| self.prepared_after.get(&it.transaction.serial));
        if let Some(sure) = prepared_after.max().copied() {
            self.forget_before(sure);
        }
    }

    /// Forgets what the calls before this one have committed.
    pub(super) fn forget_before(&mut self, call: u64) {
        self.delete_leftovers(call);
        self.applied.retain(|_, applied_by| *applied_by >= call);
    }

    /// Does what is to be done with each file, until one fails.
    pub(super) fn run(&mut self, it: &mut Try<'_>) -> Result<(), ()> {
        while it.undone.is_none() && it.done.len() < it.plan.files.len() {
            let file = &it.plan.files[it.done.len()];
            match self.with_work(it.serial(), file, |work| work.run()) {
                Ok(done) => {
                    it.leftover.push(done.leftover);
                    it.done.push(Some(done));
                }
                Err(undone) => {
                    if matches!(undone, apply::Undone::Torn(_)) {
                        self.doubt(it.serial(), file, Earlier::Failed);
                    }
                    it.undone = Some(undone);
                }
            }
        }
        if it.undone.is_none() { Ok(()) } else { Err(()) }
    }

    fn with_work<R>(&self, serial: u64, plan: &FilePlan, act: impl FnOnce(Work<'_>) -> R) -> R {
        let key = (serial, plan.last.clone());
        let temporary = self.pattern.named(&plan.temporary);
        let last = self.pattern.named(&plan.last);
        act(Work {
            disk: &*self.disk,
            plan,
            temporary: &temporary,
            last: &last,
            base: self.bases.get(&key).copied(),
            earlier: self.doubtful.get(&key).copied().unwrap_or(Earlier::Nothing),
        })
    }

    pub(super) fn doubt(&mut self, serial: u64, plan: &FilePlan, earlier: Earlier) {
        self.doubtful.insert((serial, plan.last.clone()), earlier);
    }

    /// Tells the server that it is appended elsewhere than the plan says, before that is done.
    async fn report_base(
        &mut self,
        it: &Try<'_>,
        base: Base,
        ack: &Ack,
    ) -> Result<(), apply::Undone> {
        let name = it.plan.files[it.done.len()].last.clone();
        let serial = it.serial();
        let position = Said::Base { serial, name: name.clone(), base }.position();
        ack.reporter().report(vec![position]).await.map_err(apply::Undone::Fault)?;
        self.doubtful.remove(&(serial, name.clone()));
        self.bases.insert((serial, name), base);
        Ok(())
    }

    /// Syncs files side by side and each folder once. What is in doubt after a sync that failed is undone.
    pub(super) fn make_durable(&mut self, tries: &mut [Try<'_>]) {
        if self.syncs() {
            self.sync_appended(tries);
            fail_point("sink-commit-files-synced");
            self.sync_names_of(tries);
            fail_point("sink-commit-folders-synced");
        }
    }

    fn sync_appended(&mut self, tries: &mut [Try<'_>]) {
        let mut appended = Vec::new();
        for (at, it) in tries.iter().enumerate() {
            for (index, done) in it.done.iter().enumerate() {
                if let Some((file, _)) = done.as_ref().and_then(|done| done.appended.as_ref()) {
                    appended.push((at, index, file));
                }
            }
        }
        let synced =
            in_parallel(&appended, self.options.syncs_at_once, |(_, _, file)| file.sync_data());
        let failed = appended.iter().zip(synced);
        let failed = failed.filter_map(|((at, index, _), it)| Some((*at, *index, it.err()?)));
        for (at, index, error) in failed.collect::<Vec<_>>() {
            self.undo(&mut tries[at], index, &error);
        }
    }

    fn sync_names_of(&mut self, tries: &mut [Try<'_>]) {
        let dones = tries.iter().flat_map(|it| it.done.iter().flatten());
        let folders: BTreeSet<_> = dones.flat_map(|done| done.folders.iter().cloned()).collect();
        let failed = self.sync_folders(folders);
        let failed: Vec<_> = failed
            .into_iter()
            .filter_map(|(folder, synced)| Some((folder, synced.err()?)))
            .collect();
        for (folder, error) in failed {
            for it in &mut *tries {
                for index in 0..it.done.len() {
                    let is_there =
                        it.done[index].as_ref().is_some_and(|it| it.folders.contains(&folder));
                    if is_there {
                        self.undo(it, index, &error);
                    }
                }
            }
        }
    }

    /// Takes back what was done with one file, so that the next try does it again.
    fn undo(&mut self, it: &mut Try<'_>, index: usize, error: &std::io::Error) {
        let Some(done) = it.done[index].take() else { return };
        let file = &it.plan.files[index];
        let reason = format!("cannot sync {}: {error}", self.pattern.named(&file.last).display());
        it.undone = Some(apply::Undone::Fault(Refusal::local(reason)));
        if self.with_work(it.serial(), file, |work| work.undo(done)).is_err() {
            self.doubt(it.serial(), file, Earlier::Failed);
        }
    }

    fn end_try(&mut self, it: Try<'_>, call: u64) -> Result<Committed, Undone> {
        if it.is_applied {
            return Ok(Committed { positions: self.forgotten_positions(&it.plan), records: 0 });
        }
        match it.undone {
            None => Ok(self.applied_positions(it, call)),
            Some(undone) => Err(undone.into_refusal().into()),
        }
    }

    /// A commit that was done by an earlier call: its files are known or forgotten already.
    fn forgotten_positions(&self, plan: &Plan) -> Vec<Position> {
        let gone = |file: &&FilePlan| {
            let path = self.pattern.named(&file.temporary);
            !self.leftovers.contains_key(&path) && !self.owners.contains_key(&path)
        };
        let gone = plan.files.iter().filter(gone);
        gone.map(|file| Position::withdrawn(file.temporary.as_str())).collect()
    }

    /// Leaves a temporary file to be deleted later. Returns what the server is to remember of it.
    fn leave(&mut self, path: PathBuf, name: String, which: Which, call: u64) -> Position {
        self.leftovers.insert(path, Leftover { which, call: Some(call) });
        Said::Leftover { name, which }.position()
    }

    /// Notes that a commit is done. Returns what the server is to remember of it.
    pub(super) fn applied_positions(&mut self, it: Try<'_>, call: u64) -> Committed {
        let serial = it.serial();
        let mut positions = std::mem::take(&mut self.withdrawals);
        self.forget(serial);
        self.break_promises(serial);
        for (file, leftover) in it.plan.files.iter().zip(it.leftover) {
            let path = self.pattern.named(&file.temporary);
            self.owners.remove(&path);
            let name = file.temporary.clone();
            positions.push(match leftover {
                true => self.leave(path, name, file.which, call),
                false => Position::withdrawn(name),
            });
            let key = (serial, file.last.clone());
            self.doubtful.remove(&key);
            if self.bases.remove(&key).is_some() {
                positions.push(Position::withdrawn(base_name(serial, &file.last)));
            }
        }
        for (name, which) in &it.plan.empty {
            let path = self.pattern.named(name);
            self.owners.remove(&path);
            positions.push(match remove(&*self.disk, &path, *which) {
                Ok(()) => self.unlinked_position(&path, *which),
                Err(_) => self.leave(path, name.clone(), *which, call),
            });
        }
        if !it.plan.files.is_empty() {
            positions.extend(self.names.note_seq(&it.decided.transaction.id, it.plan.seq));
        }
        self.applied.insert(serial, call);
        Committed { positions, records: it.plan.records }
    }
}
