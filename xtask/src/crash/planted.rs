//! Each suite must turn red for the fault that it is there for.
//!
//! A scene is played twice: as ksink is, when nothing may be wrong, and with the fault, when something must be.

use std::{
    path::Path,
    thread::{self, sleep},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    breakable::{BOOT_ID, FAIL_POINT, PLANTED_FAULT},
    caller::Caller,
    dice::Dice,
    disk::Disk,
    kill::judge,
    oracle::Verdict,
    own::{Kind, Own},
    server::{Life, Output, Setup},
    story::Story,
};

/// What is wrong with a ksink, and where that shows.
pub(crate) struct Fault {
    /// As `ksink_disk::PLANTED_FAULTS` has it.
    pub name: &'static str,
    pub scene: Scene,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Scene {
    /// It dies here while plain records are on their way, and starts again.
    Death(&'static str),
    /// It dies here while a transaction is on its way, and the power goes before it starts again.
    DeathAndPowerCut(&'static str),
    /// The power goes when transactions were just committed.
    PowerCut,
}

pub(crate) const FAULTS: &[Fault] = &[
    Fault { name: "no-dedupe", scene: Scene::Death("journal-appended:20") },
    Fault { name: "no-truncation", scene: Scene::Death("file-appended:20") },
    Fault { name: "no-directory-sync", scene: Scene::PowerCut },
    Fault { name: "commit-before-data", scene: Scene::DeathAndPowerCut("sink-commit-renaming:1") },
];

/// How long a producer waits for a server that may be too broken to come.
const PATIENCE: Duration = Duration::from_secs(5);

impl Scene {
    pub(crate) fn needs_power_cuts(self) -> bool {
        match self {
            Self::Death(_) => false,
            Self::DeathAndPowerCut(_) | Self::PowerCut => true,
        }
    }
}

impl Fault {
    /// Gives what was seen of the fault, and what is wrong: with ksink as it is, or with the suite.
    pub(crate) fn play(&self, binary: &Path, folder: &Path, seed: u64) -> (String, Vec<String>) {
        let mut complaints = Vec::new();
        match self.act(binary, folder, seed, None) {
            Ok(verdict) if verdict.is_good() => {}
            Ok(verdict) => complaints.push(format!("without the fault: {verdict}")),
            Err(error) => complaints.push(format!("without the fault: {error:#}")),
        }
        let seen = match self.act(binary, folder, seed, Some(self.name)) {
            Ok(verdict) if verdict.is_good() => {
                complaints.push("it was not found out".to_owned());
                "nothing".to_owned()
            }
            Ok(verdict) => verdict.to_string(),
            // It may well be that a faulty ksink cannot go on at all.
            Err(error) => format!("{error:#}").lines().last().unwrap_or_default().to_owned(),
        };
        (seen, complaints)
    }

    fn act(&self, binary: &Path, folder: &Path, seed: u64, fault: Option<&str>) -> Result<Verdict> {
        let mut stage = Stage { binary, folder, fault, dice: Dice::new(seed) };
        match self.scene {
            Scene::Death(place) => stage.death(place),
            Scene::DeathAndPowerCut(place) => stage.death_and_power_cut(place),
            Scene::PowerCut => stage.power_cut(),
        }
    }
}

struct Stage<'a> {
    binary: &'a Path,
    folder: &'a Path,
    fault: Option<&'a str>,
    dice: Dice,
}

impl Stage<'_> {
    /// The producer's question is not answered by the server that dies; it asks the next one.
    fn death(&mut self, place: &str) -> Result<Verdict> {
        let mut setup = Setup::fresh(self.binary, self.folder, Output::Plain, &mut self.dice)?;
        setup.env = self.env();
        let mut own = self.own(&setup, Kind::Plain);
        let mut life = setup.start_with(&[(FAIL_POINT, place.to_owned())])?;
        let producer = thread::spawn(move || {
            own.init()?;
            (0..60).try_for_each(|_| own.burst())?;
            anyhow::Ok(own)
        });
        await_death(&mut life)?;
        let life = setup.start()?;
        let own = producer.join().expect("it returns its errors")?;
        self.end(&setup, life, &own.into_story())
    }

    /// The commit is decided when the server dies. The next one has to complete it, from what the power cut left.
    fn death_and_power_cut(&mut self, place: &str) -> Result<Verdict> {
        let (mut disk, setup) = self.disk()?;
        let mut own = self.own(&setup, Kind::Implicit);
        let more = [(FAIL_POINT, place.to_owned()), (BOOT_ID, "first".to_owned())];
        let mut life = setup.start_with(&more)?;
        let producer = thread::spawn(move || {
            own.init()?;
            own.transact_so(2, true)?;
            anyhow::Ok(own)
        });
        await_death(&mut life)?;
        let cut = disk.cut(1)?;
        disk.go_back_to(cut)?;
        let mut life = setup.start_with(&[(BOOT_ID, "second".to_owned())])?;
        life.await_listening()?;
        let own = producer.join().expect("it returns its errors")?;
        self.end(&setup, life, &own.into_story())
    }

    /// The producer asks for the next epoch after its last transaction: that syncs the journal, which then says that
    /// the transaction is in its place, and nothing else.
    fn power_cut(&mut self) -> Result<Verdict> {
        let (mut disk, setup) = self.disk()?;
        let mut own = self.own(&setup, Kind::Implicit);
        let life = setup.start_with(&[(BOOT_ID, "first".to_owned())])?;
        own.init()?;
        (0..3).try_for_each(|_| own.transact_so(2, true))?;
        own.init()?;
        sleep(Duration::from_millis(20));
        let cut = disk.cut(1)?;
        life.stop()?;
        disk.go_back_to(cut)?;
        let mut life = setup.start_with(&[(BOOT_ID, "second".to_owned())])?;
        life.await_listening()?;
        self.end(&setup, life, &own.into_story())
    }

    /// The state lies on another file system than the output.
    fn disk(&mut self) -> Result<(Disk, Setup)> {
        let disk = Disk::make(&self.folder.join("disk"))?;
        let folder = self.folder.join("ksink");
        let mut setup =
            Setup::fresh(self.binary, &folder, Output::EachTransaction, &mut self.dice)?;
        setup.output_folder = disk.output_folder();
        setup.state_folder = Some(disk.state_folder().join("ksink"));
        setup.durability = "power";
        setup.env = self.env();
        Ok((disk, setup))
    }

    fn end(&self, setup: &Setup, life: Life, story: &Story) -> Result<Verdict> {
        setup.come_to_rest(life)?;
        judge(story, &setup.output_folder)
    }

    fn own(&mut self, setup: &Setup, kind: Kind) -> Own {
        let caller = Caller::new(setup.addr(), PATIENCE);
        Own::new("own0".to_owned(), kind, caller, self.dice.split())
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        self.fault.map(|fault| (PLANTED_FAULT, fault.to_owned())).into_iter().collect()
    }
}

fn await_death(life: &mut Life) -> Result<()> {
    let died = life.died_within(PATIENCE).context("before its death")?;
    ensure!(died, "it did not die where it was told");
    Ok(())
}
