//! The malformed-input matrix.

use anyhow::Result;
use ksink_malformed::{Case, FrameCase, cases, sequence_cases};
use ksink_wire::ApiKey;

use crate::oracle::{answer::Asked, player::Player};

pub(crate) fn requests(player: &mut Player) -> Result<()> {
    let topic = player.topic("t")?;
    for case in cases(player.now_ms) {
        player.ask(&*case.name, case.version, case.request(&topic))?;
    }
    Ok(())
}

/// Each case has a topic of its own, where its producer is unknown.
pub(crate) fn sequences(player: &mut Player) -> Result<()> {
    for (index, case) in sequence_cases(player.now_ms).into_iter().enumerate() {
        let topic = player.topic(&index.to_string())?;
        let Case { name, version, .. } = &case;
        for before in case.requests_before(&topic) {
            player.ask(format!("before: {name}"), *version, before)?;
        }
        player.ask(&**name, *version, case.request(&topic))?;
    }
    Ok(())
}

pub(crate) fn frames(player: &mut Player) -> Result<()> {
    for FrameCase { name, bytes } in ksink_malformed::frames() {
        // Whatever API it names, none can be answered.
        player.ask_bytes(name, &bytes, Asked::by_hand(ApiKey::ApiVersions, 0))?;
    }
    Ok(())
}
