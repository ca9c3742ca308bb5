//! `ksink recover`: what a state holds, and how to go on where a start stopped.

use std::{fs, path::Path};

use ksink_server::{Durability, Event, Server, ServerConfig, StateConfig};
use ksink_sinks::{
    Format, Sink, TransactionPattern, TransactionalFiles, TransactionalOptions, TransactionalSink,
};
use ksink_wire::ErrorCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    process::{Ended, Setup},
    producer::Producer,
};

const KEPT: ErrorCode = ErrorCode::NONE;

const FILES: [&str; 3] = ["--transactional", "--output", "m-{txnID}.txt"];

const STATE_OF_FILES: &str = ".ksink/m-%7BtxnID%7D.txt";

fn recover(folder: TempDir, flags: &[&str]) -> Ended {
    Setup::again(folder, &[&["recover"], flags].concat()).run()
}

/// What a state holds with two batches of a producer, and an open transaction of `x`.
fn filled() -> TempDir {
    let ksink = Setup::new(&["--output", "out"]).listen();
    let mut plain = Producer::idempotent(&ksink);
    assert_eq!(plain.produce("t", &["a", "b"]), (KEPT, 0));
    assert_eq!(plain.produce("t", &["c"]), (KEPT, 2));
    let mut producer = Producer::transactional(&ksink, "x\u{1b}y");
    assert_eq!(producer.produce("u", &["d"]), (KEPT, 0));
    ksink.kill()
}

#[test]
fn a_state_is_shown_to_people() {
    let ended = recover(filled(), &["--output", "out"]);
    ended.assert_code(0);
    assert_eq!(ended.stderr, "");
    let text = ended.stdout_text();
    // The columns are as wide as what is in them.
    let line = |words: &[&str]| {
        let words: Vec<_> = words.iter().flat_map(|words| words.split_whitespace()).collect();
        let is_it = |line: &str| line.split_whitespace().collect::<Vec<_>>() == words;
        assert!(text.lines().any(is_it), "{words:?} is missing:\n{text}");
    };
    line(&["last stop not clean: the next start cuts what was not acknowledged"]);
    line(&["output out"]);
    line(&["output format binary"]);
    line(&["t 0 3"]);
    line(&["u 0 1"]);
    line(&["out 6 bytes are acknowledged"]);
    let open = text.lines().find(|line| line.contains(" open ")).expect("a transaction");
    assert!(open.starts_with(r#""x\u{1b}y" "#) && open.ends_with(" u/0"), "{open}");
    assert!(text.contains("1 records in "), "{text}");
}

#[test]
fn a_state_is_shown_to_programs() {
    let ended = recover(filled(), &["--state-dir", ".ksink/out", "--json"]);
    ended.assert_code(0);
    let it: Value = serde_json::from_str(ended.stdout_text()).expect("JSON");
    assert_eq!((&it["last_stop"], &it["damage"]), (&json!("unclean"), &Value::Null));
    let offset =
        |topic, next| json!({"topic": topic, "partition": 0, "next_offset": next, "exists": true});
    assert_eq!(it["offsets"], json!([offset("t", 3), offset("u", 1)]));
    assert_eq!(it["producers"][0]["last_sequence"], 2);
    let transaction = &it["transactions"][0];
    assert_eq!(transaction["stage"], "open");
    assert_eq!(transaction["partitions"], json!([["u", 0]]));
    let out = json!({"name": "out", "kind": "file", "bytes": 6});
    assert!(it["outputs"].as_array().expect("outputs").contains(&out), "{}", it["outputs"]);
}

#[test]
fn looking_changes_nothing() {
    let folder = filled();
    let journal = folder.path().join(".ksink/out/journal.1");
    let before = fs::read(&journal).expect("the journal");
    let ended = recover(folder, &["--output", "out"]);
    assert_eq!(fs::read(ended.folder.path().join(".ksink/out/journal.1")).ok(), Some(before));
    assert_eq!(ended.read("out"), "a\nb\nc\n");
}

/// exactly-once, Where the state lies: one ksink a state.
#[test]
fn a_state_that_is_in_use_is_not_looked_at() {
    let ksink = Setup::new(&["--output", "out"]).listen();
    let output = ksink.file("out").display().to_string();
    let ended = Setup::new(&["recover", "--output", &output]).run();
    ended.assert_refused(69, &["is used by another ksink"]);
}

#[test]
fn where_there_is_no_state_nothing_is_shown_or_made() {
    let ended = Setup::new(&["recover", "--output", "out"]).run();
    ended.assert_refused(78, &["there is no state in ", "/.ksink/out"]);
    assert!(!ended.folder.path().join(".ksink").exists());
    Setup::new(&["recover"]).run().assert_refused(2, &["recover needs --state-dir or --output"]);
    let ended = Setup::new(&["recover", "--output", "/dev/null"]).run();
    ended.assert_refused(78, &["has no state of its own"]);
}

/// exactly-once, Journal: damage at or below what is known to be synced is 78 with what to do.
#[test]
fn a_damaged_journal_stops_the_start_and_shows_what_can_be_read() {
    let folder = filled();
    damage(&folder.path().join(".ksink/out/journal.1"));
    let ended = Setup::again(folder, &["--output", "out"]).run();
    let says =
        ["journal.1 is damaged", "`ksink recover` shows what is readable", "move the folder "];
    ended.assert_refused(78, &says);
    let ended = Setup::again(ended.folder, &["check", "--output", "out"]).run();
    ended.assert_refused(78, &["journal.1 is damaged"]);
    let ended = recover(ended.folder, &["--output", "out"]);
    ended.assert_code(0);
    let (before, behind) = ended.stdout_text().split_once("\nDAMAGED: ").expect("damage");
    assert!(!before.contains("bytes are acknowledged"), "{before}");
    assert!(behind.contains("Behind the damage this can be read"), "{behind}");
    assert!(behind.contains("6 bytes are acknowledged") && behind.contains(" u/0"), "{behind}");
    assert_eq!(ended.read("out"), "a\nb\nc\n", "nothing is cut");
    // What to do, as it was told.
    let aside = ended.folder.path().join("aside");
    fs::rename(ended.folder.path().join(".ksink/out"), aside).expect("the state");
    let ksink = Setup::again(ended.folder, &["--output", "out"]).listen();
    ksink.stop().assert_code(0);
}

/// Changes a byte in the first record of a journal: a frame is its length, a checksum, a type and more.
fn damage(journal: &Path) {
    const PROLOGUE: usize = 16;
    const TYPE: usize = 8;
    const FIRST_RECORD: u8 = 5;
    let mut bytes = fs::read(journal).expect("the journal");
    let mut at = PROLOGUE;
    while bytes[at + TYPE] != FIRST_RECORD {
        let len: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
        at += TYPE + u32::from_be_bytes(len) as usize;
    }
    bytes[at + 40] ^= 1;
    fs::write(journal, bytes).expect("the journal");
}

/// exactly-once, Names: what appears between Prepare and Commit is, at start, exit 78 naming both files.
#[test]
fn a_committed_file_whose_name_is_taken_waits_for_somebody_to_settle_it() {
    let ended = Setup::again(decided(), &FILES).run();
    ended.assert_refused(78, &["m-x.txt.tmp is committed", "m-x.txt is taken", "--keep-both"]);
    let ended = recover(ended.folder, &["--output", "m-{txnID}.txt"]);
    assert!(ended.stdout_text().contains("m-x.txt.tmp (5 bytes) becomes m-x.txt"));

    let settle = ["--output", "m-{txnID}.txt", "--keep-both"];
    let ended = recover(ended.folder, &[&settle[..], &["y"]].concat());
    ended.assert_refused(78, &["knows no transactional id \"y\""]);
    let ended = recover(ended.folder, &[&settle[..], &["x"]].concat());
    ended.assert_code(0);
    assert!(ended.stdout_text().ends_with("m-x.txt.conflict-1\n"), "{}", ended.stdout_text());
    let ksink = Setup::again(ended.folder, &FILES).listen();
    let ended = ksink.stop();
    ended.assert_code(0);
    assert_eq!(ended.read("m-x.txt"), "ours\n");
    assert_eq!(ended.read("m-x.txt.conflict-1"), "of others");
    assert!(!ended.folder.path().join("m-x.txt.tmp").exists());

    let ended = recover(ended.folder, &[&settle[..], &["x"]].concat());
    ended.assert_refused(78, &["no commit of \"x\" waits to be applied"]);
}

/// exactly-once, Transactions 4: nothing is applied before its source was found whole; a decided commit is never given
/// up.
#[test]
fn a_committed_transaction_whose_records_are_gone_stops_the_start() {
    // Nobody listens there.
    let flags = ["--output", "http://127.0.0.1:1/", "--state-dir", "state"];
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["a", "b"]), (KEPT, 0));
    producer.commit();
    let ended = recover(ksink.kill(), &["--state-dir", "state"]);
    assert!(ended.stdout_text().contains(" committing "), "{}", ended.stdout_text());
    assert!(ended.stdout_text().contains("2 records in "), "{}", ended.stdout_text());

    let spills = ended.folder.path().join("state/spills");
    let aside = ended.folder.path().join("aside");
    fs::rename(&spills, &aside).expect("the records");
    let ended = Setup::again(ended.folder, &flags).run();
    ended.assert_refused(78, &["\"x\" is committed", "missing", "bring it back from a copy"]);
    // The start may have made an empty one.
    let _ = fs::remove_dir(&spills);
    fs::rename(&aside, &spills).expect("the records");
    let ksink = Setup::again(ended.folder, &flags).listen();
    ksink.stop().assert_code(0);
}

/// A folder with a state in which a commit is decided, and something else took its name before it was applied.
fn decided() -> TempDir {
    let ksink = Setup::new(&FILES).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["ours"]), (KEPT, 0));
    let ended = ksink.stop();
    ended.assert_code(0);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(decide(ended.folder.path(), &mut producer));
    drop(runtime);
    fs::write(ended.folder.path().join("m-x.txt"), "of others").expect("a file");
    ended.folder
}

/// Serves until the commit is decided, and not a moment longer.
async fn decide(folder: &Path, producer: &mut Producer) {
    let state = StateConfig::at(folder.join(STATE_OF_FILES));
    let config = ServerConfig { state: Some(state), ..Default::default() };
    let mut server = Server::open(config).expect("the state");
    let pattern = TransactionPattern::new(folder.join("m-{txnID}.txt")).expect("a pattern");
    let options = TransactionalOptions { durability: Durability::Process, ..Default::default() };
    let sink = TransactionalFiles::open(pattern, Format::default(), options);
    let mut sink = sink.expect("the folder");
    let resumed = sink.recover(server.held()).await.expect("its files");
    server.resume(resumed).expect("a disk with room");
    let addr = "127.0.0.1:0".parse().expect("an address");
    let (running, mut deliveries) = server.bind(&addr).await.expect("a free port");
    producer.reconnect_to(running.local_addr());
    producer.ask_to_end(true);
    while let Some(delivery) = deliveries.next().await {
        match delivery.event {
            Event::Prepare(transaction) => {
                let prepared = sink.prepare(&[transaction]).await.remove(0).expect("it is there");
                delivery.ack.accept_prepared(prepared.intent, prepared.positions);
            }
            Event::Commit(_) => return,
            other => panic!("{other:?}"),
        }
    }
}
