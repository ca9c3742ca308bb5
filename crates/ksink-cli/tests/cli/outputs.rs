//! What real produce requests leave in stdout and in files.

use std::os::unix::fs::PermissionsExt;

use ksink_tests::{Client, batch, batch_of};
use ksink_wire::{
    ErrorCode,
    records::{Header, NewRecord},
};
use serde_json::{Value, json};

use crate::process::{Ended, Ksink, Setup};

const TIMESTAMP_MS: i64 = 1_795_167_000_000;

/// Produces to a topic, and waits until the records are kept.
fn produce(client: &mut Client, topic: &str, records: &[u8]) {
    client.send_records(topic, -1, records);
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
}

/// A record with everything, one with nothing.
fn two_records() -> Vec<u8> {
    let headers = [Header { key: b"h", value: Some(b"1") }, Header { key: b"h", value: None }];
    let timestamp = TIMESTAMP_MS;
    batch_of([
        NewRecord { timestamp, key: Some(b"k"), value: Some(b"v\xff"), headers: &headers },
        NewRecord { timestamp: -1, key: None, value: None, headers: &[] },
    ])
}

/// Runs with these flags, produces the two records to `t`, and stops.
fn run(flags: &[&str]) -> Ended {
    let ksink = Setup::new(flags).listen();
    let mut client = ksink.connect();
    produce(&mut client, "t", &two_records());
    let ended = ksink.stop();
    ended.assert_code(0);
    ended
}

#[test]
fn values_and_newlines_are_written_where_nothing_else_was_asked_for() {
    assert_eq!(run(&[]).stdout, b"v\xff\n\n");
    assert_eq!(run(&["--output-separator", "\\t|"]).stdout, b"v\xff\t|\t|");
    assert_eq!(run(&["--output-separator-hex", "00ff"]).stdout, b"v\xff\x00\xff\x00\xff");
    assert_eq!(run(&["--no-separator"]).stdout, b"v\xff");
    assert_eq!(run(&["--output", "-", "--no-separator=false"]).stdout, b"v\xff\n\n");
}

#[test]
fn a_format_string_writes_what_it_names() {
    let format = "-%t %p %o %k %S %h;\\n";
    let ended = run(&["--output-format", "kcat", "--output-format-string", format]);
    assert_eq!(ended.stdout_text(), "-t 0 0 k 2 h=1,h=NULL;\n-t 0 1  -1 ;\n");
}

#[test]
fn jsonl_holds_all_of_a_record() {
    let ended = run(&["--output-format", "jsonl"]);
    let lines: Vec<Value> = ended.stdout_text().lines().map(parse).collect();
    let client_addr = &lines[0]["client_addr"];
    assert!(client_addr.as_str().is_some_and(|addr| addr.starts_with("127.0.0.1:")));
    let first = json!({
        "topic": "t", "partition": 0, "offset": 0, "key": "k", "key_encoding": "utf-8",
        "value": "dv8=", "value_encoding": "base64", "headers_raw": [["h", "MQ=="], ["h", null]],
        "timestamp": "2026-11-20T09:30:00.000Z", "client_addr": client_addr,
    });
    let second = json!({
        "topic": "t", "partition": 0, "offset": 1, "value": null, "value_encoding": "utf-8",
        "client_addr": client_addr,
    });
    assert_eq!(lines, [first, second]);
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn jsonl_fits_its_schema() {
    let schema = Setup::new(&["json-schema"]).run();
    let schema = parse(schema.stdout_text());
    let ended = run(&["--output-format", "jsonl", "--output-json-base64-key"]);
    for line in ended.stdout_text().lines() {
        fits(&parse(line), &schema);
    }
}

/// The part of JSON Schema that a record's outermost level needs.
#[track_caller]
fn fits(line: &Value, schema: &Value) {
    let line = line.as_object().expect("an object");
    for name in schema["required"].as_array().expect("names") {
        assert!(line.contains_key(name.as_str().expect("a name")), "{name} is required");
    }
    for (name, value) in line {
        let described = &schema["properties"][name];
        assert!(described.is_object(), "{name} is not described");
        let types = match &described["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        assert!(types.iter().any(|name| name == type_of(value)), "{name}: {value}");
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn timestamps_are_written_as_they_were_asked_for() {
    let timestamp = |style| {
        let ended = run(&["--output-format", "jsonl", "--output-json-timestamp", style]);
        parse(ended.stdout_text().lines().next().expect("a line"))["timestamp"].clone()
    };
    assert_eq!(timestamp("rfc3339"), "2026-11-20T09:30:00.000Z");
    assert_eq!(timestamp("ms"), TIMESTAMP_MS);
    assert_eq!(timestamp("go"), "2026-11-20 09:30:00 +0000 UTC");
}

#[test]
fn a_file_is_appended_to_and_a_new_one_is_for_its_owner_alone() {
    let append = |setup: Setup| {
        let ksink = setup.listen();
        produce(&mut ksink.connect(), "t", &batch(["new"]));
        mode_and_text(ksink)
    };
    let flags = ["--output", "out"];
    assert_eq!(append(Setup::new(&flags)), (0o600, "new\n".to_owned()));
    let (_, text) = append(Setup::new(&flags).file("out", "old\n"));
    assert_eq!(text, "old\nnew\n");
}

fn mode_and_text(ksink: Ksink) -> (u32, String) {
    let metadata = ksink.file("out").metadata().expect("the file");
    let ended = ksink.stop();
    ended.assert_code(0);
    assert_eq!(ended.stdout_text(), "");
    (metadata.permissions().mode() & 0o777, ended.read("out"))
}

#[test]
fn every_topic_has_a_file_of_its_own() {
    let ksink = Setup::new(&["--output", "made/{topic}.txt"]).listen();
    let mut client = ksink.connect();
    for topic in ["a", ".b", "a"] {
        produce(&mut client, topic, &batch([topic]));
    }
    let ended = ksink.stop();
    assert_eq!(ended.read("made/a.txt"), "a\na\n");
    assert_eq!(ended.read("made/%2Eb.txt"), ".b\n");
    let folder = ended.folder.path().join("made").metadata().expect("the folder");
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[test]
fn nowhere_keeps_nothing_and_answers_all_the_same() {
    let ended = run(&["--output", "null:"]);
    assert_eq!(ended.stdout_text(), "");
    assert!(!ended.folder.path().join("null:").exists());
}

#[test]
fn topics_are_restricted_to_names_and_patterns() {
    let ksink = Setup::new(&["--topics", "orders, events-*"]).listen();
    let mut client = ksink.connect();
    let mut produced = |topic| {
        client.send_records(topic, -1, &batch(["x"]));
        client.hear_produced().0
    };
    assert_eq!(produced("orders"), ErrorCode::NONE);
    assert_eq!(produced("events-eu"), ErrorCode::NONE);
    assert_eq!(produced("payments"), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(client.name_topic("payments"), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(ksink.stop().stdout_text(), "x\nx\n");
}

#[test]
fn a_topic_has_as_many_partitions_as_it_was_given() {
    let ksink = Setup::new(&["--partitions", "3"]).listen();
    let mut client = ksink.connect();
    let mut produced = |partition| {
        client.send_records_to("t", partition, -1, &batch(["x"]));
        client.hear_produced().0
    };
    assert_eq!(produced(2), ErrorCode::NONE);
    assert_eq!(produced(3), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
}

#[test]
fn a_batch_beyond_the_limit_is_refused() {
    let ksink = Setup::new(&["--max-message-bytes", "1000"]).listen();
    let mut client = ksink.connect();
    let mut produced = |value: &str| {
        client.send_records("t", -1, &batch([value]));
        client.hear_produced().0
    };
    assert_eq!(produced("small"), ErrorCode::NONE);
    assert_eq!(produced(&"x".repeat(1000)), ErrorCode::MESSAGE_TOO_LARGE);
}
