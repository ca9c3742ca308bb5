//! `cargo xtask interop`: real Kafka producers against the real binary.
//!
//! Every client gets the same plan: cells of records, one cell for each row of the matrix. It sends
//! them to a ksink of its own, which writes jsonl files, and what these hold is compared with the
//! plan. `docs/interop.md` tells how to read the result and how to add a client or a row.

mod admin;
mod clients;
mod compare;
mod conversation;
mod eavesdrop;
mod evidence;
mod faults;
mod formats;
mod http;
pub(crate) mod install;
pub(crate) mod landed;
mod manner;
mod not_applicable;
mod place;
mod plan;
mod recording;
mod refusal;
mod report;
pub(crate) mod rows;
pub(crate) mod server;
mod setting;
mod transactions;
mod turn;
mod wiretap;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

pub(crate) use self::clients::CLIENTS;
use self::{
    clients::Client,
    faults::Planted,
    formats::{FORMATS, Format},
    not_applicable::NotApplicable,
    plan::Cell,
    report::Report,
    rows::Row,
    server::Binary,
    setting::Setting,
    turn::Turn,
};
use crate::{require::Require, tally::Tally};

/// How many records the large row has, unless `--count` says otherwise.
const COUNT: usize = 10_000;

/// How long a client may take for all of its cells; and for a large `--count`, longer.
const CLIENT_LIMIT: Duration = Duration::from_secs(180);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The clients to try; all of them by default.
    clients: Vec<String>,
    /// The rows to try; all of them by default.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    rows: Vec<String>,
    /// What must not be skipped for lack of a tool: "all", or a client.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    require: Vec<String>,
    /// How many records the large row has.
    #[arg(long, value_name = "N", default_value_t = COUNT)]
    count: usize,
    /// Try this ksink instead of building one.
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,
}

/// The task on its own; says whether nothing failed.
pub(crate) fn run_alone(arguments: &Args) -> Result<bool> {
    let require = Require::parse(arguments.require.clone())?;
    let tally = run(&Choice::parse(arguments)?, &require, arguments.ksink.as_deref())?;
    println!("interop: {tally}");
    Ok(tally.failed == 0)
}

/// Every client and every row, as a stage of `ci`.
pub(crate) fn run_all(require: &Require) -> Result<Tally> {
    let everything = Choice { clients: CLIENTS.iter().collect(), rows: None, count: COUNT };
    run(&everything, require, None)
}

/// What to try.
struct Choice {
    clients: Vec<&'static Client>,
    /// None: all of them.
    rows: Option<Vec<String>>,
    count: usize,
}

impl Choice {
    fn parse(arguments: &Args) -> Result<Self> {
        let known: HashSet<&str> = Row::all()
            .map(|row| row.name)
            .chain(FORMATS.iter().map(|format| format.name))
            .collect();
        for row in &arguments.rows {
            ensure!(known.contains(&**row), "there is no row {row}");
        }
        let named = |name: &String| {
            CLIENTS
                .iter()
                .find(|client| client.name == name)
                .with_context(|| format!("there is no client {name}"))
        };
        let clients = match &*arguments.clients {
            [] => CLIENTS.iter().collect(),
            names => names.iter().map(named).collect::<Result<_>>()?,
        };
        let rows = (!arguments.rows.is_empty()).then(|| arguments.rows.clone());
        Ok(Self { clients, rows, count: arguments.count })
    }

    fn includes(&self, row: &str) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.iter().any(|chosen| chosen == row))
    }

    /// The cells of each setting that has any.
    fn cells(&self) -> Vec<(&'static Setting, Vec<Cell>)> {
        let cells = |setting: &Setting| -> Vec<Cell> {
            let rows = Row::all().filter(|row| row.setting.name == setting.name);
            rows.filter(|row| self.includes(row.name)).map(|row| row.cell(self.count)).collect()
        };
        let settings = Setting::ALL.iter().map(|setting| (*setting, cells(setting)));
        settings.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    fn is_everything(&self) -> bool {
        self.rows.is_none() && self.clients.len() == CLIENTS.len()
    }

    fn formats(&self, client: &Client) -> impl Iterator<Item = &'static Format> {
        let fills_formats = client.name == formats::CLIENT;
        FORMATS.iter().filter(move |format| fills_formats && self.includes(format.name))
    }

    fn client_limit(&self) -> Duration {
        CLIENT_LIMIT + Duration::from_millis(self.count as u64)
    }
}

fn run(choice: &Choice, require: &Require, ksink: Option<&Path>) -> Result<Tally> {
    let binary = Binary::provide(ksink)?;
    let excuses = NotApplicable::read()?;
    let cells = choice.cells();
    let mut planted = Planted::default();
    let mut runs = Vec::new();
    for client in &choice.clients {
        println!("{} ...", client.name);
        let turn =
            Turn { client, binary: &binary, excuses: &excuses, limit: choice.client_limit() };
        runs.push(turn.take(&cells, choice.formats(client), require, &mut planted));
    }
    let report =
        Report { ksink_version: binary.version, runs, planted, everything: choice.is_everything() };
    report.publish()?;
    Ok(report.tally())
}
