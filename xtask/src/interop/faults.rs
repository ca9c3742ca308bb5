//! Planted faults: a comparison that stays green on a doctored output proves nothing.

use std::collections::{BTreeMap, HashMap};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{
    compare::{Terms, compare},
    landed::Output,
    plan::Cell,
};

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
    let topics = cell.topics();
    let mut spoilt = output.clone();
    spoilt.retain(|topic, _| topics.contains(&**topic));
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

#[cfg(test)]
mod tests {
    use super::{
        super::{
            plan::{Header, Record},
            rows::{PARTITIONS, ROWS},
        },
        *,
    };

    const TERMS: Terms = Terms { ordered: true, clock_ms: 0..=1_000 };

    /// What a sink without faults writes.
    fn write(cell: &Cell) -> Output {
        let mut output = Output::new();
        let mut partitions: HashMap<(&str, i32), u64> = HashMap::new();
        for (partition, record) in (0..PARTITIONS).cycle().zip(&cell.records) {
            let partition = record.partition.unwrap_or(partition);
            let offset = partitions.entry((&record.topic, partition)).or_default();
            let line = write_line(record, partition, *offset);
            *offset += 1;
            output.entry(record.topic.clone()).or_default().push(line);
        }
        output
    }

    fn write_line(record: &Record, partition: i32, offset: u64) -> String {
        let base64 = |bytes: &Option<Vec<u8>>| {
            json!(bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)))
        };
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
        let timestamp =
            jiff::Timestamp::from_millisecond(record.timestamp_ms.unwrap_or(500)).unwrap();
        format!(
            r#"{{"topic":"{}","partition":{partition},"offset":{offset}{},"value":{},"value_encoding":"{value_encoding}"{headers},"timestamp":"{}","client_addr":"127.0.0.1:1"}}"#,
            record.topic,
            key.unwrap_or_default(),
            base64(&record.value),
            timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        )
    }

    #[test]
    fn a_faultless_output_is_green_and_every_fault_turns_it_red() {
        let mut planted = Planted::default();
        for row in ROWS {
            let cell = row.cell(60);
            let output = write(&cell);
            assert_eq!(compare(&cell, &output, &TERMS), Vec::<String>::new());
            planted.try_all("client", &cell, &output, &TERMS);
        }
        assert_eq!(planted.unnoticed, Vec::<String>::new());
        assert_eq!(planted.never_tried().collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn a_comparison_that_does_not_look_is_found_out() {
        let any_time = Terms { clock_ms: i64::MIN..=i64::MAX, ..TERMS };
        let cell = ROWS[0].cell(60);
        let mut planted = Planted::default();
        planted.try_all("client", &cell, &write(&cell), &any_time);
        assert_eq!(planted.unnoticed, ["client, plain: a timestamp moved by an hour"]);
    }

    #[test]
    fn a_fault_without_an_occasion_is_told() {
        let cell = ROWS[0].cell(60);
        let mut planted = Planted::default();
        planted.try_all("client", &cell, &write(&cell), &TERMS);
        let never: Vec<&str> = planted.never_tried().collect();
        assert_eq!(never, ["a null value made empty", "a repeated header collapsed"]);
    }
}
