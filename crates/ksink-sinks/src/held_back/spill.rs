//! Where the records of one transaction wait for its end.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use ksink_disk::{Disk, DiskFile, NamedBy, Open, append_all};
use ksink_event::{RecordSet, Refusal};

use super::{encode, position::Extent};

/// How many bytes go into one `write(2)`.
const WRITE_BYTES: usize = 192 << 10;

/// How large a buffer may stay.
const IDLE_BUFFER_BYTES_MAX: usize = 64 << 10;

/// The sets of one transaction, in their order.
#[derive(Debug)]
pub(super) struct Spill {
    place: Place,
    /// What is accepted.
    kept: Extent,
    /// What was taken since the last flush, which follows it.
    group: Extent,
    /// Encoded and not written yet.
    buffer: Vec<u8>,
    /// Why the group is refused.
    failed: Option<Refusal>,
    /// Whether something was written behind what is kept, and could not be cut.
    owes_a_cut: bool,
}

/// Where the bytes are.
#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    /// In a file that has no name, and goes with the process.
    Unnamed(Box<dyn DiskFile>),
    /// In a file of the state, open while it is written to.
    Named {
        path: PathBuf,
        file: Option<Box<dyn DiskFile>>,
    },
}

impl Spill {
    /// Nothing yet, in memory.
    pub(super) fn in_memory() -> Self {
        Self::new(Place::Memory(Vec::new()), Extent::default())
    }

    /// Nothing yet, in a file of the state that is made when something comes.
    pub(super) fn in_file(path: PathBuf) -> Self {
        Self::new(Place::Named { path, file: None }, Extent::default())
    }

    /// What an earlier run accepted: the rest is cut.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter.
    pub(super) fn found(disk: &dyn Disk, path: PathBuf, kept: Extent) -> io::Result<Self> {
        if kept.len > 0 {
            let mut file = disk.open(&path, Open::ReadWrite { create: false })?;
            let len = file.len()?;
            if len < kept.len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if len > kept.len {
                file.set_len(kept.len)?;
            }
        }
        Ok(Self::new(Place::Named { path, file: None }, kept))
    }

    fn new(place: Place, kept: Extent) -> Self {
        let (group, buffer) = (Extent::default(), Vec::new());
        Self { place, kept, group, buffer, failed: None, owes_a_cut: false }
    }

    /// Takes a set. What becomes of it is said by the flush.
    pub(super) fn write(&mut self, set: &RecordSet, disk: &dyn Disk) {
        if self.failed.is_some() {
            return;
        }
        let start = self.buffer.len();
        encode::encode(set, &mut self.buffer);
        self.group.len += (self.buffer.len() - start) as u64;
        self.group.records += set.len() as u64;
        if self.buffer.len() >= WRITE_BYTES {
            self.append_buffer(disk);
        }
    }

    /// Keeps what was taken since the last flush, or nothing of it.
    pub(super) fn flush(&mut self, disk: &dyn Disk) -> Result<Extent, Refusal> {
        self.append_buffer(disk);
        let group = std::mem::take(&mut self.group);
        match self.failed.take() {
            None => {
                self.kept.len += group.len;
                self.kept.records += group.records;
                Ok(self.kept)
            }
            Some(refusal) => Err(refusal),
        }
    }

    fn append_buffer(&mut self, disk: &dyn Disk) {
        if self.failed.is_none()
            && !self.buffer.is_empty()
            && let Err(error) = self.try_append(disk)
        {
            let cut = self.cut(disk);
            let reason = match cut {
                Ok(()) => format!("cannot hold a transaction back: {error}"),
                Err(cut) => format!("cannot hold a transaction back: {error}; nor cut it: {cut}"),
            };
            self.failed = Some(Refusal::local(reason));
        }
        self.buffer.clear();
        self.buffer.shrink_to(IDLE_BUFFER_BYTES_MAX);
    }

    fn try_append(&mut self, disk: &dyn Disk) -> io::Result<()> {
        self.cut(disk)?;
        let file = match &mut self.place {
            Place::Memory(bytes) => {
                bytes.extend_from_slice(&self.buffer);
                return Ok(());
            }
            Place::Unnamed(file) => file,
            Place::Named { file: Some(file), .. } => file,
            Place::Named { path, file } => file.insert(open_to_append(disk, path, self.kept)?),
        };
        self.owes_a_cut = true;
        append_all(&mut **file, &self.buffer)?;
        self.owes_a_cut = false;
        Ok(())
    }

    /// Takes back what was written behind what is kept, if an append failed.
    fn cut(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if self.owes_a_cut {
            match &mut self.place {
                Place::Memory(bytes) => bytes.truncate(self.kept.len as usize),
                Place::Unnamed(file) | Place::Named { file: Some(file), .. } => {
                    file.set_len(self.kept.len)?;
                }
                Place::Named { path, file: None } => {
                    disk.open(path, Open::ReadWrite { create: false })?.set_len(self.kept.len)?;
                }
            }
        }
        self.owes_a_cut = false;
        Ok(())
    }

    /// Moves what is in memory into a file in `folder` that has no name.
    pub(super) fn leave_memory(&mut self, disk: &dyn Disk, folder: &Path) -> io::Result<()> {
        if let Place::Memory(bytes) = &self.place {
            let mut file = disk.open(folder, Open::UnlinkedTemporary)?;
            append_all(&mut *file, bytes)?;
            self.place = Place::Unnamed(file);
        }
        Ok(())
    }

    /// How many bytes of memory the sets take.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.place {
            Place::Memory(bytes) => bytes.len() + self.buffer.len(),
            Place::Unnamed(_) | Place::Named { .. } => 0,
        }
    }

    /// How much of it is accepted.
    pub(super) fn kept(&self) -> Extent {
        self.kept
    }

    /// Whether its file is open, and others could be opened instead.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.place, Place::Named { file: Some(_), .. })
    }

    /// Lets go of the file, which is opened again when more comes.
    pub(super) fn close(&mut self) {
        if let Place::Named { file, .. } = &mut self.place {
            *file = None;
        }
    }

    /// The file, to be synced; nothing where it does not outlive the process or does not exist.
    pub(super) fn to_sync(&self, disk: &dyn Disk) -> io::Result<Option<Box<dyn DiskFile>>> {
        match &self.place {
            Place::Named { .. } if self.kept.len == 0 => Ok(None),
            Place::Named { file: Some(file), .. } => file.try_clone().map(Some),
            Place::Named { path, file: None } => disk.open(path, Open::Read).map(Some),
            Place::Memory(_) | Place::Unnamed(_) => Ok(None),
        }
    }

    /// Removes the file that outlives the process, if there is one.
    pub(super) fn remove(&mut self, disk: &dyn Disk) -> io::Result<()> {
        self.close();
        match &self.place {
            Place::Named { path, .. } => remove(disk, path),
            Place::Memory(_) | Place::Unnamed(_) => Ok(()),
        }
    }

    /// Reads the sets from the first on.
    pub(super) fn sets(&self, disk: &dyn Disk) -> io::Result<Sets<'_>> {
        let source = match &self.place {
            Place::Memory(bytes) => Source::Memory(bytes),
            Place::Unnamed(file) => Source::File(file.try_clone()?),
            Place::Named { .. } if self.kept.len == 0 => Source::Memory(&[]),
            Place::Named { path, .. } => Source::File(disk.open(path, Open::Read)?),
        };
        Ok(Sets { source, at: 0, end: self.kept.len, window: Bytes::new(), window_at: 0 })
    }
}

/// Removes a file; that there is none will do.
pub(super) fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn open_to_append(disk: &dyn Disk, path: &Path, kept: Extent) -> io::Result<Box<dyn DiskFile>> {
    if kept.len > 0 {
        return disk.open(path, Open::AppendExisting(NamedBy::Producer));
    }
    // A serial is never used again: what has the name is ours, and nothing of it was accepted.
    remove(disk, path)?;
    disk.open(path, Open::CreateNew)
}

/// The sets of a spill, one after the other.
#[derive(Debug)]
pub(super) struct Sets<'s> {
    source: Source<'s>,
    at: u64,
    end: u64,
    /// A part of the spill that was read, and where it begins.
    window: Bytes,
    window_at: u64,
}

#[derive(Debug)]
enum Source<'s> {
    Memory(&'s [u8]),
    File(Box<dyn DiskFile>),
}

impl Sets<'_> {
    /// The next set; `None` at the end.
    ///
    /// # Errors
    /// `InvalidData` where it is not what was written.
    pub(super) fn next(&mut self) -> io::Result<Option<RecordSet>> {
        if self.at == self.end {
            return Ok(None);
        }
        let prefixed = self.take(encode::PREFIX_BYTES as u64)?;
        let prefixed = prefixed[..].try_into().map_err(|_| damaged(self.at))?;
        let (length, crc) = encode::prefix(prefixed);
        let content = self.take(length)?;
        encode::decode(content, crc).map(Some).ok_or_else(|| damaged(self.at))
    }

    /// The next bytes, so many.
    fn take(&mut self, len: u64) -> io::Result<Bytes> {
        if len > self.end - self.at {
            return Err(damaged(self.at));
        }
        let window_end = self.window_at + self.window.len() as u64;
        if self.at < self.window_at || self.at + len > window_end {
            self.window = self.source.read(self.at, len.max(WRITE_BYTES as u64), self.end)?;
            self.window_at = self.at;
        }
        let start = usize::try_from(self.at - self.window_at).map_err(|_| damaged(self.at))?;
        let length = usize::try_from(len).map_err(|_| damaged(self.at))?;
        if start + length > self.window.len() {
            return Err(damaged(self.at));
        }
        self.at += len;
        Ok(self.window.slice(start..start + length))
    }
}

impl Source<'_> {
    /// Reads up to so many bytes before `end`; fewer where the file is shorter.
    fn read(&self, at: u64, len: u64, end: u64) -> io::Result<Bytes> {
        let len = usize::try_from(len.min(end - at)).map_err(|_| damaged(at))?;
        match self {
            Self::Memory(bytes) => {
                let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..));
                let rest = rest.unwrap_or_default();
                Ok(Bytes::copy_from_slice(&rest[..len.min(rest.len())]))
            }
            Self::File(file) => {
                let mut bytes = vec![0; len];
                let mut read = 0;
                while read < len {
                    match file.read_at(&mut bytes[read..], at + read as u64)? {
                        0 => break,
                        count => read += count,
                    }
                }
                bytes.truncate(read);
                Ok(bytes.into())
            }
        }
    }
}

fn damaged(at: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it is damaged before byte {at}"))
}
