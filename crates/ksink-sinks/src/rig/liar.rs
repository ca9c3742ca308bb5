//! A disk that says that it has synced, and has not: what sinks promise must be seen to break on it.

use std::{ffi::OsString, io, path::Path};

use ksink_disk::{Disk, DiskFile, Existing, Identity, Look, ModelDisk, Open};

/// A disk that does not sync.
#[derive(Clone, Debug)]
pub(crate) struct Liar {
    pub(crate) disk: ModelDisk,
    /// Whether folders are not synced; otherwise it is files that are not.
    pub(crate) about_folders: bool,
}

#[derive(Debug)]
struct LyingFile(Box<dyn DiskFile>);

impl Disk for Liar {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, how)?;
        Ok(if self.about_folders { file } else { Box::new(LyingFile(file)) })
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
        if self.about_folders { Ok(()) } else { self.disk.sync_folder(path) }
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

impl DiskFile for LyingFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn position(&mut self) -> io::Result<u64> {
        self.0.position()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.0.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.try_clone()?)))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        self.0.identity()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}
