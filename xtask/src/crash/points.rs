//! Death at every named place of the commit protocol, and again while recovering from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use anyhow::Result;
use ksink_disk::FAIL_POINTS;

use super::{
    breakable::{FAIL_POINT, JOURNAL_BYTES, JOURNAL_BYTES_SMALL},
    dice::Dice,
    kill::judge,
    load::Load,
    oracle::Verdict,
    own::Kind,
    server::{Output, Setup},
};

const OUTPUTS: [Output; 2] = [Output::Plain, Output::Transactional];

/// At which passages of a place the server dies.
const PASSAGES: std::ops::RangeInclusive<u32> = 1..=3;

/// How long a place may take to be passed. The later passages of one that a start passes once are waited for in vain.
const FIRST_WAIT: Duration = Duration::from_millis(1000);
const LATER_WAIT: Duration = Duration::from_millis(200);

/// How long the next start may take to pass a place of its recovery.
const NESTED_WAIT: Duration = Duration::from_millis(60);

/// How many starts after a death may end in another one.
const NESTED_MAX: u32 = 3;

/// What was seen of one output.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How often each place killed the server, those of recoveries included.
    pub deaths: BTreeMap<&'static str, u32>,
    pub nested: u32,
    pub verdict: Verdict,
    pub committed: usize,
    pub acked: usize,
    pub failures: Vec<String>,
    pub took: Duration,
}

/// One state, in which the server died again and again.
pub(crate) struct Played {
    pub name: String,
    pub outcome: Result<Outcome>,
}

/// Lets the server die at every place and passage. All of it happens to one state for each output, and at last, for
/// what only a new state passes, to new ones.
pub(crate) fn play_all(binary: &Path, folder: &Path, seed: u64) -> Vec<Played> {
    let every: Vec<Death> = FAIL_POINTS.iter().flat_map(|place| Death::all_at(place)).collect();
    // Most of the time is spent on waiting for a death that does not come.
    let mut all: Vec<Played> = thread::scope(|scope| {
        let play = |(n, output): (u64, Output)| {
            let (every, folder) = (&every, folder.join(output.to_string().replace(' ', "-")));
            scope.spawn(move || Played {
                name: format!("death at every place, {output}"),
                outcome: play(binary, &folder, output, every, seed + n),
            })
        };
        let running: Vec<_> = (0..).zip(OUTPUTS).map(play).collect();
        let ended = running.into_iter().map(|one| one.join().expect("it returns its errors"));
        ended.collect()
    });
    for place in unreached(&all) {
        all.extend(play_new(binary, folder, place, seed));
    }
    all
}

/// Dies in a new state, at one place, in the first output that passes it.
fn play_new(binary: &Path, folder: &Path, place: &'static str, seed: u64) -> Vec<Played> {
    let mut all = Vec::new();
    for output in OUTPUTS {
        for death in Death::all_at(place) {
            let folder = folder.join(format!("{place}-{}", death.passage));
            let outcome = play(binary, &folder, output, &[death], seed);
            // An output that does not know the place is no news.
            let is_elsewhere =
                |outcome: &Outcome| outcome.deaths.is_empty() && outcome.complaints().is_empty();
            if outcome.as_ref().is_ok_and(is_elsewhere) {
                break;
            }
            let name = format!("death at {place}:{}, {output}, a new state", death.passage);
            all.push(Played { name, outcome });
        }
        if !unreached(&all).contains(&place) {
            return all;
        }
    }
    // Then it is one that a start passes if there is something to recover from.
    for output in OUTPUTS {
        let deaths: Vec<Death> =
            FAIL_POINTS.iter().map(|other| Death::behind(other, place)).collect();
        let outcome = play(binary, &folder.join(format!("{place}-behind")), output, &deaths, seed);
        let is_there = outcome.as_ref().is_ok_and(|outcome| outcome.deaths.contains_key(place));
        all.push(Played { name: format!("death at {place} behind another, {output}"), outcome });
        if is_there {
            break;
        }
    }
    all
}

/// Where the server is to die.
#[derive(Clone, Copy, Debug)]
struct Death {
    place: &'static str,
    passage: u32,
    /// Where the server has to die first.
    behind: Option<&'static str>,
}

impl Death {
    fn all_at(place: &'static str) -> impl Iterator<Item = Self> {
        PASSAGES.map(move |passage| Self { place, passage, behind: None })
    }

    fn behind(other: &'static str, place: &'static str) -> Self {
        Self { place, passage: 1, behind: Some(other) }
    }

    /// Says whether the server died, be it while it was asked to stop.
    fn happen(self, setup: &Setup) -> Result<bool> {
        let Self { place, passage, behind } = self;
        if let Some(other) = behind {
            let first = Self { place: other, passage: 1, behind: None };
            return Ok(first.happen(setup)? && !comes_up(setup, place)?);
        }
        let wait = if passage == *PASSAGES.start() { FIRST_WAIT } else { LATER_WAIT };
        let mut life = setup.start_with(&[(FAIL_POINT, format!("{place}:{passage}"))])?;
        Ok(life.died_within(wait)? || !life.listens_or_died()? || !life.stop_or_die()?)
    }
}

/// Whether a start does not die there. It is killed then.
fn comes_up(setup: &Setup, place: &str) -> Result<bool> {
    let mut life = setup.start_with(&[(FAIL_POINT, format!("{place}:1"))])?;
    let listens = life.listens_or_died()?;
    if listens {
        life.kill()?;
    }
    Ok(listens)
}

fn play(
    binary: &Path,
    folder: &Path,
    output: Output,
    deaths: &[Death],
    seed: u64,
) -> Result<Outcome> {
    let start = Instant::now();
    let mut dice = Dice::new(seed);
    let mut setup = Setup::fresh(binary, folder, output, &mut dice)?;
    setup.env = vec![(JOURNAL_BYTES, JOURNAL_BYTES_SMALL.to_owned())];
    let mut outcome = Outcome::default();
    let load = Load::start(setup.addr(), kinds(output), 5, &mut dice);
    let mut missed = None;
    for death in deaths.iter().copied() {
        // Where the first passage does not come, a later one does not either.
        if missed == Some(death.place) && death.behind.is_none() {
            continue;
        }
        if death.behind.is_some() && outcome.deaths.contains_key(death.place) {
            break;
        }
        if death.happen(&setup)? {
            *outcome.deaths.entry(death.place).or_default() += 1;
            outcome.recover(&setup, &mut dice)?;
        } else {
            missed = Some(death.place);
        }
    }
    let life = setup.start()?;
    let story = load.finish();
    setup.come_to_rest(life)?;
    outcome.verdict = judge(&story, &setup.output_folder)?;
    (outcome.committed, outcome.acked) = (story.ended().0, story.acked());
    outcome.failures = story.failures().collect();
    outcome.took = start.elapsed();
    Ok(outcome)
}

pub(crate) fn kinds(output: Output) -> &'static [Kind] {
    match output {
        Output::Plain => &[Kind::Plain, Kind::Plain, Kind::Announcing, Kind::Implicit],
        Output::Transactional | Output::EachTransaction => {
            &[Kind::Announcing, Kind::Implicit, Kind::Implicit]
        }
    }
}

impl Outcome {
    /// Starts that may die again on their way up, at places that chance names.
    fn recover(&mut self, setup: &Setup, dice: &mut Dice) -> Result<()> {
        for _ in 0..dice.pick(0..u64::from(NESTED_MAX) + 1) {
            let place = FAIL_POINTS[dice.pick(0..FAIL_POINTS.len() as u64) as usize];
            let mut life = setup.start_with(&[(FAIL_POINT, format!("{place}:1"))])?;
            if life.died_within(NESTED_WAIT)? {
                self.nested += 1;
                *self.deaths.entry(place).or_default() += 1;
            } else {
                life.kill()?;
            }
        }
        sleep(Duration::from_millis(1));
        Ok(())
    }

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

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deaths, nested, committed, acked, took, .. } = self;
        let (count, places, took) =
            (deaths.values().sum::<u32>(), deaths.len(), took.as_secs_f64());
        write!(f, "{count} deaths at {places} places, {nested} of them while recovering; ")?;
        write!(f, "{acked} records acknowledged, {committed} transactions committed; {took:.1} s")
    }
}

/// How many places there are.
pub(crate) fn count() -> usize {
    FAIL_POINTS.len()
}

/// The places at which no server died.
pub(crate) fn unreached(all: &[Played]) -> Vec<&'static str> {
    let outcomes = all.iter().flat_map(|played| &played.outcome);
    let reached: BTreeSet<&str> =
        outcomes.flat_map(|outcome| outcome.deaths.keys().copied()).collect();
    FAIL_POINTS.iter().copied().filter(|place| !reached.contains(place)).collect()
}
