//! Faults in what landed.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

pub(super) type Lines = Vec<String>;

// Records that come and go are renumbered, so that it is not their offsets that give them away.

pub(super) fn drop_one(mut lines: Lines) -> Option<Lines> {
    let middle = lines.len().checked_sub(1)? / 2;
    lines.remove(middle);
    Some(renumbered(lines))
}

pub(super) fn repeat_one(mut lines: Lines) -> Option<Lines> {
    lines.push(lines.last()?.clone());
    Some(renumbered(lines))
}

pub(super) fn swap_two(mut lines: Lines) -> Option<Lines> {
    let partitions: Vec<i64> = lines.iter().map(|line| number(line, "partition")).collect();
    let next_of_same = |first: usize| {
        (first + 1..partitions.len()).find(|second| partitions[*second] == partitions[first])
    };
    let (first, second) =
        (0..partitions.len()).find_map(|first| Some((first, next_of_same(first)?)))?;
    lines.swap(first, second);
    Some(renumbered(lines))
}

pub(super) fn flip_a_bit(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let mut value = BASE64_STANDARD.decode(field(line, "value").as_str()?).ok()?;
        *value.last_mut()? ^= 1;
        replace(line, "value", &json!(BASE64_STANDARD.encode(value)))
    })
}

pub(super) fn empty_a_null(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        field(line, "value").is_null().then_some(())?;
        let line = replace(line, "value", &json!(""))?;
        replace(&line, "value_encoding", &json!("base64"))
    })
}

pub(super) fn collapse_headers(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let raw = field(line, "headers_raw");
        let mut names: Vec<&Value> = raw.as_array()?.iter().map(|pair| &pair[0]).collect();
        names.sort_by_key(|name| name.as_str());
        names.windows(2).any(|pair| pair[0] == pair[1]).then_some(())?;
        let whole = format!(",\"headers_raw\":{raw}");
        line.contains(&whole).then(|| line.replacen(&whole, "", 1))
    })
}

pub(super) fn move_a_timestamp(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let timestamp: jiff::Timestamp = field(line, "timestamp").as_str()?.parse().ok()?;
        let later = timestamp + jiff::SignedDuration::from_hours(1);
        replace(line, "timestamp", &json!(later.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
    })
}

pub(super) fn leave_an_offset_out(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| replace(line, "offset", &json!(number(line, "offset") + 1)))
}

/// All records of one partition in another one.
pub(super) fn leave_a_partition_unused(lines: Lines) -> Option<Lines> {
    let first = number(lines.first()?, "partition");
    let other = lines.iter().map(|line| number(line, "partition")).find(|other| *other != first)?;
    let moved = lines.iter().map(|line| match number(line, "partition") == first {
        true => replace(line, "partition", &json!(other)),
        false => Some(line.clone()),
    });
    Some(renumbered(moved.collect::<Option<_>>()?))
}

/// Changes the first line that the change fits.
fn change_first(mut lines: Lines, change: fn(&str) -> Option<String>) -> Option<Lines> {
    let (place, changed) =
        lines.iter().enumerate().find_map(|(n, line)| Some((n, change(line)?)))?;
    lines[place] = changed;
    Some(lines)
}

/// Offsets that count from 0 in every partition, as if nothing had happened.
pub(super) fn renumbered(mut lines: Lines) -> Lines {
    let mut next: HashMap<i64, i64> = HashMap::new();
    for line in &mut lines {
        let offset = next.entry(number(line, "partition")).or_default();
        *line = replace(line, "offset", &json!(*offset)).expect("every line has an offset");
        *offset += 1;
    }
    lines
}

fn field(line: &str, name: &str) -> Value {
    let line: Value = serde_json::from_str(line).expect("the line was compared before");
    line[name].clone()
}

fn number(line: &str, name: &str) -> i64 {
    field(line, name).as_i64().expect("the line was compared before")
}

/// Replaces a field in the text, which leaves the order of all others as it was.
pub(super) fn replace(line: &str, name: &str, new: &Value) -> Option<String> {
    let old = format!("\"{name}\":{}", field(line, name));
    line.contains(&old).then(|| line.replacen(&old, &format!("\"{name}\":{new}"), 1))
}
