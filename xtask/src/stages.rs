//! A run in stages: each is announced, timed and counted, and a failure does not hide the next one.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tally::Tally;

/// The stages that have run.
#[derive(Default)]
pub(crate) struct Stages(Vec<Stage>);

struct Stage {
    name: &'static str,
    tally: Tally,
    took: Duration,
}

impl Stages {
    /// Runs one stage. One that fails without having counted anything counts as one failure.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<Tally>) {
        println!("\n== {name} ==");
        let start = Instant::now();
        let tally = work().unwrap_or_else(|error| {
            println!("FAILED {name}: {error:#}");
            Tally::failed(1)
        });
        self.0.push(Stage { name, tally, took: start.elapsed() });
    }

    /// Prints what each stage took and, alone on the last line, the sum. Says whether nothing failed.
    pub(crate) fn finish(self) -> bool {
        let mut sum = Tally::default();
        println!("\n== stages ==");
        for stage in &self.0 {
            let verdict = if stage.tally.failed > 0 { "FAILED" } else { "ok" };
            println!(
                "{:<24} {verdict:<7} {:>7.1} s   {}",
                stage.name,
                stage.took.as_secs_f64(),
                stage.tally
            );
            sum += stage.tally;
        }
        println!("\nksink: {sum}");
        sum.failed == 0
    }
}
