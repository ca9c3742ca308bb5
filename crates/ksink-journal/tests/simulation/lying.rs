//! A disk that says it did what it did not: what a journal looks like that forgets a step.

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

/// What it only says it has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Cutting files: recovery leaves what is torn.
    Cuts,
    /// Syncing folders, once there is a generation after the first one.
    LaterNames,
    /// The sync of a file that is not called a generation yet: it becomes one before it is durable.
    Drafts,
    /// Every other sync of a file.
    Frames,
}

#[derive(Debug)]
pub(crate) struct LyingDisk {
    disk: ModelDisk,
    lie: Option<Lie>,
}

impl LyingDisk {
    pub(crate) fn over(disk: ModelDisk, lie: Option<Lie>) -> Arc<dyn Disk> {
        Arc::new(Self { disk, lie })
    }

    fn has_later_generation(&self, folder: &Path) -> bool {
        let names = self.disk.list(folder).unwrap_or_default();
        names.iter().any(|name| name != "journal.1" && name != "lock")
    }
}

impl Disk for LyingDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, how)?;
        let is_draft = path.extension().is_some_and(|extension| extension == "new");
        let is_draft = Arc::new(AtomicBool::new(is_draft));
        Ok(Box::new(LyingFile { file, is_draft, lie: self.lie }))
    }

    fn rename(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        self.disk.rename(from, to, existing)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if self.lie == Some(Lie::LaterNames) && self.has_later_generation(path) {
            return Ok(());
        }
        self.disk.sync_folder(path)
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        self.disk.look(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(folder)
    }

    fn boot_id(&self) -> io::Result<String> {
        self.disk.boot_id()
    }
}

#[derive(Debug)]
struct LyingFile {
    file: Box<dyn DiskFile>,
    /// Whether it is still to be synced for the first time.
    is_draft: Arc<AtomicBool>,
    lie: Option<Lie>,
}

impl DiskFile for LyingFile {
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
        match self.lie {
            Some(Lie::Cuts) => Ok(()),
            _ => self.file.set_len(len),
        }
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match (self.lie, self.is_draft.swap(false, Ordering::Relaxed)) {
            (Some(Lie::Drafts), true) | (Some(Lie::Frames), false) => Ok(()),
            _ => self.file.sync_data(),
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        let (file, is_draft) = (self.file.try_clone()?, Arc::clone(&self.is_draft));
        Ok(Box::new(Self { file, is_draft, lie: self.lie }))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        self.file.identity()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
