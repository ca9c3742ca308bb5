//! What is asked of a file system, and what it answers.

use std::{ffi::OsString, fmt, io, path::Path};

/// A file system. A call that a signal interrupted is made again, so that nobody above hears of it.
///
/// Nothing is durable, that is, survives the loss of power, before it was synced: bytes by their file's
/// [`sync_data`](DiskFile::sync_data), names by [`sync_folder`](Self::sync_folder). Everything survives the
/// end of the process.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Open`] says for each way to open one; otherwise those of `open(2)`.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in one step: at no moment does it have none.
    ///
    /// # Errors
    /// `AlreadyExists` for [`Existing::Refuse`] where `to` exists, whatever it is.
    fn rename(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()>;

    /// Removes the name of a file; the file goes with its last name and its last descriptor.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a folder and its missing parents, for the owner alone (0700). One that exists will do.
    ///
    /// # Errors
    /// `NotADirectory` where something else has the name.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable, and what was renamed or removed there.
    ///
    /// # Errors
    /// After an error nothing is known about names that were not durable before.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// What has this name, if anything has. Links are not followed.
    ///
    /// # Errors
    /// Where that cannot be found out; that there is nothing is no error.
    fn look(&self, path: &Path) -> io::Result<Option<Look>>;

    /// The names in a folder, in no order.
    ///
    /// # Errors
    /// Those of `readdir(3)`.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Names the time since the machine was started: the same name means that power was not lost in between.
    ///
    /// # Errors
    /// Where the system does not tell.
    fn boot_id(&self) -> io::Result<String>;
}

/// How a file is opened. Files are created for the owner alone (0600).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// To append; created where it is missing. For the operator's names a FIFO is waited for until somebody reads it.
    Append(NamedBy),
    /// To append to one that exists; `NotFound` otherwise.
    AppendExisting(NamedBy),
    /// A new one, to append to and to read; `AlreadyExists` if there is anything of that name.
    CreateNew,
    /// To write and read at any offset.
    ReadWrite {
        /// Whether one that is missing is created.
        create: bool,
    },
    /// To read.
    Read,
    /// A file without a name in the folder that the path names, to append to and to read. It goes with its last
    /// descriptor.
    UnlinkedTemporary,
}

/// Who chose the name of a file that is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The operator: links are followed, and a pipe or a device will do.
    Operator,
    /// In part a producer, through its topic: no link as the last component, and regular files only, so
    /// that nobody on the network picks among a folder's links and devices.
    Producer,
}

/// What a rename does with a file that has the new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing: the rename fails.
    Refuse,
    /// It is replaced, in the same step.
    Replace,
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Which one it is.
    pub identity: Identity,
    /// How long it is, in bytes; of no meaning unless it is a file.
    pub len: u64,
}

/// Kinds of things that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a device, a socket.
    Other,
}

/// Which file it is, whatever it is called now. Inodes are used again, so the birth time belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device; its number means something within one boot only.
    pub device: u64,
    /// The number of the file on its device.
    pub inode: u64,
    /// Nanoseconds since the epoch; 0 where the file system keeps none.
    pub born_ns: u64,
}

/// An open file. What it can do depends on how it was [opened](Open); asked for the rest it fails.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Appends, at what is the end then, and says how many of the bytes. Waits where there is no room yet (a pipe).
    ///
    /// # Errors
    /// Those of `write(2)`. Some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Writes at an offset in bytes, and says how many of the bytes.
    ///
    /// # Errors
    /// Those of `pwrite(2)`. Some of the bytes may have been written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads from an offset in bytes, and says how many; none at the end.
    ///
    /// # Errors
    /// Those of `pread(2)`.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Where the last [`append`](Self::append) by this descriptor or its clones ended; 0 before the first one.
    ///
    /// # Errors
    /// Where there are no positions: in a pipe.
    fn position(&mut self) -> io::Result<u64>;

    /// How long the file is, in bytes.
    ///
    /// # Errors
    /// Those of `fstat(2)`.
    fn len(&self) -> io::Result<u64>;

    /// Whether it holds nothing.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// Those of `ftruncate(2)`.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Sees to it that writing within the first `len` bytes will not find the disk full. A shorter file gets that
    /// length, with zeros.
    ///
    /// # Errors
    /// `StorageFull` when there is no room.
    fn allocate(&mut self, len: u64) -> io::Result<()>;

    /// Makes the bytes durable, and the length. What keeps nothing (a pipe) has nothing to sync.
    ///
    /// # Errors
    /// What was not durable may be lost then, and stays so though a later sync succeeds: the system may believe
    /// that it was written.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes bytes and attributes durable.
    ///
    /// # Errors
    /// As [`sync_data`](Self::sync_data).
    fn sync_all(&self) -> io::Result<()>;

    /// A second handle of the same open file, to sync it on another thread.
    ///
    /// # Errors
    /// Where there are no more descriptors.
    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>>;

    /// Which file it is; `None` for what is no regular file.
    ///
    /// # Errors
    /// Those of `fstat(2)`.
    fn identity(&self) -> io::Result<Option<Identity>>;

    /// Locks the file until its last handle is closed. Says whether it did: not if somebody else holds it.
    ///
    /// # Errors
    /// Where the file system has no locks.
    fn try_lock(&self) -> io::Result<bool>;
}
