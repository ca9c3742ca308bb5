//! Planted faults: a comparison that stays green on doctored evidence proves nothing.

mod lines;
mod words;

use std::collections::BTreeMap;

use self::lines::Lines;
use super::{compare::Terms, evidence::Evidence, plan::Cell};

/// One way to spoil the evidence of a cell.
pub(crate) struct Fault {
    pub name: &'static str,
    plant: Plant,
    /// The cells in which it is one.
    matters: fn(&Cell, &Terms) -> bool,
}

/// Each gives nothing where the evidence offers no occasion for the fault.
enum Plant {
    /// Gives the lines of a topic with the fault in them.
    Lines(fn(Lines) -> Option<Lines>),
    Words(fn(&Cell, &mut Evidence) -> Option<()>),
}

pub(crate) const FAULTS: &[Fault] = &[
    landed("a record dropped", lines::drop_one),
    landed("a record twice", lines::repeat_one),
    Fault {
        matters: |_, terms| terms.ordered,
        ..landed("two records of a partition swapped", lines::swap_two)
    },
    landed("a bit of a value flipped", lines::flip_a_bit),
    landed("a null value made empty", lines::empty_a_null),
    landed("a repeated header collapsed", lines::collapse_headers),
    landed("a timestamp moved by an hour", lines::move_a_timestamp),
    landed("an offset left out", lines::leave_an_offset_out),
    Fault {
        matters: |cell, _| cell.spread,
        ..landed("a partition left unused", lines::leave_a_partition_unused)
    },
    said("a refusal kept back", words::keep_a_refusal_back),
    said("another reason told", words::tell_another_reason),
    said("a delivered record refused", words::refuse_a_delivered_one),
    said("a refused record landed", words::let_a_refused_one_land),
    said("another code answered", words::answer_another_code),
    said("batches not numbered", words::number_no_batches),
    said("a connection spared", words::spare_a_connection),
];

const fn landed(name: &'static str, plant: fn(Lines) -> Option<Lines>) -> Fault {
    Fault { name, plant: Plant::Lines(plant), matters: |_, _| true }
}

const fn said(name: &'static str, plant: fn(&Cell, &mut Evidence) -> Option<()>) -> Fault {
    Fault { name, plant: Plant::Words(plant), matters: |_, _| true }
}

impl Fault {
    /// The evidence with the fault in it.
    fn spoil(&self, cell: &Cell, evidence: &Evidence) -> Option<Evidence> {
        let mut spoilt = evidence.clone();
        match self.plant {
            Plant::Words(plant) => plant(cell, &mut spoilt)?,
            Plant::Lines(plant) => {
                let mut topics = spoilt.output.iter_mut();
                topics.find_map(|(_, lines)| {
                    *lines = plant(lines.clone())?;
                    Some(())
                })?;
            }
        }
        Some(spoilt)
    }
}

/// How often each fault was planted, and where it was not noticed.
#[derive(Default)]
pub(crate) struct Planted {
    pub times: BTreeMap<&'static str, u64>,
    pub unnoticed: Vec<String>,
}

impl Planted {
    /// Plants every fault that fits into the evidence of a green cell, one at a time.
    pub(crate) fn try_all(
        &mut self,
        client: &str,
        cell: &Cell,
        evidence: &Evidence,
        terms: &Terms,
    ) {
        for fault in FAULTS.iter().filter(|fault| (fault.matters)(cell, terms)) {
            let Some(spoilt) = fault.spoil(cell, evidence) else { continue };
            *self.times.entry(fault.name).or_default() += 1;
            if spoilt.check(cell, terms).is_empty() {
                self.unnoticed.push(format!("{client}, {}: {}", cell.name, fault.name));
            }
        }
    }

    pub(crate) fn never_tried(&self) -> impl Iterator<Item = &'static str> {
        FAULTS.iter().map(|fault| fault.name).filter(|name| !self.times.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde_json::{Value, json};

    use super::{
        super::{
            eavesdrop::Heard,
            landed::Output,
            plan::{Header, Record},
            rows::{PARTITIONS, ROWS},
        },
        *,
    };

    const TERMS: Terms = Terms { ordered: true, clock_ms: 0..=1_000 };

    /// What there is to see where nothing is at fault.
    fn faultless(cell: &Cell) -> Evidence {
        let refusals = cell
            .records
            .iter()
            .zip(0..)
            .filter_map(|(record, place)| Some((place, record.refusal?.in_words().to_owned())));
        Evidence { refused: refusals.collect(), heard: Heard::as_asked(cell), output: write(cell) }
    }

    /// What a sink without faults writes.
    fn write(cell: &Cell) -> Output {
        let mut output = Output::new();
        let mut partitions: HashMap<(&str, i32), u64> = HashMap::new();
        for (partition, record) in (0..PARTITIONS).cycle().zip(&cell.records) {
            if record.refusal.is_some() {
                continue;
            }
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
            let evidence = faultless(&cell);
            assert_eq!(evidence.check(&cell, &TERMS), Vec::<String>::new());
            planted.try_all("client", &cell, &evidence, &TERMS);
        }
        assert_eq!(planted.unnoticed, Vec::<String>::new());
        assert_eq!(planted.never_tried().collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn a_comparison_that_does_not_look_is_found_out() {
        let any_time = Terms { clock_ms: i64::MIN..=i64::MAX, ..TERMS };
        let cell = ROWS[0].cell(60);
        let mut planted = Planted::default();
        planted.try_all("client", &cell, &faultless(&cell), &any_time);
        assert_eq!(planted.unnoticed, ["client, plain: a timestamp moved by an hour"]);
    }

    #[test]
    fn a_fault_without_an_occasion_is_told() {
        let cell = ROWS[0].cell(60);
        let mut planted = Planted::default();
        planted.try_all("client", &cell, &faultless(&cell), &TERMS);
        let never: Vec<&str> = planted.never_tried().collect();
        assert!(never.contains(&"a null value made empty"), "{never:?}");
        assert!(never.contains(&"batches not numbered"), "{never:?}");
        assert!(!never.contains(&"a record dropped"), "{never:?}");
    }
}
