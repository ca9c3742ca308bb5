//! What a journal does when its disk fails or the machine lost power, one story at a time.

use std::{path::Path, sync::Arc};

use ksink_disk::{Crash, Disk, Fault, ModelDisk};
use ksink_journal::{Journal, JournalError, JournalOptions, LastStop, OpenError, Opened};

const SMALL: JournalOptions = JournalOptions { allocate_bytes: 4096, bytes_max: 1024 };

fn try_open(disk: &ModelDisk) -> Result<Opened, OpenError> {
    Journal::open(Arc::new(disk.clone()), Path::new("/state"), SMALL)
}

fn open(disk: &ModelDisk) -> Opened {
    try_open(disk).unwrap()
}

/// A disk with a journal that was opened, and appended these frames.
fn with(frames: &[&str]) -> (ModelDisk, Journal) {
    let disk = ModelDisk::new();
    let mut journal = open(&disk).journal;
    append(&mut journal, frames).unwrap();
    (disk, journal)
}

fn append(journal: &mut Journal, frames: &[&str]) -> Result<u64, JournalError> {
    journal.append(frames.iter().map(|frame| frame.as_bytes()))
}

fn cut_power(disk: &ModelDisk) {
    disk.crash(Crash::PowerCut { seed: 1 });
}

/// What a start finds.
#[track_caller]
fn check(disk: &ModelDisk, snapshot: Option<&str>, frames: &[&str], last_stop: LastStop) {
    let opened = open(disk);
    let found: Vec<&str> =
        opened.frames.iter().map(|frame| str::from_utf8(frame).unwrap()).collect();
    assert_eq!(found, frames);
    assert_eq!(opened.snapshot.as_deref(), snapshot.map(str::as_bytes));
    assert_eq!(opened.last_stop, last_stop);
}

/// exactly-once, Start and stop: the boot id in the journal differs.
#[test]
fn a_start_after_the_loss_of_power_says_so_until_a_frame_is_written() {
    let (disk, mut journal) = with(&["one"]);
    journal.sync().unwrap();
    cut_power(&disk);
    check(&disk, None, &["one"], LastStop::Rebooted);
    check(&disk, None, &["one"], LastStop::Rebooted);
    append(&mut open(&disk).journal, &["two"]).unwrap();
    check(&disk, None, &["one", "two"], LastStop::Unclean);
}

#[test]
fn a_clean_stop_is_clean_on_whatever_boot() {
    let (disk, journal) = with(&["one"]);
    journal.close().unwrap();
    cut_power(&disk);
    check(&disk, None, &["one"], LastStop::Clean);
}

#[test]
fn a_snapshot_tells_the_boot_too() {
    let (disk, mut journal) = with(&["one"]);
    journal.start_over(b"one").unwrap();
    disk.crash(Crash::Kill);
    check(&disk, Some("one"), &[], LastStop::Unclean);
    cut_power(&disk);
    check(&disk, Some("one"), &[], LastStop::Rebooted);
}

/// exactly-once, Journal: preallocated, so that a commit does not meet a full disk: the start meets it.
#[test]
fn a_start_without_room_fails_and_a_later_one_does_not() {
    let disk = ModelDisk::new();
    disk.create_folder(Path::new("/state")).unwrap();
    // The lock and the file are created, but there is no room in it.
    disk.fail(2, 1, Fault::Full);
    let error = try_open(&disk).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create a journal in /state: No space left on device (os error 28)"
    );
    check(&disk, None, &[], LastStop::New);
}

/// exactly-once, Faults: after a failed write nothing is answered until a new file is in place.
#[test]
fn a_failed_write_poisons_the_journal_until_it_starts_over() {
    let (disk, mut journal) = with(&["one"]);
    disk.fail(0, 1, Fault::Io);
    let failed = append(&mut journal, &["two"]);
    assert!(matches!(failed, Err(JournalError::Io { .. })), "{failed:?}");
    assert!(matches!(append(&mut journal, &["three"]), Err(JournalError::Poisoned)));
    assert!(matches!(journal.sync(), Err(JournalError::Poisoned)));
    assert!(journal.is_poisoned());
    journal.start_over(b"one, two").unwrap();
    append(&mut journal, &["three"]).unwrap();
    drop(journal);
    check(&disk, Some("one, two"), &["three"], LastStop::Unclean);
}

/// exactly-once, Faults: a failed sync is never repeated and believed.
#[test]
fn a_failed_sync_elsewhere_poisons_the_journal() {
    let (disk, mut journal) = with(&["one"]);
    let syncer = journal.syncer().unwrap();
    disk.fail(0, 1, Fault::Io);
    syncer.sync().unwrap_err();
    assert!(matches!(syncer.sync(), Err(JournalError::Poisoned)));
    assert!(matches!(append(&mut journal, &["two"]), Err(JournalError::Poisoned)));
    assert!(matches!(journal.close(), Err(JournalError::Poisoned)));
}

/// What was written for a sync that failed is readable after a kill, but not on the disk.
#[test]
fn what_a_start_returns_is_durable_whatever_was_not_before() {
    let (disk, mut journal) = with(&["one"]);
    disk.fail(0, 1, Fault::Io);
    journal.sync().unwrap_err();
    disk.crash(Crash::Kill);
    check(&disk, None, &["one"], LastStop::Unclean);
    cut_power(&disk);
    check(&disk, None, &["one"], LastStop::Rebooted);
}

#[test]
fn the_syncer_of_an_older_file_harms_nothing() {
    let (disk, mut journal) = with(&["one"]);
    let old = journal.syncer().unwrap();
    journal.start_over(b"one").unwrap();
    append(&mut journal, &["two"]).unwrap();
    disk.fail(0, 1, Fault::Io);
    old.sync().unwrap_err();
    assert!(!journal.is_poisoned());
    assert!(journal.synced() < append(&mut journal, &[]).unwrap());
}

#[test]
fn a_snapshot_that_finds_no_room_leaves_the_journal_as_it_was() {
    let (disk, mut journal) = with(&["one"]);
    for call in 0..4 {
        disk.fail(call, 1, Fault::Full);
        journal.start_over(b"no room").unwrap_err();
        append(&mut journal, &["more"]).unwrap();
    }
    drop(journal);
    check(&disk, None, &["one", "more", "more", "more", "more"], LastStop::Unclean);
    assert_eq!(disk.list(Path::new("/state")).unwrap(), ["journal.1", "lock"]);
}

#[test]
fn a_snapshot_that_may_count_allows_no_frame_to_the_old_file() {
    let (disk, mut journal) = with(&["one"]);
    let calls = disk.calls();
    journal.start_over(b"one").unwrap();
    // The last of them removes the old file; the ones before sync `/state` and `/`, and before that is the rename.
    let rename = disk.calls() - calls - 4;
    for call in rename..rename + 3 {
        disk.fail(call, 1, Fault::Io);
        journal.start_over(b"may count").unwrap_err();
        assert!(matches!(append(&mut journal, &["lost?"]), Err(JournalError::Poisoned)));
    }
    journal.start_over(b"counts").unwrap();
    append(&mut journal, &["two"]).unwrap();
    drop(journal);
    check(&disk, Some("counts"), &["two"], LastStop::Unclean);
    assert_eq!(disk.list(Path::new("/state")).unwrap().len(), 2, "what may have counted is gone");
}

/// exactly-once, Journal: the old journal goes only when the snapshot and its directory entry are synced.
#[test]
fn the_old_file_is_there_until_the_new_one_is_durable() {
    for after in 0..20 {
        let (disk, mut journal) = with(&["one"]);
        journal.sync().unwrap();
        disk.fail(after, u64::MAX, Fault::Io);
        let over = journal.start_over(b"all");
        disk.fail(0, 0, Fault::Io);
        cut_power(&disk);
        let opened = open(&disk);
        let (snapshot, frames) = (opened.snapshot.as_deref(), opened.frames.len());
        let is_new = snapshot == Some(b"all") && frames == 0;
        let is_old = snapshot.is_none() && frames == 1;
        assert!(is_new || (is_old && over.is_err()), "{after}: {over:?}, {snapshot:?}, {frames}");
    }
}
