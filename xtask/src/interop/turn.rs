//! One client's turn: it is installed, it sends, and what landed is looked at.

use std::{
    collections::{HashMap, HashSet},
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};

use super::{
    clients::{self, Answers, Client},
    compare::{Terms, compare},
    eavesdrop::Heard,
    faults::Planted,
    formats::Format,
    install,
    landed::{Output, read_output},
    not_applicable::NotApplicable,
    plan::{Cell, Plan},
    report::{Outcome, Run},
    server::{Binary, Server},
    wait::until,
    wiretap::Wiretap,
};
use crate::{places, require::Require};

/// Records that nobody waits for may land after the client has gone.
const LANDING_WAIT: Duration = Duration::from_secs(5);

const JSONL: &[&str] =
    &["--output-format", "jsonl", "--output-json-base64-key", "--output-json-base64-value"];

/// What a turn needs; it is taken once.
pub(crate) struct Turn<'a> {
    pub client: &'static Client,
    pub binary: &'a Binary,
    pub excuses: &'a NotApplicable,
    /// How long the client may take.
    pub limit: Duration,
}

impl Turn<'_> {
    pub(crate) fn take(
        &self,
        cells: &[Cell],
        formats: impl Iterator<Item = &'static Format>,
        require: &Require,
        planted: &mut Planted,
    ) -> Run {
        let start = Instant::now();
        let mut run = Run::new(self.client.name);
        match install::install(self.client) {
            Ok(mut command) => {
                self.fill_matrix(&mut command, cells, &mut run, planted);
                formats.for_each(|format| self.fill_format(&mut command, format, &mut run));
            }
            Err(why) => {
                run.version = format!("SKIPPED, {why:#}");
                run.skip = require.skip(self.client.name, &format!("{why:#}"));
            }
        }
        run.took = start.elapsed();
        run
    }

    /// All rows at once, into jsonl. What goes wrong with the whole goes wrong with every cell.
    fn fill_matrix(
        &self,
        command: &mut Command,
        cells: &[Cell],
        run: &mut Run,
        planted: &mut Planted,
    ) {
        if cells.is_empty() {
            return;
        }
        match self.send_to_jsonl(command, cells) {
            Ok(sent) => {
                run.cells = cells
                    .iter()
                    .map(|cell| (cell.name, self.judge(cell, &sent, planted)))
                    .collect();
                run.manners = sent.heard().defaults(cells);
                run.version = sent.answers.version;
            }
            Err(error) => {
                let failed = |cell: &Cell| (cell.name, Outcome::Failed(format!("{error:#}")));
                run.cells = cells.iter().map(failed).collect();
            }
        }
    }

    fn send_to_jsonl(&self, command: &mut Command, cells: &[Cell]) -> Result<Sent> {
        let folder = self.fresh_folder("jsonl")?;
        let start_ms = now_ms();
        let tap = Wiretap::bind()?;
        let bootstrap = tap.addr()?.to_string();
        let flags = [JSONL, &["--advertised-addr", &bootstrap]].concat();
        let server = self.start(&folder, "{topic}.jsonl", &flags)?;
        let heard = tap.tap(server.addr());
        let answers = self.send(command, cells, &folder, bootstrap, server)?;
        let output = read_output(&folder.join("out"))?;
        let planned: HashSet<&str> = cells.iter().flat_map(Cell::topics).collect();
        if let Some(stranger) = output.keys().find(|topic| !planned.contains(&***topic)) {
            bail!("records in {stranger}, to which none was sent");
        }
        // The client's clock is ours, but it may round.
        Ok(Sent { answers, output, heard, clock_ms: start_ms - 1..=now_ms() + 1 })
    }

    /// One format, and here the client finds ksink by the address that ksink advertises by itself.
    fn send_to_format(&self, command: &mut Command, format: &Format) -> Result<(Answers, PathBuf)> {
        let folder = self.fresh_folder(format.name)?;
        let server = self.start(&folder, "{topic}", format.flags)?;
        let bootstrap = server.addr().to_string();
        let answers = self.send(command, &[format.cell()], &folder, bootstrap, server)?;
        Ok((answers, folder.join("out")))
    }

    /// Starts a ksink that writes files of this pattern.
    fn start(&self, folder: &Path, pattern: &str, flags: &[&str]) -> Result<Server> {
        let out = folder.join("out");
        fs::create_dir(&out)?;
        let output = format!("{}/{pattern}", out.display());
        Server::start(self.binary, folder, &[&["--output", &output], flags].concat())
    }

    /// Lets the client send all it has to, and stops ksink.
    fn send(
        &self,
        command: &mut Command,
        cells: &[Cell],
        folder: &Path,
        bootstrap: String,
        server: Server,
    ) -> Result<Answers> {
        Plan { bootstrap, cells }.write(folder)?;
        let answers = clients::run(command, folder, self.limit)?;
        await_landing(cells, &answers, &folder.join("out"));
        server.stop()?;
        Ok(answers)
    }

    fn judge(&self, cell: &Cell, sent: &Sent, planted: &mut Planted) -> Outcome {
        let terms =
            Terms { ordered: self.client.keeps_order(cell), clock_ms: sent.clock_ms.clone() };
        let truth = sent.answers.cell(cell.name).and_then(|()| {
            let mut differences = compare(cell, &sent.output, &terms);
            differences.extend(sent.heard().check(cell));
            none_of(&differences)
        });
        if truth.is_ok() {
            planted.try_all(self.client.name, cell, &sent.output, &terms);
        }
        Outcome::new(truth, self.excuses.reason(self.client.name, cell.name))
    }

    fn fill_format(&self, command: &mut Command, format: &Format, run: &mut Run) {
        let truth = match self.send_to_format(command, format) {
            Ok((answers, out)) => {
                let truth = answers.cell(format.name).and_then(|()| none_of(&format.check(&out)));
                run.version = answers.version;
                truth
            }
            Err(error) => Err(format!("{error:#}")),
        };
        run.cells.push((format.name, Outcome::new(truth, None)));
    }

    fn fresh_folder(&self, purpose: &str) -> Result<PathBuf> {
        let folder = places::target().join("interop/runs").join(self.client.name).join(purpose);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// What came of one run of a client.
struct Sent {
    answers: Answers,
    output: Output,
    heard: Arc<Mutex<Heard>>,
    /// When the client was running.
    clock_ms: RangeInclusive<i64>,
}

impl Sent {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("listening does not panic")
    }
}

/// No difference is success; of many, the first will do.
fn none_of(differences: &[String]) -> Result<(), String> {
    match differences {
        [] => Ok(()),
        [only] => Err(only.clone()),
        [first, rest @ ..] => Err(format!("{first} (and {} more)", rest.len())),
    }
}

/// Waits until as much has landed as must: a client that wants no acknowledgement ends before that.
fn await_landing(cells: &[Cell], answers: &Answers, out: &Path) {
    let silent =
        |cell: &&Cell| cell.acks.is_none_or(|acks| acks == "0") && answers.cell(cell.name).is_ok();
    let mut awaited: HashMap<&str, usize> = HashMap::new();
    for record in cells.iter().filter(silent).flat_map(|cell| &cell.records) {
        *awaited.entry(&record.topic).or_default() += 1;
    }
    until(LANDING_WAIT, || {
        awaited.is_empty()
            || read_output(out).is_ok_and(|output| {
                awaited.iter().all(|(topic, count)| {
                    output.get(*topic).is_some_and(|lines| lines.len() >= *count)
                })
            })
    });
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("this is after 1970");
    since_epoch.as_millis() as i64
}
