//! Settings from a file, and `ksink check`.

use std::fs;

use ksink_tests::batch;
use ksink_wire::ErrorCode;

use crate::process::{Ended, Setup};

/// `ksink check` with a file that holds this text.
fn check(text: &str, flags: &[&str], variables: &[(&str, &str)]) -> Ended {
    let flags = [&["check", "--config", "ksink.toml"], flags].concat();
    Setup::new(&flags).env(variables).file("ksink.toml", text).run()
}

#[track_caller]
fn refused(ended: &Ended, code: i32, line: &str) {
    ended.assert_code(code);
    assert_eq!(ended.stderr, format!("ksink: {line}\n"));
    assert_eq!(ended.stdout_text(), "");
}

#[test]
fn a_file_says_what_flags_and_environment_leave_open() {
    let text = r#"
        output = "of-the-file"
        output-format = "kcat"
        output-format-string = "%t:%s;"
        topics = ["orders", "events-*"]
        partitions = 2
        exit-after-records = 1
        log-level = "trace"
    "#;
    let flags = ["--config", "ksink.toml", "--log-level", "error"];
    let ksink = Setup::new(&flags)
        .env(&[("KSINK_OUTPUT", "of-the-environment"), ("KSINK_LOG_LEVEL", "info")])
        .file("ksink.toml", text)
        .listen();
    let mut client = ksink.connect();
    assert_eq!(client.name_topic("payments"), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    client.send_records_to("events-eu", 1, -1, &batch(["x"]));
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    let ended = ksink.wait();
    ended.assert_code(0);
    assert_eq!(ended.stderr, "", "the flag wins over both others");
    assert_eq!(ended.read("of-the-environment"), "events-eu:x;");
    assert!(!ended.folder.path().join("of-the-file").exists());
}

#[test]
fn a_sound_file_is_sound() {
    let sound = |text, variables: &[(&str, &str)]| {
        let ended = check(text, &[], variables);
        ended.assert_code(0);
        assert_eq!(ended.stdout_text(), "the configuration is sound\n");
        assert_eq!(ended.stderr, "");
    };
    sound("", &[]);
    sound("output = 'new/{topic}'\nno-separator = true", &[]);
    sound(
        "output = '{txnID}'\ntransactional = true\ntxn-existing = 'fail'\nstate-dir = 'state'\ndurability = 'power'",
        &[],
    );
    sound("output-format-string = '%s'", &[("KSINK_OUTPUT_FORMAT", "kcat")]);
}

#[test]
fn a_file_that_makes_no_sense_is_a_bad_configuration() {
    let bad = |text, line: &str| refused(&check(text, &[], &[]), 78, line);
    let help = "(try 'ksink --help')";
    bad(
        "outptu = 'x'",
        "ksink.toml: unexpected argument '--outptu' found; a similar argument exists: '--output'",
    );
    bad(
        "partitions = 0",
        "ksink.toml: invalid value '0' for '--partitions <N>': 0 is not in 1..=10000",
    );
    bad(
        "transactional = true",
        &format!("ksink.toml: --transactional needs files, and --output is stdout {help}"),
    );
    bad("output = true", "ksink.toml: `output` cannot be boolean");
    bad("output = ['a', 'b']", "ksink.toml: `output` cannot be array");
    bad("topics = [1]", "ksink.toml: `topics` cannot be array");
    bad("[output]\nformat = 'jsonl'", "ksink.toml: `output` cannot be table");
    bad("config = 'other'", "ksink.toml: one file cannot name another one");
    bad(
        "addr = '9092'",
        &format!(
            "ksink.toml: --addr: `9092` is no address: expected host:port or :port, with a port from 0 to 65535 {help}"
        ),
    );
    bad(
        "no-separator = true\noutput-format = 'jsonl'",
        &format!("ksink.toml: --no-separator can only be used with --output-format binary {help}"),
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_bad_configuration() {
    let ended = Setup::new(&["--config", "nowhere.toml"]).run();
    refused(&ended, 78, "nowhere.toml: No such file or directory (os error 2)");
    let ended = check("partitions = 1\naddr = ", &[], &[]);
    ended.assert_code(78);
    assert!(ended.stderr.starts_with("ksink: ksink.toml: line 2: "), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1);
}

#[test]
fn what_was_typed_wrong_is_not_blamed_on_the_file() {
    let ended = check("", &["--output", "ftp://x"], &[]);
    ended.assert_code(2);
    assert!(ended.stderr.starts_with("ksink: --output: unsupported output"), "{}", ended.stderr);
}

#[test]
fn checking_finds_an_output_that_cannot_be_opened_and_makes_none() {
    let check = |output: &str| {
        let setup = Setup::new(&["check", "--output", output, "--port-file", "port"]);
        setup.file("port", "1\n").file("taken", "").run()
    };
    refused(
        &check("taken/out"),
        69,
        "failed to open output file taken/out: Not a directory (os error 20)",
    );
    let ended = check("new/out");
    ended.assert_code(0);
    assert_eq!(ended.read("port"), "1\n", "it is not ours to change");
    let names = fs::read_dir(ended.folder.path()).expect("the folder").count();
    assert_eq!(names, 4, "port, taken, stdout and stderr");
}

#[test]
fn a_question_reads_no_file() {
    let ended = Setup::new(&["json-schema"]).env(&[("KSINK_CONFIG", "nowhere.toml")]).run();
    ended.assert_code(0);
}
