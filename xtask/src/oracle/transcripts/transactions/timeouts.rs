//! Transactions that stay open for too long.

use std::time::Duration;

use anyhow::{Result, ensure};
use ksink_wire::{ErrorCode, Request, messages::add_partitions_to_txn::AddPartitionsToTxnTopic};

use super::{
    life::Life,
    story::{Story, stage},
};
use crate::{
    oracle::player::{Player, Reply},
    wait::until,
};

/// How long a transaction may stay open where it is to time out.
pub(super) const TIMEOUT_MS: i32 = 1_000;

/// How long it may take until that is noticed.
const TIMEOUT_WAIT: Duration = Duration::from_secs(10);

pub(in super::super) fn play(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    second_protocol_goes_on(player, &topic)?;
    first_protocol_renews(player, &topic)?;
    second_protocol_renews(player, &topic)?;
    partitions_do_not_prolong(player, &topic)
}

/// A client of the second protocol aborts what was aborted, and goes on.
fn second_protocol_goes_on(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut timed_out(player, topic, "goes on", 12)?;
    let by = story.producer();
    story.send("produce", 12)?;
    story.end_by("commit", 5, by, true)?;
    story.end("abort", 5, false)?;
    story.send_at("the first of the next", 12, story.producer(), 0)?;
    story.end_by("commit the next", 5, story.producer(), true)
}

/// A client of the first protocol can do nothing but renew its epoch.
fn first_protocol_renews(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut timed_out(player, topic, "renews, first protocol", 9)?;
    let by = story.producer();
    story.send("produce", 9)?;
    story.send("produce in version 11", 11)?;
    story.add("add", &[0])?;
    story.end_by("commit", 3, by, true)?;
    story.end_by("abort", 3, by, false)?;
    story.init("renew", Some(by))?;
    story.init("renew, again", Some(by))?;
    story.add("add after it", &[0])?;
    story.send("produce after it", 9)?;
    story.end("commit after it", 3, true)
}

fn second_protocol_renews(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut timed_out(player, topic, "renews, second protocol", 12)?;
    let by = story.producer();
    story.init("renew", Some(by))?;
    story.end_by("abort what is long gone", 5, by, false)?;
    story.send("produce after it", 12)?;
    story.end("commit after it", 5, true)
}

/// A transaction's time begins with its first partition.
fn partitions_do_not_prolong(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut timed_out(player, topic, "begins anew", 9)?;
    story.init("another one comes", None)?;
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    story.end("commit", 3, true)
}

/// A story whose transaction has timed out, without its producer's knowledge.
fn timed_out<'p>(
    player: &'p mut Player,
    topic: &str,
    scene: &str,
    version: i16,
) -> Result<Story<'p>> {
    let mut story = Story::begin_with_timeout(player, topic, scene, TIMEOUT_MS)?;
    if version < 12 {
        story.add("open", &[0])?;
    }
    story.send("open: produce", version)?;
    await_timeout(&story.life, story.player)?;
    Ok(story)
}

/// Waits until a transaction has timed out and is ended. It must hold partition 0.
pub(super) fn await_timeout(life: &Life, player: &mut Player) -> Result<()> {
    // What is there already is not added again, and prolongs nothing.
    let topic = AddPartitionsToTxnTopic { name: &life.topic, partitions: vec![0] };
    let again = life.add_request(life.producer, vec![topic]).into();
    // From then on this changes nothing, and is answered when all partitions know.
    let abort = life.end_request(life.producer, false).into();
    // The latter where its epochs are used up.
    let fenced = [ErrorCode::PRODUCER_FENCED, ErrorCode::INVALID_PRODUCER_ID_MAPPING];
    let timed_out = await_reply(player, 3, &again, |reply| reply.says_one_of(&fenced))?;
    ensure!(timed_out, "{}: it does not time out", life.scene);
    let busy = [ErrorCode::CONCURRENT_TRANSACTIONS];
    let ended = await_reply(player, 5, &abort, |reply| !reply.says_one_of(&busy))?;
    ensure!(ended, "{}: it timed out, and does not end", life.scene);
    Ok(())
}

fn await_reply(
    player: &mut Player,
    version: i16,
    request: &Request<'_>,
    is_it: impl Fn(&Reply) -> bool,
) -> Result<bool> {
    let mut found = Ok(false);
    until(TIMEOUT_WAIT, || {
        found = player.prepare(version, request).map(|reply| is_it(&reply));
        !matches!(found, Ok(false))
    });
    found
}
