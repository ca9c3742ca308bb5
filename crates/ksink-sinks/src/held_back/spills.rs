//! The spills of all transactions.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, sync_folders};
use ksink_event::{Position, RecordSet, Refusal};

use super::{
    HeldBackOptions,
    position::Extent,
    spill::{Sets, Spill, remove},
};
use crate::{RecoverError, file::syncs::in_parallel};

/// So many syncs go side by side.
const SYNCS_AT_ONCE: usize = 16;

/// The spills of all transactions, by serial.
#[derive(Debug)]
pub(super) struct Spills {
    disk: Arc<dyn Disk>,
    options: HeldBackOptions,
    by_serial: BTreeMap<u64, Spill>,
    /// What was written to since the last flush.
    touched: BTreeSet<u64>,
    /// Whether the folder is sure to be there.
    has_folder: bool,
    /// Whether it is sure to stay.
    folder_is_durable: bool,
    /// Transactions whose files' names may be lost.
    nameless: BTreeSet<u64>,
    /// Files of transactions of which the state knows nothing any more.
    stale: Vec<PathBuf>,
}

impl Spills {
    pub(super) fn new(disk: Arc<dyn Disk>, options: HeldBackOptions) -> Self {
        Self {
            disk,
            options,
            by_serial: BTreeMap::new(),
            touched: BTreeSet::new(),
            has_folder: false,
            folder_is_durable: false,
            nameless: BTreeSet::new(),
            stale: Vec::new(),
        }
    }

    /// Takes a set. What becomes of it is said by the flush.
    pub(super) fn write(&mut self, serial: u64, set: &RecordSet) {
        self.make_folder();
        let path = self.path(serial);
        let spill = self.by_serial.entry(serial).or_insert_with(|| match path {
            Some(path) => Spill::in_file(path),
            None => Spill::in_memory(),
        });
        self.touched.insert(serial);
        spill.write(set, &*self.disk);
    }

    /// Where a failure to make it is told by whoever makes a file there.
    fn make_folder(&mut self) {
        if let Some(folder) = &self.options.folder
            && !self.has_folder
        {
            self.has_folder = self.disk.create_folder(folder).is_ok();
        }
    }

    /// Keeps what was written since the last flush, or nothing of it, transaction by transaction.
    pub(super) fn flush(&mut self) -> Vec<(u64, Result<Option<Position>, Refusal>)> {
        let mut flushed = Vec::new();
        for serial in std::mem::take(&mut self.touched) {
            let Some(spill) = self.by_serial.get_mut(&serial) else { continue };
            let kept = spill.flush(&*self.disk);
            let has_state = self.options.folder.is_some();
            let position = |kept: Extent| has_state.then(|| kept.position(serial));
            flushed.push((serial, kept.map(position)));
        }
        self.limit_memory();
        self.limit_files();
        flushed
    }

    /// Moves spills out of memory that are too large for it, or one after the other when all together are.
    fn limit_memory(&mut self) {
        let HeldBackOptions { memory_bytes_max, total_memory_bytes_max, .. } = self.options;
        let mut total: usize = self.by_serial.values().map(Spill::memory_bytes).sum();
        for spill in self.by_serial.values_mut() {
            let bytes = spill.memory_bytes();
            if bytes > memory_bytes_max || total > total_memory_bytes_max {
                match spill.leave_memory(&*self.disk, &self.options.temporary_folder) {
                    Ok(()) => total -= bytes,
                    Err(error) => tracing::warn!(%error, "a transaction stays in memory"),
                }
            }
        }
    }

    fn limit_files(&mut self) {
        let open = self.by_serial.values_mut().filter(|spill| spill.is_open());
        open.skip(self.options.open_files_max.max(1)).for_each(Spill::close);
    }

    /// How much of a transaction is accepted.
    pub(super) fn kept(&self, serial: u64) -> Extent {
        self.by_serial.get(&serial).map(Spill::kept).unwrap_or_default()
    }

    /// Makes the spills of these transactions durable, and the names of their files. What was not durable when a sync
    /// failed may be lost, though a later one succeeds.
    pub(super) fn sync(&mut self, serials: &[u64]) -> Vec<Result<(), Refusal>> {
        let mut results: Vec<Result<(), Refusal>> = Vec::with_capacity(serials.len());
        let (mut files, mut of) = (Vec::new(), Vec::new());
        for (at, serial) in serials.iter().enumerate() {
            let file = self.by_serial.get(serial).map(|spill| spill.to_sync(&*self.disk));
            results.push(match file.transpose().map(Option::flatten) {
                Ok(Some(file)) => {
                    files.push(file);
                    of.push(at);
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(error) => Err(Refusal::local(format!("cannot sync a transaction: {error}"))),
            });
        }
        let synced = in_parallel(&files, SYNCS_AT_ONCE, |file| file.sync_data());
        for (at, error) in of.iter().zip(synced).filter_map(|(at, it)| Some((*at, it.err()?))) {
            results[at] = Err(sync_failed(&error));
        }
        if !files.is_empty() {
            self.sync_names();
        }
        for (serial, result) in serials.iter().zip(&mut results) {
            if result.is_ok() && self.nameless.contains(serial) {
                *result = Err(Refusal::rejected("a sync of the folder for transactions failed"));
            }
        }
        results
    }

    /// Makes the names of all files durable. Where that fails, none of these transactions can be committed.
    fn sync_names(&mut self) {
        let Some(folder) = &self.options.folder else { return };
        let disk = &*self.disk;
        let synced = match self.folder_is_durable {
            true => disk.sync_folder(folder),
            false => sync_folders(disk, folder),
        };
        self.folder_is_durable = synced.is_ok();
        if let Err(error) = synced {
            tracing::warn!(folder = %folder.display(), %error, "a folder cannot be synced");
            self.nameless.extend(self.by_serial.keys());
        }
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When that cannot be done with all of it.
    pub(super) fn sync_all(&mut self) -> Result<(), Refusal> {
        let serials: Vec<u64> = self.by_serial.keys().copied().collect();
        self.sync(&serials).into_iter().collect()
    }

    /// Whether all that was promised of a transaction is there, byte for byte.
    pub(super) fn check(&self, serial: u64, promised: Extent) -> Result<(), Refusal> {
        let refusal = |why: &dyn std::fmt::Display| {
            Refusal::local(format!("the records of a committed transaction cannot be read: {why}"))
        };
        if self.kept(serial).len < promised.len {
            return Err(refusal(&"some are missing"));
        }
        let Some(mut sets) = self.sets(serial)? else { return Ok(()) };
        while sets.next().map_err(|error| refusal(&error))?.is_some() {}
        Ok(())
    }

    /// The sets of a transaction, if it has any.
    pub(super) fn sets(&self, serial: u64) -> Result<Option<Sets<'_>>, Refusal> {
        let Some(spill) = self.by_serial.get(&serial) else { return Ok(None) };
        let sets = spill.sets(&*self.disk);
        sets.map(Some)
            .map_err(|error| Refusal::local(format!("cannot read a transaction: {error}")))
    }

    /// Forgets a transaction.
    ///
    /// # Errors
    /// When its file cannot be removed; it is known on then.
    pub(super) fn remove(&mut self, serial: u64) -> Result<(), Refusal> {
        if let Some(spill) = self.by_serial.get_mut(&serial) {
            let removed = spill.remove(&*self.disk);
            removed
                .map_err(|error| Refusal::local(format!("cannot drop a transaction: {error}")))?;
            self.by_serial.remove(&serial);
        }
        self.nameless.remove(&serial);
        Ok(())
    }

    /// Forgets a transaction of which no other run could learn.
    pub(super) fn forget_unless_it_outlives_us(&mut self, serial: u64) {
        if self.options.folder.is_none() {
            self.by_serial.remove(&serial);
        }
    }

    /// Finds the spill that an earlier run accepted so much of. Says whether it is there.
    pub(super) fn find(&mut self, serial: u64, accepted: Extent) -> Result<bool, RecoverError> {
        let Some(path) = self.path(serial) else { return Ok(accepted == Extent::default()) };
        match Spill::found(&*self.disk, path.clone(), accepted) {
            Ok(spill) => {
                self.by_serial.insert(serial, spill);
                Ok(true)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Ok(false),
                _ => Err(failed("cannot open", &path, error)),
            },
        }
    }

    /// What to tell of a decided transaction whose records are not there.
    pub(super) fn missing(&self, serial: u64, promised: Extent, id: &str) -> String {
        let path = self.path(serial).unwrap_or_default();
        format!(
            "the state says that a transaction of {id:?} is committed, and that its {} records are in {}, but that \
             file is missing or too short",
            promised.records,
            path.display()
        )
    }

    /// Finds the files of transactions that are not known. They are deleted when the state is sure to remember
    /// that it does not know them: when the server asks for something, which it does after it has synced.
    pub(super) fn find_stale(&mut self) -> Result<(), RecoverError> {
        let Some(folder) = &self.options.folder else { return Ok(()) };
        let names = match self.disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed("cannot list", folder, error)),
            Ok(names) => names,
        };
        let serial = |name: &std::ffi::OsStr| name.to_str()?.parse::<u64>().ok();
        let is_known = |serial: u64| self.by_serial.contains_key(&serial);
        let unknown = |name: &&std::ffi::OsString| serial(name).is_some_and(|it| !is_known(it));
        self.stale = names.iter().filter(unknown).map(|name| folder.join(name)).collect();
        Ok(())
    }

    /// Deletes the files that [`find_stale`](Self::find_stale) found.
    pub(super) fn delete_stale(&mut self) {
        for path in std::mem::take(&mut self.stale) {
            if let Err(error) = remove(&*self.disk, &path) {
                tracing::warn!(path = %path.display(), %error, "what is left of a transaction stays");
            }
        }
    }

    fn path(&self, serial: u64) -> Option<PathBuf> {
        self.options.folder.as_ref().map(|folder| folder.join(serial.to_string()))
    }
}

/// After this nobody knows what the disk has: the transaction cannot be committed.
fn sync_failed(error: &io::Error) -> Refusal {
    Refusal::rejected(format!("a sync failed: {error}"))
}

fn failed(what: &str, path: &Path, cause: io::Error) -> RecoverError {
    RecoverError::Failed { what: format!("{what} {}", path.display()), cause }
}
