//! What remembering costs a plain producer: the same load into a file with a state and without.

use std::fs::File;

use anyhow::{Context, Result};

use super::{Bench, TOPIC};
use crate::bench::{
    batches::Shape,
    effort::median,
    goals::{Goal, Must, Unit},
    load::{Answers, Load, Pace},
    process::Server,
    trim::Trimmer,
};

/// A warm-up takes this part of a measurement.
const WARM_UP_PART: u32 = 4;

/// The file that everything goes to.
const FILE: &str = "out";

/// Measures both kinds of load, in turns with and without a state.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Goal>> {
    let bulk = Pace { connections: 1, in_flight: 4, interval: None };
    let single = Pace { connections: 1, in_flight: 1, interval: None };
    Ok(vec![
        // The goal is about throughput; what a lone small request pays is shown beside it.
        compare(
            bench,
            "1000 records a request, throughput with a journal against without",
            1000,
            bulk,
            0.95,
        )?,
        compare(
            bench,
            "1 record a request, requests a second with a journal against without",
            1,
            single,
            0.0,
        )?,
    ])
}

fn compare(bench: &Bench, what: &str, records: usize, pace: Pace, at_least: f64) -> Result<Goal> {
    let request = Shape::plain(records, 100).request(TOPIC)?;
    let mut ratios = Vec::new();
    for _ in 0..bench.effort.samples {
        let without = rate(bench, &["--state-dir", "none"], &request, pace)?;
        let with = rate(bench, &[], &request, pace)?;
        ratios.push(with / without);
    }
    Ok(Goal {
        what: what.to_owned(),
        must: Must::AtLeast(at_least),
        unit: Unit::Percent,
        reached: median(ratios),
    })
}

/// Requests a second.
fn rate(bench: &Bench, state: &[&str], request: &[u8], pace: Pace) -> Result<f64> {
    let folder = bench.scratch.fresh("overhead")?;
    let path = folder.join(FILE);
    File::create(&path)?;
    let trimmer = Trimmer::start(&path)?;
    let args = [&["--output", FILE, "--output-format", "binary"], state].concat();
    let server = Server::ksink(&bench.ksink, &args, &folder, bench.cores)?;
    let mut load = Load::connect(server.addr, request, Answers::Produced, pace)?;
    load.run(bench.effort.sample / WARM_UP_PART)?;
    let done = load.run(bench.effort.sample)?;
    trimmer.finish().context("the file cannot be trimmed")?;
    Ok(done.requests() as f64 / done.took.as_secs_f64())
}
