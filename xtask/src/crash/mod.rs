//! `cargo xtask crash`: the server is killed and the disk loses power, while producers work.
//!
//! Producers write down what they were told and when; what they hold for done is compared with what the files
//! hold once everything has come to rest. `docs/crash.md` tells how to read the result.

mod caller;
mod clients;
mod dice;
mod kill;
mod load;
mod oracle;
mod output;
mod own;
mod report;
mod server;
mod story;

use std::{env, path::PathBuf, time::SystemTime};

use anyhow::{Context, Result};

use self::{
    dice::Dice,
    kill::{Installed, Round},
    report::Report,
    server::Output,
};
use crate::{interop::server::Binary, places, require::Require, tally::Tally};

/// Repeats a run: the seed that its report names.
const SEED: &str = "KSINK_SEED";

/// How many kills there are, over all outputs.
const KILLS: u32 = 80;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many times ksink is killed while real producers work.
    #[arg(long, value_name = "N", default_value_t = KILLS)]
    kills: u32,
    /// Kill this ksink instead of building one.
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,
    /// What must not be skipped for lack of a tool: "all", a client, or "power-cuts".
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    require: Vec<String>,
}

/// The task on its own; says whether nothing failed.
pub(crate) fn run_alone(args: &Args) -> Result<bool> {
    let require = Require::parse(args.require.clone())?;
    let tally = run(args, &require)?;
    println!("crash: {tally}");
    Ok(tally.failed == 0)
}

fn run(args: &Args, require: &Require) -> Result<Tally> {
    let seed = seed()?;
    println!("{SEED}={seed}");
    let mut report = Report::new(seed);
    let mut dice = Dice::new(seed);
    run_kills(args, require, &mut dice, &mut report)?;
    report.publish()?;
    Ok(report.tally())
}

fn run_kills(args: &Args, require: &Require, dice: &mut Dice, report: &mut Report) -> Result<()> {
    let mut installed = Vec::new();
    for (name, short) in clients::CLIENTS {
        match clients::install(name) {
            Ok(command) => installed.push(Installed { name: short, command }),
            Err(why) => report.skip(require.skip(name, &format!("{why:#}"))),
        }
    }
    if installed.is_empty() {
        return Ok(());
    }
    let binary = Binary::provide(args.ksink.as_deref())?;
    let halves = [(Output::Plain, args.kills.div_ceil(2)), (Output::Transactional, args.kills / 2)];
    for (output, kills) in halves {
        let round = Round { output, kills, seed: dice.pick(0..1 << 32) };
        let name = format!("{kills} kills, {output}");
        println!("{name} ...");
        let folder = runs().join(format!("kill-{output}").replace(' ', "-"));
        let outcome = round.play(&mut installed, binary.file(), &folder);
        report.add_kills(name, &round, outcome);
    }
    Ok(())
}

fn runs() -> PathBuf {
    places::target().join("crash/runs")
}

fn seed() -> Result<u64> {
    match env::var(SEED) {
        Ok(text) => text.parse().with_context(|| format!("{SEED}={text} is not a number")),
        Err(_) => {
            let since_epoch =
                SystemTime::UNIX_EPOCH.elapsed().context("the clock is before 1970")?;
            Ok(since_epoch.as_secs())
        }
    }
}
