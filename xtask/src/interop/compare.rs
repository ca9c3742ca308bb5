//! What was sent against what landed.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use super::{
    http,
    landed::{Landed, Output},
    plan::{Cell, Header, Record},
    rows::PARTITIONS,
    transactions::{heard::Protocol, script::Fate},
};

/// What has to hold beyond the records themselves.
#[derive(Clone)]
pub(crate) struct Terms {
    /// Whether the records of a partition keep the order in which they were sent.
    pub ordered: bool,
    /// When records that the client stamped itself can have been stamped.
    pub clock_ms: RangeInclusive<i64>,
    /// How the client speaks of transactions.
    pub protocol: Protocol,
    /// Whether the records of a transaction lie in temporary files until it is committed.
    pub temporary: bool,
}

/// Compares a cell with the output; every difference is a sentence, and no difference is success.
pub(crate) fn compare(cell: &Cell, output: &Output, terms: &Terms) -> Vec<String> {
    let mut comparison = Comparison::new(cell, terms);
    let parse = match cell.http {
        http::Answer::Refuses => Landed::parse_letter,
        http::Answer::Takes | http::Answer::FailsTwice => Landed::parse,
    };
    for topic in cell.topics() {
        for line in output.get(topic).into_iter().flatten() {
            match parse(line) {
                Ok(landed) if landed.topic == topic => comparison.check(&landed),
                Ok(landed) => comparison
                    .differ(format!("a record of {} in the file of {topic}", landed.topic)),
                Err(error) => comparison.differ(format!("{error:#}")),
            }
        }
    }
    comparison.finish()
}

/// What a record is recognised by.
type Identity<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>, &'a [Header]);

pub(crate) fn identity(record: &Record) -> Identity<'_> {
    (&record.topic, record.key.as_deref(), record.value.as_deref(), &record.headers)
}

struct Comparison<'a> {
    cell: &'a Cell,
    terms: &'a Terms,
    places: HashMap<Identity<'a>, usize>,
    fates: BTreeMap<usize, Fate>,
    /// How many records of each topic were aborted, whose offsets were not missed yet.
    aborted: HashMap<String, i64>,
    landed: Vec<bool>,
    partitions: HashMap<(String, i32), Progress>,
    /// The number of the latest transaction in each topic.
    transactions: HashMap<String, usize>,
    differences: Vec<String>,
}

/// How far the file of one topic has come in one partition.
#[derive(Default)]
struct Progress {
    next_offset: i64,
    latest: Option<usize>,
}

impl<'a> Comparison<'a> {
    fn new(cell: &'a Cell, terms: &'a Terms) -> Self {
        let fates = cell.fates();
        Self {
            cell,
            terms,
            places: cell.records.iter().map(identity).zip(0..).collect(),
            aborted: count_aborted(cell, &fates),
            fates,
            landed: vec![false; cell.records.len()],
            partitions: HashMap::new(),
            transactions: HashMap::new(),
            differences: Vec::new(),
        }
    }

    fn differ(&mut self, difference: String) {
        self.differences.push(difference);
    }

    fn check(&mut self, landed: &Landed) {
        self.check_offset(landed);
        let identity =
            (&*landed.topic, landed.key.as_deref(), landed.value.as_deref(), &*landed.headers);
        let Some(&place) = self.places.get(&identity) else {
            return self.differ(format!("landed, but was never sent: {landed}"));
        };
        if std::mem::replace(&mut self.landed[place], true) {
            self.differ(format!("landed twice: {landed}"));
        }
        self.check_order(landed, place);
        self.check_fate(landed, place);
        let record = &self.cell.records[place];
        if let Some(refusal) = record.refusal {
            self.differ(format!("{refusal:?}, but landed: {landed}"));
        }
        if record.partition.is_some_and(|partition| partition != landed.partition) {
            self.differ(format!("sent to partition {:?}: {}", record.partition, landed));
        }
        if !self.stamped_well(record, landed) {
            self.differ(format!("stamped {:?} when sent: {}", record.timestamp_ms, landed));
        }
    }

    /// Aborted records do not land; committed ones with their transaction's id, and after all of the one before it.
    fn check_fate(&mut self, landed: &Landed, place: usize) {
        let id = match self.fates.get(&place) {
            None => None,
            Some(Fate::Aborted) => return self.differ(format!("aborted, but landed: {landed}")),
            Some(Fate::Committed { id, number }) => {
                let latest = self.transactions.insert(landed.topic.clone(), *number);
                if latest > Some(*number) {
                    self.differences.push(format!("landed after a later transaction: {landed}"));
                }
                Some(&**id)
            }
        };
        if landed.transactional_id.as_deref() != id {
            let found = format!("{:?}, expected {id:?}: {landed}", landed.transactional_id);
            self.differences.push(format!("in the transaction {found}"));
        }
    }

    /// Offsets count from 0, without a gap; but aborted records have theirs too, and were sent before one of these.
    fn check_offset(&mut self, landed: &Landed) {
        let progress = self.partitions.entry((landed.topic.clone(), landed.partition)).or_default();
        let expected = progress.next_offset;
        progress.next_offset = landed.offset + 1;
        if landed.offset != expected && !self.is_gap(&landed.topic, landed.offset - expected) {
            self.differ(format!("offset {expected} was next: {landed}"));
        }
        if !(0..PARTITIONS).contains(&landed.partition) {
            self.differ(format!("there is no such partition: {landed}"));
        }
    }

    /// Whether so many offsets can have gone to aborted records.
    fn is_gap(&mut self, topic: &str, offsets: i64) -> bool {
        let aborted = self.aborted.entry(topic.to_owned()).or_default();
        let is_gap = (1..=*aborted).contains(&offsets);
        *aborted -= if is_gap { offsets } else { 0 };
        is_gap
    }

    fn check_order(&mut self, landed: &Landed, place: usize) {
        let progress = self.partitions.entry((landed.topic.clone(), landed.partition)).or_default();
        let overtaken = progress.latest.replace(place).is_some_and(|latest| latest > place);
        if overtaken && self.terms.ordered {
            self.differ(format!("landed after a later one: {landed}"));
        }
    }

    fn stamped_well(&self, record: &Record, landed: &Landed) -> bool {
        match record.timestamp_ms {
            Some(_) => landed.timestamp_ms == record.timestamp_ms,
            None => landed.timestamp_ms.is_some_and(|ms| self.terms.clock_ms.contains(&ms)),
        }
    }

    fn finish(mut self) -> Vec<String> {
        for (place, record) in self.cell.records.iter().enumerate() {
            let must_land =
                record.refusal.is_none() && self.fates.get(&place) != Some(&Fate::Aborted);
            if must_land && !self.landed[place] {
                self.differences.push(format!("sent, but did not land: {record}"));
            }
        }
        self.check_spread();
        self.differences
    }

    fn check_spread(&mut self) {
        if !self.cell.spread {
            return;
        }
        for topic in self.cell.topics() {
            let unused =
                |partition: &i32| !self.partitions.contains_key(&(topic.to_owned(), *partition));
            if let Some(partition) = (0..PARTITIONS).find(unused) {
                self.differences.push(format!("{topic}[{partition}] was not used"));
            }
        }
    }
}

fn count_aborted(cell: &Cell, fates: &BTreeMap<usize, Fate>) -> HashMap<String, i64> {
    let mut aborted = HashMap::new();
    for (place, _) in fates.iter().filter(|(_, fate)| **fate == Fate::Aborted) {
        *aborted.entry(cell.records[*place].topic.clone()).or_default() += 1;
    }
    aborted
}
