//! A disk that does one thing wrong: the simulation has to notice.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ksink_disk::{Disk, DiskFile, ModelDisk, Twist};

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// What lies beyond a position is not cut at recovery.
    NothingIsCutAtRecovery,
    /// Names of files are never made durable.
    FoldersAreNotSynced,
    /// Bytes are never made durable.
    FilesAreNotSynced,
    /// A sync that failed is tried again, and believed.
    FailedSyncsAreRepeated,
    /// The server forgets where a file stood before the first byte.
    ReportsAreForgotten,
    /// The server remembers that until power is lost.
    ReportsAreNotSynced,
}

/// How the disk is, and what it sees.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    planted: Option<Planted>,
    /// Whether the sink is recovering.
    pub(crate) recovering: Arc<AtomicBool>,
    /// Whether a sync of a file failed: what was only written before may not outlive the machine then.
    pub(crate) sync_failed: Arc<AtomicBool>,
}

impl Plot {
    pub(crate) fn new(planted: Option<Planted>) -> Self {
        Self { planted, recovering: Arc::default(), sync_failed: Arc::default() }
    }

    fn is(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }
}

impl Twist for Plot {
    fn sync_folder(&self, disk: &ModelDisk, folder: &Path) -> io::Result<()> {
        match self.is(Planted::FoldersAreNotSynced) {
            true => Ok(()),
            false => disk.sync_folder(folder),
        }
    }

    fn set_len(&self, file: &mut dyn DiskFile, len: u64) -> io::Result<()> {
        let recovering = self.recovering.load(Ordering::Relaxed);
        match recovering && self.is(Planted::NothingIsCutAtRecovery) {
            true => Ok(()),
            false => file.set_len(len),
        }
    }

    fn sync(&self, file: &dyn DiskFile) -> io::Result<()> {
        if self.is(Planted::FilesAreNotSynced) {
            return Ok(());
        }
        let synced = file.sync_data();
        self.sync_failed.fetch_or(synced.is_err(), Ordering::Relaxed);
        match synced {
            Err(_) if self.is(Planted::FailedSyncsAreRepeated) => file.sync_data(),
            result => result,
        }
    }
}
