//! The power goes at random times, while producers work at `--durability power`. They go on when it is back.

use std::{
    fmt,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    breakable::{BOOT_ID, JOURNAL_BYTES, JOURNAL_BYTES_SMALL},
    dice::Dice,
    disk::Disk,
    kill::judge,
    load::{Load, Ordeal},
    oracle::Verdict,
    points::kinds,
    server::{Life, Output, Setup},
};

/// How long after a start the power goes, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 20..300;

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
    pub cuts: usize,
    pub verdict: Verdict,
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
        let mut setup = self.setup(binary, folder, &disk, &mut dice)?;
        let load = Load::start(setup.addr(), kinds(self.output), 5, Ordeal::PowerCut, &mut dice);
        let mut life = setup.start()?;
        for number in 1..=self.cuts {
            life.await_listening()?;
            sleep(Duration::from_millis(dice.pick(LIFE_MS)));
            cut_power(&mut disk, life, number)?;
            setup.env.push((BOOT_ID, format!("after cut {number}")));
            life = setup.start()?;
        }
        let story = load.finish();
        let verdict = setup.come_to_rest(life).and_then(|()| judge(&story, &setup.output_folder));
        let (acked, (committed, _)) = (story.acked(), story.ended());
        let failures: Vec<String> = story.failures().collect();
        if !verdict.as_ref().is_ok_and(Verdict::is_good) || !failures.is_empty() {
            disk.keep()?;
        }
        let (cuts, verdict, took) = (self.cuts, verdict?, start.elapsed());
        Ok(Outcome { cuts, verdict, acked, committed, failures, took })
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
}

/// Nobody is told anything between the moment that the disk goes back to and the end of the server. What it sent before
/// may be heard later, and holds.
fn cut_power(disk: &mut Disk, life: Life, number: usize) -> Result<()> {
    life.freeze()?;
    let cut = disk.cut(number)?;
    life.kill()?;
    disk.go_back_to(cut)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, acked, committed, took, .. } = self;
        let took = took.as_secs_f64();
        write!(
            f,
            "{cuts} cuts; {acked} records acknowledged, {committed} transactions committed; {took:.1} s"
        )
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
        if !self.verdict.is_good() {
            complaints.push(self.verdict.to_string());
        }
        complaints
            .extend(self.failures.iter().map(|failure| format!("an error reached {failure}")));
        complaints
    }
}
