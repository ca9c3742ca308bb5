//! `cargo xtask crash`: the server is killed and the disk loses power, while producers work.
//!
//! Producers write down what they were told and when; what they hold for done is compared with what the files
//! hold once everything has come to rest. `docs/crash.md` tells how to read the result.

mod breakable;
mod caller;
mod clients;
mod dice;
mod disk;
mod kill;
mod load;
mod oracle;
mod output;
mod own;
mod planted;
mod points;
mod power;
mod report;
mod server;
mod story;

use std::{env, path::PathBuf, time::SystemTime};

use anyhow::{Context, Result};
use clap::ValueEnum;

use self::{
    dice::Dice, kill::Installed, points::Played, power::StatePlace, report::Report, server::Output,
};
use crate::{
    command::{cargo, succeed},
    places,
    require::{POWER_CUTS, Require},
    tally::Tally,
};

/// Repeats a run: the seed that its report names.
const SEED: &str = "KSINK_SEED";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is tried; all of it by default.
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// How many times ksink is killed while real producers work.
    #[arg(long, value_name = "N", default_value_t = 80)]
    kills: u32,
    /// How many times the power goes.
    #[arg(long, value_name = "N", default_value_t = 20)]
    power_cuts: usize,
    /// Kill this ksink instead of building one.
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,
    /// What must not be skipped for lack of a tool: "all", a client, or "power-cuts".
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    require: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// SIGKILL at random times, while real producers work.
    Kills,
    /// Death at every named place of the commit protocol.
    Points,
    /// Power cuts at `--durability power`.
    Power,
    /// Each suite must find the fault that it is there for.
    Planted,
}

/// The task on its own; says whether nothing failed.
pub(crate) fn run_alone(args: &Args) -> Result<bool> {
    let require = Require::parse(args.require.clone())?;
    let tally = run(args, &require)?;
    println!("crash: {tally}");
    Ok(tally.failed == 0)
}

/// All of it, as a stage of `ci`.
pub(crate) fn run_short(require: &Require) -> Result<Tally> {
    run(
        &Args { suites: Vec::new(), kills: 80, power_cuts: 20, ksink: None, require: Vec::new() },
        require,
    )
}

fn run(args: &Args, require: &Require) -> Result<Tally> {
    let seed = seed()?;
    println!("{SEED}={seed}");
    let mut run = Run { args, require, seed, breakable: None, report: Report::new(seed) };
    // The build for tests comes first, so that the ordinary one stays where it is looked for.
    for suite in [Suite::Points, Suite::Power, Suite::Planted, Suite::Kills] {
        if args.suites.is_empty() || args.suites.contains(&suite) {
            run.play(suite)?;
        }
    }
    run.report.publish()?;
    Ok(run.report.tally())
}

struct Run<'a> {
    args: &'a Args,
    require: &'a Require,
    seed: u64,
    breakable: Option<PathBuf>,
    report: Report,
}

impl Run<'_> {
    fn play(&mut self, suite: Suite) -> Result<()> {
        match suite {
            Suite::Kills => self.kills(),
            Suite::Points => self.points(),
            Suite::Power => self.power(),
            Suite::Planted => self.planted(),
        }
    }

    fn breakable(&mut self) -> Result<PathBuf> {
        let built = match self.breakable.take() {
            Some(built) => built,
            None => breakable::build()?,
        };
        Ok(self.breakable.insert(built).clone())
    }

    /// The one that is shipped, or the one that was named.
    fn ordinary(&self) -> Result<PathBuf> {
        if let Some(file) = &self.args.ksink {
            return file.canonicalize().with_context(|| format!("cannot find {}", file.display()));
        }
        succeed(&mut cargo(&["build", "--quiet", "--profile", "quick", "--package", "ksink-cli"]))?;
        Ok(places::target().join("quick/ksink"))
    }

    fn kills(&mut self) -> Result<()> {
        let mut installed = Vec::new();
        for (name, short) in clients::CLIENTS {
            match clients::install(name) {
                Ok(command) => installed.push(Installed { name: short, command }),
                Err(why) => self.report.skip(self.require.skip(name, &format!("{why:#}"))),
            }
        }
        if installed.is_empty() {
            return Ok(());
        }
        let binary = self.ordinary()?;
        let kills = self.args.kills;
        let halves = [(Output::Plain, kills.div_ceil(2)), (Output::Transactional, kills / 2)];
        for (n, (output, kills)) in halves.into_iter().enumerate() {
            let round = kill::Round { output, kills, seed: self.seed_of(n) };
            let name = announce(format!("{kills} kills, {output}"));
            let outcome = round.play(&mut installed, &binary, &folder("kills", n));
            self.report.add_kills(&name, &round, outcome);
        }
        Ok(())
    }

    fn points(&mut self) -> Result<()> {
        let binary = self.breakable()?;
        println!("death at every place ...");
        let all = points::play_all(&binary, &folder("points", 0), self.seed_of(10));
        for Played { name, outcome } in &all {
            match outcome {
                Ok(outcome) => self.report.add(name, &outcome.to_string(), &outcome.complaints()),
                Err(error) => self.report.add_error(name, error),
            }
        }
        let unreached = points::unreached(&all);
        let complaints: Vec<String> =
            unreached.iter().map(|place| format!("nobody died at {place}")).collect();
        let seen = format!("{} of {}", points::count() - unreached.len(), points::count());
        self.report.add("places that were passed", &seen, &complaints);
        Ok(())
    }

    fn power(&mut self) -> Result<()> {
        if let Some(why) = disk::missing() {
            self.report.skip(self.require.skip(POWER_CUTS, &why));
            return Ok(());
        }
        let complaints =
            disk::check_cut(&folder("power", 0)).err().map(|error| format!("{error:#}"));
        self.report.add("a power cut takes what was not synced", "", complaints.as_slice());
        let binary = self.breakable()?;
        let settings = [
            (Output::Plain, StatePlace::BesideOutput),
            (Output::Transactional, StatePlace::BesideOutput),
            (Output::Plain, StatePlace::Apart),
            (Output::EachTransaction, StatePlace::Apart),
        ];
        for (n, (output, state)) in settings.into_iter().enumerate() {
            let cuts = self.args.power_cuts.div_ceil(settings.len());
            let round = power::Round { output, state, cuts, seed: self.seed_of(20 + n) };
            let name = announce(format!("{cuts} power cuts, {output}, the state {state}"));
            match round.play(&binary, &folder("power", n)) {
                Ok(outcome) => self.report.add(&name, &outcome.to_string(), &outcome.complaints()),
                Err(error) => self.report.add_error(&name, &error),
            }
        }
        Ok(())
    }

    fn planted(&mut self) -> Result<()> {
        let binary = self.breakable()?;
        for (n, fault) in planted::FAULTS.iter().enumerate() {
            if let Some(why) = disk::missing().filter(|_| fault.scene.needs_power_cuts()) {
                self.report.skip(self.require.skip(POWER_CUTS, &why));
                continue;
            }
            let name = announce(format!("planted: {}", fault.name));
            let (seen, complaints) =
                fault.play(&binary, &folder("planted", n), self.seed_of(30 + n));
            self.report.add(&name, &seen, &complaints);
        }
        Ok(())
    }

    /// Every part has a seed of its own, so that it can be repeated alone.
    fn seed_of(&self, part: usize) -> u64 {
        Dice::new(self.seed.wrapping_add(part as u64)).pick(0..1 << 32)
    }
}

fn announce(name: String) -> String {
    println!("{name} ...");
    name
}

fn folder(suite: &str, n: usize) -> PathBuf {
    places::target().join("crash/runs").join(format!("{suite}-{n}"))
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
