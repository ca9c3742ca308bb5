//! One open file that is appended to, and from which an append that failed can be taken back.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
};

use ksink_disk::{Disk, DiskFile, Identity, NamedBy, Open, RealFile};

use crate::position::FilePosition;

/// A file that is appended to.
///
/// The kernel finds the end for each write (`O_APPEND`): a file that someone else shortened meanwhile gets
/// no hole, and where our own append ended is the descriptor's position after it.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: Box<dyn DiskFile>,
    /// `None` for what is no regular file: a pipe, a device, a terminal. Nothing can be cut there.
    identity: Option<Identity>,
    /// How many bytes were appended since the last [`settle`](Self::settle) or [`cut`](Self::cut).
    unsettled: u64,
    /// How long a regular file was before the first append since then, if that failed: it may have left something.
    doubted_from: Option<u64>,
}

impl AppendFile {
    /// Opens a file for appending. It is created (0600), and so are its missing parents (0700); one that
    /// exists keeps its content and its mode. A FIFO is waited for until somebody reads it.
    pub(crate) fn open(disk: &dyn Disk, path: &Path, named_by: NamedBy) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            disk.create_folder(folder)?;
        }
        Self::over(disk.open(path, Open::Append(named_by))?)
    }

    /// Takes a file that was opened to append to it.
    pub(crate) fn over(file: Box<dyn DiskFile>) -> io::Result<Self> {
        let identity = file.identity()?;
        Ok(Self { file, identity, unsettled: 0, doubted_from: None })
    }

    /// Takes an open descriptor whatever it is, and never cuts it: it belongs to whoever opened it.
    pub(crate) fn borrowed(file: File) -> Self {
        let file = Box::new(RealFile::borrowed(file));
        Self { file, identity: None, unsettled: 0, doubted_from: None }
    }

    /// Keeps other processes that ask for the lock from writing to the file, until it is closed. A pipe or a
    /// device is nobody's, and some file systems have no locks.
    ///
    /// # Errors
    /// `ResourceBusy` when somebody else has locked it.
    pub(crate) fn lock(&self) -> io::Result<()> {
        if !self.is_cuttable() {
            return Ok(());
        }
        match self.file.try_lock() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let said = "another process writes to it and has locked it";
                Err(io::Error::new(ErrorKind::ResourceBusy, said))
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Appends all of `bytes`. After an error some of them may be there.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.append_some(bytes)?;
            self.unsettled += written as u64;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    fn append_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_first = self.is_cuttable() && self.unsettled == 0;
        let length = is_first.then(|| self.file.len()).transpose()?;
        match self.file.append(bytes) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(written) => Ok(written),
            Err(error) => {
                self.doubted_from = length;
                Err(error)
            }
        }
    }

    /// Makes all that was appended survive the loss of power. It can be done on any thread.
    ///
    /// # Errors
    /// What was appended may be lost then, and a second try proves nothing: [`cut`](Self::cut) it, and open the
    /// file anew.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Declares everything appended so far good. Tells where the file stands, if something was appended to
    /// a regular file.
    pub(crate) fn settle(&mut self) -> io::Result<Option<FilePosition>> {
        let position = match self.identity {
            Some(identity) if self.is_unsettled() => {
                Some(FilePosition::At { identity, length: self.file.position()? })
            }
            _ => None,
        };
        self.forget();
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
        let start = match self.doubted_from {
            Some(length) => length,
            None => self.file.position()?.saturating_sub(self.unsettled),
        };
        self.cut_to(start)?;
        self.forget();
        Ok(())
    }

    /// Cuts the file to a length; a shorter one stays as it is, and is not filled up with zeros.
    pub(crate) fn cut_to(&mut self, length: u64) -> io::Result<()> {
        if self.file.len()? > length {
            self.file.set_len(length)?;
        }
        Ok(())
    }

    /// Gives up on what was appended since the last settling to something that is not
    /// [cuttable](Self::is_cuttable).
    pub(crate) fn forget(&mut self) {
        self.unsettled = 0;
        self.doubted_from = None;
    }

    /// Where the next append would begin as things are; `None` for what is no regular file.
    pub(crate) fn stands_at(&self) -> io::Result<Option<FilePosition>> {
        let Some(identity) = self.identity else { return Ok(None) };
        Ok(Some(FilePosition::At { identity, length: self.file.len()? }))
    }

    /// How many bytes were appended that are neither settled nor cut.
    pub(crate) fn unsettled(&self) -> u64 {
        self.unsettled
    }

    /// Whether there are bytes that are neither settled nor cut, or may be.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.unsettled > 0 || self.doubted_from.is_some()
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
