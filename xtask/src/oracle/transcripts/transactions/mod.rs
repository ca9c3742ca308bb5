//! Transactions: every state of a transactional id meets every request, in both protocols.
//!
//! In the first one (TV1, KIP-98) the producer adds partitions before it writes to them and its epoch stays; it is
//! spoken by AddPartitionsToTxn, Produce up to 11 and EndTxn up to 4. In the second one (TV2, KIP-890) Produce from 12
//! adds them and EndTxn from 5 raises the epoch. Which one it is says each request.

mod agreement;
mod epochs;
mod input;
mod life;
mod odd;
mod sequences;
mod state;
mod story;
mod successors;
mod timeouts;

use anyhow::Result;

use self::{input::Input, life::Life, state::State};
use super::coordinators::{TRANSACTION, await_coordinator};
use crate::oracle::player::Player;

pub(super) use self::{
    agreement::play as agreement,
    epochs::play as epochs,
    odd::{add as odd_adds, init as odd_inits, produce as odd_produces},
    sequences::play as sequences,
    successors::play as successors,
    timeouts::play as timeouts,
};

pub(super) fn init(player: &mut Player) -> Result<()> {
    each_state_meets(player, &input::inits())
}

pub(super) fn add(player: &mut Player) -> Result<()> {
    each_state_meets(player, &input::adds())
}

pub(super) fn produce(player: &mut Player) -> Result<()> {
    each_state_meets(player, &input::produces())
}

pub(super) fn end(player: &mut Player) -> Result<()> {
    each_state_meets(player, &input::ends())
}

/// Each pair has a transactional id of its own.
fn each_state_meets(player: &mut Player, inputs: &[Input]) -> Result<()> {
    await_coordinator(player, TRANSACTION)?;
    let topic = player.topic("t")?;
    let stranger = life::producer_id(player)?;
    for &state in State::ALL {
        // All of one state first: for some of them that waits.
        let mut lives = Vec::new();
        for input in inputs {
            let scene = format!("{state}; {input}");
            let mut life = Life::new(player, &scene, &topic, stranger);
            state.arrange(&mut life, player)?;
            lives.push(life);
        }
        if state.times_out() {
            lives.iter().try_for_each(|life| timeouts::await_timeout(life, player))?;
        }
        for (life, input) in lives.iter_mut().zip(inputs) {
            input.apply(life, player)?;
            // Its epoch tells what the input has changed.
            life.init(player, "the next producer", 4, None)?;
        }
    }
    Ok(())
}
