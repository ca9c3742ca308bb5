//! `cargo xtask bench txn`: what exactly once costs: commits against the disk's own rate, recovery against its own
//! syncs, the journal against a server that remembers nothing.

mod commits;
mod overhead;
mod recovery;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use super::{
    cores::{self, Cores},
    effort::Effort,
    goals::print as print_goals,
    process::ksink,
    scratch::Scratch,
};
/// The topic that everything is produced to.
const TOPIC: &str = "bench";

/// The one record of each transaction.
const VALUE: &[u8] = &[b'x'; 100];

/// How thoroughly, and what.
#[derive(Debug, clap::Args)]
pub(super) struct TxnArgs {
    /// How long each measurement takes, without its warm-up.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// How often each measurement is made; what is shown is the median.
    #[arg(long, default_value_t = 5)]
    samples: usize,

    /// How many transactions were committed before the crash that is recovered from.
    #[arg(long, default_value_t = 100_000)]
    committed: u32,

    /// How many are decided and not applied at the crash.
    #[arg(long, default_value_t = 1_000)]
    in_doubt: u32,

    /// The ksink to measure [default: the release build of this tree].
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,

    /// Only what has this in its name: commits, recovery or overhead.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Fails when a goal was missed.
    #[arg(long)]
    strict: bool,
}

/// What measurements need.
#[derive(Debug)]
struct Bench {
    ksink: PathBuf,
    cores: Cores,
    scratch: Scratch,
    effort: Effort,
}

/// Measures and prints; whether all goals were reached, where that was asked for.
pub(super) fn run(args: &TxnArgs) -> Result<bool> {
    let ksink = ksink(args.ksink.as_deref())?;
    let cores = Cores::find()?;
    cores::pin(cores.load)?;
    let sample = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let bench = Bench {
        ksink,
        cores,
        scratch: Scratch::create()?,
        effort: Effort { sample, samples: args.samples.max(1) },
    };
    let wanted = |name: &str| name.contains(&args.only);
    let mut goals = Vec::new();
    if wanted("commits") {
        goals.push(commits::measure(&bench)?);
    }
    if wanted("recovery") {
        goals.push(recovery::measure(&bench, args.committed, args.in_doubt)?);
    }
    if wanted("overhead") {
        goals.extend(overhead::measure(&bench)?);
    }
    let reached = print_goals(&goals);
    Ok(reached || !args.strict)
}
