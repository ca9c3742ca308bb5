use std::{path::PathBuf, sync::Arc};

use ksink_disk::{Crash, Disk, Existing, ModelDisk, NamedBy, Open, append_all, read_to_end};

use super::*;
use crate::{
    FileOptions, Format, PathPattern, Sink,
    testing::{remembered, values},
};

fn path() -> PathBuf {
    PathBuf::from("/out/t")
}

fn sink(disk: &ModelDisk, durability: Durability) -> FileSink {
    let options = FileOptions { durability, ..Default::default() };
    let pattern = PathPattern::new("/out/{topic}");
    FileSink::open_on(Arc::new(disk.clone()), pattern, Format::default(), options).unwrap()
}

/// A disk with a file to which `one` and `two` were written and accepted, and where the file stood then.
async fn after_two_lines() -> (ModelDisk, Position) {
    let disk = ModelDisk::new();
    let mut sink = sink(&disk, Durability::Process);
    sink.write(&values("t", &["one", "two"]), &remembered()).await.unwrap();
    let [position] = sink.flush().await.positions.try_into().unwrap();
    (disk, position)
}

fn append(disk: &ModelDisk, bytes: &str) {
    let mut file = disk.open(&path(), Open::Append(NamedBy::Operator)).unwrap();
    append_all(&mut *file, bytes.as_bytes()).unwrap();
}

fn shorten(disk: &ModelDisk, length: u64) {
    disk.open(&path(), Open::ReadWrite { create: false }).unwrap().set_len(length).unwrap();
}

fn content(disk: &ModelDisk) -> Option<String> {
    let file = disk.open(&path(), Open::Read).ok()?;
    Some(String::from_utf8(read_to_end(&*file, 0).unwrap()).unwrap())
}

/// Starts with one position, and returns what the server is to remember instead: its length, or that there is
/// nothing; `None` if it is to remember the same.
async fn recover(
    disk: &ModelDisk,
    durability: Durability,
    last_stop: LastStop,
    position: &Position,
) -> Option<Option<FilePosition>> {
    let held = Held { last_stop, positions: vec![position.clone()], ..Held::default() };
    let resumed = sink(disk, durability).recover(&held).await.expect("nothing stops the start");
    let changed = resumed.positions.first()?;
    assert_eq!(changed.output, position.output);
    Some(changed.bytes.as_deref().and_then(FilePosition::parse))
}

fn length(position: Option<Option<FilePosition>>) -> Option<u64> {
    position.flatten().and_then(Found::at).map(|found| found.length)
}

/// exactly-once, Start and stop: after an unclean stop cut what lies beyond the framed position of the same file;
/// after a clean one cut nothing.
#[tokio::test]
async fn what_lies_beyond_a_position_is_cut_unless_the_stop_was_clean() {
    for (last_stop, left, length_told) in [
        (LastStop::Clean, "one\ntwo\nthr", Some(11)),
        (LastStop::Unclean, "one\ntwo\n", None),
        (LastStop::Rebooted, "one\ntwo\n", None),
    ] {
        let (disk, position) = after_two_lines().await;
        append(&disk, "thr");
        let told = recover(&disk, Durability::Process, last_stop, &position).await;
        assert_eq!(
            (content(&disk).as_deref(), length(told)),
            (Some(left), length_told),
            "{last_stop:?}"
        );
    }
}

/// exactly-once, Start and stop: only of the same file.
#[tokio::test]
async fn nothing_of_another_file_is_cut() {
    let (disk, position) = after_two_lines().await;
    disk.rename(&path(), "/out/moved".as_ref(), Existing::Refuse).unwrap();
    append(&disk, "somebody else's, and longer");
    let told = recover(&disk, Durability::Process, LastStop::Unclean, &position).await;
    assert_eq!(content(&disk).as_deref(), Some("somebody else's, and longer"));
    assert_eq!(length(told), Some(27));
}

/// exactly-once, Start and stop: a file that someone removed is taken as it is, and nothing stops the start.
#[tokio::test]
async fn a_file_that_is_gone_is_forgotten() {
    for last_stop in [LastStop::Clean, LastStop::Unclean, LastStop::Rebooted] {
        let (disk, position) = after_two_lines().await;
        disk.remove(&path()).unwrap();
        let told = recover(&disk, Durability::Power, last_stop, &position).await;
        assert_eq!(told, Some(None));
    }
    let (disk, position) = after_two_lines().await;
    disk.remove(&path()).unwrap();
    disk.create_folder(&path()).unwrap();
    let told = recover(&disk, Durability::Process, LastStop::Unclean, &position).await;
    assert_eq!(told, Some(None), "a folder is no file");
}

/// exactly-once, Start and stop: after a reboot at process and none, and after an unclean stop at none, a file shorter
/// than its position is taken as it is, and what follows its last separator is cut.
#[tokio::test]
async fn of_a_shortened_file_half_a_record_is_cut_where_power_may_have_taken_the_rest() {
    use Durability::{None, Power, Process};
    for (durability, last_stop, left) in [
        (Process, LastStop::Rebooted, "one\n"),
        (None, LastStop::Rebooted, "one\n"),
        (None, LastStop::Unclean, "one\n"),
        (Power, LastStop::Rebooted, "one\ntw"),
        (Process, LastStop::Unclean, "one\ntw"),
        (Process, LastStop::Clean, "one\ntw"),
    ] {
        let (disk, position) = after_two_lines().await;
        shorten(&disk, 6);
        let told = recover(&disk, durability, last_stop, &position).await;
        assert_eq!(content(&disk).as_deref(), Some(left), "{durability:?} {last_stop:?}");
        assert_eq!(length(told), Some(left.len() as u64));
    }
}

/// exactly-once, Plain records 3: after a crash an empty file under a name framed as absent is ours; one with bytes is
/// foreign.
#[tokio::test]
async fn a_name_that_was_remembered_as_absent_is_looked_at() {
    let absent = Position::at("t", FilePosition::Absent.to_bytes());
    for (bytes, length_told) in [(None, None), (Some(""), Some(0)), (Some("foreign"), Some(7))] {
        let disk = ModelDisk::new();
        disk.create_folder("/out".as_ref()).unwrap();
        bytes.into_iter().for_each(|bytes| append(&disk, bytes));
        let told = recover(&disk, Durability::Process, LastStop::Unclean, &absent).await;
        assert_eq!((content(&disk).as_deref(), length(told)), (bytes, length_told));
    }
}

/// exactly-once, Plain records 3: identity is inode and birth time, and the device within one boot.
#[tokio::test]
async fn a_device_has_another_number_after_a_reboot() {
    let (disk, position) = after_two_lines().await;
    disk.open(&path(), Open::Read).unwrap().sync_all().unwrap();
    for folder in ["/out", "/"] {
        disk.sync_folder(folder.as_ref()).unwrap();
    }
    disk.crash(Crash::PowerCut { seed: 1 });
    append(&disk, "thr");
    let told = recover(&disk, Durability::Power, LastStop::Rebooted, &position).await;
    assert_eq!(content(&disk).as_deref(), Some("one\ntwo\n"), "it is the same file");
    assert_eq!(length(told), Some(8), "with the device's new number");
    append(&disk, "thr");
    let told = recover(&disk, Durability::Power, LastStop::Unclean, &position).await;
    assert_eq!((content(&disk).as_deref(), length(told)), (Some("one\ntwo\nthr"), Some(11)));
}

#[tokio::test]
async fn positions_of_other_kinds_are_passed_over() {
    let (disk, _) = after_two_lines().await;
    for bytes in [&[16_u8][..], &[32, 1, 2]] {
        let position = Position::at("t", bytes.to_vec());
        assert_eq!(recover(&disk, Durability::Process, LastStop::Unclean, &position).await, None);
    }
}

/// The one file of an operator is open and locked already when it is recovered.
#[tokio::test]
async fn a_file_with_a_fixed_name_is_recovered_too() {
    let (disk, position) = after_two_lines().await;
    append(&disk, "thr");
    let pattern = PathPattern::new("/out/t");
    let options = FileOptions::default();
    let mut sink =
        FileSink::open_on(Arc::new(disk.clone()), pattern, Format::default(), options).unwrap();
    let held = Held { last_stop: LastStop::Unclean, positions: vec![position], ..Held::default() };
    assert!(sink.recover(&held).await.unwrap().positions.is_empty());
    assert_eq!(content(&disk).as_deref(), Some("one\ntwo\n"));
}

#[track_caller]
fn check_last_end(content: &[u8], separator: &[u8], end: Option<u64>) {
    let disk = ModelDisk::new();
    let mut file = disk.open("/file".as_ref(), Open::CreateNew).unwrap();
    append_all(&mut *file, content).unwrap();
    let length = content.len() as u64;
    assert_eq!(last_end(&*file, length, separator).unwrap(), end);
}

#[test]
fn the_last_separator_is_found_wherever_it_is() {
    check_last_end(b"one\ntw", b"\n", Some(4));
    check_last_end(b"one\n", b"\n", Some(4));
    check_last_end(b"one", b"\n", None);
    check_last_end(b"", b"\n", None);
    check_last_end(b"one\r\ntwo\r", b"\r\n", Some(5));
    for at in [STEP_BYTES - 2, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 2 * STEP_BYTES] {
        let mut content = vec![b'x'; 3 * STEP_BYTES + 17];
        content[at..at + 3].copy_from_slice(b"\r\n;");
        check_last_end(&content, b"\r\n;", Some(at as u64 + 3));
    }
}
