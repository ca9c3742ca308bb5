//! SIGKILL at random times, while real producers work.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    clients::{Plan, Running},
    dice::Dice,
    oracle::{Judge, Verdict},
    output,
    server::{Output, Setup},
    story::{Busy, Micros, Story, now},
};

/// How long after its start a server is killed, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 5..500;

/// The least share of kills at which a batch is unanswered or a transaction open, in percent.
pub(crate) const BUSY_PERCENT_MIN: usize = 80;

/// A client that can be started.
pub(crate) struct Installed {
    pub name: &'static str,
    pub command: Command,
}

/// One output, and so many kills.
pub(crate) struct Round {
    pub output: Output,
    pub kills: u32,
    pub seed: u64,
}

/// What was seen in a round.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub versions: Vec<String>,
    pub verdict: Verdict,
    pub kills: usize,
    /// Kills at which a batch was unanswered or a transaction open.
    pub busy: usize,
    /// Lives in which a producer heard of a success.
    pub fruitful: usize,
    pub acked: usize,
    pub committed: usize,
    pub aborted: usize,
    /// Transactions that outlived at least one kill.
    pub survivors: usize,
    /// What reached the applications.
    pub failures: Vec<String>,
    /// Producers that got nothing done.
    pub idle: Vec<String>,
    pub took: Duration,
}

impl Round {
    pub(crate) fn play(
        &self,
        clients: &mut [Installed],
        binary: &Path,
        folder: &Path,
    ) -> Result<Outcome> {
        let start = Instant::now();
        let mut dice = Dice::new(self.seed);
        let setup = Setup::fresh(binary, folder, self.output, &mut dice)?;
        let mut life = setup.start()?;
        life.await_listening()?;
        let mut running = self.start_clients(clients, &setup)?;
        for client in &mut running {
            client.await_work()?;
        }
        let mut lives = Vec::new();
        for _ in 0..self.kills {
            sleep(Duration::from_millis(dice.pick(LIFE_MS)));
            let born = life.born;
            lives.push((born, life.kill()?));
            life = setup.start()?;
            running.iter_mut().try_for_each(Running::check)?;
        }
        running.iter_mut().for_each(Running::tell_enough);
        let mut story = Story::default();
        for client in running {
            client.finish(&mut story)?;
        }
        setup.come_to_rest(life)?;
        let verdict = judge(&story, &setup.output_folder)?;
        Ok(Outcome::of(&story, verdict, &lives, start.elapsed()))
    }

    fn start_clients(&self, clients: &mut [Installed], setup: &Setup) -> Result<Vec<Running>> {
        let start = |client: &mut Installed| {
            let folder: PathBuf = setup.folder.join(client.name);
            fs::create_dir_all(&folder)?;
            let bootstrap = setup.addr().to_string();
            let plan = Plan::new(bootstrap, client.name, self.seed, self.output.takes_plain());
            Running::start(&mut client.command, &plan, &folder)
        };
        clients.iter_mut().map(start).collect()
    }

    /// What is wrong with an outcome, in sentences.
    pub(crate) fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let mut complaints = Vec::new();
        if !outcome.verdict.is_good() {
            complaints.push(outcome.verdict.to_string());
        }
        if let [first, ..] = &*outcome.failures {
            complaints
                .push(format!("{} errors reached applications: {first}", outcome.failures.len()));
        }
        if outcome.busy * 100 < outcome.kills * BUSY_PERCENT_MIN {
            complaints
                .push(format!("only {} of {} kills hit anything", outcome.busy, outcome.kills));
        }
        if !outcome.idle.is_empty() {
            complaints.push(format!("no success for {}", outcome.idle.join(", ")));
        }
        complaints
    }
}

/// Compares an output folder with what the producers were told.
pub(crate) fn judge(story: &Story, output_folder: &Path) -> Result<Verdict> {
    let mut judge = Judge::new(story);
    output::read(output_folder, |kept| judge.see(kept)).context("the output")?;
    Ok(judge.judge())
}

impl Outcome {
    fn of(story: &Story, verdict: Verdict, lives: &[(Micros, Micros)], took: Duration) -> Self {
        let busy = Busy::of(story);
        let successes = story.successes();
        let is_fruitful = |(born, died): &&(Micros, Micros)| {
            let next = successes.partition_point(|at| at < born);
            successes.get(next).is_some_and(|at| at < died)
        };
        let (committed, aborted) = story.ended();
        let transactions =
            story.producers.values().flat_map(|producer| producer.transactions.values());
        let outlived = transactions.filter(|transaction| {
            let end = transaction.ended.unwrap_or_else(now);
            lives.iter().any(|(_, died)| (transaction.began..end).contains(died))
        });
        let is_idle = |name: &&String| {
            let producer = &story.producers[*name];
            producer.acked.is_empty()
                && producer.transactions.values().all(|one| one.ended.is_none())
        };
        Self {
            versions: story.versions.clone(),
            verdict,
            kills: lives.len(),
            busy: lives.iter().filter(|(_, died)| busy.at(*died)).count(),
            fruitful: lives.iter().filter(is_fruitful).count(),
            acked: story.acked(),
            committed,
            aborted,
            survivors: outlived.count(),
            failures: story.failures().collect(),
            idle: story.producers.keys().filter(is_idle).cloned().collect(),
            took,
        }
    }
}
