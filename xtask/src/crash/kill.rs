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

/// The least share of lives in which a producer must hear of a success, in percent. One that is idle while
/// the server is killed shows nothing.
const FRUITFUL_PERCENT_MIN: usize = 10;

/// So many torn transactions are told of.
const TORN_TOLD: usize = 5;

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
    /// Producers that got next to nothing done.
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
            complaints.push(format!("hardly a success for {}", outcome.idle.join(", ")));
        }
        complaints
    }
}

/// Compares an output folder with what the producers were told.
pub(crate) fn judge(story: &Story, output_folder: &Path) -> Result<Verdict> {
    let mut judge = Judge::new(story);
    let leftovers = output::read(output_folder, |kept| judge.see(kept)).context("the output")?;
    let (verdict, torn) = judge.judge();
    torn.iter().take(TORN_TOLD).for_each(|what| println!("  torn: {what}"));
    Ok(Verdict { leftovers: leftovers.len(), ..verdict })
}

impl Outcome {
    fn of(story: &Story, verdict: Verdict, lives: &[(Micros, Micros)], took: Duration) -> Self {
        let busy = Busy::of(story);
        let fruitful: Vec<(&String, Vec<bool>)> = story
            .producers
            .iter()
            .map(|(name, producer)| (name, with_success(lives, &producer.successes())))
            .collect();
        let count = |lives: &[bool]| lives.iter().filter(|is_fruitful| **is_fruitful).count();
        let any = (0..lives.len()).filter(|life| fruitful.iter().any(|(_, lives)| lives[*life]));
        let idle =
            fruitful.iter().filter(|(_, of)| count(of) * 100 < lives.len() * FRUITFUL_PERCENT_MIN);
        let idle = idle.map(|(name, of)| format!("{name} ({} lives)", count(of))).collect();
        let (committed, aborted) = story.ended();
        let transactions =
            story.producers.values().flat_map(|producer| producer.transactions.values());
        let outlived = transactions.filter(|transaction| {
            let end = transaction.ended.unwrap_or_else(now);
            lives.iter().any(|(_, died)| (transaction.began..end).contains(died))
        });
        Self {
            versions: story.versions.clone(),
            verdict,
            kills: lives.len(),
            busy: lives.iter().filter(|(_, died)| busy.at(*died)).count(),
            fruitful: any.count(),
            acked: story.acked(),
            committed,
            aborted,
            survivors: outlived.count(),
            failures: story.failures().collect(),
            idle,
            took,
        }
    }
}

/// In which lives there was a success.
fn with_success(lives: &[(Micros, Micros)], successes: &[Micros]) -> Vec<bool> {
    let is_fruitful = |(born, died): &(Micros, Micros)| {
        let next = successes.partition_point(|at| at < born);
        successes.get(next).is_some_and(|at| at < died)
    };
    lives.iter().map(is_fruitful).collect()
}
