//! What a start does with what it finds.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, DiskFile, Open, fail_point, read_to_end, sync_folders, write_all_at};

use crate::{
    error::{Damage, OpenError},
    frame::{self, BOOT_ID_BYTES_MAX, VERSION},
    generation::{self, Beginning, Draft, Generation},
    journal::{Journal, JournalOptions, remove_all},
    replay::Replay,
    syncer::Progress,
};

/// An opened journal and what it holds.
#[derive(Debug)]
pub struct Opened {
    /// To go on with.
    pub journal: Journal,
    /// What [`start_over`](Journal::start_over) was last given, if it ever was.
    pub snapshot: Option<Vec<u8>>,
    /// What was appended since, in order.
    pub frames: Vec<Vec<u8>>,
    /// How the run before ended.
    pub last_stop: LastStop,
    /// How many bytes of frames were cut off because they were torn.
    pub cut_bytes: u64,
}

/// How the run that used a journal last ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStop {
    /// Nothing was ever appended.
    New,
    /// It closed the journal.
    Clean,
    /// It did not, and the machine has run since.
    Unclean,
    /// It did not, and the machine was started again since: what was not synced may be lost.
    Rebooted,
}

pub(crate) fn open(
    disk: Arc<dyn Disk>,
    folder: &Path,
    options: JournalOptions,
) -> Result<Opened, OpenError> {
    disk.create_folder(folder).map_err(failed("create the folder", folder))?;
    let lock = lock(&*disk, folder, true)?;
    let boot_id = boot_id(&*disk, folder)?;
    let files = Files::list(&*disk, folder)?;
    let found = match files.newest {
        Some(number) => recover(&*disk, folder, number, &boot_id, options)?,
        None => begin(&*disk, folder, files.highest + 1, &boot_id, options)?,
    };
    let mut stale = files.stale;
    remove_all(&*disk, &mut stale);
    fail_point("journal-opened");
    let Found { generation, snapshot, frames, last_stop, cut_bytes } = found;
    let highest = files.highest.max(generation.number);
    let journal = Journal {
        disk,
        folder: folder.to_owned(),
        options,
        boot_id,
        _lock: lock,
        generation,
        highest,
        stale,
        has_written: false,
        buffer: Vec::new(),
    };
    Ok(Opened { journal, snapshot, frames, last_stop, cut_bytes })
}

/// The lock of a folder.
pub(crate) fn lock(
    disk: &dyn Disk,
    folder: &Path,
    create: bool,
) -> Result<Box<dyn DiskFile>, OpenError> {
    let path = folder.join("lock");
    let file = disk.open(&path, Open::ReadWrite { create }).map_err(failed("open", &path))?;
    match file.try_lock().map_err(failed("lock", &path))? {
        true => Ok(file),
        false => Err(OpenError::Locked { folder: folder.to_owned() }),
    }
}

pub(crate) fn boot_id(disk: &dyn Disk, folder: &Path) -> Result<Vec<u8>, OpenError> {
    let boot_id = disk.boot_id().map_err(failed("find out the boot id for", folder))?;
    let mut boot_id = boot_id.into_bytes();
    boot_id.truncate(BOOT_ID_BYTES_MAX);
    Ok(boot_id)
}

/// The files of a journal's folder that are its own.
pub(crate) struct Files {
    pub(crate) newest: Option<u64>,
    /// The highest generation that was ever tried; 0 if none was.
    highest: u64,
    /// Older generations, and what never became one.
    stale: Vec<PathBuf>,
}

impl Files {
    pub(crate) fn list(disk: &dyn Disk, folder: &Path) -> Result<Self, OpenError> {
        let names = disk.list(folder).map_err(failed("list", folder))?;
        let newest = names.iter().filter_map(|name| generation::number(name)).max();
        let tried = names.iter().filter_map(|name| generation::draft_number(name)).max();
        let is_stale = |name: &&std::ffi::OsString| {
            let number = generation::number(name);
            generation::draft_number(name).is_some() || (number.is_some() && number != newest)
        };
        let stale = names.iter().filter(is_stale).map(|name| folder.join(name)).collect();
        Ok(Self { newest, highest: newest.max(tried).unwrap_or(0), stale })
    }
}

/// What a start found, or made.
struct Found {
    generation: Generation,
    snapshot: Option<Vec<u8>>,
    frames: Vec<Vec<u8>>,
    last_stop: LastStop,
    cut_bytes: u64,
}

/// The first start of all.
fn begin(
    disk: &dyn Disk,
    folder: &Path,
    number: u64,
    boot_id: &[u8],
    options: JournalOptions,
) -> Result<Found, OpenError> {
    let room_bytes = options.allocate_bytes;
    let begin = Beginning { number, sequence: 1, boot_id, snapshot: None, room_bytes };
    let draft = Draft::write(disk, folder, begin).and_then(|draft| draft.publish(disk));
    let generation = draft.map_err(failed("create a journal in", folder))?;
    let last_stop = LastStop::New;
    Ok(Found { generation, snapshot: None, frames: Vec::new(), last_stop, cut_bytes: 0 })
}

/// A start that finds a journal.
fn recover(
    disk: &dyn Disk,
    folder: &Path,
    number: u64,
    boot_id: &[u8],
    options: JournalOptions,
) -> Result<Found, OpenError> {
    let path = folder.join(generation::name(number));
    let open = disk.open(&path, Open::ReadWrite { create: false });
    let mut file = open.map_err(failed("open", &path))?;
    let bytes = read_to_end(&*file, 0).map_err(failed("read", &path))?;
    let replay = Replay::of(frames_of(&bytes, &path)?, number);
    if let Some(damage) = damage(&replay, &path) {
        return Err(OpenError::Damaged(damage));
    }
    let last_stop = last_stop(&replay, boot_id);
    let allocated = replay.snapshot_end as u64 + options.allocate_bytes;
    make_good(&mut *file, &bytes, &replay, allocated)
        .map_err(failed("repair the end of", &path))?;
    // The run before may have ended in between its rename and this.
    sync_folders(disk, folder).map_err(failed("sync", folder))?;
    let generation = Generation {
        number,
        path,
        end: replay.end() as u64,
        snapshot_end: replay.snapshot_end as u64,
        allocated: allocated.max(replay.end() as u64),
        next_sequence: replay.next_sequence,
        progress: Arc::new(Progress::from(replay.next_sequence - 1)),
        file,
    };
    let frames = replay.records.iter().map(|record| record.to_vec()).collect();
    let cut_bytes = replay.tail_bytes as u64;
    Ok(Found { generation, snapshot: replay.snapshot, frames, last_stop, cut_bytes })
}

/// The frames of a file, if it is a journal of ours.
pub(crate) fn frames_of<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b [u8], OpenError> {
    match frame::version(bytes) {
        Some((VERSION, frames)) => Ok(frames),
        Some((version, _)) => Err(OpenError::NewerVersion { path: path.to_owned(), version }),
        None => Err(OpenError::Damaged(Damage {
            path: path.to_owned(),
            offset: 0,
            frame: 0,
            known_synced: 0,
        })),
    }
}

pub(crate) fn damage(replay: &Replay<'_>, path: &Path) -> Option<Damage> {
    replay.is_damaged().then(|| Damage {
        path: path.to_owned(),
        offset: replay.end() as u64,
        frame: replay.next_sequence,
        known_synced: replay.known_synced.max(replay.next_sequence),
    })
}

pub(crate) fn last_stop(replay: &Replay<'_>, boot_id: &[u8]) -> LastStop {
    if replay.snapshot.is_none() && replay.records.is_empty() {
        LastStop::New
    } else if replay.is_stopped {
        LastStop::Clean
    } else if replay.boot_id == boot_id {
        LastStop::Unclean
    } else {
        LastStop::Rebooted
    }
}

/// Cuts off what is torn, and makes durable what is whole.
fn make_good(
    file: &mut dyn DiskFile,
    bytes: &[u8],
    replay: &Replay<'_>,
    allocated: u64,
) -> io::Result<()> {
    // A frame behind the tear would follow what is appended now, if its place were met exactly. Nothing to be seen there
    // is no proof that nothing is: an earlier start may have cut, and failed to sync that.
    file.set_len(replay.end() as u64)?;
    fail_point("journal-tail-cut");
    file.allocate(allocated)?;
    // If a sync failed before the crash, what it was to write can be read and is still not on the disk, and another sync
    // would do nothing about it.
    write_all_at(file, &bytes[replay.synced_end()..replay.end()], replay.synced_end() as u64)?;
    file.sync_data()
}

/// For `map_err`.
pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |source| OpenError::Io { what, path: path.to_owned(), source }
}
