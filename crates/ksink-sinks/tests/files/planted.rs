//! A disk that does one thing wrong: the simulation has to notice.

use std::{
    ffi::OsString,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ksink_disk::{Disk, DiskFile, Existing, Identity, Look, ModelDisk, Open};

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

/// The model of a disk, with a fault or without.
#[derive(Clone, Debug)]
pub(crate) struct PlantedDisk {
    pub(crate) model: ModelDisk,
    pub(crate) planted: Option<Planted>,
    /// Whether the sink is recovering.
    pub(crate) recovering: Arc<AtomicBool>,
    /// Whether a sync of a file failed: what was only written before may not outlive the machine then.
    pub(crate) sync_failed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct PlantedFile {
    file: Box<dyn DiskFile>,
    disk: PlantedDisk,
}

impl PlantedDisk {
    pub(crate) fn new(planted: Option<Planted>) -> Self {
        Self {
            model: ModelDisk::new(),
            planted,
            recovering: Arc::default(),
            sync_failed: Arc::default(),
        }
    }

    fn is(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }
}

impl Disk for PlantedDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let file = self.model.open(path, how)?;
        Ok(Box::new(PlantedFile { file, disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        self.model.rename(from, to, existing)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.model.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.model.create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if self.is(Planted::FoldersAreNotSynced) {
            return Ok(());
        }
        self.model.sync_folder(path)
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        self.model.look(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.model.list(folder)
    }

    fn boot_id(&self) -> io::Result<String> {
        self.model.boot_id()
    }
}

impl DiskFile for PlantedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.append(bytes)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    fn position(&mut self) -> io::Result<u64> {
        self.file.position()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let recovering = self.disk.recovering.load(Ordering::Relaxed);
        if recovering && self.disk.is(Planted::NothingIsCutAtRecovery) {
            return Ok(());
        }
        self.file.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.disk.is(Planted::FilesAreNotSynced) {
            return Ok(());
        }
        let synced = self.file.sync_data();
        self.disk.sync_failed.fetch_or(synced.is_err(), Ordering::Relaxed);
        match synced {
            Err(_) if self.disk.is(Planted::FailedSyncsAreRepeated) => self.file.sync_data(),
            result => result,
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self { file: self.file.try_clone()?, disk: self.disk.clone() }))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        self.file.identity()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
