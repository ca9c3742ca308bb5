//! What came of it: lines for the eye, and `target/crash/report.md` to keep.

use std::{collections::BTreeSet, fs};

use anyhow::Result;

use super::{
    SEED,
    kill::{Outcome, Round},
};
use crate::{places, tally::Tally};

/// What was tried so far.
pub(crate) struct Report {
    seed: u64,
    versions: BTreeSet<String>,
    lines: Vec<String>,
    tally: Tally,
}

impl Report {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, versions: BTreeSet::new(), lines: Vec::new(), tally: Tally::default() }
    }

    pub(crate) fn skip(&mut self, tally: Tally) {
        self.tally += tally;
    }

    /// Adds what was tried, what was seen of it, and what is wrong with it.
    pub(crate) fn add(&mut self, name: &str, seen: &str, complaints: &[String]) {
        match complaints {
            [] => self.tally.passed += 1,
            [..] => self.tally.failed += 1,
        }
        let verdict = if complaints.is_empty() { "ok" } else { "FAIL" };
        let seen = if seen.is_empty() { seen.to_owned() } else { format!(": {seen}") };
        self.say(format!("- {verdict} {name}{seen}"));
        for complaint in complaints {
            self.say(format!("  - FAILED {name}: {complaint} ({SEED}={})", self.seed));
        }
    }

    pub(crate) fn add_kills(&mut self, name: &str, round: &Round, outcome: Result<Outcome>) {
        match outcome {
            Ok(outcome) => {
                self.versions.extend(outcome.versions.iter().cloned());
                self.add(name, &kills_seen(&outcome), &round.complaints(&outcome));
            }
            Err(error) => self.add_error(name, &error),
        }
    }

    /// Adds what came to no end.
    pub(crate) fn add_error(&mut self, name: &str, error: &anyhow::Error) {
        self.add(name, "came to no end", &[format!("{error:#}")]);
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// Writes the report where it can be read later.
    pub(crate) fn publish(&self) -> Result<()> {
        let folder = places::target().join("crash");
        fs::create_dir_all(&folder)?;
        let versions: String =
            self.versions.iter().map(|version| format!("- {version}\n")).collect();
        let title = format!("# ksink, killed and without power\n\nAgain: `{SEED}={}`\n", self.seed);
        let lines = self.lines.join("\n");
        Ok(fs::write(folder.join("report.md"), format!("{title}\n{versions}\n{lines}\n"))?)
    }

    fn say(&mut self, line: String) {
        println!("{line}");
        self.lines.push(line);
    }
}

fn kills_seen(outcome: &Outcome) -> String {
    let Outcome { kills, busy, fruitful, acked, committed, aborted, survivors, took, .. } = outcome;
    format!(
        "{busy} of {kills} kills with something unanswered or open, {fruitful} lives with a success; {acked} records \
         acknowledged, {committed} transactions committed, {aborted} aborted, {survivors} of them older than a kill; \
         {:.1} s",
        took.as_secs_f64()
    )
}
