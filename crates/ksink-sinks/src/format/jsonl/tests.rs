use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ksink_event::Transaction;
use ksink_wire::records::NewRecord;
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};

use super::*;
use crate::{Format, format::json_schema, testing::record_set};

const PLAIN: Jsonl =
    Jsonl { base64_key: false, base64_value: false, timestamp: JsonTimestamp::Rfc3339 };

/// One record in topic `t`, at offset 7, as the text between the offset and the client's address.
#[track_caller]
fn check(options: Jsonl, record: &NewRecord<'_>, expected: &str) {
    let line = lines(options, &record_set("t", 7, &[*record]));
    let head = r#"{"topic":"t","partition":0,"offset":7,"#;
    let tail = ",\"client_addr\":\"127.0.0.1:50000\"}\n";
    assert_eq!(line, format!("{head}{expected}{tail}"));
}

fn lines(options: Jsonl, set: &RecordSet) -> String {
    let mut out = Vec::new();
    Format::Jsonl(options).write(set, &mut out);
    String::from_utf8(out).unwrap()
}

fn record<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> NewRecord<'a> {
    NewRecord { timestamp: -1, key, value, headers: &[] }
}

fn header<'a>(key: &'a [u8], value: &'a [u8]) -> Header<'a> {
    Header { key, value: Some(value) }
}

#[track_caller]
fn check_headers(headers: &[Header<'_>], expected: &str) {
    let record = NewRecord { headers, ..record(None, Some(b"v")) };
    check(PLAIN, &record, &format!(r#""value":"v","value_encoding":"utf-8"{expected}"#));
}

#[test]
fn everything_has_its_place() {
    let headers = [header(b"h", b"1")];
    let record = NewRecord {
        timestamp: 1_795_253_400_000,
        key: Some(b"k"),
        value: Some(b"v"),
        headers: &headers,
    };
    check(
        PLAIN,
        &record,
        concat!(
            r#""key":"k","key_encoding":"utf-8","value":"v","value_encoding":"utf-8","#,
            r#""headers":{"h":"1"},"timestamp":"2026-11-21T09:30:00.000Z""#
        ),
    );
}

#[test]
fn null_is_not_empty() {
    check(PLAIN, &record(None, None), r#""value":null,"value_encoding":"utf-8""#);
    check(
        PLAIN,
        &record(Some(b""), Some(b"")),
        r#""key":"","key_encoding":"utf-8","value":"","value_encoding":"utf-8""#,
    );
}

#[test]
fn what_is_not_text_is_base64_and_says_so() {
    check(
        PLAIN,
        &record(Some(b"\xff\xfe"), Some(b"\x80")),
        r#""key":"//4=","key_encoding":"base64","value":"gA==","value_encoding":"base64""#,
    );
}

#[test]
fn base64_may_be_asked_for() {
    check(
        Jsonl { base64_key: true, ..PLAIN },
        &record(Some(b"k"), Some(b"v")),
        r#""key":"aw==","key_encoding":"base64","value":"v","value_encoding":"utf-8""#,
    );
    check(
        Jsonl { base64_value: true, ..PLAIN },
        &record(Some(b"k"), Some(b"v")),
        r#""key":"k","key_encoding":"utf-8","value":"dg==","value_encoding":"base64""#,
    );
}

#[test]
fn a_tombstone_stays_null_in_base64() {
    let options = Jsonl { base64_key: true, base64_value: true, ..PLAIN };
    check(options, &record(None, None), r#""value":null,"value_encoding":"utf-8""#);
}

#[test]
fn html_is_left_alone() {
    check(
        PLAIN,
        &record(None, Some("<a href=\"x\">&\u{2028}</a>".as_bytes())),
        "\"value\":\"<a href=\\\"x\\\">&\u{2028}</a>\",\"value_encoding\":\"utf-8\"",
    );
}

#[test]
fn headers_keep_their_order() {
    check_headers(
        &[header(b"z", b"1"), header(b"a", b"2"), header(b"", b"")],
        r#","headers":{"z":"1","a":"2","":""}"#,
    );
}

#[test]
fn of_a_repeated_name_the_last_value_is_shown_and_the_truth_follows() {
    check_headers(
        &[header(b"a", b"1"), header(b"b", b"2"), header(b"a", b"3")],
        r#","headers":{"b":"2","a":"3"},"headers_raw":[["a","MQ=="],["b","Mg=="],["a","Mw=="]]"#,
    );
}

#[test]
fn a_header_that_is_no_text_is_only_in_the_truth() {
    check_headers(
        &[header(b"a", b"1"), header(b"b", b"\xff"), header(b"\xff", b"2")],
        concat!(
            r#","headers":{"a":"1"},"#,
            r#""headers_raw":[["a","MQ=="],["b","/w=="],[{"base64":"/w=="},"Mg=="]]"#
        ),
    );
}

#[test]
fn a_null_header_is_only_in_the_truth() {
    check_headers(&[Header { key: b"n", value: None }], r#","headers_raw":[["n",null]]"#);
}

#[test]
fn an_older_value_does_not_stand_for_one_that_cannot_be_shown() {
    check_headers(
        &[header(b"a", b"1"), header(b"a", b"\xff")],
        r#","headers_raw":[["a","MQ=="],["a","/w=="]]"#,
    );
}

#[test]
fn a_timestamp_is_absent_where_there_is_none() {
    let at = |timestamp| NewRecord { timestamp, ..record(None, None) };
    let value = r#""value":null,"value_encoding":"utf-8""#;
    check(PLAIN, &at(-1), value);
    check(PLAIN, &at(i64::MAX), value);
    check(PLAIN, &at(0), &format!(r#"{value},"timestamp":"1970-01-01T00:00:00.000Z""#));
    let ms = Jsonl { timestamp: JsonTimestamp::Millis, ..PLAIN };
    check(ms, &at(0), &format!(r#"{value},"timestamp":0"#));
    let go = Jsonl { timestamp: JsonTimestamp::Go, ..PLAIN };
    check(go, &at(500), &format!(r#"{value},"timestamp":"1970-01-01 00:00:00.5 +0000 UTC""#));
}

#[test]
fn a_client_is_named_as_it_knows_itself() {
    for (client, shown) in [
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("[::ffff:10.0.0.1]:2", "10.0.0.1:2"),
        ("[::1]:3", "[::1]:3"),
    ] {
        let mut set = record_set("t", 0, &[record(None, None)]);
        set.client = client.parse().unwrap();
        let line: Value = serde_json::from_str(&lines(PLAIN, &set)).unwrap();
        assert_eq!(line["client_addr"], shown);
    }
}

#[test]
fn each_record_is_a_line_with_the_next_offset() {
    let set = record_set("t", 40, &[record(None, Some(b"a\nb")), record(None, Some(b"c"))]);
    let text = lines(PLAIN, &set);
    let offsets =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["offset"].clone());
    assert_eq!(offsets.collect::<Vec<_>>(), [json!(40), json!(41)]);
}

type Owned = (Option<Vec<u8>>, Option<Vec<u8>>, i64, Vec<(Vec<u8>, Option<Vec<u8>>)>);

/// Text and bytes that are none, with few enough names that some repeat.
fn any_record() -> impl Strategy<Value = Owned> {
    let bytes = || prop_oneof![any::<Vec<u8>>(), ".{0,40}".prop_map(String::into_bytes)];
    let name = prop_oneof!["[ab]{0,2}".prop_map(String::into_bytes), any::<Vec<u8>>()];
    let time = prop_oneof![any::<i64>(), -2..2_000_000_000_000_i64];
    (option::of(bytes()), option::of(bytes()), time, vec((name, option::of(bytes())), 0..24))
}

fn any_options() -> impl Strategy<Value = Jsonl> {
    let timestamp = prop::sample::select(vec![
        JsonTimestamp::Rfc3339,
        JsonTimestamp::Millis,
        JsonTimestamp::Go,
    ]);
    (any::<bool>(), any::<bool>(), timestamp).prop_map(|(base64_key, base64_value, timestamp)| {
        Jsonl { base64_key, base64_value, timestamp }
    })
}

fn line(options: Jsonl, record: &Owned) -> (String, Map<String, Value>) {
    let (key, value, timestamp, headers) = record;
    let headers: Vec<_> =
        headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
    let record = NewRecord {
        timestamp: *timestamp,
        key: key.as_deref(),
        value: value.as_deref(),
        headers: &headers,
    };
    let text = lines(options, &record_set("t", 7, &[record]));
    let object = serde_json::from_str(&text).expect("a line is JSON");
    (text, object)
}

/// The bytes that a field and its encoding stand for.
fn bytes_of(object: &Map<String, Value>, field: &str) -> Option<Vec<u8>> {
    let text = object.get(field)?.as_str()?;
    match object[&format!("{field}_encoding")].as_str() {
        Some("utf-8") => Some(text.as_bytes().to_vec()),
        Some("base64") => Some(STANDARD.decode(text).unwrap()),
        other => panic!("{other:?} is no encoding"),
    }
}

/// The headers that a line stands for.
fn headers_of(object: &Map<String, Value>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let decode = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
    if let Some(raw) = object.get("headers_raw") {
        let name = |name: &Value| match name {
            Value::String(name) => name.clone().into_bytes(),
            encoded => decode(&encoded["base64"]),
        };
        let value = |value: &Value| (!value.is_null()).then(|| decode(value));
        raw.as_array().unwrap().iter().map(|pair| (name(&pair[0]), value(&pair[1]))).collect()
    } else {
        let shown = object.get("headers").and_then(Value::as_object).into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
        shown.map(|(name, value)| (name.clone().into_bytes(), Some(text(value)))).collect()
    }
}

/// What `headers` must show: the last value of each name, where both are text.
fn shown(headers: &[(Vec<u8>, Option<Vec<u8>>)]) -> BTreeMap<String, String> {
    let last: BTreeMap<_, _> = headers.iter().cloned().collect();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    last.into_iter().filter_map(|(name, value)| Some((text(name)?, text(value?)?))).collect()
}

proptest! {
    #[test]
    fn a_line_reads_back_as_the_record(options in any_options(), record in any_record()) {
        let (_, object) = line(options, &record);
        let (key, value, _, headers) = record;
        prop_assert_eq!(bytes_of(&object, "key"), key);
        prop_assert_eq!(bytes_of(&object, "value"), value);
        let mut read = headers_of(&object);
        let mut sent = headers.clone();
        if !object.contains_key("headers_raw") {
            // serde_json sorts an object; that the order is kept has a test of its own.
            read.sort();
            sent.sort();
        }
        prop_assert_eq!(read, sent);
        let shown_there: BTreeMap<String, String> = object
            .get("headers")
            .map(|shown| serde_json::from_value(shown.clone()).unwrap())
            .unwrap_or_default();
        prop_assert_eq!(shown_there, shown(&headers));
    }

    #[test]
    fn a_line_is_what_the_schema_describes(options in any_options(), record in any_record()) {
        let schema = serde_json::from_str(&json_schema(options.timestamp)).unwrap();
        let (text, object) = line(options, &record);
        let validator = jsonschema::draft7::new(&schema).unwrap();
        prop_assert!(validator.is_valid(&Value::Object(object)), "{}", text);
    }
}

#[test]
fn the_schema_is_valid_in_every_style() {
    for style in [JsonTimestamp::Rfc3339, JsonTimestamp::Millis, JsonTimestamp::Go] {
        let schema = serde_json::from_str(&json_schema(style)).unwrap();
        jsonschema::draft7::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_transaction_is_named_last() {
    let mut set = record_set("t", 7, &[record(None, None)]);
    for id in ["pay", "", "a \"b\"\n"] {
        set.transaction = Some(Arc::new(Transaction { id: id.into(), serial: 1 }));
        let line = lines(PLAIN, &set);
        let tail =
            format!("\"client_addr\":\"127.0.0.1:50000\",\"transactional_id\":{}}}\n", json!(id));
        assert!(line.ends_with(&tail), "{line}");
        let schema = serde_json::from_str(&json_schema(JsonTimestamp::Rfc3339)).unwrap();
        let line = serde_json::from_str(&line).unwrap();
        assert!(jsonschema::draft7::new(&schema).unwrap().is_valid(&line));
    }
}

#[test]
fn the_schema_refuses_what_is_never_written() {
    let schema = serde_json::from_str(&json_schema(JsonTimestamp::Rfc3339)).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let good = json!({
        "topic": "t", "partition": 0, "offset": 7, "key": "aw==", "key_encoding": "base64",
        "value": "v", "value_encoding": "utf-8", "headers": {"a": "1"}, "headers_raw": [["a", null]],
        "timestamp": "2026-11-20T09:30:00.000Z", "client_addr": "[::1]:50000",
        "transactional_id": "pay",
    });
    assert!(validator.is_valid(&good));
    for (field, wrong) in [
        ("topic", json!("a/b")),
        ("partition", json!(-1)),
        ("offset", json!(1.5)),
        ("key", json!(null)),
        ("key", json!("no base64")),
        ("key_encoding", json!("hex")),
        ("value", json!(1)),
        ("value_encoding", json!(null)),
        ("headers", json!({})),
        ("headers", json!({"a": null})),
        ("headers_raw", json!([])),
        ("headers_raw", json!([["a"]])),
        ("headers_raw", json!([["a", "no base64"]])),
        ("headers_raw", json!([[{"base64": "AA=="}, "AA==", "AA=="]])),
        ("timestamp", json!("2026-11-20T09:30:00Z")),
        ("timestamp", json!(7)),
        ("client_addr", json!("nobody")),
        ("transactional_id", json!(null)),
        ("tombstone", json!(true)),
    ] {
        let mut bad = good.clone();
        bad[field] = wrong.clone();
        assert!(!validator.is_valid(&bad), "{field} may not be {wrong}");
    }
    for field in [
        "topic",
        "partition",
        "offset",
        "key",
        "key_encoding",
        "value",
        "value_encoding",
        "client_addr",
    ] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&bad), "{field} may not be absent here");
    }
}
