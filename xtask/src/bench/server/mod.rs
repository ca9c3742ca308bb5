//! `cargo xtask bench`: ksink under load, one core for it and one for the load.

mod goals;
mod measured;
mod plan;
mod report;
mod run;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use self::run::Bench;
use super::{
    cores::{self, Cores},
    effort::Effort,
    goals::print as print_goals,
    process::ksink,
    scratch::Scratch,
};

/// How thoroughly, and what.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArgs {
    /// How long each measurement takes, without its warm-up.
    #[arg(long, default_value_t = 0.6)]
    seconds: f64,

    /// How often each measurement is made; what is shown is the median.
    #[arg(long, default_value_t = 3)]
    samples: usize,

    /// The ksink to measure [default: the release build of this tree].
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,

    /// Only the requests whose description contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Fails when a goal was missed.
    #[arg(long)]
    strict: bool,
}

/// Measures and prints; whether all goals were reached, where that was asked for.
pub(super) fn run(args: &ServerArgs) -> Result<bool> {
    let ksink = ksink(args.ksink.as_deref())?;
    let cores = Cores::find()?;
    cores::pin(cores.load)?;
    let sample = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let effort = Effort { sample, samples: args.samples.max(1) };
    let bench = Bench { ksink, cores, scratch: Scratch::create()?, effort };
    let measured = bench.measure(plan::traffic(&args.only))?;
    report::print(&measured, effort, cores);
    let reached = print_goals(&goals::of(&measured));
    println!("{}", report::NOT_MEASURED);
    Ok(reached || !args.strict)
}
