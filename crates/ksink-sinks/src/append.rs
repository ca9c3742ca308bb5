//! One open file that is appended to, and from which an append that failed can be taken back.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    time::UNIX_EPOCH,
};

use bytes::{BufMut, Bytes, BytesMut};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::OFlags,
    io::Errno,
};

/// A file that is appended to.
///
/// The kernel finds the end for each write (`O_APPEND`): a file that someone else shortened meanwhile gets
/// no hole, and where our own append ended is the descriptor's position after it.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: File,
    /// `None` for what is no regular file: a pipe, a device, a terminal. Nothing can be cut there.
    identity: Option<Identity>,
    /// How many bytes were appended since the last [`settle`](Self::settle) or [`cut`](Self::cut).
    unsettled: u64,
}

/// Which file it is, whatever it is called now. Inodes are used again, so the birth time belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// Nanoseconds since the epoch; 0 where the file system keeps none.
    born_ns: u64,
}

/// Who chose the name of a file that is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The operator: links are followed, and a pipe or a device will do.
    Operator,
    /// In part a producer, through its topic: no link as the last component, and regular files only, so
    /// that nobody on the network picks among a folder's links and devices.
    Producer,
}

impl AppendFile {
    /// Opens a file for appending. It is created (0600), and so are its missing parents (0700); one that
    /// exists keeps its content and its mode. A FIFO is waited for until somebody reads it.
    pub(crate) fn open(path: &Path, named_by: NamedBy) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        if named_by == NamedBy::Producer {
            // O_NONBLOCK: a FIFO must not hold up everything until it is seen to be one.
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            options.custom_flags(flags.bits().cast_signed());
        }
        let file = Self::new(options.open(path)?)?;
        if named_by == NamedBy::Producer && file.identity.is_none() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(file)
    }

    /// Takes an open descriptor whatever it is, and never cuts it: it belongs to whoever opened it.
    pub(crate) fn borrowed(file: File) -> Self {
        Self { file, identity: None, unsettled: 0 }
    }

    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let identity = metadata.is_file().then(|| Identity::of(&metadata));
        Ok(Self { file, identity, unsettled: 0 })
    }

    /// Appends all of `bytes`. After an error some of them may be there.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.unsettled += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_room()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until something can be written. Needed for a terminal or a pipe that another process, which
    /// shares it, made non-blocking.
    fn wait_for_room(&self) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there are bytes that are neither settled nor cut.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.unsettled > 0
    }

    /// Declares everything appended so far good. Tells where the file stands, if something was appended to
    /// a regular file.
    pub(crate) fn settle(&mut self) -> io::Result<Option<Bytes>> {
        let position = match self.identity {
            Some(identity) if self.is_unsettled() => {
                Some(identity.position(self.file.stream_position()?))
            }
            _ => None,
        };
        self.unsettled = 0;
        Ok(position)
    }

    /// Takes back what was appended since the last settling.
    ///
    /// # Errors
    /// When the file cannot be cut; it may be asked again. What is not [cuttable](Self::is_cuttable) never
    /// can.
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        if !self.is_unsettled() {
            return Ok(());
        }
        let start = self.file.stream_position()?.saturating_sub(self.unsettled);
        // A file that somebody shortened meanwhile is not to be filled up with zeros.
        if self.file.metadata()?.len() > start {
            self.file.set_len(start)?;
        }
        self.unsettled = 0;
        Ok(())
    }

    /// Gives up on what was appended since the last settling to something that is not
    /// [cuttable](Self::is_cuttable).
    pub(crate) fn forget(&mut self) {
        self.unsettled = 0;
    }

    /// Whether what was appended can be taken back.
    pub(crate) fn is_cuttable(&self) -> bool {
        self.identity.is_some()
    }
}

impl Drop for AppendFile {
    /// Nobody was told that what is unsettled is kept. If it cannot be cut now either, whoever opened the
    /// file next could not tell half a record from a whole one, so it is said.
    fn drop(&mut self) {
        if self.is_cuttable()
            && let Err(error) = self.cut()
        {
            tracing::error!(%error, bytes = self.unsettled, "an output file ends with what was refused");
        }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born_ns = born.and_then(|born| u64::try_from(born.as_nanos()).ok()).unwrap_or(0);
        Self { device: metadata.dev(), inode: metadata.ino(), born_ns }
    }

    /// The bytes of a position, all numbers big-endian: `version u8 = 1, device u64, inode u64,
    /// born_ns u64, length u64`.
    fn position(self, length: u64) -> Bytes {
        let mut bytes = BytesMut::with_capacity(33);
        bytes.put_u8(1);
        bytes.put_u64(self.device);
        bytes.put_u64(self.inode);
        bytes.put_u64(self.born_ns);
        bytes.put_u64(length);
        bytes.freeze()
    }
}

/// Creates a folder and its missing parents, for the owner alone (0700).
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        // "File exists" would be a riddle to whoever asked for a folder.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(ErrorKind::NotADirectory.into())
        }
        result => result,
    }
}
