//! A disk that does one thing otherwise: what stands on it must be seen to fall.

use std::{ffi::OsString, fmt, io, path::Path};

use super::ModelDisk;
use crate::disk::{Disk, DiskFile, Existing, Identity, Look, Open};

/// What is done otherwise. Each function does by default what the disk would do.
pub trait Twist: Clone + fmt::Debug + Send + Sync + 'static {
    /// The twist of one file, for each opening of it and the clones of that.
    fn of_file(&self, path: &Path) -> Self {
        let _ = path;
        self.clone()
    }

    /// As [`Disk::sync_folder`].
    fn sync_folder(&self, disk: &ModelDisk, folder: &Path) -> io::Result<()> {
        disk.sync_folder(folder)
    }

    /// As [`DiskFile::set_len`].
    fn set_len(&self, file: &mut dyn DiskFile, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    /// As [`DiskFile::sync_data`], and as [`DiskFile::sync_all`]: the modelled disk knows no difference.
    fn sync(&self, file: &dyn DiskFile) -> io::Result<()> {
        file.sync_data()
    }
}

/// The model of a disk, with a twist.
#[derive(Clone, Debug)]
pub struct TwistedDisk<T> {
    /// What is twisted.
    pub disk: ModelDisk,
    /// How.
    pub twist: T,
}

#[derive(Debug)]
struct TwistedFile<T> {
    file: Box<dyn DiskFile>,
    twist: T,
}

impl<T: Twist> Disk for TwistedDisk<T> {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, how)?;
        Ok(Box::new(TwistedFile { file, twist: self.twist.of_file(path) }))
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
        self.twist.sync_folder(&self.disk, path)
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

impl<T: Twist> DiskFile for TwistedFile<T> {
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
        self.twist.set_len(&mut *self.file, len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.twist.sync(&*self.file)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.twist.sync(&*self.file)
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self { file: self.file.try_clone()?, twist: self.twist.clone() }))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        self.file.identity()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
