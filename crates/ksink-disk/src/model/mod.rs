//! A file system in memory, to crash and to fail on demand.
//!
//! It is worse than the real ones, and as bad as they may be: after a power cut each write and each change of a folder
//! that was not synced is there, or is not, or is there in part, whatever happened to the ones before it. Bytes and names
//! are apart: a file may survive without its name and a name without the bytes. A sync that fails has lost what it was to
//! write, though that can still be read and the next sync succeeds.
//!
//! There are no links, pipes and devices in it; a sector (512 bytes) that was durable and is not written to stays.

mod content;
mod dice;
mod file;
mod twisted;
mod world;

use std::{
    ffi::OsString,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::io::Errno;

pub use self::twisted::{Twist, TwistedDisk};
use self::{file::ModelFile, world::World};
use crate::disk::{Disk, DiskFile, Existing, Look, Open};

/// A file system in memory. Clones are the same one.
#[derive(Clone, Default)]
pub struct ModelDisk(Arc<Mutex<World>>);

/// How everything ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: the disk keeps everything.
    Kill,
    /// The machine loses power: the disk keeps what was synced, and of the rest what the seed says. The
    /// [boot id](Disk::boot_id) is another one then.
    PowerCut {
        /// The same seed keeps the same.
        seed: u64,
    },
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO. Of a write, the first half may be there.
    Io,
    /// ENOSPC, and nothing is done.
    Full,
    /// A write is cut short at its half, and the call after it fails with ENOSPC. What is no write fails with EIO.
    Short,
}

impl ModelDisk {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every process that uses the disk: files that are open fail from now on, and locks are gone.
    pub fn crash(&self, crash: Crash) {
        self.world().crash(crash);
    }

    /// Lets calls fail: `times` of them, behind the next `after` ones. Only calls that change something count, and
    /// syncs.
    pub fn fail(&self, after: u64, times: u64, fault: Fault) {
        self.world().fail(after, times, fault);
    }

    /// How many calls were made that change something or sync.
    pub fn calls(&self) -> u64 {
        self.world().calls()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ModelDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelDisk")
    }
}

impl Disk for ModelDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.world();
        let inode = match how {
            Open::Append(_) | Open::ReadWrite { create: true } => world.open_or_create(path)?,
            Open::AppendExisting(_) | Open::ReadWrite { create: false } | Open::Read => {
                world.file(path)?
            }
            Open::CreateNew => match world.find(path)? {
                Some(_) => return Err(Errno::EXIST.into()),
                None => world.create(path)?,
            },
            Open::UnlinkedTemporary => world.create_unlinked(path)?,
        };
        let life = world.life();
        drop(world);
        Ok(Box::new(ModelFile::new(self.clone(), inode, life, how)))
    }

    fn rename(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        self.world().rename(from, to, existing)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.world().remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.world().create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.world().sync_folder(path)
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        self.world().look(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.world().list(folder)
    }

    fn boot_id(&self) -> io::Result<String> {
        Ok(self.world().boot_id())
    }
}
