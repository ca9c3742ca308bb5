//! All inodes, and what happens to them.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    ops::Range,
    path::{Component, Path},
};

use rustix::io::Errno;

use super::{
    Crash, Fault,
    content::{FileContent, FolderContent},
    dice::Dice,
};
use crate::disk::{Existing, Identity, Kind, Look};

/// The inode of `/`, which is also `.`.
const ROOT: u64 = 1;

pub(super) struct World {
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// Which inodes are locked, and by which opening of them.
    locks: BTreeMap<u64, u64>,
    boot: u64,
    /// Counts crashes: what was opened in an earlier life is closed.
    life: u64,
    calls: u64,
    failing: Range<u64>,
    fault: Fault,
    /// The call that fails because the one before it was cut short.
    full_at: Option<u64>,
}

enum Inode {
    File(FileContent),
    Folder(FolderContent),
}

impl Default for World {
    fn default() -> Self {
        Self {
            inodes: BTreeMap::from([(ROOT, Inode::Folder(FolderContent::default()))]),
            next_inode: ROOT + 1,
            locks: BTreeMap::new(),
            boot: 1,
            life: 0,
            calls: 0,
            failing: 0..0,
            fault: Fault::Io,
            full_at: None,
        }
    }
}

/// Crashes and faults.
impl World {
    pub(super) fn crash(&mut self, crash: Crash) {
        self.life += 1;
        self.locks.clear();
        if let Crash::PowerCut { seed } = crash {
            self.boot += 1;
            let mut dice = Dice::new(seed);
            for inode in self.inodes.values_mut() {
                match inode {
                    Inode::File(file) => file.cut_power(&mut dice),
                    Inode::Folder(folder) => folder.cut_power(&mut dice),
                }
            }
        }
    }

    pub(super) fn fail(&mut self, after: u64, times: u64, fault: Fault) {
        let first = self.calls + 1 + after;
        self.failing = first..first.saturating_add(times);
        self.fault = fault;
        self.full_at = None;
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) fn life(&self) -> u64 {
        self.life
    }

    pub(super) fn boot_id(&self) -> String {
        format!("boot {}", self.boot)
    }

    /// Counts a call, and says how it fails, if it does.
    fn count(&mut self) -> Option<Fault> {
        self.calls += 1;
        if self.full_at == Some(self.calls) {
            return Some(Fault::Full);
        }
        self.failing.contains(&self.calls).then_some(self.fault)
    }

    /// Counts a call that is done whole or not at all.
    pub(super) fn whole_call(&mut self) -> io::Result<()> {
        match self.count() {
            None => Ok(()),
            Some(Fault::Full) => Err(Errno::NOSPC.into()),
            Some(Fault::Io | Fault::Short) => Err(Errno::IO.into()),
        }
    }

    /// Counts a write. Says how many of the bytes are written, and whether that is a success.
    pub(super) fn write_call(&mut self, bytes: usize) -> (usize, io::Result<usize>) {
        match self.count() {
            None => (bytes, Ok(bytes)),
            Some(Fault::Full) => (0, Err(Errno::NOSPC.into())),
            Some(Fault::Io) => (bytes / 2, Err(Errno::IO.into())),
            Some(Fault::Short) => {
                self.full_at = Some(self.calls + 1);
                (bytes / 2, Ok(bytes / 2))
            }
        }
    }
}

/// Names.
impl World {
    /// The inode of that name, if there is one.
    pub(super) fn find(&self, path: &Path) -> io::Result<Option<u64>> {
        let mut inode = ROOT;
        for component in path.components() {
            let name = match component {
                Component::RootDir | Component::CurDir => continue,
                Component::Normal(name) => name,
                Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL.into()),
            };
            match self.folder_content(inode)?.seen.get(name) {
                Some(next) => inode = *next,
                None => return Ok(None),
            }
        }
        Ok(Some(inode))
    }

    /// The inode of a file.
    pub(super) fn file(&self, path: &Path) -> io::Result<u64> {
        let inode = self.find(path)?.ok_or(Errno::NOENT)?;
        self.file_content(inode)?;
        Ok(inode)
    }

    pub(super) fn open_or_create(&mut self, path: &Path) -> io::Result<u64> {
        match self.find(path)? {
            Some(_) => self.file(path),
            None => self.create(path),
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        let (folder, name) = self.place(path)?;
        self.whole_call()?;
        let inode = self.add(Inode::File(FileContent::default()));
        self.folder_mut(folder)?.change(vec![(name, Some(inode))]);
        Ok(inode)
    }

    pub(super) fn create_unlinked(&mut self, folder: &Path) -> io::Result<u64> {
        self.folder(folder)?;
        self.whole_call()?;
        Ok(self.add(Inode::File(FileContent::default())))
    }

    pub(super) fn create_folder(&mut self, path: &Path) -> io::Result<()> {
        let mut parents: Vec<&Path> = path.ancestors().collect();
        parents.reverse();
        for parent in parents {
            match self.find(parent)? {
                Some(inode) => self.folder_content(inode).map(drop)?,
                None => {
                    let (folder, name) = self.place(parent)?;
                    self.whole_call()?;
                    let inode = self.add(Inode::Folder(FolderContent::default()));
                    self.folder_mut(folder)?.change(vec![(name, Some(inode))]);
                }
            }
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        let inode = self.find(from)?.ok_or(Errno::NOENT)?;
        let ((old_folder, old), (new_folder, new)) = (self.place(from)?, self.place(to)?);
        if existing == Existing::Refuse && self.find(to)?.is_some() {
            return Err(Errno::EXIST.into());
        }
        self.whole_call()?;
        let (gone, there) = ((old, None), (new, Some(inode)));
        if old_folder == new_folder {
            self.folder_mut(old_folder)?.change(vec![gone, there]);
        } else {
            self.folder_mut(new_folder)?.change(vec![there]);
            self.folder_mut(old_folder)?.change(vec![gone]);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        let (folder, name) = self.place(path)?;
        self.whole_call()?;
        self.folder_mut(folder)?.change(vec![(name, None)]);
        Ok(())
    }

    pub(super) fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.folder(path)?;
        self.whole_call()?;
        self.folder_mut(inode)?.sync();
        Ok(())
    }

    pub(super) fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let Some(inode) = self.find(path)? else { return Ok(None) };
        let (kind, len) = match &self.inodes[&inode] {
            Inode::File(file) => (Kind::File, file.seen.len() as u64),
            Inode::Folder(_) => (Kind::Folder, 0),
        };
        Ok(Some(Look { kind, identity: self.identity(inode), len }))
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.folder_content(self.folder(path)?)?.seen.keys().cloned().collect())
    }

    fn folder(&self, path: &Path) -> io::Result<u64> {
        let inode = self.find(path)?.ok_or(Errno::NOENT)?;
        self.folder_content(inode).map(|_| inode)
    }

    /// The folder that a name is in, and the name itself.
    fn place(&self, path: &Path) -> io::Result<(u64, OsString)> {
        let name = path.file_name().map(OsStr::to_owned).ok_or(Errno::INVAL)?;
        Ok((self.folder(path.parent().unwrap_or(path))?, name))
    }
}

/// Inodes. None is used again, and none goes: that a file has no name is seen by nobody who has no descriptor of it.
impl World {
    /// Devices get new numbers with each boot.
    pub(super) fn identity(&self, inode: u64) -> Identity {
        Identity { device: self.boot, inode, born_ns: inode * 1000 }
    }

    /// Whether the lock is now that opening's.
    pub(super) fn lock(&mut self, inode: u64, opening: u64) -> bool {
        *self.locks.entry(inode).or_insert(opening) == opening
    }

    pub(super) fn unlock(&mut self, inode: u64, opening: u64) {
        if self.locks.get(&inode) == Some(&opening) {
            self.locks.remove(&inode);
        }
    }

    pub(super) fn file_content(&self, inode: u64) -> io::Result<&FileContent> {
        match &self.inodes[&inode] {
            Inode::File(file) => Ok(file),
            Inode::Folder(_) => Err(Errno::ISDIR.into()),
        }
    }

    pub(super) fn file_mut(&mut self, inode: u64) -> io::Result<&mut FileContent> {
        match self.inodes.get_mut(&inode) {
            Some(Inode::File(file)) => Ok(file),
            Some(Inode::Folder(_)) => Err(Errno::ISDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    fn folder_content(&self, inode: u64) -> io::Result<&FolderContent> {
        match &self.inodes[&inode] {
            Inode::Folder(folder) => Ok(folder),
            Inode::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    fn folder_mut(&mut self, inode: u64) -> io::Result<&mut FolderContent> {
        match self.inodes.get_mut(&inode) {
            Some(Inode::Folder(folder)) => Ok(folder),
            Some(Inode::File(_)) => Err(Errno::NOTDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    fn add(&mut self, inode: Inode) -> u64 {
        let number = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(number, inode);
        number
    }
}
