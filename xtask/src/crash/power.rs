//! The power goes at random times, while producers work at `--durability power`.

use std::{
    fmt,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    breakable::{BOOT_ID, JOURNAL_BYTES, JOURNAL_BYTES_SMALL},
    caller::Caller,
    dice::Dice,
    disk::{Cut, Disk},
    kill::judge,
    load::Load,
    oracle::Verdict,
    own::{Kind, Own},
    points::kinds,
    server::{Output, Setup},
    story::{Micros, Story, now},
};

/// How long after the last cut the power goes again, in milliseconds.
const GAP_MS: std::ops::Range<u64> = 20..300;

/// What is tried is not the first start.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a producer waits for an answer after a cut. Nothing is open then that it would have to wait for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the state lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatePlace {
    BesideOutput,
    /// On a file system of its own: no sync of the one makes durable what the other forgot to.
    Apart,
}

/// One output, and so many cuts.
pub(crate) struct Round {
    pub output: Output,
    pub state: StatePlace,
    pub cuts: usize,
    pub seed: u64,
}

/// What was seen in a round.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What each cut left, by its number.
    pub verdicts: Vec<Result<Verdict>>,
    /// How many records and transactions were due at the last cut.
    pub acked: usize,
    pub committed: usize,
    pub failures: Vec<String>,
    pub took: Duration,
}

impl Round {
    pub(crate) fn play(&self, binary: &Path, folder: &Path) -> Result<Outcome> {
        let start = Instant::now();
        let mut dice = Dice::new(self.seed);
        let mut disk = Disk::make(&folder.join("disk"))?;
        let setup = self.setup(binary, folder, &disk, &mut dice)?;
        let mut life = setup.start()?;
        life.await_listening()?;
        let load = Load::start(setup.addr(), kinds(self.output), 10, &mut dice);
        sleep(WARM_UP);
        let mut cuts: Vec<(Micros, Cut)> = Vec::new();
        for number in 0..self.cuts {
            sleep(Duration::from_millis(dice.pick(GAP_MS)));
            cuts.push((now(), disk.cut(number)?));
        }
        let story = load.finish();
        life.stop()?;
        let verdicts = cuts.iter().enumerate().map(|(number, cut)| {
            let boot_id = format!("after cut {number}");
            self.judge_cut(&setup, &mut disk, cut, boot_id, story.clone())
        });
        let verdicts = verdicts.collect();
        let (committed, _) = story.ended();
        let failures = story.failures().collect();
        Ok(Outcome { verdicts, acked: story.acked(), committed, failures, took: start.elapsed() })
    }

    fn setup(&self, binary: &Path, folder: &Path, disk: &Disk, dice: &mut Dice) -> Result<Setup> {
        let mut setup = Setup::fresh(binary, &folder.join("ksink"), self.output, dice)?;
        setup.output_folder = disk.output_folder();
        setup.state_folder =
            (self.state == StatePlace::Apart).then(|| disk.state_folder().join("ksink"));
        setup.durability = "power";
        setup.env =
            vec![(BOOT_ID, "first".to_owned()), (JOURNAL_BYTES, JOURNAL_BYTES_SMALL.to_owned())];
        Ok(setup)
    }

    /// Lets ksink recover from a cut and every producer do one thing more, and compares.
    fn judge_cut(
        &self,
        setup: &Setup,
        disk: &mut Disk,
        (at, cut): &(Micros, Cut),
        boot_id: String,
        story: Story,
    ) -> Result<Verdict> {
        disk.go_back_to(cut)?;
        let mut setup = setup.clone();
        setup.env.push((BOOT_ID, boot_id));
        let verdict = self.recover(&setup, story.until(*at));
        if !verdict.as_ref().is_ok_and(Verdict::is_good) {
            disk.keep(cut)?;
        }
        disk.forget(cut)?;
        verdict
    }

    fn recover(&self, setup: &Setup, mut story: Story) -> Result<Verdict> {
        let mut life = setup.start()?;
        life.await_listening()?;
        self.go_on(setup, &mut story)?;
        setup.come_to_rest(life)?;
        judge(&story, &setup.output_folder)
    }

    /// The power is back: everybody comes again under the same name, and nothing may be in their way.
    fn go_on(&self, setup: &Setup, story: &mut Story) -> Result<()> {
        let mut dice = Dice::new(self.seed);
        for (n, kind) in kinds(self.output).iter().enumerate() {
            let name = format!("own{n}");
            let before = story.producers.remove(&name).unwrap_or_default();
            let caller = Caller::new(setup.addr(), PATIENCE);
            let mut own = Own::new(name.clone(), *kind, caller, dice.split()).resume(before);
            own.init().with_context(|| format!("{name} comes again"))?;
            match kind {
                Kind::Plain => own.burst()?,
                Kind::Announcing | Kind::Implicit => own.transact_so(1, true)?,
            }
            story.insert(name, own.story);
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdicts, acked, committed, took, .. } = self;
        let good = verdicts.iter().flatten().filter(|verdict| verdict.is_good()).count();
        let (cuts, took) = (verdicts.len(), took.as_secs_f64());
        write!(f, "{good} of {cuts} cuts without a violation; {acked} records acknowledged, ")?;
        write!(f, "{committed} transactions committed; {took:.1} s")
    }
}

impl fmt::Display for StatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BesideOutput => "beside it",
            Self::Apart => "on another disk",
        })
    }
}

impl Outcome {
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (number, verdict) in self.verdicts.iter().enumerate() {
            match verdict {
                Ok(verdict) if verdict.is_good() => {}
                Ok(verdict) => complaints.push(format!("cut {number}: {verdict}")),
                Err(error) => complaints.push(format!("cut {number}: {error:#}")),
            }
        }
        complaints
            .extend(self.failures.iter().map(|failure| format!("an error reached {failure}")));
        complaints
    }
}
