//! What a start finds after each kind of end, on the disk of this machine.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use ksink_disk::{Disk, RealDisk};
use ksink_journal::{
    Contents, Journal, JournalError, JournalOptions, LastStop, OpenError, Opened, PAYLOAD_BYTES_MAX,
};
use tempfile::{TempDir, tempdir};

const SMALL: JournalOptions = JournalOptions { allocate_bytes: 4096, bytes_max: 1024 };

/// A folder with a journal, between its runs.
struct State(TempDir);

impl State {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    /// A state whose run before appended these frames one by one, synced the first `synced` of them and was killed.
    fn of(frames: &[&str], synced: usize) -> Self {
        let state = Self::new();
        let mut journal = state.open().journal;
        for (n, frame) in frames.iter().enumerate() {
            if n == synced {
                journal.sync().unwrap();
            }
            append(&mut journal, &[frame]);
        }
        if frames.len() == synced {
            journal.sync().unwrap();
        }
        state
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, generation: u64) -> PathBuf {
        self.folder().join(format!("journal.{generation}"))
    }

    fn try_open(&self) -> Result<Opened, OpenError> {
        Journal::open(Arc::new(RealDisk), self.folder(), SMALL)
    }

    fn open(&self) -> Opened {
        self.try_open().unwrap()
    }

    fn read(&self) -> Contents {
        Journal::read(&RealDisk, self.folder()).unwrap()
    }

    /// Where frame `n` of the file begins: 0 is its start, 1 its empty snapshot, and then come the records.
    fn frame(&self, n: usize) -> u64 {
        let bytes = fs::read(self.file(1)).unwrap();
        let next =
            |at: usize| at + 8 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        (0..n).fold(16, |at, _| next(at)) as u64
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) {
        let file = File::options().write(true).open(self.file(1)).unwrap();
        file.write_all_at(bytes, offset).unwrap();
    }

    /// Changes one bit within the record `n`, from 0.
    fn damage(&self, n: usize) {
        let at = self.frame(n + 2) + 30;
        let old = fs::read(self.file(1)).unwrap()[at as usize];
        self.overwrite(at, &[old ^ 1]);
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn append(journal: &mut Journal, frames: &[&str]) -> u64 {
    journal.append(frames.iter().map(|frame| frame.as_bytes())).unwrap()
}

/// What a start finds.
#[track_caller]
fn check(opened: &Opened, snapshot: Option<&str>, frames: &[&str], last_stop: LastStop) {
    let found: Vec<&str> =
        opened.frames.iter().map(|frame| str::from_utf8(frame).unwrap()).collect();
    assert_eq!(found, frames);
    assert_eq!(opened.snapshot.as_deref(), snapshot.map(str::as_bytes));
    assert_eq!(opened.last_stop, last_stop);
}

#[test]
fn what_was_appended_comes_back_in_order() {
    let state = State::new();
    let mut journal = state.open().journal;
    append(&mut journal, &["one", "two"]);
    append(&mut journal, &[""]);
    append(&mut journal, &["three"]);
    drop(journal);
    check(&state.open(), None, &["one", "two", "", "three"], LastStop::Unclean);
    check(&state.open(), None, &["one", "two", "", "three"], LastStop::Unclean);
}

#[test]
fn a_journal_is_new_until_something_is_appended() {
    let state = State::new();
    check(&state.open(), None, &[], LastStop::New);
    let mut journal = state.open().journal;
    assert_eq!(journal.append([]).unwrap(), 2, "the number of the frame before");
    journal.close().unwrap();
    check(&state.open(), None, &[], LastStop::New);
}

/// exactly-once, Start and stop: a clean stop ends the journal with a frame that says so.
#[test]
fn a_journal_that_was_closed_says_so() {
    let state = State::new();
    let mut journal = state.open().journal;
    append(&mut journal, &["one"]);
    journal.close().unwrap();
    check(&state.open(), None, &["one"], LastStop::Clean);
}

#[test]
fn the_first_frame_after_a_clean_stop_makes_the_journal_unclean() {
    let state = State::new();
    let mut journal = state.open().journal;
    append(&mut journal, &["one"]);
    journal.close().unwrap();
    append(&mut state.open().journal, &["two"]);
    check(&state.open(), None, &["one", "two"], LastStop::Unclean);
}

#[test]
fn a_run_that_appended_nothing_changes_nothing() {
    let state = State::of(&["one"], 1);
    state.open().journal.close().unwrap();
    check(&state.open(), None, &["one"], LastStop::Unclean);
    let mut journal = state.open().journal;
    append(&mut journal, &["two"]);
    journal.close().unwrap();
    drop(state.open());
    check(&state.open(), None, &["one", "two"], LastStop::Clean);
}

/// exactly-once, Journal: above the highest known-synced number the journal is cut where it is damaged.
#[test]
fn a_torn_end_is_cut() {
    let state = State::of(&["one", "two", "three"], 2);
    // As far as the last byte of the generation: the zeros of a number are not told from those of preallocation.
    let torn = state.frame(4) + 17;
    File::options().write(true).open(state.file(1)).unwrap().set_len(torn).unwrap();
    let mut opened = state.open();
    assert_eq!(opened.cut_bytes, 17);
    check(&opened, None, &["one", "two"], LastStop::Unclean);
    append(&mut opened.journal, &["four"]);
    drop(opened);
    check(&state.open(), None, &["one", "two", "four"], LastStop::Unclean);
}

/// exactly-once, Journal: what is behind the cut is gone, also where the next frame ends exactly where it began.
#[test]
fn what_was_cut_never_comes_back() {
    // The first frame of a run carries the boot id and its length besides: together it is as long as what was there.
    let (boot, new) = (RealDisk.boot_id().unwrap().len() + 1, "new");
    let damaged = "x".repeat(boot + new.len());
    let state = State::of(&["one", &damaged, "three"], 1);
    let third = state.frame(4);
    state.damage(1);
    append(&mut state.open().journal, &[new]);
    assert_eq!(state.frame(4), third);
    check(&state.open(), None, &["one", new], LastStop::Unclean);
}

/// exactly-once, Journal: damage at or below the highest known-synced number is refused, with what to do.
#[test]
fn damage_to_what_was_synced_is_refused() {
    let state = State::of(&["one", "two", "three"], 2);
    state.damage(1);
    let before = fs::read(state.file(1)).unwrap();
    let error = state.try_open().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OpenError::Damaged(_)), "{error:?}");
    assert!(text.contains("frame 4 at byte"), "{text}");
    assert!(text.contains(state.file(1).to_str().unwrap()), "{text}");
    assert!(text.contains("`ksink recover` shows what is readable"), "{text}");
    assert!(text.contains("To go on,"), "{text}");
    assert_eq!(fs::read(state.file(1)).unwrap(), before, "nothing was changed");
}

/// exactly-once, Journal: recovery reads on behind damage; the highest known-synced number of all decides.
#[test]
fn a_frame_behind_the_damage_tells_what_was_synced() {
    let frames = ["one", "two", "three", "four"];
    let state = State::of(&frames, 3);
    state.damage(2);
    state.try_open().unwrap_err();

    let state = State::of(&frames, 2);
    state.damage(2);
    check(&state.open(), None, &["one", "two"], LastStop::Unclean);
}

#[test]
fn damage_to_the_snapshot_is_refused_also_where_nothing_follows() {
    let state = State::new();
    drop(state.open());
    state.overwrite(state.frame(1) + 8, &[0xff]);
    assert!(matches!(state.try_open(), Err(OpenError::Damaged(_))));
    let state = State::new();
    drop(state.open());
    state.overwrite(0, b"no journal");
    assert!(matches!(state.try_open(), Err(OpenError::Damaged(_))));
}

/// exactly-once, Journal: a newer version is refused with the reason.
#[test]
fn a_newer_version_is_refused() {
    let state = State::of(&["one"], 1);
    let mut head = *b"KSINKJNL\0\0\0\x02";
    state.overwrite(0, &head);
    state.overwrite(12, &crc32c::crc32c(&head).to_be_bytes());
    let error = state.try_open().unwrap_err();
    assert!(matches!(error, OpenError::NewerVersion { version: 2, .. }), "{error:?}");
    head[11] = 1;
    state.overwrite(0, &head);
    state.overwrite(12, &crc32c::crc32c(&head).to_be_bytes());
    check(&state.open(), None, &["one"], LastStop::Unclean);
}

/// exactly-once, Journal: one lock a state.
#[test]
fn two_cannot_have_one_journal() {
    let state = State::new();
    let opened = state.open();
    assert!(matches!(state.try_open(), Err(OpenError::Locked { .. })));
    assert!(matches!(Journal::read(&RealDisk, state.folder()), Err(OpenError::Locked { .. })));
    drop(opened);
    state.open();
}

/// exactly-once, Journal: preallocated.
#[test]
fn room_is_allocated_ahead() {
    let folder = tempdir().unwrap();
    let disk = Arc::new(RealDisk);
    let opened =
        Journal::open(disk, &folder.path().join("a/b"), JournalOptions::default()).unwrap();
    let len = || fs::metadata(folder.path().join("a/b/journal.1")).unwrap().len();
    assert_eq!(len(), 8 << 20);
    let mut journal = opened.journal;
    let big = vec![7; 5 << 20];
    journal.append([&big[..]]).unwrap();
    assert_eq!(len(), 8 << 20);
    journal.append([&big[..]]).unwrap();
    assert!(len() >= 18 << 20, "it grows in steps, not by each frame");
}

#[test]
fn starting_over_keeps_the_snapshot_and_what_comes_after_it() {
    let state = State::new();
    let mut journal = state.open().journal;
    let number = append(&mut journal, &["one", "two"]);
    journal.start_over(b"both").unwrap();
    assert!(append(&mut journal, &["three"]) > number, "numbers go on");
    drop(journal);
    assert_eq!(state.names(), ["journal.2", "lock"]);
    check(&state.open(), Some("both"), &["three"], LastStop::Unclean);
}

#[test]
fn a_snapshot_may_be_empty_or_larger_than_a_frame() {
    let state = State::new();
    state.open().journal.start_over(b"").unwrap();
    check(&state.open(), Some(""), &[], LastStop::Unclean);
    let large = "0123456789abcdef".repeat(3 * PAYLOAD_BYTES_MAX / 32);
    state.open().journal.start_over(large.as_bytes()).unwrap();
    check(&state.open(), Some(&large), &[], LastStop::Unclean);
}

#[test]
fn a_journal_is_full_when_its_frames_are_more_than_allowed() {
    let state = State::new();
    let mut journal = state.open().journal;
    append(&mut journal, &[&"x".repeat(800)]);
    assert!(!journal.is_full());
    append(&mut journal, &[&"x".repeat(800)]);
    assert!(journal.is_full());
    journal.start_over(&[0; 2000]).unwrap();
    append(&mut journal, &[&"x".repeat(1600)]);
    assert!(!journal.is_full(), "it may grow as large as its snapshot");
}

/// exactly-once, Journal: the old journal goes only when the snapshot is durable; what was not finished does not count.
#[test]
fn what_never_became_a_generation_is_removed_and_foreign_files_are_not() {
    let state = State::of(&["one"], 1);
    for name in ["journal.2.new", "journal.02", "spill-1", "journal.x"] {
        fs::write(state.folder().join(name), "whatever").unwrap();
    }
    check(&state.open(), None, &["one"], LastStop::Unclean);
    assert_eq!(state.names(), ["journal.02", "journal.1", "journal.x", "lock", "spill-1"]);
}

#[test]
fn an_older_generation_that_was_left_is_removed() {
    let state = State::of(&["one"], 1);
    let old = fs::read(state.file(1)).unwrap();
    state.open().journal.start_over(b"one").unwrap();
    fs::write(state.file(1), old).unwrap();
    check(&state.open(), Some("one"), &[], LastStop::Unclean);
    assert_eq!(state.names(), ["journal.2", "lock"]);
}

#[test]
fn a_frame_that_is_too_long_is_refused_and_harms_nothing() {
    let state = State::new();
    let mut journal = state.open().journal;
    let long = vec![0; PAYLOAD_BYTES_MAX + 1];
    let error = journal.append([&b"first"[..], &long]).unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { .. }), "{error:?}");
    journal.append([&long[1..]]).unwrap();
    drop(journal);
    assert_eq!(state.open().frames, [&long[1..]]);
}

/// exactly-once, Journal: group commit.
#[test]
fn another_thread_syncs_what_was_appended_before() {
    let state = State::new();
    let mut journal = state.open().journal;
    let last = append(&mut journal, &["one", "two"]);
    let syncer = journal.syncer().unwrap();
    assert_eq!(thread::spawn(move || syncer.sync().unwrap()).join().unwrap(), last);
    assert_eq!(journal.synced(), last);
    assert!(append(&mut journal, &["three"]) > journal.synced());
}

#[test]
fn reading_changes_nothing_and_shows_what_is_readable() {
    let state = State::of(&["one", "two", "three", "four"], 3);
    state.damage(1);
    let before = fs::read(state.file(1)).unwrap();
    let contents = state.read();
    assert_eq!(contents.frames, [b"one"]);
    assert_eq!(contents.behind, [&b"three"[..], b"four"]);
    assert_eq!(contents.damage.unwrap().frame, 4);
    assert_eq!(fs::read(state.file(1)).unwrap(), before);
    assert_eq!(state.names(), ["journal.1", "lock"]);
}

#[test]
fn reading_does_not_create_what_is_not_there() {
    let folder = tempdir().unwrap();
    let error = Journal::read(&RealDisk, folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
