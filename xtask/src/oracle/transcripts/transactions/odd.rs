//! Requests about transactions with something odd in them.

use anyhow::Result;
use ksink_malformed::{Batch, produce as produce_request};
use ksink_wire::{
    Response,
    messages::{
        add_partitions_to_txn::AddPartitionsToTxnTopic,
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{ProduceRequest, TopicProduceData},
    },
};

use super::{
    life::{Life, NOBODY, Producer, record},
    story::{Story, stage},
};
use crate::oracle::player::Player;

/// Transactional ids and timeouts.
pub(in super::super) fn init(player: &mut Player) -> Result<()> {
    stage(player)?;
    for version in [0, 5] {
        for timeout_ms in [0, -1, i32::MIN, 1, 900_000, 900_001, i32::MAX] {
            let mut life =
                Life::new(player, &format!("a timeout of {timeout_ms}, {version}"), "", -1);
            life.timeout_ms = timeout_ms;
            life.init(player, "", version, None)?;
        }
        let long = "long ".repeat(2_000);
        for id in ["", " ", "\u{0}", "a/b", "..", "ünï", &*long] {
            let life = Life::with_id(id, "", -1);
            let name = format!("the id {:.10?}, {version}", id);
            player.ask_settled(name, version, life.init_request(None))?;
        }
    }
    let mut life = Life::new(player, "another timeout", "", -1);
    life.init(player, "", 4, None)?;
    life.timeout_ms = 900_001;
    life.init(player, "too long a one for the next", 4, None)?;
    life.timeout_ms = 60_000;
    life.init(player, "after that", 4, None)
}

/// AddPartitionsToTxn and EndTxn.
pub(in super::super) fn add(player: &mut Player) -> Result<()> {
    let (topic, stranger) = stage(player)?;
    let second = player.topic("second")?;
    for (name, topics) in [
        ("an unknown topic", vec![("txn-nobody", vec![0])]),
        ("an unknown partition", vec![(&*topic, vec![99])]),
        ("partition -1", vec![(&*topic, vec![-1])]),
        ("a known and an unknown partition", vec![(&*topic, vec![0, 99])]),
        ("a known and an unknown topic", vec![(&*topic, vec![0, 1]), ("txn-nobody", vec![0])]),
        ("two topics", vec![(&*topic, vec![0, 1]), (&*second, vec![1])]),
        ("an illegal topic", vec![("a/b", vec![0])]),
        ("an illegal and a known topic", vec![("a/b", vec![0]), (&*topic, vec![0])]),
        ("a topic without a name", vec![("", vec![0])]),
        ("a partition twice", vec![(&*topic, vec![0, 0])]),
        ("a topic twice", vec![(&*topic, vec![0]), (&*topic, vec![1])]),
        ("a topic twice with the same partition", vec![(&*topic, vec![0]), (&*topic, vec![0])]),
        ("a topic without partitions", vec![(&*topic, vec![])]),
    ] {
        let story = &mut Story::begin(player, &topic, name)?;
        for version in [0, 3] {
            let request = story.life.add_request(story.producer(), named(&topics));
            let step = story.life.step(&format!("version {version}"));
            story.player.ask_settled(step, version, request)?;
        }
        let by = story.producer();
        story.end_by("commit", 3, by, true)?;
        story.init("the next producer", None)?;
    }
    empty_ids(player, &topic, stranger)
}

fn empty_ids(player: &mut Player, topic: &str, stranger: i64) -> Result<()> {
    let life = Life::with_id("", topic, stranger);
    for (name, by) in [
        ("an empty id", Producer { id: stranger, epoch: 0 }),
        ("an empty id, without a producer", NOBODY),
    ] {
        for version in [0, 3, 5] {
            let step = format!("EndTxn {version}, {name}");
            player.ask_settled(step, version, life.end_request(by, true))?;
        }
        for version in [0, 3] {
            let step = format!("AddPartitionsToTxn {version}, {name}");
            let request = life.add_request(by, named(&[(topic, vec![0])]));
            player.ask_settled(step, version, request)?;
        }
    }
    Ok(())
}

fn named<'a>(topics: &[(&'a str, Vec<i32>)]) -> Vec<AddPartitionsToTxnTopic<'a>> {
    let named = |(name, partitions): &(&'a str, Vec<i32>)| AddPartitionsToTxnTopic {
        name,
        partitions: partitions.clone(),
    };
    topics.iter().map(named).collect()
}

/// Produce: requests of several partitions, acknowledgements, topic ids.
pub(in super::super) fn produce(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    for version in [7, 11, 12] {
        several(player, &topic, version)?;
        acks(player, &topic, version)?;
    }
    by_id(player, &topic)
}

/// One request for partitions of which some are in the transaction.
fn several(player: &mut Player, topic: &str, version: i16) -> Result<()> {
    let story = &mut Story::begin(player, topic, &format!("several, Produce {version}"))?;
    story.init("init again", None)?;
    story.add("add", &[0, 1])?;
    let by = story.producer();
    let now_ms = story.player.now_ms;
    let (good, gap) = (record(now_ms, by, 0, true), record(now_ms, by, 7, true));
    let (plain, second) = (record(now_ms, by, 0, false), record(now_ms, by, 1, true));
    let third = record(now_ms, by, 2, true);
    let old = record(now_ms, story.later(-1), 0, true);
    for (name, partitions) in [
        ("one is not in the transaction", [(0, &good), (2, &good)]),
        ("one is not there at all", [(0, &second), (99, &good)]),
        ("one is plain", [(1, &good), (3, &plain)]),
        ("one has a gap", [(0, &gap), (1, &second)]),
        ("one is of an older epoch", [(0, &old), (1, &third)]),
    ] {
        let partitions = partitions.map(|(index, records)| (index, Some(&records[..])));
        let request = produce_request(topic, -1, partitions);
        let request = ProduceRequest { transactional_id: Some(&story.life.id), ..request };
        story.player.ask_settled(story.life.step(name), version, request)?;
    }
    let by = story.producer();
    story.end_by("commit", if version < 12 { 3 } else { 5 }, by, true)
}

/// Acknowledgements other than of all replicas.
fn acks(player: &mut Player, topic: &str, version: i16) -> Result<()> {
    let story = &mut Story::begin(player, topic, &format!("acks, Produce {version}"))?;
    story.add("add", &[0])?;
    let by = story.producer();
    let records = record(story.player.now_ms, by, 0, true);
    let request = ProduceRequest { acks: 1, ..story.life.produce_request(0, &records) };
    story.player.ask_settled(story.life.step("1"), version, request)?;
    let records = record(story.player.now_ms, by, 1, true);
    let request = ProduceRequest { acks: 0, ..story.life.produce_request(0, &records) };
    story.player.ask_unheard(story.life.step("0"), version, request)?;
    story.send_at("all, after them", version, by, 2)?;
    let records = record(story.player.now_ms, story.later(1), 0, true);
    let request = ProduceRequest { acks: 0, ..story.life.produce_request(0, &records) };
    story.player.ask_unheard(story.life.step("0, of a newer epoch"), version, request)?;
    let records = record(story.player.now_ms, by, 0, true);
    let request = ProduceRequest { acks: 0, ..story.life.produce_request(2, &records) };
    story.player.ask_unheard(story.life.step("0, to another partition"), version, request)?;
    let damaged = Batch { producer: (by.id, by.epoch, 9), transactional: true, ..Batch::at(&[]) };
    let damaged = damaged.bytes();
    let request = story.life.produce_request(0, &damaged);
    story.player.ask_settled(story.life.step("no records"), version, request)?;
    story.end_by("commit", 3, by, true)
}

/// Version 13 names topics by their ids.
fn by_id(player: &mut Player, topic: &str) -> Result<()> {
    let named = vec![MetadataRequestTopic { name: Some(topic), ..Default::default() }];
    let request = MetadataRequest { topics: Some(named), ..Default::default() };
    let topic_id = player.ask("the id", 12, request)?.read(|response| match response {
        Response::Metadata(response) => Some(response.topics[0].topic_id),
        _ => None,
    })?;
    let story = &mut Story::begin(player, topic, "by id")?;
    for round in ["one", "two"] {
        let by = story.producer();
        let records = record(story.player.now_ms, by, 0, true);
        let request = story.life.produce_request(0, &records);
        let with_id = request.topic_data.into_iter().map(|it| TopicProduceData { topic_id, ..it });
        let topic_data = with_id.collect();
        let request = ProduceRequest {
            transactional_id: request.transactional_id,
            acks: -1,
            timeout_ms: 30_000,
            topic_data,
        };
        story.player.ask_settled(story.life.step(round), 13, request)?;
        story.end(&format!("{round}: commit"), 5, true)?;
    }
    Ok(())
}
