//! One client's turn: it is installed, it sends, and what landed is looked at.

use std::{
    collections::{HashMap, HashSet},
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};

use super::{
    clients::{self, Answers, Client, Told},
    compare::Terms,
    eavesdrop::Heard,
    evidence::Evidence,
    faults::Planted,
    formats::Format,
    http::Posts,
    install,
    landed::Output,
    not_applicable::NotApplicable,
    place::Place,
    plan::{Cell, Plan},
    report::{Outcome, Run},
    server::{Binary, Server},
    setting::{Setting, Sink},
    wiretap::Wiretap,
};
use crate::{places, require::Require, wait::until};

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
        settings: &[(&Setting, Vec<Cell>)],
        formats: impl Iterator<Item = &'static Format>,
        require: &Require,
        planted: &mut Planted,
    ) -> Run {
        let start = Instant::now();
        let mut run = Run::new(self.client.name);
        match install::install(self.client) {
            Ok(mut command) => {
                let mine = settings.iter().filter(|(setting, _)| setting.is_for(self.client.name));
                for (setting, cells) in mine {
                    self.fill_matrix(&mut command, setting, cells, &mut run, planted);
                }
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

    /// All rows of a setting at once, into jsonl. What goes wrong with the whole goes wrong with every
    /// cell.
    fn fill_matrix(
        &self,
        command: &mut Command,
        setting: &Setting,
        cells: &[Cell],
        run: &mut Run,
        planted: &mut Planted,
    ) {
        match self.send_to_place(command, setting, cells) {
            Ok(sent) => {
                let judged = cells.iter().map(|cell| (cell.name, self.judge(cell, &sent, planted)));
                run.cells.extend(judged);
                run.manners.extend(sent.heard.defaults(cells));
                run.version = sent.answers.version;
            }
            Err(error) => {
                let failed = |cell: &Cell| (cell.name, Outcome::Failed(format!("{error:#}")));
                run.cells.extend(cells.iter().map(failed));
            }
        }
    }

    fn send_to_place(
        &self,
        command: &mut Command,
        setting: &Setting,
        cells: &[Cell],
    ) -> Result<Sent> {
        let folder = self.fresh_folder(setting.name)?;
        let start_ms = now_ms();
        let tap = Wiretap::bind()?;
        let bootstrap = tap.addr()?.to_string();
        let place = Place::prepare(setting, &folder, cells)?;
        let flags = [JSONL, &["--advertised-addr", &bootstrap], setting.flags].concat();
        let server = Arc::new(Mutex::new(self.start(&folder, &place.flags(), &flags)?));
        let heard = tap.tap(&server, Heard::expecting(cells, place.watch()));
        let answers = self.send(command, cells, &folder, bootstrap)?;
        await_landing(cells, &answers, &place);
        let mut server = server.lock().expect("starting does not panic");
        server.stop()?;
        if setting.has_transactions() {
            // It clears away what the last commit left, and changes nothing else.
            server.start_again()?;
            server.stop()?;
        }
        let output = place.read()?;
        let planned: HashSet<&str> = cells.iter().flat_map(Cell::topics).collect();
        if let Some(stranger) = output.keys().find(|topic| !planned.contains(&***topic)) {
            bail!("records in {stranger}, to which none was sent");
        }
        let heard = heard.lock().expect("listening does not panic").clone();
        heard.recording.write(&folder, &answers.version)?;
        // The client's clock is ours, but it may round.
        let clock_ms = start_ms - 1..=now_ms() + 1;
        let temporary = setting.sink == Sink::TransactionFiles;
        Ok(Sent { answers, output, posts: place.posts(), heard, clock_ms, temporary })
    }

    /// One format, and here the client finds ksink by the address that ksink advertises by itself.
    fn send_to_format(&self, command: &mut Command, format: &Format) -> Result<(Answers, PathBuf)> {
        let folder = self.fresh_folder(format.name)?;
        let out = folder.join("out");
        fs::create_dir(&out)?;
        let output = ["--output".to_owned(), format!("{}/{{topic}}", out.display())];
        let mut server = self.start(&folder, &output, format.flags)?;
        let bootstrap = server.addr().to_string();
        let answers = self.send(command, &[format.cell()], &folder, bootstrap)?;
        server.stop()?;
        Ok((answers, out))
    }

    /// Starts a ksink that writes to this output.
    fn start(&self, folder: &Path, output: &[String], flags: &[&str]) -> Result<Server> {
        let output = output.iter().map(String::as_str);
        let flags: Vec<&str> = output.chain(flags.iter().copied()).collect();
        Server::start(self.binary, folder, &flags)
    }

    /// Lets the client send all it has to.
    fn send(
        &self,
        command: &mut Command,
        cells: &[Cell],
        folder: &Path,
        bootstrap: String,
    ) -> Result<Answers> {
        Plan { bootstrap, cells }.write(folder)?;
        clients::run(command, folder, self.limit)
    }

    fn judge(&self, cell: &Cell, sent: &Sent, planted: &mut Planted) -> Outcome {
        let terms = Terms {
            ordered: self.client.keeps_order(cell),
            clock_ms: sent.clock_ms.clone(),
            protocol: self.client.protocol,
            temporary: sent.temporary,
        };
        let truth = sent.answers.cell(cell.name).and_then(|told| {
            let evidence = sent.evidence(cell, told);
            none_of(&evidence.check(cell, &terms))?;
            planted.try_all(self.client.name, cell, &evidence, &terms);
            Ok(())
        });
        Outcome::new(truth, self.excuses.reason(self.client.name, cell.name))
    }

    fn fill_format(&self, command: &mut Command, format: &Format, run: &mut Run) {
        let truth = match self.send_to_format(command, format) {
            Ok((answers, out)) => {
                let truth = answers.cell(format.name).and_then(|_| none_of(&format.check(&out)));
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
    posts: Option<HashMap<String, Posts>>,
    heard: Heard,
    /// When the client was running.
    clock_ms: RangeInclusive<i64>,
    /// Whether transactions had temporary files.
    temporary: bool,
}

impl Sent {
    /// What concerns one cell.
    fn evidence(&self, cell: &Cell, Told { refused, seen, failed }: Told) -> Evidence {
        let topics = cell.topics();
        let (heard, mut output) = (self.heard.of(cell), self.output.clone());
        output.retain(|topic, _| topics.contains(&**topic));
        let posts_of = |posts: &HashMap<String, Posts>| {
            topics.iter().filter_map(|topic| posts.get(*topic)).flat_map(Posts::clone).collect()
        };
        let posts = self.posts.as_ref().map(posts_of);
        Evidence { refused, seen, failed, heard, output, posts }
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

/// Waits until as much has landed as must: a client that wants no acknowledgement ends before that. What is in
/// transactions is acknowledged.
fn await_landing(cells: &[Cell], answers: &Answers, place: &Place) {
    let silent =
        |cell: &&Cell| cell.acks.is_none_or(|acks| acks == "0") && answers.cell(cell.name).is_ok();
    let mut awaited: HashMap<&str, usize> = HashMap::new();
    let plain = cells.iter().filter(|cell| cell.script.is_none());
    let records = plain.filter(silent).flat_map(|cell| &cell.records);
    for record in records.filter(|record| record.refusal.is_none()) {
        *awaited.entry(&record.topic).or_default() += 1;
    }
    until(LANDING_WAIT, || {
        awaited.is_empty()
            || place.read().is_ok_and(|output| {
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
