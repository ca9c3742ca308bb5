//! What a client does in transactions, step by step, and what has to come of it.

use std::{collections::BTreeMap, ops::Range};

use serde::Serialize;

use super::super::plan::{Cell, Record};

/// The steps that were not taken, by their place in the script, and what the client said.
pub(crate) type Failed = BTreeMap<usize, String>;

/// The steps of a cell; `tests/interop/README.md` says what a client does for each.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Script {
    pub steps: Vec<Planned>,
}

/// A step, and how it has to fail, if it has to.
#[derive(Clone, Serialize)]
pub(crate) struct Planned {
    #[serde(flatten)]
    pub step: Step,
    #[serde(skip)]
    pub fails: Option<Failure>,
}

#[derive(Clone, Serialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub(crate) enum Step {
    /// Another instance of a producer, with this transactional id.
    Open {
        producer: Producer,
        id: String,
        timeout_ms: Option<u32>,
    },
    Begin {
        producer: Producer,
    },
    /// The records of these places in the plan.
    Send {
        producer: Producer,
        from: usize,
        to: usize,
    },
    Commit {
        producer: Producer,
    },
    Abort {
        producer: Producer,
    },
    Wait {
        ms: u32,
    },
}

/// The name of one instance of a producer; the transactional id is that of its cell.
type Producer = &'static str;

/// How a step has to fail, as the client's own error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// By an instance that was opened later.
    Fenced,
    /// By the end of the transaction's time. Clients of the second protocol hear INVALID_TXN_STATE of it, the others
    /// that their epoch is an old one.
    TimedOut,
}

impl Failure {
    /// Whether a client's error means this. Each has words of its own, and only these parts in common.
    fn is_meant_by(self, error: &str) -> bool {
        let letters: String = error.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_lowercase();
        self.words().iter().any(|words| letters.contains(words))
    }

    /// Sarama knows 90 by its number alone.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Fenced => &["fenced", "invalidproducerepoch", "oldepoch", "errorcode90"],
            Self::TimedOut => {
                &["invalidtxnstate", "fenced", "invalidproducerepoch", "oldepoch", "errorcode90"]
            }
        }
    }
}

/// What has to become of the records of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They land, with the transaction's id, after those of all transactions with a smaller number.
    Committed {
        id: String,
        number: usize,
    },
    Aborted,
}

impl Script {
    /// Where the client failed otherwise than it had to, in sentences.
    pub(crate) fn check(&self, failed: &Failed) -> Vec<String> {
        let steps = self.steps.iter().enumerate();
        steps
            .filter_map(|(place, planned)| {
                let step = serde_json::to_string(planned).expect("a step can be written down");
                match (planned.fails, failed.get(&place)) {
                    (None, None) => None,
                    (None, Some(error)) => Some(format!("step {place} failed ({error}): {step}")),
                    (Some(failure), None) => {
                        Some(format!("step {place} had to fail ({failure:?}): {step}"))
                    }
                    (Some(failure), Some(error)) => (!failure.is_meant_by(error)).then(|| {
                        format!("step {place} had to fail by {failure:?}, not by: {error}")
                    }),
                }
            })
            .collect()
    }

    /// What has to become of every record that is sent, by its place.
    pub(crate) fn fates(&self) -> BTreeMap<usize, Fate> {
        let mut fates = BTreeMap::new();
        let mut ids: BTreeMap<Producer, &String> = BTreeMap::new();
        let mut open: BTreeMap<Producer, Vec<usize>> = BTreeMap::new();
        for (number, Planned { step, fails }) in self.steps.iter().enumerate() {
            match step {
                Step::Open { producer, id, .. } => drop(ids.insert(producer, id)),
                Step::Send { producer, from, to } => {
                    fates.extend((*from..*to).map(|place| (place, Fate::Aborted)));
                    open.entry(producer).or_default().extend(*from..*to);
                }
                Step::Commit { producer } if fails.is_none() => {
                    let fate = Fate::Committed { id: ids[producer].clone(), number };
                    let places = open.remove(producer).unwrap_or_default();
                    fates.extend(places.into_iter().map(|place| (place, fate.clone())));
                }
                Step::Begin { producer } | Step::Commit { producer } | Step::Abort { producer } => {
                    open.remove(producer);
                }
                Step::Wait { .. } => {}
            }
        }
        fates
    }

    /// The transactional ids that are opened.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|planned| match &planned.step {
            Step::Open { id, .. } => Some(&**id),
            Step::Begin { .. }
            | Step::Send { .. }
            | Step::Commit { .. }
            | Step::Abort { .. }
            | Step::Wait { .. } => None,
        })
    }

    /// How many records each commit that succeeds adds to the output, in order.
    pub(crate) fn commits(&self) -> Vec<usize> {
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for fate in self.fates().into_values() {
            if let Fate::Committed { number, .. } = fate {
                *sizes.entry(number).or_default() += 1;
            }
        }
        sizes.into_values().collect()
    }
}

/// Writes the script and the records of a cell; its producers have the cell's name as their id.
pub(crate) struct Author {
    cell: Cell,
    steps: Vec<Planned>,
    topics: Vec<String>,
}

impl Author {
    /// Of a cell with one topic, which has its name.
    pub(crate) fn new(cell: Cell) -> Self {
        let topics = vec![cell.name.to_owned()];
        Self { cell, steps: Vec::new(), topics }
    }

    /// Sends to these topics in turn.
    pub(crate) fn over_topics(self, topics: impl IntoIterator<Item = String>) -> Self {
        Self { topics: topics.into_iter().collect(), ..self }
    }

    pub(crate) fn open(self, producer: Producer) -> Self {
        self.open_with_timeout(producer, None)
    }

    pub(crate) fn open_with_timeout(self, producer: Producer, timeout_ms: Option<u32>) -> Self {
        let id = self.cell.name.to_owned();
        self.step(Step::Open { producer, id, timeout_ms })
    }

    pub(crate) fn begin(self, producer: Producer) -> Self {
        self.step(Step::Begin { producer })
    }

    pub(crate) fn send(mut self, producer: Producer, count: usize) -> Self {
        let Range { start: from, end: to } = self.add_records(producer, count);
        self.step(Step::Send { producer, from, to })
    }

    pub(crate) fn commit(self, producer: Producer) -> Self {
        self.step(Step::Commit { producer })
    }

    pub(crate) fn abort(self, producer: Producer) -> Self {
        self.step(Step::Abort { producer })
    }

    pub(crate) fn wait(self, ms: u32) -> Self {
        self.step(Step::Wait { ms })
    }

    /// A whole transaction.
    pub(crate) fn transaction(self, producer: Producer, count: usize) -> Self {
        self.begin(producer).send(producer, count).commit(producer)
    }

    /// The last step has to fail.
    pub(crate) fn which_fails(mut self, failure: Failure) -> Self {
        if let Some(last) = self.steps.last_mut() {
            last.fails = Some(failure);
        }
        self
    }

    pub(crate) fn finish(self) -> Cell {
        Cell { script: Some(Script { steps: self.steps }), ..self.cell }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(Planned { step, fails: None });
        self
    }

    /// Keys, so that a partitioner uses several partitions.
    fn add_records(&mut self, producer: Producer, count: usize) -> Range<usize> {
        let start = self.cell.records.len();
        let places = start..start + count;
        let topics = &self.topics;
        self.cell.records.extend(places.clone().map(|place| {
            let record = Record::new(&topics[place % topics.len()], format!("{producer} {place}"));
            record.key(format!("key {}", place % 7))
        }));
        places
    }
}

#[cfg(test)]
impl Failure {
    /// What a client may say of it.
    pub(crate) fn in_words(self) -> &'static str {
        self.words()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Author::new(Cell { name: "row", ..Cell::default() })
            .open("first")
            .begin("first")
            .send("first", 1)
            .open("second")
            .begin("second")
            .send("second", 2)
            .commit("first")
            .which_fails(Failure::Fenced)
            .commit("second")
            .begin("second")
            .send("second", 1)
            .abort("second")
            .transaction("second", 1)
            .finish()
    }

    #[test]
    fn only_a_commit_that_succeeds_lets_records_land() {
        let script = cell().script.unwrap();
        let committed = |number| Fate::Committed { id: "row".to_owned(), number };
        let fates: Vec<Fate> = script.fates().into_values().collect();
        assert_eq!(
            fates,
            [Fate::Aborted, committed(7), committed(7), Fate::Aborted, committed(13)]
        );
        assert_eq!(script.commits(), [2, 1]);
    }

    #[test]
    fn a_step_fails_as_it_has_to_and_no_other_one() {
        let script = cell().script.unwrap();
        let check = |failed: &[(usize, &str)]| {
            script
                .check(&failed.iter().map(|(place, error)| (*place, (*error).to_owned())).collect())
        };
        assert_eq!(check(&[(6, "ProducerFencedException: a newer one")]), Vec::<String>::new());
        assert_eq!(check(&[]).len(), 1);
        assert_eq!(check(&[(6, "NOT_COORDINATOR")]).len(), 1);
        assert_eq!(check(&[(6, "fenced"), (7, "fenced")]).len(), 1);
    }

    #[test]
    fn each_client_is_understood_in_its_own_words() {
        for error in [
            "KafkaError{FATAL,code=_FENCED,val=-144,str=\"Failed to end transaction\"}",
            "PRODUCER_FENCED: There is a newer producer with the same transactionalId",
            "Unknown error, how did this happen? Error code = 90",
            "KafkaJSProtocolError: Producer attempted an operation with an old epoch.",
        ] {
            assert!(Failure::Fenced.is_meant_by(error), "{error}");
            assert!(Failure::TimedOut.is_meant_by(error), "{error}");
        }
        let state = "InvalidTxnStateException: The producer attempted a transactional operation";
        assert!(Failure::TimedOut.is_meant_by(state));
        assert!(!Failure::Fenced.is_meant_by(state));
    }
}
