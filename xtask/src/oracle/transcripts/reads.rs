//! ListOffsets and Fetch.

use anyhow::Result;
use ksink_malformed::{Batch, produce};
use ksink_wire::messages::{
    fetch::{FetchPartition, FetchRequest, FetchTopic},
    list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
};

use crate::oracle::player::Player;

/// How many records the topics get.
const RECORDS: i64 = 3;

pub(crate) fn offsets(player: &mut Player) -> Result<()> {
    let topic = filled(player)?;
    for version in 1..=8 {
        for (what, timestamp) in [("latest", -1), ("earliest", -2)] {
            let step = format!("the {what} in version {version}");
            player.ask(step, version, list(&topic, 0, timestamp))?;
        }
    }
    let later = player.now_ms + 1_000_000;
    for (step, version, timestamp) in [
        ("the offset of a time before all records", 5, 0),
        ("the offset of a time after all records", 5, later),
        ("the offset of the highest timestamp", 7, -3),
        ("the earliest offset that is local", 8, -4),
        ("a timestamp that means nothing", 8, -9),
    ] {
        player.ask(step, version, list(&topic, 0, timestamp))?;
    }
    player.ask("the latest of an empty partition", 5, list(&topic, 1, -1))?;
    player.ask("partition 99", 5, list(&topic, 99, -1))?;
    player.ask("a topic that there is not", 5, list("offsets-never", 0, -1))?;
    let mut newer_leader = list(&topic, 0, -1);
    newer_leader.topics[0].partitions[0].current_leader_epoch = 99;
    player.ask("a leader epoch of the future", 5, newer_leader)?;
    Ok(())
}

pub(crate) fn fetch(player: &mut Player) -> Result<()> {
    let topic = filled(player)?;
    for version in 4..=12 {
        player.ask(format!("at the end in version {version}"), version, at(&topic, 0, RECORDS))?;
    }
    player.ask("from the beginning", 11, at(&topic, 0, 0))?;
    player.ask("beyond the end", 11, at(&topic, 0, RECORDS + 1))?;
    player.ask("before the beginning", 11, at(&topic, 0, -1))?;
    player.ask("an empty partition", 11, at(&topic, 1, 0))?;
    player.ask("partition 99", 11, at(&topic, 99, 0))?;
    player.ask("a topic that there is not", 11, at("fetch-never", 0, 0))?;
    let nothing = FetchRequest { topics: Vec::new(), ..at(&topic, 0, 0) };
    player.ask("no topics", 11, nothing)?;
    let session = FetchRequest { session_epoch: 0, ..at(&topic, 0, RECORDS) };
    player.ask("a new session", 11, session)?;
    let unknown = FetchRequest { session_id: 12_345, session_epoch: 1, ..at(&topic, 0, RECORDS) };
    player.ask("a session that there is not", 11, unknown)?;
    Ok(())
}

/// A topic with a few records in partition 0.
fn filled(player: &mut Player) -> Result<String> {
    let topic = player.topic("t")?;
    let records = Batch::at(&[player.now_ms; RECORDS as usize]).bytes();
    player.ask("some records", 9, produce(&topic, -1, [(0, Some(&records[..]))]))?;
    Ok(topic)
}

fn list(name: &str, partition_index: i32, timestamp: i64) -> ListOffsetsRequest<'_> {
    let partition = ListOffsetsPartition { partition_index, timestamp, ..Default::default() };
    let topics = vec![ListOffsetsTopic { name, partitions: vec![partition] }];
    ListOffsetsRequest { replica_id: -1, topics, ..Default::default() }
}

fn at(topic: &str, partition: i32, fetch_offset: i64) -> FetchRequest<'_> {
    let partition = FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic { topic, partitions: vec![partition], ..Default::default() };
    FetchRequest { max_wait_ms: 10, min_bytes: 1, topics: vec![topic], ..Default::default() }
}
