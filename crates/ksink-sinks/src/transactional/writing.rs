//! Records on their way into a temporary file.

use std::{io, path::Path};

use ksink_disk::{Open, fail_point};
use ksink_event::{Ack, Position, RecordSet, Refusal, Transaction};

use super::{
    TransactionalFiles,
    position::{Said, Temporary},
    running::{Running, TemporaryFile, cannot_open, remove, temporary_of},
};
use crate::{
    Failure, Flushed, OutputId, TransactionName, file::syncs::in_parallel, position::FilePosition,
};

impl TransactionalFiles {
    /// Takes a set of a transaction.
    pub(super) async fn write_of(
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
            self.create(transaction, seq, &last, &set.topic, ack).await?;
        }
        self.openings += 1;
        let id = OutputId(self.openings);
        let running = self.running.get_mut(&serial).expect("it has a file");
        let file = running.files.get_mut(&last).expect("it was made at the latest just now");
        let output = file.open(&*self.disk, id)?.write(set, &self.format);
        file.group_records += set.len() as u64;
        self.touched.insert((serial, last));
        Ok(output)
    }

    /// Makes a temporary file. Of its name the server hears before there is anything, and of the file before
    /// anything is in it.
    async fn create(
        &mut self,
        transaction: &Transaction,
        seq: u64,
        last: &Path,
        topic: &str,
        ack: &Ack,
    ) -> Result<(), Refusal> {
        let path = temporary_of(last);
        let serial = transaction.serial;
        if self.owners.get(&path).is_some_and(|owner| *owner != serial) {
            return Err(Refusal::local("the transaction before this one has not ended yet"));
        }
        self.free(&path)?;
        let name = self.pattern.name(&path);
        let claim = self.names.claim(&transaction.id, topic)?;
        let was_claimed = claim.is_some();
        let absent = Said::Absent { name: name.clone(), serial }.position();
        let reporter = ack.reporter();
        if let Err(refusal) = reporter.report(claim.into_iter().chain([absent]).collect()).await {
            if was_claimed {
                self.names.unclaim(&transaction.id, topic);
            }
            return Err(refusal);
        }
        fail_point("sink-temporary-reported");
        let which = self.make(&path).map_err(|error| cannot_open(&path, &error))?;
        fail_point("sink-temporary-created");
        let it = Temporary { serial, seq, which, len: 0, records: 0 };
        let file = TemporaryFile::new(path.clone(), name, topic.to_owned(), it);
        if let Err(refusal) = reporter.report(vec![file.said().position()]).await {
            // A file that is empty is found to be ours later.
            let _ = remove(&*self.disk, &path, which);
            return Err(refusal);
        }
        let id = transaction.id.clone();
        let running = self.running.entry(serial).or_insert_with(|| Running::new(id, seq));
        running.files.insert(last.to_owned(), file);
        self.owners.insert(path, serial);
        Ok(())
    }

    /// Makes sure that nothing has the name of a temporary file.
    fn free(&mut self, path: &Path) -> Result<(), Refusal> {
        if let Some(leftover) = self.leftovers.get(path) {
            // Its bytes and their name are durable where they belong.
            remove(&*self.disk, path, leftover.which).map_err(|error| cannot_open(path, &error))?;
            self.leftovers.remove(path);
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

    fn make(&mut self, path: &Path) -> io::Result<super::Which> {
        if let Some(folder) = path.parent() {
            if !folder.as_os_str().is_empty() && self.disk.look(folder)?.is_none() {
                self.durable_folders.remove(folder);
            }
            self.disk.create_folder(folder)?;
            self.unsynced_folders.insert(folder.to_owned());
        }
        let file = self.disk.open(path, Open::CreateNew)?;
        let identity = file.identity()?;
        identity.map(Into::into).ok_or_else(|| io::Error::other("it is no regular file"))
    }

    /// Ends the group.
    pub(super) fn flush_touched(&mut self) -> Flushed {
        let mut flushed = Flushed::default();
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
    pub(super) fn end(&mut self) {
        for file in self.running.values_mut().flat_map(|running| running.files.values_mut()) {
            if let Some(output) = &mut file.output
                && let Err(refusal) = output.abandon()
            {
                tracing::error!(%refusal, "a temporary file ends with what was refused");
            }
            file.group_records = 0;
        }
        if !self.syncs() {
            return;
        }
        let disk = &*self.disk;
        let files = self.running.values().flat_map(|running| running.files.values());
        let files: Vec<&TemporaryFile> = files.collect();
        let results = in_parallel(&files, self.options.syncs_at_once, |file| {
            let synced = file.to_sync(disk)?.sync_data();
            synced.map_err(|error| cannot_open(&file.path, &error))
        });
        for refusal in results.into_iter().filter_map(Result::err) {
            tracing::error!(%refusal, "a transaction that is open may lose records if power is lost");
        }
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
