//! A journal on a disk that crashes and fails, against what its user was told.
//!
//! `KSINK_SIM_SEEDS` says how many stories are played (10,000 by default), `KSINK_SEED` plays one and prints it.

mod chance;
mod lying;
mod sweep;
mod user;

use std::env;

use ksink_disk::{Crash, Fault, ModelDisk};

use self::{
    chance::Chance,
    lying::{Lie, lying},
    user::{Broken, User},
};

/// How many steps a story has at most.
const STEPS_MAX: usize = 40;

fn seeds() -> u64 {
    env::var("KSINK_SIM_SEEDS").map_or(10_000, |text| text.parse().expect("a number of seeds"))
}

/// Plays one story: appends, syncs, snapshots, stops, faults and crashes, also in the middle of each of them, and of the
/// recovery from the one before.
fn play(seed: u64, lie: Option<Lie>) -> Result<User, Box<Broken>> {
    let mut chance = Chance::new(seed);
    let disk = ModelDisk::new();
    let mut user = User::new(disk.clone(), lying(disk, lie));
    for _ in 0..1 + chance.below(STEPS_MAX) {
        if let Err(why) = step(&mut user, &mut chance) {
            return Err(Box::new(user.broken(why)));
        }
    }
    let end = user.crash(Crash::PowerCut { seed }).and_then(|()| user.open_until_it_works());
    match end {
        Ok(()) => Ok(user),
        Err(why) => Err(Box::new(user.broken(why))),
    }
}

fn step(user: &mut User, chance: &mut Chance) -> Result<(), String> {
    if !user.is_open() {
        return recover(user, chance);
    }
    match chance.below(20) {
        0 | 1 => crash(user, chance),
        2 | 3 => crash_within(user, chance),
        4 => {
            user.fail(chance.below(6) as u64, 1 + chance.below(3) as u64, fault(chance));
            act(user, chance)
        }
        _ => act(user, chance),
    }
}

fn act(user: &mut User, chance: &mut Chance) -> Result<(), String> {
    match chance.below(20) {
        0..9 => user.append(1 + chance.below(4)),
        9..12 => user.sync(),
        12..15 => user.sync_elsewhere(),
        15..18 => user.start_over(),
        18 => user.close(),
        _ => user.append(0),
    }
}

fn crash(user: &mut User, chance: &mut Chance) -> Result<(), String> {
    let crash = if chance.coin() { Crash::Kill } else { Crash::PowerCut { seed: chance.number() } };
    user.crash(crash)
}

/// From some call on nothing reaches the disk: that is how a crash in the middle looks from there.
fn crash_within(user: &mut User, chance: &mut Chance) -> Result<(), String> {
    user.fail(chance.below(8) as u64, u64::MAX, fault(chance));
    act(user, chance)?;
    crash(user, chance)
}

fn recover(user: &mut User, chance: &mut Chance) -> Result<(), String> {
    if chance.below(3) > 0 {
        return user.open_until_it_works();
    }
    user.fail(chance.below(8) as u64, u64::MAX, fault(chance));
    user.open()?;
    crash(user, chance)
}

fn fault(chance: &mut Chance) -> Fault {
    [Fault::Io, Fault::Full, Fault::Short][chance.below(3)]
}

/// exactly-once, Journal: after a kill every frame that was appended is there; after a power cut every one that was
/// synced; always a prefix, in order, unchanged, each once; whatever happened before, also during recovery.
#[test]
fn no_story_loses_what_was_promised() {
    let chosen = env::var("KSINK_SEED").ok().map(|text| text.parse().expect("a seed"));
    let (mut crashes, mut cut) = (0, 0);
    for seed in chosen.map_or_else(|| 0..seeds(), |seed| seed..seed + 1) {
        let user = play(seed, None).unwrap_or_else(|broken| panic!("KSINK_SEED={seed}: {broken}"));
        crashes += user.crashes;
        cut += user.cut;
        if chosen.is_some() {
            eprintln!("{}", user.story());
        }
    }
    // Stories in which nothing is at stake would show nothing.
    if chosen.is_none() {
        assert!(crashes > 2 * seeds(), "{crashes} crashes");
        assert!(cut > seeds() / 20, "{cut} recoveries that cut something");
    }
}

/// How many stories it takes until a lie of the disk is noticed.
#[track_caller]
fn check_that_it_is_noticed(lie: Lie) {
    let noticed = (0..10_000).find(|seed| play(*seed, Some(lie)).is_err());
    assert!(noticed.is_some(), "{lie:?} is noticed by nobody");
}

#[test]
fn no_truncation_at_recovery_is_noticed() {
    check_that_it_is_noticed(Lie::Cuts);
}

#[test]
fn no_sync_of_the_folder_after_starting_over_is_noticed() {
    check_that_it_is_noticed(Lie::LaterNames);
}

#[test]
fn a_snapshot_that_counts_before_it_is_synced_is_noticed() {
    check_that_it_is_noticed(Lie::Drafts);
}

#[test]
fn a_sync_that_does_nothing_is_noticed() {
    check_that_it_is_noticed(Lie::Frames);
}
