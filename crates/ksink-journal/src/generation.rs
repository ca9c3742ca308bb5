//! One file of a journal: its name, its making, its end.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, DiskFile, Existing, Open, fail_point, sync_folders, write_all_at};

use crate::{
    frame::{self, Kind, NUMBER_MAX, Numbers},
    syncer::Progress,
};

/// How much of a snapshot is in one frame, in bytes.
const PART_BYTES: usize = 1 << 20;

/// The file that is appended to.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Box<dyn DiskFile>,
    /// Where the next frame begins, in bytes.
    pub(crate) end: u64,
    /// Where the snapshot ends, in bytes.
    pub(crate) snapshot_end: u64,
    /// Up to where writing finds room, in bytes.
    pub(crate) allocated: u64,
    pub(crate) next_sequence: u64,
    pub(crate) progress: Arc<Progress>,
}

impl Generation {
    /// The numbers of the frame that comes `ahead` frames behind the last one.
    pub(crate) fn numbers(&self, ahead: u64) -> Numbers {
        Numbers {
            generation: self.number,
            sequence: self.next_sequence + ahead,
            known_synced: self.progress.synced(),
        }
    }

    /// Writes frames at the end.
    pub(crate) fn write(&mut self, bytes: &[u8], frames: u64, room_bytes: u64) -> io::Result<()> {
        let end = self.end + bytes.len() as u64;
        if end > self.allocated {
            self.file.allocate(end + room_bytes)?;
            self.allocated = end + room_bytes;
        }
        write_all_at(&mut *self.file, bytes, self.end)?;
        self.end = end;
        self.next_sequence += frames;
        self.progress.note_written(self.next_sequence - 1);
        Ok(())
    }
}

/// What a generation begins with.
#[derive(Clone, Copy)]
pub(crate) struct Beginning<'b> {
    pub(crate) number: u64,
    /// The number of its first frame.
    pub(crate) sequence: u64,
    pub(crate) boot_id: &'b [u8],
    pub(crate) snapshot: Option<&'b [u8]>,
    /// How much room is allocated behind the snapshot, in bytes.
    pub(crate) room_bytes: u64,
}

/// A generation that is on the disk whole, but under a name that does not count.
pub(crate) struct Draft {
    generation: Generation,
    written_as: PathBuf,
}

impl Draft {
    /// Writes and syncs the beginning of a generation.
    pub(crate) fn write(disk: &dyn Disk, folder: &Path, begin: Beginning<'_>) -> io::Result<Self> {
        let written_as = folder.join(draft_name(begin.number));
        let mut file = disk.open(&written_as, Open::ReadWrite { create: true })?;
        let bytes = begin.snapshot.map_or(0, |snapshot| snapshot.len() as u64);
        // Not exact, since frames have heads; what is beyond is allocated by writing it.
        let allocated = bytes + begin.room_bytes;
        file.allocate(allocated)?;
        let (end, frames) = write_beginning(&mut *file, begin)?;
        fail_point("journal-next-generation-written");
        file.sync_data()?;
        fail_point("journal-next-generation-synced");
        let generation = Generation {
            number: begin.number,
            path: folder.join(name(begin.number)),
            file,
            end,
            snapshot_end: end,
            allocated,
            next_sequence: begin.sequence + frames,
            progress: Arc::new(Progress::from(begin.sequence + frames - 1)),
        };
        Ok(Self { generation, written_as })
    }

    /// Gives it the name that counts, and makes that durable. After an error it may count or not.
    pub(crate) fn publish(self, disk: &dyn Disk) -> io::Result<Generation> {
        let path = &self.generation.path;
        disk.rename(&self.written_as, path, Existing::Refuse)?;
        fail_point("journal-next-generation-named");
        sync_folders(disk, path.parent().unwrap_or(path))?;
        fail_point("journal-next-generation-durable");
        Ok(self.generation)
    }
}

/// Writes prologue and snapshot. Says where they end, and in how many frames.
fn write_beginning(file: &mut dyn DiskFile, begin: Beginning<'_>) -> io::Result<(u64, u64)> {
    let (mut end, mut frames) = (0, 0);
    let mut bytes = frame::prologue().to_vec();
    let mut put = |kind, payload: &[u8]| {
        let sequence = begin.sequence + frames;
        let numbers = Numbers { generation: begin.number, sequence, known_synced: 0 };
        frame::encode(kind, numbers, &[payload], &mut bytes);
        write_all_at(file, &bytes, end)?;
        end += bytes.len() as u64;
        frames += 1;
        bytes.clear();
        io::Result::Ok(())
    };
    put(Kind::Start, begin.boot_id)?;
    for part in begin.snapshot.unwrap_or_default().chunks(PART_BYTES) {
        put(Kind::SnapshotPart, part)?;
    }
    put(Kind::SnapshotEnd, &[u8::from(begin.snapshot.is_some())])?;
    Ok((end, frames))
}

/// The name of a generation's file.
pub(crate) fn name(number: u64) -> String {
    format!("journal.{number}")
}

/// The name of a file that is to become a generation.
pub(crate) fn draft_name(number: u64) -> String {
    format!("journal.{number}.new")
}

/// The generation that a file of this name is.
pub(crate) fn number(file: &OsStr) -> Option<u64> {
    numbered(file, name)
}

/// The generation that a file of this name was to become.
pub(crate) fn draft_number(file: &OsStr) -> Option<u64> {
    numbered(file, draft_name)
}

/// Only names that we would write ourselves: `journal.07` is not ours.
fn numbered(file: &OsStr, name: fn(u64) -> String) -> Option<u64> {
    let number = file.to_str()?.strip_prefix("journal.")?;
    let number = number.strip_suffix(".new").unwrap_or(number).parse().ok()?;
    (number < NUMBER_MAX && *file == *name(number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        assert_eq!(number(OsStr::new("journal.12")), Some(12));
        assert_eq!(draft_number(OsStr::new("journal.12.new")), Some(12));
        for foreign in [
            "journal.012",
            "journal.18446744073709551615",
            "journal.+1",
            "journal.",
            "journal.1.new.new",
            "lock",
        ] {
            let foreign = OsStr::new(foreign);
            assert_eq!((number(foreign), draft_number(foreign)), (None, None), "{foreign:?}");
        }
        assert_eq!(number(OsStr::new("journal.12.new")), None);
    }
}
