//! Transactions: what others see of them, and what a restart makes of them.

use std::fs;

use ksink_tests::batch;
use ksink_wire::ErrorCode;

use crate::{
    process::{Ksink, Setup, wait_for},
    producer::Producer,
};

const FILE: [&str; 2] = ["--output", "out"];

/// A file for each transaction.
const FILES: [&str; 3] = ["--transactional", "--output", "m-{txnID}.txt"];

const KEPT: ErrorCode = ErrorCode::NONE;

fn read(ksink: &Ksink, name: &str) -> Option<String> {
    fs::read_to_string(ksink.file(name)).ok()
}

/// exactly-once, Transactions 1: without `--transactional` records are held back.
#[test]
fn records_of_a_transaction_appear_when_it_is_committed_and_never_when_it_is_aborted() {
    let check = |flags: &[&str]| {
        let ksink = Setup::new(flags).listen();
        let mut producer = Producer::transactional(&ksink, "x");
        assert_eq!(producer.produce("t", &["a"]), (KEPT, 0));
        producer.abort();
        assert_eq!(producer.produce("t", &["b", "c"]), (KEPT, 1));
        assert_eq!(read(&ksink, "stdout").as_deref(), Some(""));
        assert!(read(&ksink, "out").is_none_or(|text| text.is_empty()));
        producer.commit();
        let ended = ksink.stop();
        ended.assert_code(0);
        ended
    };
    assert_eq!(check(&FILE).read("out"), "b\nc\n");
    assert_eq!(check(&["--output", "out", "--state-dir", "none"]).read("out"), "b\nc\n");
    assert_eq!(check(&[]).stdout_text(), "b\nc\n");
    check(&["--output", "null:"]);
}

/// exactly-once, Start and stop: open transactions stay in the state, and go on at the next start.
#[test]
fn an_open_transaction_survives_sigterm_and_kill_9() {
    let check = |flags: &[&str], file: &str| {
        let ksink = Setup::new(flags).listen();
        let mut producer = Producer::transactional(&ksink, "x");
        assert_eq!(producer.produce("t", &["a"]), (KEPT, 0));
        let ended = ksink.stop();
        ended.assert_code(0);
        let ksink = Setup::again(ended.folder, flags).listen();
        producer.reconnect(&ksink);
        assert_eq!(producer.produce("t", &["b"]), (KEPT, 1));
        let ksink = Setup::again(ksink.kill(), flags).listen();
        producer.reconnect(&ksink);
        assert_eq!(producer.produce_again(), (KEPT, 1), "a copy is recognised");
        assert_eq!(producer.produce("t", &["c"]), (KEPT, 2));
        assert!(read(&ksink, file).is_none_or(|text| text.is_empty()));
        producer.commit();
        assert_eq!(ksink.stop().read(file), "a\nb\nc\n");
    };
    check(&FILE, "out");
    check(&FILES, "m-x.txt");
    check(&["--state-dir", "state"], "stdout");
}

/// exactly-once, Transactions 3: a decided commit never becomes anything but a complete one.
#[test]
fn what_was_committed_is_there_after_kill_9() {
    let check = |flags: &[&str], file: &str| {
        let ksink = Setup::new(flags).listen();
        let mut producer = Producer::transactional(&ksink, "x");
        for value in ["a", "b", "c"] {
            assert_eq!(producer.produce("t", &[value]).0, KEPT);
            producer.commit();
        }
        let ksink = Setup::again(ksink.kill(), flags).listen();
        // The start applied what was decided, or goes on with it.
        let text = wait_for("all of them", || read(&ksink, file).filter(|text| text.len() == 6));
        assert_eq!(text, "a\nb\nc\n");
        assert_eq!(ksink.stop().read(file), "a\nb\nc\n");
    };
    check(&FILE, "out");
    check(&FILES, "m-x.txt");
}

/// exactly-once, Start and stop: without a state, open transactions are aborted at a clean stop.
#[test]
fn without_a_state_an_open_transaction_ends_with_the_process() {
    let flags = [&FILE[..], &["--state-dir", "none"]].concat();
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["lost"]), (KEPT, 0));
    let ended = ksink.stop();
    ended.assert_code(0);
    assert!(
        fs::read_to_string(ended.folder.path().join("out")).is_ok_and(|text| text.is_empty())
            || !ended.folder.path().join("out").exists()
    );
}

/// exactly-once, Transactions 1: with `--transactional` records wait in the temporary file beside the final name.
#[test]
fn a_transaction_has_a_temporary_file_until_it_is_committed() {
    let ksink = Setup::new(&FILES).listen();
    let mut producer = Producer::transactional(&ksink, "a/b");
    assert_eq!(producer.produce("t", &["1"]), (KEPT, 0));
    assert_eq!(read(&ksink, "m-a%2Fb.txt.tmp").as_deref(), Some("1\n"));
    producer.commit();
    assert_eq!(read(&ksink, "m-a%2Fb.txt").as_deref(), Some("1\n"));
    assert_eq!(read(&ksink, "m-a%2Fb.txt.tmp"), None);
    assert_eq!(producer.produce("t", &["2"]), (KEPT, 1));
    producer.abort();
    assert_eq!(read(&ksink, "m-a%2Fb.txt.tmp"), None);
    assert_eq!(ksink.stop().read("m-a%2Fb.txt"), "1\n");
}

/// exactly-once, Names: what becomes of a final name that an earlier transaction of the same id has.
#[test]
fn later_transactions_of_an_id_do_as_they_were_told() {
    let check = |flags: &[&str], names: &[(&str, &str)]| {
        let ksink = Setup::new(&[&FILES[..], flags].concat()).listen();
        let mut producer = Producer::transactional(&ksink, "x");
        for value in ["1", "2", "3"] {
            assert_eq!(producer.produce("t", &[value]).0, KEPT);
            producer.commit();
        }
        let ended = ksink.stop();
        for (name, text) in names {
            assert_eq!(ended.read(name), *text, "{flags:?}");
        }
    };
    check(&[], &[("m-x.txt", "1\n2\n3\n")]);
    check(&["--txn-existing", "append"], &[("m-x.txt", "1\n2\n3\n")]);
    let suffix = [("m-x.txt", "1\n"), ("m-x.1.txt", "2\n"), ("m-x.2.txt", "3\n")];
    check(&["--txn-existing", "suffix"], &suffix);
    check(&["--txn-existing", "replace"], &[("m-x.txt", "3\n")]);
    let numbered = [
        ("m-x-00000000000000000001", "1\n"),
        ("m-x-00000000000000000002", "2\n"),
        ("m-x-00000000000000000003", "3\n"),
    ];
    check(&["--output", "m-{txnID}-{txnSeq}"], &numbered);
}

/// exactly-once, Names: with `fail` a second commit is refused for good.
#[test]
fn a_second_transaction_is_refused_where_one_is_all_that_is_wanted() {
    let ksink = Setup::new(&[&FILES[..], &["--txn-existing", "fail"]].concat()).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["1"]), (KEPT, 0));
    producer.commit();
    assert_eq!(producer.produce("t", &["2"]), (KEPT, 1));
    assert_ne!(producer.end(true), KEPT);
    let ended = ksink.stop();
    assert_eq!(ended.read("m-x.txt"), "1\n");
}

/// exactly-once, Transactions 1: records outside of a transaction have no file to go to.
#[test]
fn plain_records_are_refused_where_each_transaction_has_a_file() {
    let ksink = Setup::new(&FILES).listen();
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["plain"]));
    assert_eq!(client.hear_produced().0, ErrorCode::INVALID_RECORD);
}

/// exactly-once, Names: with `{topic}` a transaction has a file for each topic, and all are there or none.
#[test]
fn a_transaction_over_topics_has_a_file_for_each() {
    let flags = ["--transactional", "--output", "made/{topic}/{txnID}"];
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("a", &["1"]), (KEPT, 0));
    assert_eq!(producer.produce("b", &["2"]), (KEPT, 0));
    assert_eq!(read(&ksink, "made/a/x"), None);
    producer.commit();
    let ended = ksink.stop();
    assert_eq!((ended.read("made/a/x"), ended.read("made/b/x")), ("1\n".into(), "2\n".into()));
}

/// exactly-once, Transactions 9: a transaction outlives its connection, and a successor with the same id ends it.
#[test]
fn a_successor_with_the_same_id_aborts_what_was_open() {
    let ksink = Setup::new(&FILE).listen();
    let mut first = Producer::transactional(&ksink, "x");
    assert_eq!(first.produce("t", &["of the first"]), (KEPT, 0));
    let mut second = Producer::transactional(&ksink, "x");
    assert_eq!(second.produce("t", &["of the second"]).0, KEPT);
    assert_ne!(first.produce("t", &["too late"]).0, KEPT, "it is fenced");
    second.commit();
    assert_eq!(ksink.stop().read("out"), "of the second\n");
}

/// exactly-once, Transactions 9: records in a transaction count for `--exit-after-records` once they are committed.
#[test]
fn records_count_when_their_transaction_is_committed() {
    let ksink = Setup::new(&[&FILE[..], &["--exit-after-records", "2"]].concat()).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["1", "2"]), (KEPT, 0));
    producer.abort();
    assert_eq!(producer.produce("t", &["3", "4"]).0, KEPT);
    producer.end(true);
    let ended = ksink.wait();
    ended.assert_code(0);
    assert_eq!(ended.read("out"), "3\n4\n");
}

/// exactly-once, Journal: what was made for files of transactions is not opened for anything else.
#[test]
fn a_state_of_transactions_files_is_not_opened_without_them() {
    let ksink = Setup::new(&FILES).listen();
    let folder = ksink.stop().folder;
    let ended = Setup::again(folder, &["--output", "m-{txnID}.txt"]).run();
    ended.assert_refused(78, &["the state was made for the transactions `in files of their own`"]);
}

#[test]
fn files_for_transactions_are_files_with_a_transactional_id() {
    let refused = |flags: &[&str], says| {
        let ended = Setup::new(flags).run();
        ended.assert_refused(2, &[says]);
    };
    refused(&["--transactional"], "--transactional needs files, and --output is stdout");
    refused(&["--transactional", "--output", "http://h"], "and --output is a URL");
    refused(&["--transactional", "--output", "null:"], "and --output is nowhere");
    refused(&["--transactional", "--output", "out"], "it does not contain {txnID}");
    refused(&["--transactional", "--output", "{txnID}.tmp"], "its files could end in .tmp");
    refused(&["--txn-existing", "fail"], "only be used with --transactional");
    refused(&["--txn-existing", "never"], "[possible values: append, suffix, fail, replace]");
    refused(&["--durability", "disk"], "[possible values: process, power, none]");
}

#[test]
fn what_may_not_be_meant_is_warned_of() {
    let warned = |flags: &[&str], says| {
        let ended = Setup::new(&[&["check"], flags].concat()).run();
        ended.assert_code(0);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        let ksink = Setup::new(flags).listen();
        assert!(ksink.stderr().contains(says), "{}", ksink.stderr());
    };
    warned(&["--transactional", "--output", "{topic}-{txnID}"], "may have the same file name");
    warned(&[&FILES[..], &["--state-dir", "none"]].concat(), "--state-dir none: a transaction");
    warned(&["--output", "m-{txnID}"], "stand for themselves without --transactional");
    warned(&["--durability", "power"], "--durability power without a state");
}

/// exactly-once, Transactions 4: what held the records is deleted once the server is sure to remember the commit; with
/// nothing else to do that is soon.
#[test]
fn nothing_of_a_commit_stays_beside_its_file() {
    let temporary = |ksink: &Ksink| ksink.file("m-x.txt.tmp").exists();
    let ksink = Setup::new(&FILES).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    for value in ["a", "b", "c"] {
        assert_eq!(producer.produce("t", &[value]).0, KEPT);
        assert!(temporary(&ksink));
        producer.commit();
        wait_for("the temporary file to go", || (!temporary(&ksink)).then_some(()));
    }
    assert_eq!(producer.produce("t", &["gone"]).0, KEPT);
    producer.abort();
    let ksink = Setup::again(ksink.kill(), &FILES).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce("t", &["d"]).0, KEPT);
    producer.commit();
    let ended = ksink.stop();
    assert!(!ended.folder.path().join("m-x.txt.tmp").exists());
    assert_eq!(ended.read("m-x.txt"), "a\nb\nc\nd\n");
}
