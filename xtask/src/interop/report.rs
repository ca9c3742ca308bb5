//! What came of it: a table for the eye, and `target/interop/report.md` to keep.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::Result;

use super::{
    faults::{FAULTS, Planted},
    formats::FORMATS,
    rows::Row,
};
use crate::{places, tally::Tally};

/// How one cell ended.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    NotApplicable(String),
}

impl Outcome {
    /// What happened, in the light of the reason why it could not. A reason for what works after all
    /// is a failure: excuses do not outlive what they excuse.
    pub(crate) fn new(truth: Result<(), String>, excuse: Option<&str>) -> Self {
        match (truth, excuse) {
            (Ok(()), None) => Self::Passed,
            (Err(why), None) => Self::Failed(why),
            (Err(_), Some(reason)) => Self::NotApplicable(reason.to_owned()),
            (Ok(()), Some(reason)) => {
                Self::Failed(format!("it works, but is listed as not applicable: {reason}"))
            }
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed(_) => "FAIL",
            Self::NotApplicable(_) => "n/a",
        }
    }
}

/// What one client came to.
pub(crate) struct Run {
    pub client: &'static str,
    /// The client's version in its own words, or why it was not tried.
    pub version: String,
    /// How it produces by default, as heard on the wire.
    pub manners: BTreeSet<String>,
    pub cells: Vec<(&'static str, Outcome)>,
    pub took: Duration,
    /// How it counts that the client was not tried; zero when it was.
    pub skip: Tally,
}

impl Run {
    pub(crate) fn new(client: &'static str) -> Self {
        Self {
            client,
            version: String::new(),
            manners: BTreeSet::new(),
            cells: Vec::new(),
            took: Duration::ZERO,
            skip: Tally::default(),
        }
    }

    fn was_tried(&self) -> bool {
        self.skip == Tally::default()
    }

    fn tried(&self, row: &str) -> bool {
        self.cells.iter().any(|(name, _)| *name == row)
    }

    fn mark(&self, row: &str) -> &'static str {
        match self.cells.iter().find(|(name, _)| *name == row) {
            Some((_, outcome)) => outcome.mark(),
            None if self.was_tried() => "",
            None => "skip",
        }
    }
}

/// The whole matrix.
pub(crate) struct Report {
    pub ksink_version: String,
    pub runs: Vec<Run>,
    pub planted: Planted,
    /// Whether every fault had to find an occasion, which a part of the matrix may not offer.
    pub everything: bool,
}

impl Report {
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::failed(self.faults_that_prove_nothing().len() as u64);
        for run in &self.runs {
            tally += run.skip;
            for (_, outcome) in &run.cells {
                match outcome {
                    Outcome::Passed => tally.passed += 1,
                    Outcome::Failed(_) => tally.failed += 1,
                    Outcome::NotApplicable(_) => {}
                }
            }
        }
        tally
    }

    /// Prints the report, and writes it where it can be read later.
    pub(crate) fn publish(&self) -> Result<()> {
        let text = self.text();
        println!("\n{text}");
        let folder = places::target().join("interop");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("report.md"), text)?)
    }

    fn text(&self) -> String {
        let title = format!("# ksink and real Kafka producers\n\n{}\n\n", self.ksink_version);
        [
            title,
            self.clients(),
            self.table(),
            self.failures(),
            self.reasons(),
            self.planted_faults(),
            legend(),
        ]
        .concat()
    }

    fn clients(&self) -> String {
        let line = |run: &Run| {
            let head =
                format!("- {}: {} ({:.1} s)\n", run.client, run.version, run.took.as_secs_f64());
            head + &run
                .manners
                .iter()
                .map(|manner| format!("  - by default {manner}\n"))
                .collect::<String>()
        };
        self.runs.iter().map(line).collect::<String>() + "\n"
    }

    fn table(&self) -> String {
        let names = Row::all().map(|row| row.name).chain(FORMATS.iter().map(|format| format.name));
        let tried: Vec<&str> =
            names.filter(|name| self.runs.iter().any(|run| run.tried(name))).collect();
        let width = tried.iter().map(|name| name.len()).max().unwrap_or_default();
        let line = |first: &str, field: &dyn Fn(&Run) -> String| {
            let fields =
                self.runs.iter().map(|run| format!(" {:<1$} |", field(run), run.client.len()));
            format!("| {first:<width$} |{}\n", fields.collect::<String>())
        };
        let head = line("", &|run| run.client.to_owned())
            + &line(&"-".repeat(width), &|run| "-".repeat(run.client.len()));
        let row = |name: &&str| line(name, &|run| run.mark(name).to_owned());
        head + &tried.iter().map(row).collect::<String>() + "\n"
    }

    fn planted_faults(&self) -> String {
        let mut lines =
            String::from("Planted faults, each of which has to turn a green cell red:\n\n");
        for fault in FAULTS {
            let times = self.planted.times.get(fault.name).copied().unwrap_or_default();
            lines += &format!("- {}: planted {times} times\n", fault.name);
        }
        for failure in self.faults_that_prove_nothing() {
            lines += &format!("- FAIL {failure}\n");
        }
        lines + "\n"
    }

    fn faults_that_prove_nothing(&self) -> Vec<String> {
        let mut failures: Vec<String> =
            self.planted.unnoticed.iter().map(|place| format!("not noticed: {place}")).collect();
        if self.everything && self.runs.iter().any(Run::was_tried) {
            failures
                .extend(self.planted.never_tried().map(|fault| format!("never planted: {fault}")));
        }
        failures
    }

    fn failures(&self) -> String {
        self.details("Failed", |outcome| match outcome {
            Outcome::Failed(why) => Some(why),
            Outcome::Passed | Outcome::NotApplicable(_) => None,
        })
    }

    fn reasons(&self) -> String {
        self.details("Not applicable", |outcome| match outcome {
            Outcome::NotApplicable(why) => Some(why),
            Outcome::Passed | Outcome::Failed(_) => None,
        })
    }

    /// The rows of a client that have the same thing to say share a line.
    fn details(&self, title: &str, pick: fn(&Outcome) -> Option<&String>) -> String {
        let mut rows: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for run in &self.runs {
            for (row, outcome) in &run.cells {
                if let Some(why) = pick(outcome) {
                    rows.entry((run.client, why)).or_default().push(row);
                }
            }
        }
        if rows.is_empty() {
            return String::new();
        }
        let line = |((client, why), rows): (&(&str, &str), &Vec<&str>)| {
            format!("- {client}, {}: {why}\n", rows.join(", "))
        };
        format!("{title}:\n\n{}\n", rows.iter().map(line).collect::<String>())
    }
}

fn legend() -> String {
    let rows = Row::all().map(|row| format!("- {}: {}\n", row.name, row.shows));
    format!("The rows:\n\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excuse_for_what_works_is_a_failure() {
        assert!(matches!(Outcome::new(Ok(()), None), Outcome::Passed));
        assert!(matches!(Outcome::new(Ok(()), Some("cannot")), Outcome::Failed(_)));
        assert!(matches!(
            Outcome::new(Err("did not".to_owned()), Some("cannot")),
            Outcome::NotApplicable(_)
        ));
        assert!(matches!(Outcome::new(Err("did not".to_owned()), None), Outcome::Failed(_)));
    }
}
