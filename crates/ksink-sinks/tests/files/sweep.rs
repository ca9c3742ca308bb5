//! One life, in which the n-th call fails, for every n.

use ksink_disk::{Crash, Fault};
use ksink_event::Durability;

use crate::{
    dice::Dice,
    server::Violation,
    world::{Life, PRODUCERS, Setting, World},
};

/// How many batches each producer wants to get rid of.
const BATCHES: u64 = 4;

/// What is longer than what goes into one write.
const LARGE_BYTES: usize = 200_000;

/// How often a producer tries before the test gives up.
const ROUNDS_MAX: usize = 20;

/// exactly-once, Faults: a failed write or sync of an output is cut back and refused; nothing that was accepted is
/// lost, and work goes on when the fault passes.
#[test]
fn whichever_call_fails_producers_get_rid_of_everything_once() {
    for durability in [Durability::Process, Durability::Power, Durability::None] {
        for fault in [Fault::Io, Fault::Full, Fault::Short] {
            for times in [1, 2] {
                sweep(durability, fault, times);
            }
        }
    }
}

fn sweep(durability: Durability, fault: Fault, times: u64) {
    for nth in 0.. {
        let mut world = World::new(Setting {
            pattern: "/data/out/{topic}",
            topics: 3,
            open_files_max: 2,
            durability,
            planted: None,
        });
        world.fail(nth, times, fault);
        let played = play(&mut world);
        let calls = world.disk.disk.calls();
        if let Err(violation) = played {
            panic!("call {nth} of {calls}, {durability:?}, {fault:?} {times} times: {violation}");
        }
        if calls <= nth {
            return assert!(nth > 8, "{nth} calls are too few to be true");
        }
    }
}

fn play(world: &mut World) -> Result<(), Violation> {
    let mut life = start(world)?;
    get_rid_of_everything(&mut life)?;
    let crash = match world.setting.durability {
        Durability::Power => Crash::PowerCut { seed: 1 },
        Durability::Process | Durability::None => Crash::Kill,
    };
    world.crash(life, crash, &mut Dice::new(1))?;
    let life = start(world)?;
    world.check_files()?;
    world.stop(life)
}

/// Who starts it starts it again.
fn start(world: &World) -> Result<Life, Violation> {
    let tries = (0..ROUNDS_MAX).map(|_| world.start());
    tries.filter_map(Result::ok).next().ok_or_else(|| "it never starts".to_owned())
}

fn get_rid_of_everything(life: &mut Life) -> Result<(), Violation> {
    for round in 0..ROUNDS_MAX {
        for producer in 0..PRODUCERS {
            for _ in life.sent(producer)..BATCHES.min(2 + 2 * round as u64) {
                let padding = if producer == 0 && life.sent(0) % 3 == 1 { LARGE_BYTES } else { 10 };
                life.write(producer, 1, padding);
            }
        }
        life.settle();
        if (0..PRODUCERS).all(|producer| life.sent(producer) == BATCHES) {
            return Ok(());
        }
    }
    Err("a producer was refused too often".to_owned())
}
