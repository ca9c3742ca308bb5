//! A transaction that runs, and its temporary files.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, DiskFile, Kind, NamedBy, Open};
use ksink_event::{Position, RecordSet, Refusal};

use super::position::{Said, Temporary, Which};
use crate::{OutputId, append::AppendFile, output::Output};

/// A transaction that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: Arc<str>,
    /// The number that it will have if it is committed.
    pub(super) seq: u64,
    /// By final name.
    pub(super) files: BTreeMap<PathBuf, TemporaryFile>,
    /// Whether a sync failed, so that it can never be committed.
    pub(super) is_doomed: bool,
}

impl Running {
    pub(super) fn new(id: Arc<str>, seq: u64) -> Self {
        Self { id, seq, files: BTreeMap::new(), is_doomed: false }
    }
}

/// A temporary file of a transaction.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) path: PathBuf,
    /// What the server calls it.
    pub(super) name: String,
    pub(super) topic: String,
    /// How much of it is accepted.
    pub(super) it: Temporary,
    /// While it is open.
    pub(super) output: Option<Output>,
    /// Records that were written since the last flush.
    pub(super) group_records: u64,
    /// What it is to begin with, while it is not made.
    pub(super) unmade: Option<Unmade>,
}

/// A file that is to be made.
#[derive(Debug, Default)]
pub(super) struct Unmade {
    /// What its output will be called.
    pub(super) id: Option<OutputId>,
    pub(super) sets: Vec<RecordSet>,
    /// What the server is to hear of the name, if it does not know yet.
    pub(super) claim: Option<Position>,
}

/// A final name with what tells a transaction that runs.
pub(super) fn temporary_of(last: &Path) -> PathBuf {
    let mut path = OsString::from(last);
    path.push(".tmp");
    path.into()
}

impl TemporaryFile {
    pub(super) fn new(path: PathBuf, name: String, topic: String, it: Temporary) -> Self {
        Self { path, name, topic, it, output: None, group_records: 0, unmade: None }
    }

    /// Opens it to append to it, if it is not open. `id` names the opening.
    pub(super) fn open(&mut self, disk: &dyn Disk, id: OutputId) -> Result<&mut Output, Refusal> {
        if self.output.as_ref().is_some_and(Output::is_distrusted) {
            self.output = None;
        }
        match &mut self.output {
            Some(output) => Ok(output),
            none => {
                let file = disk
                    .open(&self.path, Open::AppendExisting(NamedBy::Producer))
                    .and_then(AppendFile::over)
                    .map_err(|error| cannot_open(&self.path, &error))?;
                let output = Output::new(id, self.name.as_str().into(), file);
                Ok(none.insert(output.labelled(self.path.to_string_lossy())))
            }
        }
    }

    /// The file, to be synced.
    pub(super) fn to_sync(&self, disk: &dyn Disk) -> Result<Box<dyn DiskFile>, Refusal> {
        disk.open(&self.path, Open::Read).map_err(|error| cannot_open(&self.path, &error))
    }

    /// Where it stands.
    pub(super) fn said(&self) -> Said {
        Said::Temporary { name: self.name.clone(), topic: self.topic.clone(), it: self.it }
    }
}

/// Whether this file has this name.
pub(super) fn is_there(disk: &dyn Disk, path: &Path, which: Which) -> std::io::Result<bool> {
    let look = disk.look(path)?;
    Ok(look.is_some_and(|look| look.kind == Kind::File && Which::from(look.identity) == which))
}

/// Removes a file, if it still is the one of this name.
pub(super) fn remove(disk: &dyn Disk, path: &Path, which: Which) -> std::io::Result<()> {
    if is_there(disk, path, which)? {
        disk.remove(path)?;
    }
    Ok(())
}

pub(super) fn cannot_open(path: &Path, error: &std::io::Error) -> Refusal {
    let reason = format!("cannot open {}: {error}", path.display());
    match error.kind() {
        // No retry makes a topic's name or an id shorter.
        std::io::ErrorKind::InvalidFilename => Refusal::rejected(reason),
        _ => Refusal::local(reason),
    }
}
