//! Looking at a journal without changing it.

use std::path::{Path, PathBuf};

use ksink_disk::{Disk, DiskFile, Open, read_to_end};

use crate::{
    error::{Damage, OpenError},
    generation,
    open::{Files, LastStop, boot_id, damage, failed, frames_of, last_stop, lock},
    replay::Replay,
};

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The file that counts.
    pub path: PathBuf,
    /// Its generation.
    pub generation: u64,
    /// What it began with. Where it is damaged there, as much as is readable.
    pub snapshot: Option<Vec<u8>>,
    /// What was appended since, in order, as far as it is whole.
    pub frames: Vec<Vec<u8>>,
    /// How the last run ended.
    pub last_stop: LastStop,
    /// How many bytes are behind the whole frames: the next start cuts them, unless there is [damage](Self::damage).
    pub cut_bytes: u64,
    /// Why the next start will refuse it, if it will.
    pub damage: Option<Damage>,
    /// What can still be read behind the first frame that is not whole; nothing that is sure to be complete.
    pub behind: Vec<Vec<u8>>,
}

/// Keeps everybody else out of a journal's folder.
#[derive(Debug)]
pub struct Lock {
    _file: Box<dyn DiskFile>,
}

pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<(Contents, Lock), OpenError> {
    let lock = Lock { _file: lock(disk, folder, false)? };
    let boot_id = boot_id(disk, folder)?;
    let generation = Files::list(disk, folder)?.newest.unwrap_or(1);
    let path = folder.join(generation::name(generation));
    let file = disk.open(&path, Open::Read).map_err(failed("open", &path))?;
    let bytes = read_to_end(&*file, 0).map_err(failed("read", &path))?;
    let replay = Replay::of(frames_of(&bytes, &path)?, generation);
    let contents = Contents {
        generation,
        frames: owned(&replay.records),
        last_stop: last_stop(&replay, &boot_id),
        cut_bytes: replay.tail_bytes as u64,
        damage: damage(&replay, &path),
        behind: owned(&replay.behind),
        snapshot: replay.snapshot,
        path,
    };
    Ok((contents, lock))
}

fn owned(records: &[&[u8]]) -> Vec<Vec<u8>> {
    records.iter().map(|record| record.to_vec()).collect()
}
