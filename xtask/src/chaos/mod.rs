//! `cargo xtask chaos`: real producers through a network that loses replies.
//!
//! An idempotent producer sends numbered records through a proxy that cuts connections after the server
//! has done the work. What the producer holds for delivered is compared with what the files hold: nothing
//! is lost, nothing is there twice, nothing is out of order. `docs/chaos.md` tells how to read the result.

mod clients;
mod oracle;
mod report;
mod round;
mod servers;

use std::{env, time::SystemTime};

use anyhow::{Context, Result};

use self::{
    clients::{CLIENTS, Client},
    report::Report,
    round::{Outcome, Round},
    servers::{Kind, Servers},
};
use crate::{require::Require, tally::Tally};

/// Repeats a run: the seed that its report names.
const SEED: &str = "KSINK_SEED";

/// How many records make a run of 250 requests.
const COUNT: u32 = 5000;

/// The least number of records with which the highest rate cuts ten times.
const COUNT_SHORT: u32 = 1250;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The clients to try; all of them by default.
    clients: Vec<String>,
    /// How many of a hundred replies are cut.
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values_t = [5, 20],
          value_parser = clap::value_parser!(u32).range(1..=50))]
    rate: Vec<u32>,
    /// How many records each run has, 20 in a request; fewer than 1000 would be sent before the output stalls.
    #[arg(long, value_name = "N", default_value_t = COUNT,
          value_parser = clap::value_parser!(u32).range(1000..))]
    count: u32,
    /// What must not be skipped for lack of a tool: "all", or a client.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    require: Vec<String>,
}

/// The task on its own; says whether nothing failed.
pub(crate) fn run_alone(args: &Args) -> Result<bool> {
    let require = Require::parse(args.require.clone())?;
    let named = |name: &String| {
        let client = CLIENTS.iter().find(|client| client.name == name);
        client.with_context(|| format!("there is no client {name} here"))
    };
    let clients: Vec<&Client> = match &*args.clients {
        [] => CLIENTS.iter().collect(),
        names => names.iter().map(named).collect::<Result<_>>()?,
    };
    let tally = run(&clients, &args.rate, args.count, &require)?;
    println!("chaos: {tally}");
    Ok(tally.failed == 0)
}

/// A short run, as a stage of `ci`.
pub(crate) fn run_short(require: &Require) -> Result<Tally> {
    run(&CLIENTS.iter().collect::<Vec<_>>(), &[20], COUNT_SHORT, require)
}

fn run(clients: &[&'static Client], rates: &[u32], count: u32, require: &Require) -> Result<Tally> {
    let servers = Servers::build()?;
    let seed = seed()?;
    let mut report = Report::new(seed);
    let mut rates = rates.to_vec();
    rates.sort_unstable();
    for client in clients {
        match clients::install(client) {
            Ok(mut command) => {
                for round in rounds(client, &rates, count) {
                    println!("{round} ...");
                    let outcome = round.play(&mut command, &servers, seed);
                    report.add(round, outcome);
                }
            }
            Err(why) => report.skip(require.skip(client.name, &format!("{why:#}"))),
        }
    }
    report.publish()?;
    Ok(report.tally())
}

/// Every rate with a fast and with a slow output; and for one client, at the highest rate, a server that
/// forgets, which must be found out.
fn rounds(client: &'static Client, rates: &[u32], count: u32) -> Vec<Round> {
    let round = |cut_percent, kind| Round { client, cut_percent, kind, count };
    let honest =
        rates.iter().flat_map(|rate| [Kind::Fast, Kind::Slow].map(|kind| round(*rate, kind)));
    let planted = rates.last().filter(|_| client.tries_forgetful);
    honest.chain(planted.map(|rate| round(*rate, Kind::Forgetful))).collect()
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
