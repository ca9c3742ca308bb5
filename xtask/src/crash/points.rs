//! Death at every named place of the commit protocol, and again while recovering from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    thread::sleep,
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

/// Lets the server die at every place and passage, one after the other, while producers work; the state goes on
/// from death to death.
pub(crate) fn play(binary: &Path, folder: &Path, output: Output, seed: u64) -> Result<Outcome> {
    let start = Instant::now();
    let mut dice = Dice::new(seed);
    let mut setup = Setup::fresh(binary, folder, output, &mut dice)?;
    setup.env = vec![(JOURNAL_BYTES, JOURNAL_BYTES_SMALL.to_owned())];
    let mut outcome = Outcome::default();
    let load = Load::start(setup.addr(), kinds(output), 5, &mut dice);
    for place in FAIL_POINTS {
        for passage in PASSAGES {
            let wait = if passage == 1 { FIRST_WAIT } else { LATER_WAIT };
            if !die_at(&setup, place, passage, wait)? {
                break;
            }
            *outcome.deaths.entry(place).or_default() += 1;
            outcome.recover(&setup, &mut dice)?;
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

/// Says whether the server died there, be it while it was asked to stop.
fn die_at(setup: &Setup, place: &str, passage: u32, wait: Duration) -> Result<bool> {
    let mut life = setup.start_with(&[(FAIL_POINT, format!("{place}:{passage}"))])?;
    Ok(life.died_within(wait)? || !life.stop_or_die()?)
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

/// The places at which no server died in any of these runs.
pub(crate) fn unreached<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Vec<&'static str> {
    let reached: BTreeSet<&str> =
        outcomes.into_iter().flat_map(|outcome| outcome.deaths.keys().copied()).collect();
    FAIL_POINTS.iter().copied().filter(|place| !reached.contains(place)).collect()
}
