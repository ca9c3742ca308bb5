//! What came of it: a table for the eye, and `target/chaos/report.md` to keep.

use std::{collections::BTreeSet, fs};

use anyhow::Result;

use super::{Outcome, Round, SEED};
use crate::{places, tally::Tally};

/// The rounds so far.
pub(crate) struct Report {
    seed: u64,
    rounds: Vec<(Round, Result<Outcome>)>,
    skipped: Tally,
}

impl Report {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, rounds: Vec::new(), skipped: Tally::default() }
    }

    pub(crate) fn add(&mut self, round: Round, outcome: Result<Outcome>) {
        for complaint in complaints(&round, &outcome) {
            println!("FAILED {round}: {complaint} ({SEED}={})", self.seed);
        }
        self.rounds.push((round, outcome));
    }

    pub(crate) fn skip(&mut self, tally: Tally) {
        self.skipped += tally;
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.skipped;
        for (round, outcome) in &self.rounds {
            match complaints(round, outcome).is_empty() {
                true => tally.passed += 1,
                false => tally.failed += 1,
            }
        }
        tally
    }

    /// Prints the report, and writes it where it can be read later.
    pub(crate) fn publish(&self) -> Result<()> {
        let text = self.text();
        println!("\n{text}");
        let folder = places::target().join("chaos");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("report.md"), text)?)
    }

    fn text(&self) -> String {
        let title = format!("# ksink and lost replies\n\nAgain: `{SEED}={}`\n\n", self.seed);
        title + &self.versions() + &self.table() + &self.failures() + LEGEND
    }

    fn versions(&self) -> String {
        let outcomes = self.rounds.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
        let versions: BTreeSet<&str> = outcomes.map(|outcome| &*outcome.said.version).collect();
        versions.iter().map(|version| format!("- {version}\n")).collect::<String>() + "\n"
    }

    fn table(&self) -> String {
        let rows = self.rounds.iter().map(|(round, outcome)| line(row(round, outcome)));
        line(HEAD.map(str::to_owned)) + RULE + &rows.collect::<String>() + "\n"
    }

    fn failures(&self) -> String {
        let lines = self.rounds.iter().flat_map(|(round, outcome)| {
            let complaints = complaints(round, outcome).into_iter();
            complaints.map(move |complaint| format!("- FAIL {round}: {complaint}\n"))
        });
        let lines: String = lines.collect();
        if lines.is_empty() { lines } else { lines + "\n" }
    }
}

const HEAD: [&str; 14] = [
    "client", "server", "cut %", "verdict", "acked", "lost", "twice", "order", "requests", "cuts",
    "copies", "silences", "given up", "s",
];

/// Two columns of words, and twelve of numbers.
const RULE: &str = "\
| --------------- | --------- | -------: | -------: | -------: | -------: | -------: | -------: | -------: \
| -------: | -------: | -------: | -------: | -------: |
";

const LEGEND: &str = "\
- acked: records that the client reported as delivered; lost: those of them that are not in the output
- twice: copies in the output beyond the first; order: records behind a later one of their partition
- requests: tries, of 20 records or fewer; cuts: replies that the client could not hear
- copies: requests that came a second time on another connection; silences: connections that went dead
- given up: requests that the client did not wait for any longer, for all that the network did
- forgetful is a server without a memory: it must keep copies, or the other rows show nothing
";

fn line(cells: [String; 14]) -> String {
    let [client, server, numbers @ ..] = cells;
    let numbers = numbers.map(|number| format!(" {number:>8} |")).concat();
    format!("| {client:<15} | {server:<9} |{numbers}\n")
}

fn row(round: &Round, outcome: &Result<Outcome>) -> [String; 14] {
    let verdict = if complaints(round, outcome).is_empty() { "ok" } else { "FAIL" };
    let head =
        [round.client.name, &round.kind.to_string(), &round.cut_percent.to_string(), verdict]
            .map(str::to_owned);
    let tail = match outcome {
        Err(_) => [const { String::new() }; 10],
        Ok(outcome @ Outcome { verdict, counts, took, .. }) => [
            outcome.delivered().to_string(),
            verdict.lost.to_string(),
            verdict.duplicated.to_string(),
            verdict.reordered.to_string(),
            counts.requests.to_string(),
            counts.cuts().to_string(),
            counts.duplicates.to_string(),
            counts.black_holes.to_string(),
            counts.given_up.to_string(),
            format!("{:.1}", took.as_secs_f64()),
        ],
    };
    let mut cells = head.into_iter().chain(tail);
    std::array::from_fn(|_| cells.next().expect("4 and 10 are 14"))
}

fn complaints(round: &Round, outcome: &Result<Outcome>) -> Vec<String> {
    match outcome {
        Ok(outcome) => round.complaints(outcome),
        Err(error) => vec![format!("{error:#}")],
    }
}
