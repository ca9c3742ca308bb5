//! Who may go on with a transactional id, and who is too late.

use anyhow::Result;

use super::story::{Story, stage};
use crate::oracle::player::Player;

pub(in super::super) fn play(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    first_protocol(player, &topic)?;
    second_protocol(player, &topic)?;
    both_protocols(player, &topic)?;
    mixed_in_one(player, &topic)?;
    for version in [9, 12] {
        fenced_while_open(player, &topic, version)?;
    }
    for version in [3, 5] {
        late_end(player, &topic, version)?;
    }
    renewed(player, &topic)?;
    renewed_late(player, &topic)
}

/// Transactions of the first protocol, one after the other.
fn first_protocol(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "first protocol")?;
    let by = story.producer();
    for round in ["one", "two", "three"] {
        story.add(&format!("{round}: add"), &[0, 1])?;
        story.add(&format!("{round}: add again"), &[1])?;
        story.send(&format!("{round}: produce"), 9)?;
        story.end(&format!("{round}: commit"), 1, true)?;
        story.end_by(&format!("{round}: and abort"), 1, by, false)?;
    }
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    story.end("abort", 1, false)?;
    story.end_by("and commit", 1, by, true)
}

/// Transactions of the second protocol, one after the other.
fn second_protocol(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "second protocol")?;
    for (round, committed) in [("one", true), ("two", false), ("three", true)] {
        let by = story.producer();
        story.send(&format!("{round}: produce"), 12)?;
        story.send(&format!("{round}: produce more"), 12)?;
        story.end(&format!("{round}: end"), 5, committed)?;
        story.end_by(&format!("{round}: the opposite"), 5, by, !committed)?;
        story.end_by(&format!("{round}: end in version 4"), 4, by, committed)?;
    }
    let before = story.later(-1);
    story.send("produce", 12)?;
    story.end_by("the retry of the one before", 5, before, true)?;
    story.end_by("the opposite of the one before", 5, before, false)?;
    story.end("abort", 5, false)?;
    let before = story.later(-2);
    story.end_by("the retry of the one before, after the next", 5, before, true)
}

/// The two protocols by turns.
fn both_protocols(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "by turns")?;
    story.add("one: add", &[0])?;
    story.send("one: produce", 9)?;
    story.end("one: commit", 3, true)?;
    story.send("two: produce", 12)?;
    story.end("two: commit", 5, true)?;
    story.add("three: add", &[0])?;
    story.send("three: produce", 9)?;
    story.end("three: commit", 3, true)?;
    let by = story.producer();
    story.end_by("three: commit as the second protocol does", 5, by, true)?;
    story.end_by("three: abort as the second protocol does", 5, by, false)?;
    story.send("four: produce", 12)?;
    story.end("four: commit", 5, true)
}

/// The two protocols within one transaction.
fn mixed_in_one(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "within one")?;
    story.add("add", &[0])?;
    story.send("produce as the first does", 9)?;
    story.send("produce as the second does", 12)?;
    story.end("commit as the second does", 5, true)?;
    story.send("produce as the second does, again", 12)?;
    story.send("produce as the first does, after it", 9)?;
    story.add("add what is there", &[0])?;
    story.end("commit as the first does", 3, true)?;
    let by = story.producer();
    story.end_by("commit as the second does, after it", 5, by, true)?;
    story.send("the next as the second does", 12)?;
    story.end("and end", 5, true)
}

/// Another instance comes while a transaction is open.
fn fenced_while_open(player: &mut Player, topic: &str, version: i16) -> Result<()> {
    let story = &mut Story::begin(player, topic, &format!("fenced, produce {version}"))?;
    let fenced = story.producer();
    if version < 12 {
        story.add("add", &[0])?;
    }
    story.send("produce", version)?;
    story.init("another one comes", None)?;
    let successor = story.producer();
    story.send_at("the fenced one produces on", version, fenced, 1)?;
    story.send_at("the fenced one repeats", version, fenced, 0)?;
    story.life.add(story.player, "the fenced one adds", 3, fenced, &[0])?;
    story.life.add(story.player, "the fenced one adds in version 0", 0, fenced, &[0])?;
    for end in [1, 3, 5] {
        story.end_by(&format!("the fenced one commits in version {end}"), end, fenced, true)?;
        story.end_by(&format!("the fenced one aborts in version {end}"), end, fenced, false)?;
    }
    story.life.init(story.player, "the fenced one renews", 4, Some(fenced))?;
    story.life.init(story.player, "the fenced one renews in version 3", 3, Some(fenced))?;
    if version < 12 {
        story.add("the other one adds", &[0])?;
    }
    story.send_at("the other one produces", version, successor, 0)?;
    story.send_at("the fenced one produces into it", version, fenced, 1)?;
    let end = if version < 12 { 3 } else { 5 };
    story.end("the other one commits", end, true)?;
    story.send_at("the fenced one produces after all", version, fenced, 1)
}

/// The one before comes back after its successor's transaction.
fn late_end(player: &mut Player, topic: &str, version: i16) -> Result<()> {
    let story = &mut Story::begin(player, topic, &format!("late, EndTxn {version}"))?;
    let late = story.producer();
    story.init("another one comes", None)?;
    if version < 5 {
        story.add("add", &[0])?;
    }
    story.send("produce", if version < 5 { 9 } else { 12 })?;
    story.end_by("the one before commits the open one", 5, late, true)?;
    story.end_by("the one before aborts the open one", 5, late, false)?;
    story.end("commit", version, true)?;
    let now = story.producer();
    story.end_by("the one before commits in version 5", 5, late, true)?;
    story.end_by("the one before aborts in version 5", 5, late, false)?;
    story.end_by("the one before commits in version 3", 3, late, true)?;
    story.life.producer = now;
    story.init("a third one", None)
}

/// A producer renews its epoch (KIP-360), at rest and while a transaction is open.
fn renewed(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "renewed")?;
    let first = story.producer();
    story.init("renew", Some(first))?;
    story.init("renew, again", Some(first))?;
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    let second = story.producer();
    story.init("renew while it is open", Some(second))?;
    story.init("renew while it is open, again", Some(second))?;
    story.init("renew from the first", Some(first))?;
    story.add("add after it", &[0])?;
    story.send("produce after it", 9)?;
    story.end("commit", 3, true)
}

/// A renewal that comes when its epoch is long gone.
fn renewed_late(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "renewed late")?;
    let first = story.producer();
    story.init("renew", Some(first))?;
    let second = story.producer();
    story.add("add", &[0])?;
    story.send("produce", 9)?;
    story.init("renew from the first while it is open", Some(first))?;
    story.end_by("commit after it", 3, second, true)?;
    story.init("the next", None)?;
    story.init("renew from the second", Some(second))?;
    story.init("the next but one", None)
}
