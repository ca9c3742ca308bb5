//! What ksink remembers across restarts, and what becomes of its files.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::TcpListener,
    path::Path,
};

use ksink_tests::batch;
use ksink_wire::ErrorCode;
use tempfile::TempDir;

use crate::{
    process::{Ksink, Setup},
    producer::Producer,
};

const FILE: [&str; 2] = ["--output", "out"];

/// The state of `--output out`.
const STATE: &str = ".ksink/out";

const KEPT: ErrorCode = ErrorCode::NONE;

/// Keeps these values in `t`, without numbering them.
fn keep(ksink: &Ksink, values: &[&str]) -> i64 {
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(values));
    let (code, offset) = client.hear_produced();
    assert_eq!(code, KEPT);
    offset
}

fn append(folder: &TempDir, name: &str, text: &str) {
    let file = OpenOptions::new().append(true).open(folder.path().join(name));
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the file");
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).expect("the file")
}

fn exists(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

/// exactly-once, Plain records 2 and Levels: what is acknowledged at `process` survives kill -9, and nothing is
/// answered that a restart would forget.
#[test]
fn what_was_acknowledged_survives_kill_9_and_a_copy_of_it_is_recognised() {
    let ksink = Setup::new(&FILE).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["a", "b"]), (KEPT, 0));
    assert_eq!(producer.produce("t", &["c"]), (KEPT, 2));
    let folder = ksink.kill();

    let ksink = Setup::again(folder, &FILE).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce_again(), (KEPT, 2), "its first offset, and not kept again");
    assert_eq!(producer.produce("t", &["d"]), (KEPT, 3), "numbers and offsets go on");
    let ended = ksink.stop();
    ended.assert_code(0);
    assert_eq!(ended.read("out"), "a\nb\nc\nd\n");
}

/// exactly-once, Levels: `power` takes its syncs, and keeps the same.
#[test]
fn a_server_that_survives_the_loss_of_power_keeps_what_it_acknowledged() {
    let flags = ["--output", "{topic}.txt", "--durability", "power"];
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["a"]), (KEPT, 0));
    let folder = ksink.kill();
    let ksink = Setup::again(folder, &flags).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce_again(), (KEPT, 0));
    assert_eq!(ksink.stop().read("t.txt"), "a\n");
}

/// exactly-once, Start and stop: after an unclean stop what lies beyond the framed position of the same file is cut.
#[test]
fn after_kill_9_the_tail_that_was_not_acknowledged_is_cut() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let folder = ksink.kill();
    append(&folder, "out", "torn");
    let ksink = Setup::again(folder, &FILE).listen();
    keep(&ksink, &["new"]);
    assert_eq!(ksink.stop().read("out"), "kept\nnew\n");
}

/// exactly-once, Start and stop: after a clean stop nothing is cut.
#[test]
fn after_a_clean_stop_what_others_appended_stays() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let folder = ksink.stop().folder;
    append(&folder, "out", "of others\n");
    let ksink = Setup::again(folder, &FILE).listen();
    keep(&ksink, &["new"]);
    assert_eq!(ksink.stop().read("out"), "kept\nof others\nnew\n");
}

/// exactly-once, Start and stop: after a clean stop nothing is cut, also if a start came to nothing meanwhile.
#[test]
fn a_start_that_cannot_listen_leaves_a_clean_stop_clean() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let folder = ksink.stop().folder;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address").to_string();
    let ended = Setup::again(folder, &[&FILE[..], &["--addr", &addr]].concat()).run();
    ended.assert_refused(1, &["failed to listen on "]);
    append(&ended.folder, "out", "of others\n");
    let ksink = Setup::again(ended.folder, &FILE).listen();
    assert_eq!(ksink.stop().read("out"), "kept\nof others\n");
}

/// exactly-once, Start and stop: a file that someone replaced is taken as it is.
#[test]
fn a_file_that_took_the_place_of_ours_is_appended_to_and_never_cut() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let folder = ksink.kill();
    fs::rename(folder.path().join("out"), folder.path().join("moved")).expect("our file");
    fs::write(folder.path().join("out"), "of others, and longer than ours\n").expect("a file");
    let ksink = Setup::again(folder, &FILE).listen();
    keep(&ksink, &["new"]);
    let ended = ksink.stop();
    ended.assert_code(0);
    assert_eq!(ended.read("moved"), "kept\n");
    assert_eq!(ended.read("out"), "of others, and longer than ours\nnew\n");
}

/// exactly-once, Where the state lies: in the longest literal folder of the pattern, so that both can be moved.
#[test]
fn a_folder_can_be_moved_with_its_state() {
    let ksink = Setup::new(&["--output", "made/{topic}.txt"]).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["a"]), (KEPT, 0));
    let folder = ksink.kill();
    fs::rename(folder.path().join("made"), folder.path().join("moved")).expect("the folder");
    let ksink = Setup::again(folder, &["--output", "moved/{topic}.txt"]).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce_again(), (KEPT, 0));
    assert_eq!(ksink.stop().read("moved/t.txt"), "a\n");
}

/// exactly-once, Where the state lies: existing content without state is kept and appended to.
#[test]
fn a_first_start_keeps_what_a_file_holds() {
    let ksink = Setup::new(&FILE).file("out", "old").listen();
    keep(&ksink, &["new"]);
    let folder = ksink.kill();
    assert_eq!(read(&folder, "out"), "oldnew\n");
    assert!(exists(folder.path(), STATE));
}

/// exactly-once, Where the state lies: held by another ksink is 69 at start.
#[test]
fn a_state_in_use_is_unavailable() {
    let pattern = ["--output", "{topic}"];
    let ksink = Setup::new(&pattern).listen();
    let output = ksink.file("{topic}").display().to_string();
    let second = Setup::new(&["--output", &output]).run();
    second.assert_refused(69, &["the state in ", "is used by another ksink"]);
    keep(&ksink, &["kept"]);
    assert_eq!(ksink.stop().read("t"), "kept\n");
}

/// exactly-once, Where the state lies: each open output is locked too.
#[test]
fn an_output_in_use_is_unavailable_whatever_the_state() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let output = ksink.file("out").display().to_string();
    let second = Setup::new(&["--output", &output, "--state-dir", "elsewhere"]).run();
    second.assert_refused(69, &["failed to open output file", "locked"]);
}

/// exactly-once, Journal: a changed pattern or format is 78 with the reason.
#[test]
fn a_state_is_not_opened_for_another_output_or_format() {
    let ksink = Setup::new(&[&FILE[..], &["--state-dir", "state"]].concat()).listen();
    keep(&ksink, &["kept"]);
    let mut folder = ksink.stop().folder;
    let mut refused = |flags: &[&str], says: &[&str]| {
        let taken = std::mem::replace(&mut folder, tempfile::tempdir().expect("a folder"));
        let ended = Setup::again(taken, &[flags, &["--state-dir", "state"]].concat()).run();
        ended.assert_refused(78, says);
        folder = ended.folder;
    };
    refused(&["--output", "other"], &["the state was made for the output `", "/out`", "/other`"]);
    refused(
        &["--output", "out", "--output-format", "jsonl"],
        &["the state was made for the output format `binary`, and not for `jsonl`"],
    );
    refused(&["check", "--output", "other"], &["the state was made for the output `"]);
    refused(
        &["--output", "out", "--no-separator"],
        &["the state was made for the output format `binary`, and not for `binary separated by"],
    );
}

/// exactly-once, Journal: a newer version is 78 with the reason.
#[test]
fn a_state_of_a_newer_ksink_is_refused() {
    let ksink = Setup::new(&FILE).listen();
    keep(&ksink, &["kept"]);
    let folder = ksink.stop().folder;
    let path = folder.path().join(STATE).join("journal.1");
    let mut journal = fs::read(&path).expect("the journal");
    journal[8..12].copy_from_slice(&77_u32.to_be_bytes());
    let crc = crc32c::crc32c(&journal[..12]);
    journal[12..16].copy_from_slice(&crc.to_be_bytes());
    fs::write(&path, journal).expect("the journal");
    let ended = Setup::again(folder, &FILE).run();
    ended.assert_refused(78, &["version 77", "start the newer ksink"]);
    assert_eq!(ended.read("out"), "kept\n");
}

/// exactly-once, Faults: a journal that is unwritable at start is 78.
#[test]
fn a_state_that_cannot_be_made_is_a_bad_configuration() {
    let flags = [&FILE[..], &["--state-dir", "taken/state"]].concat();
    let ended = Setup::new(&flags).file("taken", "").run();
    ended.assert_refused(78, &["taken/state", "Not a directory"]);
}

/// exactly-once, Where the state lies: `--state-dir none` keeps everything in memory.
#[test]
fn without_a_state_nothing_is_left_beside_the_file_and_nothing_is_remembered() {
    let flags = [&FILE[..], &["--state-dir", "none"]].concat();
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["a"]), (KEPT, 0));
    assert_eq!(producer.produce_again(), (KEPT, 0), "while the process lives");
    let folder = ksink.kill();
    assert!(!exists(folder.path(), ".ksink"));
    let ksink = Setup::again(folder, &flags).listen();
    assert_eq!(keep(&ksink, &["b"]), 0, "offsets begin again");
    assert_eq!(ksink.stop().read("out"), "a\nb\n");
}

/// exactly-once, Where the state lies: output that is not a regular file has no state unless it is named.
#[test]
fn stdout_has_a_state_where_one_is_named() {
    let ksink = Setup::new(&[]).listen();
    assert_eq!(keep(&ksink, &["a"]), 0);
    let folder = ksink.kill();
    assert!(!exists(folder.path(), ".ksink"));

    let flags = ["--state-dir", "state"];
    let ksink = Setup::again(folder, &flags).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["b"]), (KEPT, 0));
    let ksink = Setup::again(ksink.kill(), &flags).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce_again(), (KEPT, 0));
    assert_eq!(keep(&ksink, &["c"]), 1);
    assert_eq!(ksink.stop().stdout_text(), "c\n", "what came before was read before");
}

/// exactly-once, Where the state lies: nothing but `.ksink/` is put beside the files that the pattern names.
#[test]
fn the_state_is_the_only_thing_beside_the_files() {
    let ksink = Setup::new(&["--output", "made/{topic}.txt"]).listen();
    keep(&ksink, &["a"]);
    let folder = ksink.stop().folder;
    let mut names: Vec<_> = fs::read_dir(folder.path().join("made"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".ksink", "t.txt"]);
}

/// exactly-once, Levels: `none` promises nothing, and after a kill goes on with a warning.
#[test]
fn a_server_that_promises_nothing_starts_again_and_says_so() {
    let flags = [&FILE[..], &["--durability", "none"]].concat();
    let ksink = Setup::new(&flags).listen();
    keep(&ksink, &["a"]);
    let ksink = Setup::again(ksink.kill(), &flags).listen();
    keep(&ksink, &["b"]);
    let ended = ksink.stop();
    ended.assert_code(0);
    assert!(ended.read("out").ends_with("b\n"));
}
