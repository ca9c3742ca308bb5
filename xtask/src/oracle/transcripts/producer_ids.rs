//! InitProducerId without a transactional id.

use anyhow::Result;
use ksink_wire::messages::init_producer_id::InitProducerIdRequest;

use crate::oracle::player::Player;

pub(crate) fn play(player: &mut Player) -> Result<()> {
    for version in 0..=5 {
        player.ask(format!("version {version}"), version, request(-1, -1))?;
    }
    for version in 3..=5 {
        for (what, id, epoch) in [
            ("a producer id and an epoch", 0, 0),
            ("a producer id and a high epoch", 7_000, 12),
            ("a producer id without an epoch", 7_000, -1),
            ("an epoch without a producer id", -1, 3),
        ] {
            player.ask(format!("{what} in version {version}"), version, request(id, epoch))?;
        }
    }
    for timeout in [0, -1, i32::MAX] {
        let request = InitProducerIdRequest { transaction_timeout_ms: timeout, ..request(-1, -1) };
        player.ask(format!("a timeout of {timeout}"), 4, request)?;
    }
    let empty = InitProducerIdRequest { transactional_id: Some(""), ..request(-1, -1) };
    player.ask("an empty transactional id", 4, empty)?;
    Ok(())
}

fn request(producer_id: i64, producer_epoch: i16) -> InitProducerIdRequest<'static> {
    InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        producer_id,
        producer_epoch,
    }
}
