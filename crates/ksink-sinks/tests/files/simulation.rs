//! Lives by chance, told from a seed.

use std::path::Path;

use ksink_disk::{Crash, Existing, Fault, NamedBy, Open, append_all};
use ksink_event::{Durability, LastStop};

use crate::{
    dice::Dice,
    planted::Planted,
    server::Violation,
    world::{Life, MOVED, PRODUCERS, Setting, World},
};

/// How many seeds an ordinary test run plays.
const SEEDS: u64 = 2_500;

/// So many seeds may pass before a planted fault is noticed.
const SEEDS_TO_NOTICE: u64 = 1_000;

/// What is longer than what goes into one write.
const LARGE_BYTES: usize = 200_000;

/// exactly-once, Plain records 1 to 4, Start and stop, Faults: what was accepted is there once and in order, nothing
/// else of ours is, and what strangers wrote is untouched.
#[test]
fn what_was_accepted_is_there_once_and_in_order() {
    let seeds: u64 =
        std::env::var("KSINK_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    let first: u64 =
        std::env::var("KSINK_FIRST_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    for seed in first..first + seeds {
        if let Err(violation) = play(seed, None, None) {
            panic!("KSINK_FIRST_SEED={seed} KSINK_SEEDS=1: {violation}");
        }
    }
}

#[track_caller]
fn check_is_noticed(planted: Planted, durability: Durability) {
    let noticed =
        (1..=SEEDS_TO_NOTICE).any(|seed| play(seed, Some(planted), Some(durability)).is_err());
    assert!(noticed, "{planted:?} passed {SEEDS_TO_NOTICE} seeds");
}

#[test]
fn it_is_noticed_when_nothing_is_cut_at_recovery() {
    check_is_noticed(Planted::NothingIsCutAtRecovery, Durability::Process);
}

#[test]
fn it_is_noticed_when_folders_are_not_synced() {
    check_is_noticed(Planted::FoldersAreNotSynced, Durability::Power);
}

#[test]
fn it_is_noticed_when_files_are_not_synced() {
    check_is_noticed(Planted::FilesAreNotSynced, Durability::Power);
}

#[test]
fn it_is_noticed_when_failed_syncs_are_repeated_and_believed() {
    check_is_noticed(Planted::FailedSyncsAreRepeated, Durability::Power);
}

#[test]
fn it_is_noticed_when_reports_are_forgotten() {
    check_is_noticed(Planted::ReportsAreForgotten, Durability::Process);
}

#[test]
fn it_is_noticed_when_reports_are_not_synced() {
    check_is_noticed(Planted::ReportsAreNotSynced, Durability::Power);
}

fn play(
    seed: u64,
    planted: Option<Planted>,
    durability: Option<Durability>,
) -> Result<(), Violation> {
    let mut dice = Dice::new(seed);
    let durabilities =
        [Durability::Process, Durability::Power, Durability::Power, Durability::None];
    let by_chance = dice.pick(&durabilities);
    let setting = Setting {
        pattern: dice.pick(&["/data/out/all", "/data/out/{topic}", "/data/out/{topic}"]),
        topics: 1 + dice.below(3),
        open_files_max: 1 + dice.below(3) as usize,
        durability: durability.unwrap_or(by_chance),
        planted,
    };
    let mut world = World::new(setting);
    for _ in 0..1 + dice.below(5) {
        let life = start(&mut world, &mut dice)?;
        live(&mut world, life, &mut dice)?;
        strangers(&world, &mut dice);
    }
    let life = start(&mut world, &mut dice)?;
    world.stop(life)?;
    world.check_files()
}

/// Starts, though the machine may go down during that, and looks at what is found then.
fn start(world: &mut World, dice: &mut Dice) -> Result<Life, Violation> {
    while dice.one_in(4) {
        world.fail(dice.below(8), u64::MAX, Fault::Io);
        let started = world.start();
        world.heal();
        let crash = any_crash(dice);
        match started {
            Ok(life) => {
                check_promises(world)?;
                world.crash(life, crash, dice)?;
            }
            Err(_) => {
                world.disk.disk.crash(crash);
                world.lose(crash, dice);
            }
        }
    }
    let life = world.start()?;
    check_promises(world)?;
    Ok(life)
}

/// Looks whether everything is there that was promised. Where nothing was, things are as they are.
fn check_promises(world: &mut World) -> Result<(), Violation> {
    if world.promises_hold() {
        world.check_files()?;
    } else {
        world.believe_files();
    }
    world.lost_power = false;
    Ok(())
}

fn any_crash(dice: &mut Dice) -> Crash {
    if dice.one_in(2) { Crash::Kill } else { Crash::PowerCut { seed: dice.number() } }
}

fn live(world: &mut World, mut life: Life, dice: &mut Dice) -> Result<(), Violation> {
    for _ in 0..dice.below(30) {
        act(world, &mut life, dice);
    }
    if dice.one_in(3) {
        if dice.one_in(2) {
            world.fail(dice.below(6), 1 + dice.below(2), Fault::Io);
        }
        let stopped = world.stop(life);
        world.heal();
        return stopped;
    }
    // From some call on nothing reaches the disk any more: the end comes in the middle of something.
    world.fail(dice.below(12), u64::MAX, Fault::Io);
    for _ in 0..dice.below(6) {
        write(&mut life, dice);
    }
    life.flush();
    world.heal();
    world.crash(life, any_crash(dice), dice)
}

fn act(world: &World, life: &mut Life, dice: &mut Dice) {
    match dice.below(12) {
        0..=6 => write(life, dice),
        7..=8 => life.flush(),
        9..=10 => life.settle(),
        _ => {
            let fault = dice.pick(&[Fault::Io, Fault::Full, Fault::Short]);
            world.fail(dice.below(10), 1 + dice.below(4), fault);
        }
    }
}

fn write(life: &mut Life, dice: &mut Dice) {
    let padding = if dice.one_in(400) { LARGE_BYTES } else { dice.below(20) as usize };
    life.write(dice.below(PRODUCERS as u64) as usize, 1 + dice.below(3), padding);
}

/// What somebody else does to the files between two runs.
fn strangers(world: &World, dice: &mut Dice) {
    let mut paths = world.paths();
    paths.retain(|path| !path.starts_with(MOVED));
    if paths.is_empty() || dice.one_in(2) {
        return;
    }
    let path = dice.pick(&paths.iter().map(String::as_str).collect::<Vec<&str>>());
    match dice.below(5) {
        // After a kill nobody could tell it from what was not accepted.
        0 if world.last_stop == LastStop::Clean => append(world, path),
        // What is shorter than it was at the end of the machine has its last line cut.
        0 | 1 if world.promises_hold() && world.setting.durability != Durability::None => {
            shorten(world, path, dice.number())
        }
        0..=2 => move_away(world, path, dice.number()),
        3 => {
            move_away(world, path, dice.number());
            append(world, path);
        }
        _ => remove(world, path),
    }
}

fn append(world: &World, path: &str) {
    const LINE: &[u8] = b"a stranger was here\n";
    world.strangers_change(|disk| {
        let mut file = disk.open(Path::new(path), Open::Append(NamedBy::Operator))?;
        append_all(&mut *file, LINE)
    });
    world.journal.borrow_mut().change_files(|files| {
        files.entry(path.to_owned()).or_default().extend_from_slice(LINE);
    });
}

fn shorten(world: &World, path: &str, by: u64) {
    let length = world.content(path).len() as u64;
    let keep = by % (length + 1);
    world.strangers_change(|disk| {
        disk.open(Path::new(path), Open::ReadWrite { create: false })?.set_len(keep)
    });
    world.journal.borrow_mut().change_files(|files| {
        files.entry(path.to_owned()).or_default().truncate(keep as usize);
    });
}

fn move_away(world: &World, path: &str, number: u64) {
    let to = format!("{MOVED}{number}");
    world.strangers_change(|disk| disk.rename(Path::new(path), Path::new(&to), Existing::Refuse));
    world.journal.borrow_mut().change_files(|files| {
        let content = files.remove(path).unwrap_or_default();
        files.insert(to.clone(), content);
    });
}

fn remove(world: &World, path: &str) {
    world.strangers_change(|disk| disk.remove(Path::new(path)));
    world.journal.borrow_mut().change_files(|files| {
        files.remove(path);
    });
}
