//! Appending, syncing, starting over, closing.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, DiskFile, fail_point};

use crate::{
    PAYLOAD_BYTES_MAX,
    error::{JournalError, OpenError},
    frame::{self, Kind},
    generation::{self, Beginning, Draft, Generation},
    open::{self, Opened},
    read::{self, Contents, Lock},
    syncer::Syncer,
};

/// The buffer for frames keeps at most this much between appends, in bytes.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// How a journal uses its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// How much room is allocated for frames at the start of a generation, and whenever it is used up, in bytes.
    pub allocate_bytes: u64,
    /// How many bytes of frames make a journal [full](Journal::is_full); a larger snapshot allows as many as it has.
    pub bytes_max: u64,
}

impl Default for JournalOptions {
    /// 8 MiB, of which 7 are used before a snapshot is due: what waits while it is made still finds room.
    fn default() -> Self {
        Self { allocate_bytes: 8 << 20, bytes_max: 7 << 20 }
    }
}

/// An open journal. Nobody else has its folder meanwhile.
///
/// After a failed append or sync it is poisoned: what is on the disk is uncertain, and everything fails until
/// [`start_over`](Self::start_over) succeeds.
#[derive(Debug)]
pub struct Journal {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    pub(crate) options: JournalOptions,
    pub(crate) boot_id: Vec<u8>,
    /// Held, never used.
    pub(crate) _lock: Box<dyn DiskFile>,
    pub(crate) generation: Generation,
    /// The highest generation that was ever tried.
    pub(crate) highest: u64,
    /// Files that count no more and could not be removed yet.
    pub(crate) stale: Vec<PathBuf>,
    /// Whether something was written since the opening, so that its boot id is in the file.
    pub(crate) has_written: bool,
    pub(crate) buffer: Vec<u8>,
}

impl Journal {
    /// Opens the journal in a folder; both are created where they are missing. What it returns is durable, and the end
    /// that a crash tore is cut off.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if somebody else has it, [`OpenError::Damaged`] if what was durable cannot be read.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        options: JournalOptions,
    ) -> Result<Opened, OpenError> {
        open::open(disk, folder, options)
    }

    /// Reads the journal in a folder, as far as it can be read, and changes nothing. It is locked meanwhile.
    ///
    /// # Errors
    /// As [`open`](Self::open), except that damage is told beside what is readable, and that a journal which does not
    /// exist is an error.
    pub fn read(disk: &dyn Disk, folder: &Path) -> Result<Contents, OpenError> {
        Self::read_and_lock(disk, folder).map(|(contents, _)| contents)
    }

    /// Does the same, and lets nobody else have the journal as long as the lock is held.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_and_lock(disk: &dyn Disk, folder: &Path) -> Result<(Contents, Lock), OpenError> {
        read::read(disk, folder)
    }

    /// Appends frames in one write, and returns the number of the last one; of the one before them if there are none.
    /// They survive the end of the process then.
    ///
    /// The first frame of a run should be synced before the run does anything that a start must know of: if power is
    /// lost before, the next start sees how the run before this one ended.
    ///
    /// # Errors
    /// The journal is poisoned, except after [`JournalError::TooLarge`].
    pub fn append<'f>(
        &mut self,
        frames: impl IntoIterator<Item = &'f [u8]>,
    ) -> Result<u64, JournalError> {
        self.generation.progress.check()?;
        self.buffer.clear();
        let mut count = 0;
        for payload in frames {
            self.encode(payload, count)?;
            count += 1;
        }
        self.write_buffer(count)?;
        if count > 0 {
            fail_point("journal-appended");
        }
        Ok(self.generation.next_sequence - 1)
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// The journal is poisoned.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.generation.progress.sync(&*self.generation.file).map(drop)
    }

    /// What can do the same on another thread, until the journal [starts over](Self::start_over).
    ///
    /// # Errors
    /// Where there are no more descriptors.
    pub fn syncer(&self) -> io::Result<Syncer> {
        let progress = Arc::clone(&self.generation.progress);
        Ok(Syncer { file: self.generation.file.try_clone()?, progress })
    }

    /// Begins a new file with a snapshot of all that the frames so far say. They are gone then; the snapshot is durable.
    ///
    /// # Errors
    /// Nothing has changed, or the journal is poisoned. It may be tried again.
    pub fn start_over(&mut self, snapshot: &[u8]) -> Result<(), JournalError> {
        self.highest += 1;
        let begin = Beginning {
            number: self.highest,
            sequence: self.generation.next_sequence,
            boot_id: &self.boot_id,
            snapshot: Some(snapshot),
            room_bytes: self.options.allocate_bytes,
        };
        self.stale.push(self.folder.join(generation::draft_name(self.highest)));
        let draft = Draft::write(&*self.disk, &self.folder, begin);
        let draft = draft.inspect_err(|_| remove_all(&*self.disk, &mut self.stale));
        let draft = draft.map_err(JournalError::io("write the journal's next file"))?;
        let next = draft.publish(&*self.disk).inspect_err(|_| {
            // A start may find the new file or the old one: no frame may be added to either.
            self.generation.progress.poison();
            self.stale.push(self.folder.join(generation::name(self.highest)));
        });
        let next = next.map_err(JournalError::io("put the journal's next file in place"))?;
        self.stale.push(std::mem::replace(&mut self.generation, next).path);
        self.has_written = true;
        remove_all(&*self.disk, &mut self.stale);
        Ok(())
    }

    /// Closes the journal with the frame that says "clean stop", durably. A journal that nothing was appended to since
    /// its opening stays as it was found.
    ///
    /// # Errors
    /// The next start may see an unclean stop.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.generation.progress.check()?;
        if !self.has_written {
            return Ok(());
        }
        self.buffer.clear();
        frame::encode(Kind::Stop, self.generation.numbers(0), &[], &mut self.buffer);
        self.write_buffer(1)?;
        fail_point("journal-stop-written");
        self.sync()
    }

    /// Whether it has grown so much that starting over is due.
    pub fn is_full(&self) -> bool {
        let snapshot_bytes = self.generation.snapshot_end;
        self.generation.end - snapshot_bytes > self.options.bytes_max.max(snapshot_bytes)
    }

    /// Whether only [`start_over`](Self::start_over) can succeed.
    pub fn is_poisoned(&self) -> bool {
        self.generation.progress.check().is_err()
    }

    /// Up to which frame everything is known to be durable.
    pub fn synced(&self) -> u64 {
        self.generation.progress.synced()
    }

    /// Adds a frame to what is to be written. The first one of an opening tells the boot.
    fn encode(&mut self, payload: &[u8], ahead: u64) -> Result<(), JournalError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: payload.len() });
        }
        let numbers = self.generation.numbers(ahead);
        if self.has_written || ahead > 0 {
            frame::encode(Kind::Record, numbers, &[payload], &mut self.buffer);
        } else {
            let boot_id = &self.boot_id[..];
            let len = u8::try_from(boot_id.len()).expect("it was shortened at the opening");
            frame::encode(
                Kind::FirstRecord,
                numbers,
                &[&[len], boot_id, payload],
                &mut self.buffer,
            );
        }
        Ok(())
    }

    fn write_buffer(&mut self, frames: u64) -> Result<(), JournalError> {
        if frames == 0 {
            return Ok(());
        }
        let written = self.generation.write(&self.buffer, frames, self.options.allocate_bytes);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        written
            .inspect_err(|_| self.generation.progress.poison())
            .map_err(JournalError::io("write the journal"))?;
        self.has_written = true;
        Ok(())
    }
}

/// Removes files that count no more, and keeps in mind which could not be removed.
pub(crate) fn remove_all(disk: &dyn Disk, stale: &mut Vec<PathBuf>) {
    stale.retain(|path| match disk.remove(path) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    });
}
