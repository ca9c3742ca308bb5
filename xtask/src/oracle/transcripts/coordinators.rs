//! FindCoordinator.

use std::time::Duration;

use anyhow::{Result, ensure};
use ksink_wire::{ErrorCode, Response, messages::find_coordinator::FindCoordinatorRequest};

use crate::{oracle::player::Player, wait::until};

const GROUP: i8 = 0;
pub(super) const TRANSACTION: i8 = 1;

/// How long Kafka may take to create the topics of its coordinators.
const COORDINATOR_WAIT: Duration = Duration::from_secs(20);

pub(crate) fn play(player: &mut Player) -> Result<()> {
    await_coordinator(player, GROUP)?;
    await_coordinator(player, TRANSACTION)?;
    player.ask("version 0", 0, of(0, GROUP, "key"))?;
    for version in 1..=6 {
        for (what, kind) in [("group", GROUP), ("transaction", TRANSACTION)] {
            let step = format!("of a {what} in version {version}");
            player.ask(step, version, of(version, kind, "key"))?;
        }
    }
    for version in [1, 4] {
        let step = |what: &str| format!("{what} in version {version}");
        player.ask(step("a kind that there is not"), version, of(version, 9, "key"))?;
        player.ask(step("an empty group"), version, of(version, GROUP, ""))?;
        player.ask(step("an empty transactional id"), version, of(version, TRANSACTION, ""))?;
    }
    let two = FindCoordinatorRequest { coordinator_keys: vec!["a", "b"], ..of(4, GROUP, "") };
    player.ask("of two groups", 4, two)?;
    let none = FindCoordinatorRequest { coordinator_keys: Vec::new(), ..of(4, GROUP, "") };
    player.ask("of none", 4, none)?;
    Ok(())
}

pub(super) fn await_coordinator(player: &mut Player, kind: i8) -> Result<()> {
    let mut is_there = Ok(false);
    until(COORDINATOR_WAIT, || {
        is_there = is_available(player, kind);
        !matches!(is_there, Ok(false))
    });
    ensure!(is_there?, "there is no coordinator of kind {kind}");
    Ok(())
}

fn is_available(player: &mut Player, kind: i8) -> Result<bool> {
    player.prepare(1, &of(1, kind, "key").into())?.read(|response| match response {
        Response::FindCoordinator(response) => {
            Some(response.error_code != ErrorCode::COORDINATOR_NOT_AVAILABLE)
        }
        _ => None,
    })
}

/// A question for one key, as the version says it.
fn of(version: i16, key_type: i8, key: &str) -> FindCoordinatorRequest<'_> {
    match version {
        0..=3 => FindCoordinatorRequest { key, key_type, ..Default::default() },
        _ => FindCoordinatorRequest { key_type, coordinator_keys: vec![key], ..Default::default() },
    }
}
