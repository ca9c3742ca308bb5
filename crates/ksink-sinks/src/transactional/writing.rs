//! Records on their way into a temporary file.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use ksink_disk::{Open, fail_point};
use ksink_event::{Ack, Position, RecordSet, Refusal, Transaction};

use super::{
    TransactionalFiles,
    apply::Earlier,
    position::{Said, Temporary, Which},
    running::{Running, TemporaryFile, Unmade, cannot_open, remove, temporary_of},
};
use crate::{
    Failure, Flushed, OutputId, TransactionName, append::AppendFile, file::syncs::in_parallel,
    output::Output, position::FilePosition,
};

impl TransactionalFiles {
    /// Takes a set of a transaction. A file that there is none of yet is made by the flush, together with others: each
    /// has to wait for the server twice.
    pub(super) fn write_of(
        &mut self,
        transaction: &Transaction,
        set: &RecordSet,
        ack: &Ack,
    ) -> Result<OutputId, Refusal> {
        let serial = transaction.serial;
        let seq = match self.running.get(&serial) {
            Some(running) => running.seq,
            None => self.names.next_seq(&transaction.id),
        };
        let name = TransactionName { topic: &set.topic, id: &transaction.id, seq };
        let last = self.pattern.path(&name);
        if !self.running.get(&serial).is_some_and(|it| it.files.contains_key(&last)) {
            self.begin(transaction, seq, &last, &set.topic)?;
        }
        self.openings += 1;
        let id = OutputId(self.openings);
        let running = self.running.get_mut(&serial).expect("it has a file");
        let file = running.files.get_mut(&last).expect("it was begun at the latest just now");
        let output = match &mut file.unmade {
            Some(unmade) => {
                self.reporter = Some(ack.reporter());
                unmade.sets.push(set.clone());
                *unmade.id.get_or_insert(id)
            }
            None => file.open(&*self.disk, id)?.write(set, &self.format),
        };
        file.group_records += set.len() as u64;
        self.touched.insert((serial, last));
        Ok(output)
    }

    /// Begins a temporary file, if its name is free and may be used.
    fn begin(
        &mut self,
        transaction: &Transaction,
        seq: u64,
        last: &Path,
        topic: &str,
    ) -> Result<(), Refusal> {
        let path = temporary_of(last);
        let serial = transaction.serial;
        if self.owners.get(&path).is_some_and(|owner| *owner != serial) {
            return Err(Refusal::local("the transaction before this one has not ended yet"));
        }
        self.free(&path)?;
        let claim = self.names.claim(&transaction.id, topic)?;
        let name = self.pattern.name(&path);
        let it = Temporary { serial, seq, which: Which::default(), len: 0, records: 0 };
        let mut file = TemporaryFile::new(path.clone(), name, topic.to_owned(), it);
        file.unmade = Some(Unmade { claim, ..Unmade::default() });
        let id = transaction.id.clone();
        let running = self.running.entry(serial).or_insert_with(|| Running::new(id, seq));
        running.files.insert(last.to_owned(), file);
        self.owners.insert(path, serial);
        Ok(())
    }

    /// Makes the files that were begun since the last flush. Of their names the server hears before there is
    /// anything, and of the files before anything is in them.
    async fn make_begun(&mut self, flushed: &mut Flushed) {
        let Some(reporter) = self.reporter.take() else { return };
        let is_unmade = |(serial, last): &&(u64, PathBuf)| {
            let file = self.running.get(serial).and_then(|running| running.files.get(last));
            file.is_some_and(|file| file.unmade.is_some())
        };
        let mut begun: Vec<(u64, PathBuf)> =
            self.touched.iter().filter(is_unmade).cloned().collect();
        let unsettled = self.settle_names(&begun);
        begun.retain(|it| {
            let folder = it.1.parent().map(Path::to_owned).unwrap_or_default();
            let refusal = unsettled.get(&folder);
            if let Some(refusal) = refusal {
                self.give_up_begun(it, refusal, flushed);
            }
            refusal.is_none()
        });
        if begun.is_empty() {
            return;
        }
        let absent = self.positions_of(&begun, |file| {
            let claim = file.unmade.as_ref().and_then(|unmade| unmade.claim.clone());
            let (name, serial) = (file.name.clone(), file.it.serial);
            claim.into_iter().chain([Said::Absent { name, serial }.position()]).collect()
        });
        if let Err(refusal) = reporter.report(absent).await {
            return begun.iter().for_each(|it| self.give_up_begun(it, &refusal, flushed));
        }
        fail_point("sink-temporary-reported");
        begun.retain(|it| match self.make(it) {
            Ok(()) => true,
            Err(refusal) => {
                self.give_up_begun(it, &refusal, flushed);
                let name = self.pattern.name(&temporary_of(&it.1));
                self.withdrawals.push(Position::withdrawn(name));
                false
            }
        });
        fail_point("sink-temporary-created");
        let made = self.positions_of(&begun, |file| vec![file.said().position()]);
        if begun.is_empty() {
            return;
        }
        if let Err(refusal) = reporter.report(made).await {
            return begun.iter().for_each(|it| self.give_up_begun(it, &refusal, flushed));
        }
        for (serial, last) in &begun {
            let file = self.running.get_mut(serial).and_then(|it| it.files.get_mut(last));
            let Some(file) = file else { continue };
            let unmade = file.unmade.take().unwrap_or_default();
            if let Some(output) = &mut file.output {
                for set in &unmade.sets {
                    output.write(set, &self.format);
                }
            }
        }
    }

    /// A name that is said to be nobody's must not get back what was removed from it, whatever happens. Returns
    /// the folders where it might.
    fn settle_names(&mut self, begun: &[(u64, PathBuf)]) -> BTreeMap<PathBuf, Refusal> {
        let paths = begun.iter().map(|(_, last)| temporary_of(last));
        let unlinked = paths.filter(|path| self.unlinked.contains(path));
        let folders = unlinked.filter_map(|path| path.parent().map(Path::to_owned)).collect();
        let synced = self.sync_folders(folders).into_iter();
        let failed = synced.filter_map(|(folder, synced)| {
            let error = synced.err()?;
            let reason = format!("cannot sync {}: {error}", folder.display());
            Some((folder, Refusal::local(reason)))
        });
        failed.collect()
    }

    fn positions_of(
        &self,
        begun: &[(u64, PathBuf)],
        positions: impl Fn(&TemporaryFile) -> Vec<Position>,
    ) -> Vec<Position> {
        let files =
            begun.iter().filter_map(|(serial, last)| self.running.get(serial)?.files.get(last));
        files.flat_map(positions).collect()
    }

    /// Forgets a file that could not be made, and refuses what it was to take.
    fn give_up_begun(&mut self, begun: &(u64, PathBuf), refusal: &Refusal, flushed: &mut Flushed) {
        let (serial, last) = begun;
        let Some(running) = self.running.get_mut(serial) else { return };
        let Some(file) = running.files.remove(last) else { return };
        let unmade = file.unmade.unwrap_or_default();
        if unmade.claim.is_some() {
            // The server may know it already, and hears of it again when it is needed.
            self.names.unclaim(&running.id, &file.topic);
        }
        self.owners.remove(&file.path);
        self.touched.remove(begun);
        // What cannot be removed is empty, and found to be ours later; so is what comes back.
        if file.output.is_some() && remove(&*self.disk, &file.path, file.it.which).is_ok() {
            self.note_unlinked(&file.path);
        }
        let output = unmade.id.unwrap_or(OutputId(0));
        flushed.failed.push(Failure::passing(output, refusal.clone()));
    }

    /// Makes sure that nothing has the name of a temporary file.
    fn free(&mut self, path: &Path) -> Result<(), Refusal> {
        if let Some(leftover) = self.leftovers.get(path) {
            // Its bytes and their name are durable where they belong.
            remove(&*self.disk, path, leftover.which).map_err(|error| cannot_open(path, &error))?;
            self.leftovers.remove(path);
            self.note_unlinked(path);
        }
        let name = self.pattern.name(path);
        self.withdrawals.retain(|withdrawn| *withdrawn.output != *name);
        match self.disk.look(path).map_err(|error| cannot_open(path, &error))? {
            Some(_) => {
                Err(Refusal::local(format!("{} is somebody else's: move it", path.display())))
            }
            None => Ok(()),
        }
    }

    /// Makes a file.
    fn make(&mut self, (serial, last): &(u64, PathBuf)) -> Result<(), Refusal> {
        let Some(running) = self.running.get_mut(serial) else { return Ok(()) };
        let Some(file) = running.files.get_mut(last) else { return Ok(()) };
        let (path, disk) = (&file.path, &*self.disk);
        if let Some(folder) = path.parent() {
            let look = if folder.as_os_str().is_empty() { Ok(None) } else { disk.look(folder) };
            if !matches!(look, Ok(Some(_))) {
                self.durable_folders.remove(folder);
            }
            disk.create_folder(folder).map_err(|error| cannot_open(path, &error))?;
            self.unsynced_folders.insert(folder.to_owned());
        }
        let open = || {
            let open = disk.open(path, Open::CreateNew)?;
            let identity = open.identity()?;
            let identity = identity.ok_or_else(|| io::Error::other("it is no regular file"))?;
            Ok((AppendFile::over(open)?, Which::from(identity)))
        };
        let (open, which) = open().map_err(|error: io::Error| cannot_open(path, &error))?;
        let id = file.unmade.as_ref().and_then(|unmade| unmade.id).unwrap_or(OutputId(0));
        let output = Output::new(id, file.name.as_str().into(), open);
        file.output = Some(output.labelled(file.path.to_string_lossy()));
        file.it.which = which;
        Ok(())
    }

    /// Ends the group.
    pub(super) async fn flush_touched(&mut self) -> Flushed {
        let mut flushed = Flushed::default();
        self.make_begun(&mut flushed).await;
        for (serial, last) in std::mem::take(&mut self.touched) {
            let file = self.running.get_mut(&serial).and_then(|it| it.files.get_mut(&last));
            if let Some(file) = file {
                flushed.add(file.end_group());
            }
        }
        self.limit_files();
        flushed
    }

    /// Closes files, until no more are open than may be.
    fn limit_files(&mut self) {
        let files = self.running.values_mut().flat_map(|running| running.files.values_mut());
        let open = files.filter(|file| file.output.as_ref().is_some_and(|it| !it.owes_a_cut()));
        for file in open.skip(self.options.open_files_max.max(1)) {
            file.output = None;
        }
    }

    /// Takes back what was not accepted, and makes the rest durable.
    ///
    /// # Errors
    /// When something of that cannot be done, or a commit left something half done.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        let mut result = match self.doubtful.values().any(|earlier| *earlier == Earlier::Failed) {
            true => Err(Refusal::local("a commit is half done, and cannot be taken back")),
            false => Ok(()),
        };
        for file in self.running.values_mut().flat_map(|running| running.files.values_mut()) {
            let abandoned = file.output.as_mut().map_or(Ok(()), Output::abandon);
            result = result.and(abandoned);
            file.group_records = 0;
        }
        if self.syncs() {
            let synced = self.sync_running();
            result = result.and(synced);
        }
        result
    }

    /// Makes all temporary files durable, and their names.
    fn sync_running(&mut self) -> Result<(), Refusal> {
        let disk = &*self.disk;
        let files = self.running.values().flat_map(|running| running.files.values());
        let files: Vec<&TemporaryFile> = files.collect();
        let synced = in_parallel(&files, self.options.syncs_at_once, |file| {
            let synced = file.to_sync(disk)?.sync_data();
            synced.map_err(|error| cannot_open(&file.path, &error))
        });
        self.sync_new_names();
        if self.running.values().any(|running| running.is_doomed) {
            return Err(Refusal::local("the names of temporary files may be lost with power"));
        }
        synced.into_iter().collect()
    }
}

impl TemporaryFile {
    /// Ends the group. Tells where the file stands, also where the records took no bytes.
    fn end_group(&mut self) -> Result<Option<Position>, Failure> {
        let records = std::mem::take(&mut self.group_records);
        let Some(output) = &mut self.output else { return Ok(None) };
        let position = output.flush()?.and_then(|position| position.bytes);
        if let Some(FilePosition::At { length, .. }) =
            position.as_deref().and_then(FilePosition::parse)
        {
            self.it.len = length;
        }
        self.it.records += records;
        Ok(Some(self.said().position()))
    }
}
