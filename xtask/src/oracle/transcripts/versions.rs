//! ApiVersions, and SASL where there is none.

use anyhow::Result;
use ksink_wire::{
    ApiKey,
    messages::{api_versions::ApiVersionsRequest, sasl_handshake::SaslHandshakeRequest},
};

use crate::oracle::{answer::Asked, player::Player};

pub(crate) fn play(player: &mut Player) -> Result<()> {
    for version in 0..=5 {
        player.ask(format!("version {version}"), version, request("oracle"))?;
    }
    player.ask("once more", 3, request("oracle"))?;
    for (name, step) in
        [("", "no software name"), ("-x", "a software name that begins with a dash")]
    {
        player.ask(step, 3, request(name))?;
    }
    let (later, negative) = (by_hand(99), by_hand(-1));
    player.ask_bytes("version 99", &later, Asked::by_hand(ApiKey::ApiVersions, 4))?;
    player.ask_bytes("version -1", &negative, Asked::by_hand(ApiKey::ApiVersions, 4))?;
    for version in 0..=1 {
        let handshake = SaslHandshakeRequest { mechanism: "PLAIN" };
        player.ask(format!("a SASL handshake in version {version}"), version, handshake)?;
    }
    player.ask("after the handshake", 3, request("oracle"))?;
    Ok(())
}

fn request(client_software_name: &str) -> ApiVersionsRequest<'_> {
    ApiVersionsRequest {
        client_software_name,
        client_software_version: "1.0",
        ..Default::default()
    }
}

/// A request without tags, in a version whose body nobody knows.
fn by_hand(version: i16) -> Vec<u8> {
    let version = version.to_be_bytes();
    [&[0, 0, 0, 13, 0, 18], &version[..], &[0, 0, 0, 1, 0xff, 0xff, 0, 2, 3]].concat()
}
