//! Evidence where nothing is at fault, and what becomes of it when something is.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{
    super::{
        admin::Admin,
        eavesdrop::Heard,
        http::{Answer, Post},
        landed::{Landed, Output},
        plan::{Header, Record},
        rows::{PARTITIONS, Row},
        setting::Sink,
        transactions::{heard::Protocol, script::Fate},
    },
    *,
};

const TERMS: Terms =
    Terms { ordered: true, clock_ms: 0..=1_000, protocol: Protocol::Two, temporary: false };

fn first_row() -> &'static Row {
    Row::all().next().unwrap()
}

fn terms(row: &Row) -> Terms {
    Terms { temporary: row.setting.sink == Sink::TransactionFiles, ..TERMS }
}

/// What there is to see where nothing is at fault.
fn faultless(row: &Row) -> (Cell, Evidence) {
    let cell = row.cell(60);
    let refusals = cell
        .records
        .iter()
        .zip(0..)
        .filter_map(|(record, place)| Some((place, record.refusal?.in_words().to_owned())));
    let refused = refusals.collect();
    let mut output = write(&cell);
    let posts = match row.setting.sink {
        Sink::Files | Sink::TransactionFiles => None,
        Sink::Http => Some(output.values().flat_map(|lines| Post::all(cell.http, lines)).collect()),
    };
    if cell.http == Answer::Refuses {
        output.values_mut().flatten().for_each(|line| *line = write_letter(line));
    }
    let seen = cell.admin.as_ref().map(Admin::expected).unwrap_or_default();
    let steps = cell.script.iter().flat_map(|script| &script.steps).enumerate();
    let failed = steps
        .filter_map(|(place, planned)| Some((place, planned.fails?.in_words().to_owned())))
        .collect();
    let Terms { protocol, temporary, .. } = terms(row);
    let heard = Heard::as_asked(&cell, protocol, temporary);
    let evidence = Evidence { refused, seen, failed, heard, output, posts };
    (cell, evidence)
}

/// The dead letter of a line.
fn write_letter(line: &str) -> String {
    let record = Landed::parse(line).unwrap();
    let base64 =
        |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes));
    let headers: Vec<_> =
        record.headers.iter().map(|Header(name, value)| (name, base64(value))).collect();
    let letter = json!({
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "timestamp": record.timestamp_ms, "key": base64(&record.key), "value": base64(&record.value),
        "headers": headers, "client_addr": "127.0.0.1:1", "status": 404, "reason": "answered 404",
        "attempts": 1, "first_attempt": "1970-01-01T00:00:00.001Z",
        "last_attempt": "1970-01-01T00:00:00.001Z",
    });
    letter.to_string()
}

/// What a sink without faults writes.
fn write(cell: &Cell) -> Output {
    let mut output = Output::new();
    let mut partitions: HashMap<(&str, i32), u64> = HashMap::new();
    let fates = cell.fates();
    for (place, record) in cell.records.iter().enumerate() {
        if record.refusal.is_some() || fates.get(&place) == Some(&Fate::Aborted) {
            continue;
        }
        let partition = (place % PARTITIONS as usize) as i32;
        let partition = record.partition.unwrap_or(partition);
        let offset = partitions.entry((&record.topic, partition)).or_default();
        let id = match fates.get(&place) {
            Some(Fate::Committed { id, .. }) => Some(&**id),
            Some(Fate::Aborted) | None => None,
        };
        let line = write_line(record, partition, *offset, id);
        *offset += 1;
        output.entry(record.topic.clone()).or_default().push(line);
    }
    output
}

fn write_line(record: &Record, partition: i32, offset: u64, id: Option<&str>) -> String {
    let base64 =
        |bytes: &Option<Vec<u8>>| json!(bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)));
    let key = record
        .key
        .as_ref()
        .map(|_| format!(r#","key":{},"key_encoding":"base64""#, base64(&record.key)));
    let value_encoding = if record.value.is_some() { "base64" } else { "utf-8" };
    let headers: Vec<Value> =
        record.headers.iter().map(|Header(name, value)| json!([name, base64(value)])).collect();
    let headers = if headers.is_empty() {
        String::new()
    } else {
        format!(",\"headers_raw\":{}", json!(headers))
    };
    let id = id.map(|id| format!(r#","transactional_id":"{id}""#));
    let timestamp = jiff::Timestamp::from_millisecond(record.timestamp_ms.unwrap_or(500)).unwrap();
    format!(
        r#"{{"topic":"{}","partition":{partition},"offset":{offset}{},"value":{},"value_encoding":"{value_encoding}"{headers},"timestamp":"{}","client_addr":"127.0.0.1:1"{}}}"#,
        record.topic,
        key.unwrap_or_default(),
        base64(&record.value),
        timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        id.unwrap_or_default(),
    )
}

#[test]
fn a_faultless_output_is_green_and_every_fault_turns_it_red() {
    let mut planted = Planted::default();
    for row in Row::all() {
        let (cell, evidence) = faultless(row);
        assert_eq!(evidence.check(&cell, &terms(row)), Vec::<String>::new(), "{}", row.name);
        planted.try_all("client", &cell, &evidence, &terms(row));
    }
    assert_eq!(planted.unnoticed, Vec::<String>::new());
    assert_eq!(planted.never_tried().collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_comparison_that_does_not_look_is_found_out() {
    let any_time = Terms { clock_ms: i64::MIN..=i64::MAX, ..TERMS };
    let (cell, evidence) = faultless(first_row());
    let mut planted = Planted::default();
    planted.try_all("client", &cell, &evidence, &any_time);
    assert_eq!(planted.unnoticed, ["client, plain: a timestamp moved by an hour"]);
}

#[test]
fn a_fault_without_an_occasion_is_told() {
    let (cell, evidence) = faultless(first_row());
    let mut planted = Planted::default();
    planted.try_all("client", &cell, &evidence, &TERMS);
    let never: Vec<&str> = planted.never_tried().collect();
    assert!(never.contains(&"a null value made empty"), "{never:?}");
    assert!(never.contains(&"batches not numbered"), "{never:?}");
    assert!(!never.contains(&"a record dropped"), "{never:?}");
}
