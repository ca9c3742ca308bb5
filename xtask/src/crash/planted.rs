//! Each suite must turn red for the fault that it is there for.
//!
//! A scene is played twice: as ksink is, when nothing may be wrong, and with the fault, when something must be.

use std::{path::Path, thread::sleep, time::Duration};

use anyhow::Result;

use super::{
    breakable::{BOOT_ID, FAIL_POINT, PLANTED_FAULT},
    caller::Caller,
    dice::Dice,
    disk::Disk,
    kill::judge,
    oracle::Verdict,
    own::{Kind, Own},
    server::{Output, Setup},
    story::{Story, now},
};

/// What is wrong with a ksink, and where that shows.
pub(crate) struct Fault {
    /// As `ksink_disk::PLANTED_FAULTS` has it.
    pub name: &'static str,
    pub scene: Scene,
}

#[derive(Clone, Copy)]
pub(crate) enum Scene {
    /// It dies at this passage of this place, while plain records are on their way.
    Death(&'static str),
    /// The power goes when a transaction was just committed.
    PowerCut,
}

pub(crate) const FAULTS: &[Fault] = &[
    Fault { name: "no-dedupe", scene: Scene::Death("journal-appended:20") },
    Fault { name: "no-truncation", scene: Scene::Death("sink-flushed:20") },
    Fault { name: "no-directory-sync", scene: Scene::PowerCut },
    Fault { name: "commit-before-data", scene: Scene::PowerCut },
];

impl Scene {
    pub(crate) fn needs_power_cuts(self) -> bool {
        match self {
            Self::Death(_) => false,
            Self::PowerCut => true,
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
            Err(error) => format!("{error:#}").lines().next().unwrap_or_default().to_owned(),
        };
        (seen, complaints)
    }

    fn act(&self, binary: &Path, folder: &Path, seed: u64, fault: Option<&str>) -> Result<Verdict> {
        let mut stage = Stage { folder, fault, dice: Dice::new(seed) };
        match self.scene {
            Scene::Death(place) => stage.death(binary, place),
            Scene::PowerCut => stage.power_cut(binary),
        }
    }
}

struct Stage<'a> {
    folder: &'a Path,
    fault: Option<&'a str>,
    dice: Dice,
}

impl Stage<'_> {
    /// The producer's question is not answered by the server that dies; it asks the next one.
    fn death(&mut self, binary: &Path, place: &str) -> Result<Verdict> {
        let mut setup = Setup::fresh(binary, self.folder, Output::Plain, &mut self.dice)?;
        setup.env = self.env();
        let mut own = self.own(&setup, Kind::Plain);
        let mut life = setup.start_with(&[(FAIL_POINT, place.to_owned())])?;
        let story = std::thread::scope(|scope| {
            let producer = scope.spawn(move || -> Result<Story> {
                own.init()?;
                for _ in 0..60 {
                    own.burst()?;
                }
                Ok(own.into_story())
            });
            anyhow::ensure!(life.died_within(Duration::from_secs(5))?, "it did not die at {place}");
            life = setup.start()?;
            producer.join().expect("a producer returns its errors")
        })?;
        life.stop()?;
        judge(&story, &setup.output_folder, None)
    }

    /// The state lies on another file system than the output, and the producer asks for the next epoch after its
    /// transaction: that syncs the journal, which then says that the transaction is in its place, and nothing else.
    fn power_cut(&mut self, binary: &Path) -> Result<Verdict> {
        let mut disk = Disk::make(&self.folder.join("disk"))?;
        let ksink = self.folder.join("ksink");
        let mut setup = Setup::fresh(binary, &ksink, Output::EachTransaction, &mut self.dice)?;
        setup.output_folder = disk.output_folder();
        setup.state_folder = Some(disk.state_folder().join("ksink"));
        setup.durability = "power";
        setup.env = self.env();
        let mut own = self.own(&setup, Kind::Implicit);
        let mut life = setup.start_with(&[(BOOT_ID, "first".to_owned())])?;
        own.init()?;
        for _ in 0..3 {
            own.transact_so(2, true)?;
        }
        own.init()?;
        sleep(Duration::from_millis(20));
        let at = now();
        let cut = disk.cut(0)?;
        life.stop()?;
        disk.go_back_to(&cut)?;
        life = setup.start_with(&[(BOOT_ID, "second".to_owned())])?;
        life.await_listening()?;
        life.stop()?;
        judge(&own.into_story(), &setup.output_folder, Some(at))
    }

    fn own(&mut self, setup: &Setup, kind: Kind) -> Own {
        Own::new("own0".to_owned(), kind, Caller::new(setup.addr()), self.dice.split())
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let fault = self.fault.map(|fault| (PLANTED_FAULT, fault.to_owned()));
        fault.into_iter().collect()
    }
}
