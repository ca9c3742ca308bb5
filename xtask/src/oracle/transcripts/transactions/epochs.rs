//! Producers whose epochs are used up: they go on with another producer id.

use anyhow::{Result, ensure};

use super::{
    story::{Story, stage},
    timeouts::{TIMEOUT_MS, await_timeout},
};
use crate::oracle::player::Player;

/// The last epoch that a producer is given: one more is kept to fence it.
const LAST: i16 = i16::MAX - 1;

pub(in super::super) fn play(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    another_instance(player, &topic)?;
    renewed(player, &topic)?;
    ended(player, &topic)?;
    aborted_at_rest(player, &topic)?;
    fenced_while_open(player, &topic)?;
    fenced_before_the_last(player, &topic)?;
    renewed_while_open(player, &topic)?;
    timed_out(player, &topic)
}

fn another_instance(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "another instance", LAST)?;
    let old = story.producer();
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    story.end("commit", 3, true)?;
    story.init("another instance", None)?;
    story.life.add(story.player, "the old one adds", 3, old, &[0])?;
    story.send_at("the old one produces", 12, old, 0)?;
    story.end_by("the old one commits", 5, old, true)?;
    story.end_by("the old one aborts", 5, old, false)?;
    story.end_by("the old one commits in version 3", 3, old, true)?;
    story.init("the old one renews", Some(old))?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

fn renewed(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "renewed", LAST)?;
    let old = story.producer();
    story.init("renew", Some(old))?;
    story.init("renew, again", Some(old))?;
    let new = story.producer();
    story.send("produce", 12)?;
    story.send_at("the old one produces", 12, old, 0)?;
    story.end_by("the old one commits", 5, old, true)?;
    story.end_by("commit", 5, new, true)?;
    story.init("renew from the old one", Some(old))
}

fn ended(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "ended", LAST)?;
    let old = story.producer();
    story.send("produce", 12)?;
    story.end("commit", 5, true)?;
    story.end_by("the opposite", 5, old, false)?;
    story.end_by("commit in version 3", 3, old, true)?;
    story.send_at("the old one produces", 12, old, 1)?;
    story.init("renew from the old one", Some(old))?;
    story.send("the next: produce", 12)?;
    story.end_by("the next is open: the old one commits", 5, old, true)?;
    story.end("the next: abort", 5, false)?;
    story.end_by("the next is over: the old one commits", 5, old, true)
}

fn aborted_at_rest(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "aborted at rest", LAST)?;
    story.end("abort", 5, false)?;
    story.send("produce", 12)?;
    story.end("commit", 5, true)
}

fn fenced_while_open(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "fenced while open", LAST)?;
    let old = story.producer();
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    story.init("another instance", None)?;
    story.end_by("the old one commits", 5, old, true)?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

fn fenced_before_the_last(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "fenced before the last", LAST - 1)?;
    story.send("produce", 12)?;
    story.init("another instance", None)?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

fn renewed_while_open(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "renewed while open", LAST)?;
    let old = story.producer();
    story.send("produce", 12)?;
    story.init("renew", Some(old))?;
    story.init("renew, again", Some(old))?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

fn timed_out(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut at_epoch(player, topic, "timed out", LAST - 1)?;
    story.life.timeout_ms = TIMEOUT_MS;
    story.init("a timeout", None)?;
    let old = story.producer();
    story.send("produce", 12)?;
    await_timeout(&story.life, story.player)?;
    story.send("produce on", 12)?;
    story.end_by("commit", 5, old, true)?;
    story.end("abort", 5, false)?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

/// A producer that has come to this epoch.
fn at_epoch<'p>(player: &'p mut Player, topic: &str, scene: &str, epoch: i16) -> Result<Story<'p>> {
    let mut story = Story::begin(player, topic, scene)?;
    for _ in 0..epoch {
        let request = story.life.init_request(None).into();
        let reply = story.player.prepare(4, &request)?;
        story.life.adopt(&reply)?;
    }
    ensure!(story.producer().epoch == epoch, "{scene}: {:?}", story.producer());
    Ok(story)
}
