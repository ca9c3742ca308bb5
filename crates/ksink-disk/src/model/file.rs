//! An open file of the model.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::io::Errno;

use super::{
    ModelDisk,
    content::{Change, FileContent},
    world::World,
};
use crate::disk::{DiskFile, Identity, Open};

/// A handle. Clones of it share the opening, and with it position and lock.
#[derive(Clone)]
pub(super) struct ModelFile(Arc<Opening>);

struct Opening {
    disk: ModelDisk,
    inode: u64,
    life: u64,
    how: Open,
    number: u64,
    position: AtomicU64,
}

impl ModelFile {
    pub(super) fn new(disk: ModelDisk, inode: u64, life: u64, how: Open) -> Self {
        static OPENINGS: AtomicU64 = AtomicU64::new(0);
        let number = OPENINGS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Opening { disk, inode, life, how, number, position: AtomicU64::new(0) }))
    }

    /// Does something with the disk, unless the process that opened the file is dead.
    fn with<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.0.disk.world();
        if world.life() != self.0.life {
            return Err(Errno::BADF.into());
        }
        act(&mut world)
    }

    fn content<T>(&self, see: impl FnOnce(&FileContent) -> T) -> io::Result<T> {
        self.with(|world| world.file_content(self.0.inode).map(see))
    }

    /// Writes at an offset that is chosen when the file is seen.
    fn write(&self, bytes: &[u8], offset: impl Fn(&FileContent) -> usize) -> io::Result<usize> {
        self.with(|world| {
            let (count, result) = world.write_call(bytes.len());
            let file = world.file_mut(self.0.inode)?;
            if count > 0 {
                let (offset, bytes) = (offset(file), bytes[..count].to_vec());
                file.change(Change::Write { offset, bytes });
            }
            result
        })
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.with(|world| {
            world.whole_call()?;
            world.file_mut(self.0.inode)?.change(change);
            Ok(())
        })
    }

    fn appends(&self) -> bool {
        match self.0.how {
            Open::Append(_)
            | Open::AppendExisting(_)
            | Open::CreateNew
            | Open::UnlinkedTemporary => true,
            Open::ReadWrite { .. } | Open::Read => false,
        }
    }

    fn writes_at(&self) -> bool {
        matches!(self.0.how, Open::ReadWrite { .. })
    }
}

impl DiskFile for ModelFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.appends() {
            return Err(Errno::INVAL.into());
        }
        let written = self.write(bytes, |file| file.seen.len())?;
        self.0.position.store(self.len()?, Ordering::Relaxed);
        Ok(written)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if !self.writes_at() {
            return Err(Errno::INVAL.into());
        }
        self.write(bytes, |_| offset as usize)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        if matches!(self.0.how, Open::Append(_) | Open::AppendExisting(_)) {
            return Err(Errno::BADF.into());
        }
        self.content(|file| {
            let rest = file.seen.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn position(&mut self) -> io::Result<u64> {
        Ok(self.0.position.load(Ordering::Relaxed))
    }

    fn len(&self) -> io::Result<u64> {
        self.content(|file| file.seen.len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.change(Change::SetLen(len as usize))
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.change(Change::Lengthen(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|world| {
            let synced = world.whole_call();
            let file = world.file_mut(self.0.inode)?;
            match synced {
                Ok(()) => file.sync(),
                Err(_) => file.fail_sync(),
            }
            synced
        })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.clone()))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        self.with(|world| Ok(Some(world.identity(self.0.inode))))
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.with(|world| Ok(world.lock(self.0.inode, self.0.number)))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.disk.world().unlock(self.inode, self.number);
    }
}

impl fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelFile").field(&self.0.inode).finish()
    }
}
