use std::{
    fs::{self, File},
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, PermissionsExt, symlink},
    },
    process::Command,
};

use rustix::{
    fs::{CWD, FileType, MemfdFlags, Mode, SealFlags, fcntl_add_seals, memfd_create, mknodat},
    process::{Resource, Rlimit, setrlimit},
};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::testing::{is_local, remembered, values};

mod locks;
mod power;
mod reports;

/// A sink for a pattern within a folder of its own, in the binary format.
fn sink_in(folder: &TempDir, pattern: &str) -> FileSink {
    open(folder.path().join(pattern)).unwrap()
}

fn open(path: impl AsRef<std::ffi::OsStr>) -> Result<FileSink, OpenError> {
    FileSink::open(PathPattern::new(path), Format::default(), FileOptions::default())
}

/// Writes one set, whatever becomes of it.
async fn write(sink: &mut FileSink, topic: &str, lines: &[&str]) -> OutputId {
    sink.write(&values(topic, lines), &remembered()).await.expect("files refuse no set for itself")
}

/// Ends a group that went well.
#[track_caller]
fn kept(flushed: Flushed) -> Vec<Position> {
    assert!(flushed.failed.is_empty(), "{:?}", flushed.failed);
    flushed.positions
}

/// Ends a group in which one output failed.
#[track_caller]
fn failed(flushed: Flushed) -> Failure {
    let [failure] = flushed.failed.try_into().expect("one output failed");
    assert!(flushed.positions.is_empty(), "{:?}", flushed.positions);
    failure
}

#[track_caller]
fn check_content(folder: &TempDir, name: &str, expected: &str) {
    assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), expected, "{name}");
}

fn bytes_of(position: &Position) -> &[u8] {
    position.bytes.as_deref().expect("a file stands somewhere")
}

fn length_of(position: &Position) -> u64 {
    u64::from_be_bytes(bytes_of(position)[25..].try_into().unwrap())
}

#[tokio::test]
async fn what_a_file_holds_already_is_kept() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("out"), "old\n").unwrap();
    let mut sink = sink_in(&folder, "out");
    write(&mut sink, "t", &["new"]).await;
    kept(sink.flush().await);
    check_content(&folder, "out", "old\nnew\n");
}

#[tokio::test]
async fn nothing_is_in_the_file_until_the_flush() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "out");
    for line in ["a", "b"] {
        write(&mut sink, "t", &[line]).await;
    }
    check_content(&folder, "out", "");
    kept(sink.flush().await);
    check_content(&folder, "out", "a\nb\n");
}

#[tokio::test]
async fn a_set_larger_than_the_buffer_arrives_whole() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "out");
    let lines: Vec<String> = (0..1000).map(|n| format!("{n:01000}")).collect();
    write(&mut sink, "t", &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    write(&mut sink, "t", &["last"]).await;
    kept(sink.flush().await);
    check_content(&folder, "out", &format!("{}\nlast\n", lines.join("\n")));
}

#[tokio::test]
async fn files_and_folders_are_for_their_owner_alone() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "a/b/out");
    write(&mut sink, "t", &["x"]).await;
    for (name, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/out", 0o600)] {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}

#[tokio::test]
async fn each_topic_has_a_file_of_its_own() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "new/{topic}/{topic}.log");
    assert!(folder.path().join("new").is_dir());
    for topic in ["a", ".b", "a"] {
        write(&mut sink, topic, &[topic]).await;
    }
    kept(sink.flush().await);
    check_content(&folder, "new/a/a.log", "a\na\n");
    check_content(&folder, "new/%2Eb/%2Eb.log", ".b\n");
}

#[tokio::test]
async fn a_position_is_the_files_identity_and_the_end_of_our_append() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, "old\n").unwrap();
    let mut sink = sink_in(&folder, "out");
    write(&mut sink, "t", &["a"]).await;
    let [first] = kept(sink.flush().await).try_into().unwrap();
    write(&mut sink, "t", &["b"]).await;
    write(&mut sink, "t", &["c"]).await;
    let [second] = kept(sink.flush().await).try_into().unwrap();

    assert_eq!(&*first.output, "out", "wherever the folder is");
    assert_eq!((length_of(&first), length_of(&second)), (6, 10));
    assert_eq!(bytes_of(&first)[..25], bytes_of(&second)[..25]);
    assert_eq!((bytes_of(&first).len(), bytes_of(&first)[0]), (33, 1));
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(bytes_of(&first)[1..9], metadata.dev().to_be_bytes());
    assert_eq!(bytes_of(&first)[9..17], metadata.ino().to_be_bytes());
}

#[tokio::test]
async fn a_flush_tells_only_what_was_written_since_the_last_one() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    for topic in ["a", "b"] {
        write(&mut sink, topic, &["x"]).await;
    }
    assert_eq!(kept(sink.flush().await).len(), 2);
    write(&mut sink, "b", &["x"]).await;
    let [position] = kept(sink.flush().await).try_into().unwrap();
    assert!(&*position.output == "b");
    assert!(kept(sink.flush().await).is_empty());
}

#[tokio::test]
async fn a_file_that_somebody_shortened_gets_no_hole() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "out");
    write(&mut sink, "t", &["long line"]).await;
    kept(sink.flush().await);
    File::create(folder.path().join("out")).unwrap();
    write(&mut sink, "t", &["a"]).await;
    let [position] = kept(sink.flush().await).try_into().unwrap();
    check_content(&folder, "out", "a\n");
    assert_eq!(length_of(&position), 2);
}

#[tokio::test]
async fn no_more_files_are_open_than_may_be() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 2;
    for round in ["1", "2"] {
        for topic in ["a", "b", "c", "a", "d"] {
            write(&mut sink, topic, &[round]).await;
            assert!(sink.open.len() <= 2);
        }
        kept(sink.flush().await);
    }
    check_content(&folder, "a", "1\n1\n2\n2\n");
    for topic in ["b", "c", "d"] {
        check_content(&folder, topic, "1\n2\n");
    }
}

#[tokio::test]
async fn the_file_that_was_not_used_for_longest_is_closed() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 2;
    for topic in ["a", "b", "a", "c"] {
        write(&mut sink, topic, &["x"]).await;
    }
    let mut open: Vec<_> = sink.open.keys().map(|topic| topic.to_string()).collect();
    open.sort();
    assert_eq!(open, ["a", "c"]);
}

#[tokio::test]
async fn a_file_closed_within_a_group_still_tells_its_position() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 1;
    for topic in ["a", "b", "a"] {
        write(&mut sink, topic, &["x"]).await;
    }
    let positions = kept(sink.flush().await);
    let of_a = positions.iter().filter(|position| &*position.output == "a");
    assert_eq!(of_a.map(length_of).collect::<Vec<_>>(), [2, 4], "in the order of the writes");
    assert_eq!(positions.len(), 3);
}

#[test]
fn what_cannot_be_opened_is_found_at_start() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (pattern, path, cause) in [
        ("", "", "Is a directory"),
        ("file/out", "file/out", "Not a directory"),
        ("file/{topic}", "file", "not a directory"),
        ("file/x/{topic}", "file/x", "Not a directory"),
    ] {
        let error = open(folder.path().join(pattern)).map(|_| ()).unwrap_err();
        assert_eq!(error.path, folder.path().join(path));
        let said = error.to_string();
        assert!(said.starts_with("failed to open output file ") && said.contains(cause), "{said}");
    }
}

#[tokio::test]
async fn a_full_device_refuses_and_may_recover() {
    let mut sink = open("/dev/full").unwrap();
    for _ in 0..2 {
        let id = write(&mut sink, "t", &["x"]).await;
        let failure = failed(sink.flush().await);
        assert_eq!((failure.output, failure.gone), (id, false));
        assert!(is_local(&failure.refusal), "{}", failure.refusal);
        assert!(failure.refusal.reason().starts_with("cannot write to /dev/full: "));
    }
}

#[tokio::test]
async fn a_device_takes_records_and_has_no_position() {
    let mut sink = open("/dev/null").unwrap();
    write(&mut sink, "t", &["x"]).await;
    assert!(kept(sink.flush().await).is_empty());
}

#[tokio::test]
async fn a_producer_cannot_name_a_link_or_a_pipe() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("secret"), "old\n").unwrap();
    symlink("secret", folder.path().join("link")).unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _reader = File::options().read(true).write(true).open(&pipe).unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    for topic in ["link", "pipe"] {
        write(&mut sink, topic, &["x"]).await;
        let failure = failed(sink.flush().await);
        assert!(is_local(&failure.refusal), "{}", failure.refusal);
    }
    check_content(&folder, "secret", "old\n");
    write(&mut sink, "other", &["x"]).await;
    kept(sink.flush().await);
}

#[tokio::test]
async fn the_operator_may_name_a_link() {
    let folder = tempdir().unwrap();
    symlink("target", folder.path().join("link")).unwrap();
    let mut sink = sink_in(&folder, "link");
    write(&mut sink, "t", &["x"]).await;
    kept(sink.flush().await);
    check_content(&folder, "target", "x\n");
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_for_good() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "prefix-{topic}");
    write(&mut sink, &"t".repeat(249), &["x"]).await;
    let failure = failed(sink.flush().await);
    assert!(matches!(failure.refusal, Refusal::Rejected { .. }), "{}", failure.refusal);
}

#[tokio::test]
async fn a_file_that_could_not_be_opened_takes_nothing_until_the_next_group() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    let in_the_way = folder.path().join("t");
    fs::create_dir(&in_the_way).unwrap();
    let first = write(&mut sink, "t", &["1"]).await;
    fs::remove_dir(&in_the_way).unwrap();
    let second = write(&mut sink, "t", &["2"]).await;
    assert_eq!(first, second, "or the second would land without the first");
    assert_eq!(failed(sink.flush().await).output, first);
    write(&mut sink, "t", &["3"]).await;
    kept(sink.flush().await);
    check_content(&folder, "t", "3\n");
}

/// A regular file that lives in memory, and which can be sealed against growing and shrinking: the kernel
/// then refuses to write to it and to cut it.
fn sealable() -> (File, String) {
    let memory = memfd_create("output", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    (memory.into(), path)
}

/// More than goes into one `write(2)`.
fn large() -> String {
    "x".repeat(300 << 10)
}

#[tokio::test]
async fn what_a_failed_group_wrote_is_cut_back() {
    let (memory, path) = sealable();
    let mut sink = open(&path).unwrap();
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    let id = write(&mut sink, "t", &[&large()]).await;
    assert!(memory.metadata().unwrap().len() > 5, "the first part is there already");
    fcntl_add_seals(&memory, SealFlags::GROW).unwrap();
    write(&mut sink, "t", &[&large()]).await;
    let failure = failed(sink.flush().await);
    assert_eq!((failure.output, failure.gone), (id, false));
    assert!(is_local(&failure.refusal), "{}", failure.refusal);
    assert_eq!(fs::read(&path).unwrap(), b"good\n");
}

#[tokio::test]
async fn a_file_that_somebody_shortened_is_not_filled_up_by_a_cut() {
    let (memory, path) = sealable();
    let mut sink = open(&path).unwrap();
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    write(&mut sink, "t", &[&large()]).await;
    memory.set_len(0).unwrap();
    fcntl_add_seals(&memory, SealFlags::GROW).unwrap();
    write(&mut sink, "t", &[&large()]).await;
    let failure = failed(sink.flush().await);
    assert!(!failure.refusal.reason().contains("cannot cut"), "{}", failure.refusal);
    assert_eq!(memory.metadata().unwrap().len(), 0);
}

#[tokio::test]
async fn what_nobody_was_told_to_be_kept_does_not_outlive_the_sink() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "out");
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    write(&mut sink, "t", &[&"x".repeat(300 << 10)]).await;
    assert!(fs::metadata(folder.path().join("out")).unwrap().len() > 5, "a part is there already");
    drop(sink);
    check_content(&folder, "out", "good\n");
}

#[tokio::test]
async fn nothing_is_appended_behind_what_could_not_be_cut() {
    let (memory, path) = sealable();
    let mut sink = open(&path).unwrap();
    write(&mut sink, "t", &[&large()]).await;
    let written = memory.metadata().unwrap().len();
    assert!(written > 0);
    fcntl_add_seals(&memory, SealFlags::GROW | SealFlags::SHRINK).unwrap();
    for group in 0..3 {
        write(&mut sink, "t", &[&large()]).await;
        let failure = failed(sink.flush().await);
        assert!(is_local(&failure.refusal), "{}", failure.refusal);
        assert!(failure.refusal.reason().contains("cannot cut "), "group {group}: {failure:?}");
    }
    assert_eq!(memory.metadata().unwrap().len(), written);
}

/// The largest file that a process may write while its disk is "full".
const FULL_AT: u64 = 500_000;

/// Limits how large a file this process may write, or lifts that limit.
fn limit_files(bytes: Option<u64>) {
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

/// Fills the buffer twice, and half of it once more, with 600 kB in all.
async fn write_more_than_fits(sink: &mut FileSink) {
    for _ in 0..6 {
        write(sink, "t", &[&"x".repeat(100_000)]).await;
    }
}

/// Runs an ignored test in a process of its own: the limit holds for a whole process, and the signal that
/// comes with it has to be ignored from the start.
#[track_caller]
fn check_in_own_process(test: &str) {
    let script = r#"trap '' XFSZ; exec "$0" --exact "$1" --ignored"#;
    let program = std::env::current_exe().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(program).arg(format!("file::tests::{test}"));
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_full_disk_keeps_what_was_acknowledged_and_takes_more_once_there_is_room() {
    check_in_own_process("on_a_full_disk");
}

#[ignore = "needs a process of its own; the test above starts it"]
#[tokio::test]
async fn on_a_full_disk() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "out");
    limit_files(Some(FULL_AT));
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    for _ in 0..3 {
        write_more_than_fits(&mut sink).await;
        let failure = failed(sink.flush().await);
        assert!(is_local(&failure.refusal), "{}", failure.refusal);
        check_content(&folder, "out", "good\n");
    }
    limit_files(None);
    write(&mut sink, "t", &["more"]).await;
    let [position] = kept(sink.flush().await).try_into().unwrap();
    check_content(&folder, "out", "good\nmore\n");
    assert_eq!(length_of(&position), 10);
}

#[test]
fn room_on_the_disk_does_not_help_while_the_file_cannot_be_cut() {
    check_in_own_process("on_a_full_disk_with_a_file_that_cannot_be_cut");
}

#[ignore = "needs a process of its own; the test above starts it"]
#[tokio::test]
async fn on_a_full_disk_with_a_file_that_cannot_be_cut() {
    let (memory, path) = sealable();
    fcntl_add_seals(&memory, SealFlags::SHRINK).unwrap();
    let mut sink = open(&path).unwrap();
    limit_files(Some(FULL_AT));
    write_more_than_fits(&mut sink).await;
    failed(sink.flush().await);
    limit_files(None);
    write(&mut sink, "t", &["more"]).await;
    let failure = failed(sink.flush().await);
    assert!(is_local(&failure.refusal), "{}", failure.refusal);
    assert_eq!(memory.metadata().unwrap().len(), FULL_AT, "nothing was appended to half a record");
}
