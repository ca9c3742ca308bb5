//! What producers say of themselves: what they sent, what they were told, and when.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Microseconds since the epoch; all who tell a story live on this machine.
pub(crate) type Micros = u64;

pub(crate) fn now() -> Micros {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.expect("the clock is past 1970").as_micros() as Micros
}

/// Where a record was said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub topic: String,
    pub partition: i32,
    /// Negative where the producer was not told.
    pub offset: i64,
}

/// A record that was acknowledged outside of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acked {
    pub at: Micros,
    pub place: Place,
}

/// A transaction, as far as it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub began: Micros,
    pub ending: Option<Ending>,
    /// When the producer heard that it had ended as asked.
    pub ended: Option<Micros>,
}

/// What a producer asked for at the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// How many records the transaction has.
    pub count: u32,
    pub commit: bool,
}

/// One producer. Its records are numbered from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producer {
    /// When the records of a burst were handed over: the first one, the last one.
    pub sent: Vec<(Micros, u32, u32)>,
    pub acked: BTreeMap<u32, Acked>,
    pub transactions: BTreeMap<u32, Transaction>,
    /// What reached the application.
    pub failed: Vec<String>,
}

/// All producers, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub versions: Vec<String>,
    pub producers: BTreeMap<String, Producer>,
}

/// One line of a client's output; `tests/interop/README.md` has the format.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Version {
        version: String,
    },
    Acked {
        p: String,
        at: Micros,
        acked: u32,
        topic: String,
        partition: i32,
        offset: i64,
    },
    Sent {
        p: String,
        at: Micros,
        sent: (u32, u32),
    },
    Began {
        p: String,
        at: Micros,
        began: u32,
    },
    Ending {
        p: String,
        #[serde(rename = "at")]
        _at: Micros,
        ending: u32,
        count: u32,
        commit: bool,
    },
    Ended {
        p: String,
        at: Micros,
        ended: u32,
    },
    Failed {
        p: String,
        #[serde(rename = "at")]
        _at: Micros,
        failed: String,
    },
}

impl Story {
    /// Adds what a client printed.
    pub(crate) fn read(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            let line = serde_json::from_str(line);
            self.add(line.with_context(|| format!("a client said: {text:.200}"))?);
        }
        Ok(())
    }

    /// Adds what a producer of our own remembers.
    pub(crate) fn insert(&mut self, name: String, producer: Producer) {
        self.producers.insert(name, producer);
    }

    fn add(&mut self, line: Line) {
        match line {
            Line::Version { version } => self.versions.push(version),
            Line::Sent { p, at, sent: (first, last) } => {
                self.producer(p).sent.push((at, first, last));
            }
            Line::Acked { p, at, acked, topic, partition, offset } => {
                let place = Place { topic, partition, offset };
                self.producer(p).acked.insert(acked, Acked { at, place });
            }
            Line::Began { p, at, began } => {
                let transaction = Transaction { began: at, ..Default::default() };
                self.producer(p).transactions.insert(began, transaction);
            }
            Line::Ending { p, ending, count, commit, .. } => {
                self.producer(p).transaction(ending).ending = Some(Ending { count, commit });
            }
            Line::Ended { p, at, ended } => self.producer(p).transaction(ended).ended = Some(at),
            Line::Failed { p, failed, .. } => self.producer(p).failed.push(failed),
        }
    }

    fn producer(&mut self, name: String) -> &mut Producer {
        self.producers.entry(name).or_default()
    }

    /// How many records were acknowledged outside of transactions.
    pub(crate) fn acked(&self) -> usize {
        self.producers.values().map(|producer| producer.acked.len()).sum()
    }

    /// How many transactions were committed, and how many aborted.
    pub(crate) fn ended(&self) -> (usize, usize) {
        let transactions = self.producers.values().flat_map(|p| p.transactions.values());
        let ended = transactions.filter(|transaction| transaction.ended.is_some());
        let (committed, aborted): (Vec<_>, Vec<_>) =
            ended.partition(|transaction| transaction.ending.is_some_and(|ending| ending.commit));
        (committed.len(), aborted.len())
    }

    /// What reached an application, with the producer's name.
    pub(crate) fn failures(&self) -> impl Iterator<Item = String> {
        self.producers.iter().flat_map(|(name, producer)| {
            producer.failed.iter().map(move |failed| format!("{name}: {failed}"))
        })
    }
}

impl Producer {
    /// When it heard of a success: an acknowledgement, or the end of a transaction.
    pub(crate) fn successes(&self) -> Vec<Micros> {
        let acked = self.acked.values().map(|acked| acked.at);
        let ended = self.transactions.values().filter_map(|transaction| transaction.ended);
        let mut at: Vec<Micros> = acked.chain(ended).collect();
        at.sort_unstable();
        at
    }

    /// A transaction of this number, which has begun.
    pub(crate) fn transaction(&mut self, number: u32) -> &mut Transaction {
        self.transactions.entry(number).or_default()
    }
}

/// When something was unanswered or open, as the producers saw it.
#[derive(Debug)]
pub(crate) struct Busy {
    /// Apart from each other, in order.
    spans: Vec<(Micros, Micros)>,
}

impl Busy {
    pub(crate) fn of(story: &Story) -> Self {
        let mut spans: Vec<_> = story.producers.values().flat_map(Producer::waits).collect();
        spans.sort_unstable();
        let mut merged: Vec<(Micros, Micros)> = Vec::new();
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                Some(_) | None => merged.push((start, end)),
            }
        }
        Self { spans: merged }
    }

    pub(crate) fn at(&self, time: Micros) -> bool {
        let after = self.spans.partition_point(|(start, _)| *start <= time);
        after.checked_sub(1).is_some_and(|n| time < self.spans[n].1)
    }
}

impl Producer {
    /// From the sending of each burst to its last acknowledgement, and of each transaction to its end.
    fn waits(&self) -> impl Iterator<Item = (Micros, Micros)> {
        let bursts = self.sent.iter().map(|&(at, first, last)| {
            let heard =
                (first..=last).map(|n| self.acked.get(&n).map_or(Micros::MAX, |acked| acked.at));
            (at, heard.max().unwrap_or(at))
        });
        let transactions = self.transactions.values();
        bursts.chain(transactions.map(|one| (one.began, one.ended.unwrap_or(Micros::MAX))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"{"version":"x 1"}
{"p":"a","at":10,"sent":[0,1]}
{"p":"a","at":20,"acked":0,"topic":"t","partition":1,"offset":7}
{"p":"a","at":30,"acked":1,"topic":"t","partition":1,"offset":8}
{"p":"b","at":40,"began":0}
{"p":"b","at":50,"ending":0,"count":3,"commit":true}
{"p":"b","at":60,"ended":0}
{"p":"b","at":70,"failed":"no"}
"#;

    fn story() -> Story {
        let mut story = Story::default();
        story.read(SAID).unwrap();
        story
    }

    #[test]
    fn a_client_is_read_line_by_line() {
        let story = story();
        assert_eq!(story.versions, ["x 1"]);
        assert_eq!(story.acked(), 2);
        assert_eq!(story.ended(), (1, 0));
        assert_eq!(story.failures().collect::<Vec<_>>(), ["b: no"]);
        assert_eq!(story.producers["a"].successes(), [20, 30]);
        assert_eq!(story.producers["b"].successes(), [60]);
        assert!(Story::default().read("{\"p\":\"a\"}").is_err());
    }

    #[test]
    fn busy_is_the_time_between_a_question_and_its_answer() {
        let busy = Busy::of(&story());
        let at = [9, 10, 29, 30, 39, 40, 59, 60].map(|time| busy.at(time));
        assert_eq!(at, [false, true, true, false, false, true, true, false]);
    }

    #[test]
    fn what_is_never_answered_is_busy_for_ever() {
        let mut story = Story::default();
        story.read("{\"p\":\"a\",\"at\":10,\"sent\":[0,0]}").unwrap();
        assert!(Busy::of(&story).at(1_000_000));
    }
}
