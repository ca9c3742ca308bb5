//! How sequence numbers go on over the borders of transactions.

use anyhow::Result;

use super::story::{Story, stage};
use crate::oracle::player::Player;

pub(in super::super) fn play(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    first_protocol(player, &topic)?;
    repeated_first(player, &topic)?;
    repeated_after_abort(player, &topic)?;
    second_protocol(player, &topic)?;
    plain_first(player, &topic)?;
    for version in [9, 12] {
        plain_within(player, &topic, version)?;
    }
    renewed(player, &topic)
}

/// The epoch stays, and the sequence goes on.
fn first_protocol(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "the epoch stays")?;
    let by = story.producer();
    story.add("add", &[0])?;
    story.send_at("sequence 1 first", 9, by, 1)?;
    story.send_at("sequence 2 after it", 9, by, 2)?;
    story.send_at("sequence 2, once more", 9, by, 2)?;
    story.send_at("a gap", 9, by, 4)?;
    story.send_at("a gap in version 11", 11, by, 4)?;
    story.end("commit", 3, true)?;
    story.add("add for the next", &[0])?;
    story.send_at("the next transaction at 0", 9, by, 0)?;
    story.send_at("the next transaction goes on", 9, by, 3)?;
    story.end("abort", 3, false)?;
    story.add("add after an abort", &[0])?;
    story.send_at("what was aborted, once more", 9, by, 3)?;
    story.send_at("it goes on after an abort", 9, by, 4)?;
    story.end("commit after an abort", 3, true)
}

/// A batch of the transaction before is repeated first.
fn repeated_first(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "repeated first")?;
    let by = story.producer();
    story.add("add", &[0])?;
    story.send_at("sequence 0", 9, by, 0)?;
    story.end("commit", 3, true)?;
    story.add("add for the next", &[0])?;
    story.send_at("the batch of the transaction before", 9, by, 0)?;
    story.send_at("the next batch", 9, by, 1)?;
    story.send_at("the next but one", 9, by, 2)?;
    story.end("commit the next", 3, true)
}

/// A batch of the transaction before is repeated later.
fn repeated_after_abort(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "repeated later")?;
    let by = story.producer();
    story.add("add", &[0])?;
    story.send_at("sequence 0", 9, by, 0)?;
    story.end("abort", 3, false)?;
    story.add("add for the next", &[0])?;
    story.send_at("sequence 1", 9, by, 1)?;
    story.send_at("the batch of the transaction before", 9, by, 0)?;
    story.send_at("sequence 2", 9, by, 2)?;
    story.end("commit the next", 3, true)
}

/// The epoch rises, and the sequence begins again.
fn second_protocol(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "the epoch rises")?;
    let first = story.producer();
    story.send_at("sequence 1 first", 12, first, 1)?;
    story.send_at("sequence 0 after it", 12, first, 0)?;
    story.send_at("sequence 2", 12, first, 2)?;
    story.end("commit", 5, true)?;
    let second = story.producer();
    story.send_at("what was committed, once more", 12, first, 2)?;
    story.send_at("the next, in the old epoch", 12, first, 3)?;
    story.send_at("the new epoch does not begin at 0", 12, second, 3)?;
    story.send_at("the new epoch begins at 0", 12, second, 0)?;
    story.send_at("and goes on", 12, second, 1)?;
    story.send_at("and repeats", 12, second, 0)?;
    story.end("abort", 5, false)?;
    let third = story.producer();
    story.send_at("the third begins at 0", 12, third, 0)?;
    story.end("commit the third", 5, true)
}

/// Plain batches and those of transactions share one sequence.
fn plain_first(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "plain first")?;
    let by = story.producer();
    story.send_plain("plain 0", 9, 0, 0)?;
    story.send_plain("plain 1", 9, 0, 1)?;
    story.add("add", &[0])?;
    story.send_at("0 in a transaction", 9, by, 0)?;
    story.send_at("2 in a transaction", 9, by, 2)?;
    story.end("commit", 3, true)?;
    story.send_plain("plain 2", 9, 0, 2)?;
    story.send_plain("plain 3", 9, 0, 3)?;
    story.send_at("4 in the second protocol", 12, by, 4)?;
    story.end("commit in the second protocol", 5, true)?;
    story.send_plain("plain 0 in the new epoch", 12, 0, 0)?;
    story.send_plain("plain 1 in the new epoch", 12, 0, 1)?;
    let by = story.producer();
    story.send_at("2 after plain ones in the new epoch", 12, by, 2)?;
    story.end("commit again", 5, true)
}

/// Plain batches while a transaction is open.
fn plain_within(player: &mut Player, topic: &str, version: i16) -> Result<()> {
    let story = &mut Story::begin(player, topic, &format!("plain within, Produce {version}"))?;
    let by = story.producer();
    story.send_plain("plain before", version, 0, 0)?;
    story.add("add", &[0, 1])?;
    story.send_at("1 in the transaction", version, by, 1)?;
    story.send_plain("plain 1, as a duplicate", version, 0, 1)?;
    story.send_plain("plain 2", version, 0, 2)?;
    story.send_plain("plain with a gap", version, 0, 3)?;
    story.send_plain("plain to a partition that was added and not written", version, 1, 0)?;
    story.send_plain("plain to a partition that was not added", version, 2, 0)?;
    story.send_at("2 in the transaction", version, by, 2)?;
    story.end("abort", if version < 12 { 3 } else { 5 }, false)?;
    let sequence = if version < 12 { 3 } else { 0 };
    story.send_plain("plain after it", version, 0, sequence)?;
    story.send_plain("plain to the other partitions", version, 1, sequence.min(1))?;
    story.send_plain("plain to the one that was not added", version, 2, sequence.min(1))
}

/// A producer that renewed its epoch begins again at 0.
fn renewed(player: &mut Player, topic: &str) -> Result<()> {
    let story = &mut Story::begin(player, topic, "a renewed epoch")?;
    let first = story.producer();
    story.add("add", &[0])?;
    story.send_at("sequence 0", 9, first, 0)?;
    story.init("renew", Some(first))?;
    let second = story.producer();
    story.add("add after it", &[0])?;
    story.send_at("1 in the old epoch", 9, first, 1)?;
    story.send_at("0 in the old epoch, once more", 9, first, 0)?;
    story.send_at("1 in the new epoch", 9, second, 1)?;
    story.send_at("0 in the new epoch", 9, second, 0)?;
    story.end("commit", 3, true)
}
