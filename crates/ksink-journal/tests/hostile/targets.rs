//! What is done with any bytes that may be found as a journal's file. The ordinary tests run it and the fuzzer too.
//!
//! It promises: no panic; no more memory than the file is long, and a little; a start accepts exactly what reading finds
//! sound, and then finds the same again; replay of any prefix is a prefix.

use std::{path::Path, sync::Arc};

use ksink_disk::{Crash, Disk, ModelDisk, Open, append_all};
use ksink_journal::{Contents, Journal, JournalOptions, OpenError};

/// An entry point for bytes.
pub(crate) type Target = fn(&[u8]);

/// Every entry point, by name.
pub(crate) const TARGETS: &[(&str, Target)] = &[("journal_replay", journal_replay)];

const FOLDER: &str = "/state";
const OPTIONS: JournalOptions = JournalOptions { allocate_bytes: 256, bytes_max: 1 << 20 };

/// Where the first frame begins.
const PROLOGUE_BYTES: usize = 16;

/// The bytes as they are, and with checksums that are right: a change that leaves them wrong shows nothing else.
fn journal_replay(input: &[u8]) {
    check(input);
    check(&summed(input));
}

fn check(bytes: &[u8]) {
    let Ok(whole) = bounded(bytes.len(), || read(&disk(bytes))) else { return refused(bytes) };
    for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        if let Ok(prefix) = read(&disk(&bytes[..cut])) {
            assert!(starts_with(&whole, &prefix), "{cut}: {prefix:?} of {whole:?}");
        }
    }
    match (&whole.damage, open(&disk(bytes))) {
        (None, Ok(opened)) => assert_eq!(opened, state(whole)),
        (Some(damage), Err(OpenError::Damaged(found))) => assert_eq!(*damage, found),
        (damage, opened) => panic!("{damage:?}, but {opened:?}"),
    }
    goes_on(bytes);
}

/// What cannot be read cannot be opened.
fn refused(bytes: &[u8]) {
    open(&disk(bytes)).unwrap_err();
}

/// A journal that opens takes a frame, and keeps it with the rest, also when power is lost.
fn goes_on(bytes: &[u8]) {
    let disk = disk(bytes);
    let Ok(mut opened) = Journal::open(Arc::new(disk.clone()), Path::new(FOLDER), OPTIONS) else {
        return;
    };
    opened.journal.append([&b"one more"[..]]).expect("the disk is sound");
    opened.journal.sync().expect("the disk is sound");
    drop(opened.journal);
    disk.crash(Crash::PowerCut { seed: 0 });
    opened.frames.push(b"one more".to_vec());
    let (snapshot, frames, _) = open(&disk).expect("it was opened before");
    assert_eq!((snapshot, frames), (opened.snapshot, opened.frames));
}

/// A disk with a journal whose file holds these bytes.
fn disk(bytes: &[u8]) -> ModelDisk {
    let disk = ModelDisk::new();
    disk.create_folder(Path::new(FOLDER)).expect("the disk is empty");
    for (name, bytes) in [("lock".to_owned(), &[][..]), (name(bytes), bytes)] {
        let path = Path::new(FOLDER).join(name);
        let mut file = disk.open(&path, Open::CreateNew).expect("the folder is empty");
        append_all(&mut *file, bytes).expect("the disk is sound");
    }
    disk
}

/// The name that the first frame's generation asks for.
fn name(bytes: &[u8]) -> String {
    let generation = bytes.get(PROLOGUE_BYTES + 9..).and_then(<[u8]>::first_chunk);
    let generation = generation.map_or(1, |bytes| u64::from_be_bytes(*bytes));
    format!("journal.{}", if generation < 1 << 60 { generation } else { 1 })
}

fn read(disk: &ModelDisk) -> Result<Contents, OpenError> {
    Journal::read(disk, Path::new(FOLDER))
}

/// What a start gets.
type State = (Option<Vec<u8>>, Vec<Vec<u8>>, u64);

fn open(disk: &ModelDisk) -> Result<State, OpenError> {
    let opened = Journal::open(Arc::new(disk.clone()), Path::new(FOLDER), OPTIONS)?;
    Ok((opened.snapshot, opened.frames, opened.cut_bytes))
}

fn state(contents: Contents) -> State {
    (contents.snapshot, contents.frames, contents.cut_bytes)
}

fn starts_with(whole: &Contents, prefix: &Contents) -> bool {
    let snapshot = |contents: &Contents| contents.snapshot.clone().unwrap_or_default();
    whole.frames.starts_with(&prefix.frames) && snapshot(whole).starts_with(&snapshot(prefix))
}

/// The same bytes, with the checksum of each frame as it should be, as far as lengths lead.
fn summed(input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let mut at = PROLOGUE_BYTES;
    while let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let (length, sum) = (u32::from_be_bytes(*length), crc32c::crc32c(length));
        let body = at + 8;
        let Some(frame) = bytes.get(body..).and_then(|rest| rest.get(..length as usize)) else {
            break;
        };
        let sum = crc32c::crc32c_append(sum, frame);
        bytes[at + 4..body].copy_from_slice(&sum.to_be_bytes());
        at = body + length as usize;
    }
    bytes
}

/// Does `work` on a file of so many bytes, and fails when it had more than 16 times as many and 256 KiB alive at once.
fn bounded<T>(file_bytes: usize, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let allocated = allocation_counter::measure(|| result = Some(work()));
    let bytes_max = 16 * file_bytes + (256 << 10);
    assert!(allocated.bytes_max <= bytes_max as u64, "{file_bytes} bytes took {allocated:?}");
    result.expect("the work was done")
}
