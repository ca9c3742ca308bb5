//! Planted faults: a comparison that stays green on a doctored output proves nothing.

use std::collections::{BTreeMap, HashMap};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::compare::{Terms, compare};
use super::landed::Output;
use super::plan::Cell;

/// One way to spoil the lines of a topic.
pub(crate) struct Fault {
    pub name: &'static str,
    /// Gives the lines with the fault in them, or nothing where they offer no occasion for it.
    plant: fn(Lines) -> Option<Lines>,
    needs_order: bool,
}

type Lines = Vec<String>;

pub(crate) const FAULTS: &[Fault] = &[
    Fault { name: "a record dropped", plant: drop_one, needs_order: false },
    Fault { name: "a record twice", plant: repeat_one, needs_order: false },
    Fault { name: "two records of a partition swapped", plant: swap_two, needs_order: true },
    Fault { name: "a bit of a value flipped", plant: flip_a_bit, needs_order: false },
    Fault { name: "a null value made empty", plant: empty_a_null, needs_order: false },
    Fault { name: "a repeated header collapsed", plant: collapse_headers, needs_order: false },
    Fault { name: "a timestamp moved by an hour", plant: move_a_timestamp, needs_order: false },
    Fault { name: "an offset left out", plant: leave_an_offset_out, needs_order: false },
];

/// How often each fault was planted, and where it was not noticed.
#[derive(Default)]
pub(crate) struct Planted {
    pub times: BTreeMap<&'static str, u64>,
    pub unnoticed: Vec<String>,
}

impl Planted {
    /// Plants every fault that fits into the output of a green cell, one at a time.
    pub(crate) fn try_all(&mut self, client: &str, cell: &Cell, output: &Output, terms: &Terms) {
        for fault in FAULTS.iter().filter(|fault| terms.ordered || !fault.needs_order) {
            let Some(spoilt) = spoil(fault, cell, output) else { continue };
            *self.times.entry(fault.name).or_default() += 1;
            if compare(cell, &spoilt, terms).is_empty() {
                self.unnoticed.push(format!("{client}, {}: {}", cell.name, fault.name));
            }
        }
    }

    pub(crate) fn never_tried(&self) -> impl Iterator<Item = &'static str> {
        FAULTS.iter().map(|fault| fault.name).filter(|name| !self.times.contains_key(name))
    }
}

/// The cell's part of the output with one fault in it, or nothing where it does not fit.
fn spoil(fault: &Fault, cell: &Cell, output: &Output) -> Option<Output> {
    let belongs = |topic: &str| cell.records.iter().any(|record| record.topic == topic);
    let mut spoilt = output.clone();
    spoilt.retain(|topic, _| belongs(topic));
    let (topic, lines) = spoilt
        .iter()
        .find_map(|(topic, lines)| Some((topic.clone(), (fault.plant)(lines.clone())?)))?;
    spoilt.insert(topic, lines);
    Some(spoilt)
}

// Records that come and go are renumbered, so that it is not their offsets that give them away.

fn drop_one(mut lines: Lines) -> Option<Lines> {
    let middle = lines.len().checked_sub(1)? / 2;
    lines.remove(middle);
    Some(renumbered(lines))
}

fn repeat_one(mut lines: Lines) -> Option<Lines> {
    lines.push(lines.last()?.clone());
    Some(renumbered(lines))
}

fn swap_two(mut lines: Lines) -> Option<Lines> {
    let partitions: Vec<i64> = lines.iter().map(|line| number(line, "partition")).collect();
    let next_of_same = |first: usize| {
        (first + 1..partitions.len()).find(|second| partitions[*second] == partitions[first])
    };
    let (first, second) =
        (0..partitions.len()).find_map(|first| Some((first, next_of_same(first)?)))?;
    lines.swap(first, second);
    Some(renumbered(lines))
}

fn flip_a_bit(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let mut value = BASE64_STANDARD.decode(field(line, "value").as_str()?).ok()?;
        *value.last_mut()? ^= 1;
        replace(line, "value", &json!(BASE64_STANDARD.encode(value)))
    })
}

fn empty_a_null(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        field(line, "value").is_null().then_some(())?;
        let line = replace(line, "value", &json!(""))?;
        replace(&line, "value_encoding", &json!("base64"))
    })
}

fn collapse_headers(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let raw = field(line, "headers_raw");
        let mut names: Vec<&Value> = raw.as_array()?.iter().map(|pair| &pair[0]).collect();
        names.sort_by_key(|name| name.as_str());
        names.windows(2).any(|pair| pair[0] == pair[1]).then_some(())?;
        let whole = format!(",\"headers_raw\":{raw}");
        line.contains(&whole).then(|| line.replacen(&whole, "", 1))
    })
}

fn move_a_timestamp(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| {
        let timestamp: jiff::Timestamp = field(line, "timestamp").as_str()?.parse().ok()?;
        let later = timestamp + jiff::SignedDuration::from_hours(1);
        replace(line, "timestamp", &json!(later.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
    })
}

fn leave_an_offset_out(lines: Lines) -> Option<Lines> {
    change_first(lines, |line| replace(line, "offset", &json!(number(line, "offset") + 1)))
}

/// Changes the first line that the change fits.
fn change_first(mut lines: Lines, change: fn(&str) -> Option<String>) -> Option<Lines> {
    let (place, changed) =
        lines.iter().enumerate().find_map(|(n, line)| Some((n, change(line)?)))?;
    lines[place] = changed;
    Some(lines)
}

/// Offsets that count from 0 in every partition, as if nothing had happened.
fn renumbered(mut lines: Lines) -> Lines {
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
fn replace(line: &str, name: &str, new: &Value) -> Option<String> {
    let old = format!("\"{name}\":{}", field(line, name));
    line.contains(&old).then(|| line.replacen(&old, &format!("\"{name}\":{new}"), 1))
}
