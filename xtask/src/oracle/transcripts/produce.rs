//! Produce, where little or nothing is wrong with it.

use anyhow::Result;
use ksink_malformed::{Batch, produce, seal};
use ksink_wire::{
    Response, Uuid,
    compression::Compression,
    messages::{
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, Header, MessageSetBuilder, NewRecord},
};

use crate::oracle::player::Player;

pub(crate) fn versions(player: &mut Player) -> Result<()> {
    let topic = player.topic("t")?;
    let now_ms = player.now_ms;
    for version in 3..=12 {
        let two = Batch::at(&[now_ms, now_ms]).bytes();
        player.ask(
            format!("two records in version {version}"),
            version,
            one(&topic, 0, -1, &two),
        )?;
    }
    for codec in Compression::ALL {
        let timestamps = [now_ms; 3];
        let three = Batch { compression: codec, ..Batch::at(&timestamps) }.bytes();
        player.ask(format!("three in {}", codec.name()), 9, one(&topic, 1, -1, &three))?;
    }
    for version in 0..=2 {
        let set = message_set(version, now_ms);
        let step = format!("a message set in version {version}");
        player.ask(step, version, one(&topic, 2, -1, &set))?;
    }
    Ok(())
}

fn message_set(version: i16, timestamp: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = match version {
        0 | 1 => MessageSetBuilder::v0(&mut out),
        _ => MessageSetBuilder::v1(&mut out),
    };
    let record = NewRecord { timestamp, value: Some(b"value"), ..Default::default() };
    builder.push(&record).expect("a small message");
    builder.finish().expect("a small set");
    out
}

pub(crate) fn acks(player: &mut Player) -> Result<()> {
    let topic = player.topic("t")?;
    let records = Batch::at(&[player.now_ms]).bytes();
    for acks in [-1, 1] {
        player.ask(format!("acks {acks}"), 9, one(&topic, 0, acks, &records))?;
    }
    player.ask_unheard("acks 0", 9, one(&topic, 0, 0, &records))?;
    player.ask("after acks 0", 9, one(&topic, 0, -1, &records))?;
    player.ask_unheard("acks 0, for partition 99", 9, one(&topic, 99, 0, &records))?;
    player.ask_unheard("acks 0, and bytes that are no batch", 9, one(&topic, 0, 0, b"no batch"))?;
    let second_is_wrong = produce(&topic, 0, [(0, Some(&records[..])), (99, Some(&records[..]))]);
    player.ask_unheard("acks 0, and one of two partitions is wrong", 9, second_is_wrong)?;
    player.ask("after a partition that was right", 9, one(&topic, 0, -1, &records))?;
    Ok(())
}

pub(crate) fn many(player: &mut Player) -> Result<()> {
    let (first, second) = (player.topic("a")?, player.topic("b")?);
    let records = Batch::at(&[player.now_ms]).bytes();
    let (good, bad) = (Some(&records[..]), Some(&records[..records.len() - 1]));
    player.ask("every partition", 9, produce(&first, -1, (0..4).map(|index| (index, good))))?;
    player.ask("in reverse", 9, produce(&first, -1, (0..4).rev().map(|index| (index, good))))?;
    let mixed = [(0, good), (1, bad), (99, good), (3, good)];
    player.ask("two of four are wrong", 9, produce(&first, -1, mixed))?;
    player.ask("and then", 9, produce(&first, -1, (0..4).map(|index| (index, good))))?;
    let mut both = produce(&first, -1, [(0, good), (1, good)]);
    both.topic_data.extend(produce(&second, -1, [(0, good), (1, bad)]).topic_data);
    player.ask("two topics", 9, both)?;
    player.ask("no topics", 9, ProduceRequest { acks: -1, ..Default::default() })?;
    player.ask("a topic without partitions", 9, produce(&first, -1, []))?;
    Ok(())
}

pub(crate) fn by_id(player: &mut Player) -> Result<()> {
    let topic = player.topic("t")?;
    let records = Batch::at(&[player.now_ms]).bytes();
    let topics = vec![MetadataRequestTopic { name: Some(&topic), ..Default::default() }];
    let request = MetadataRequest { topics: Some(topics), ..Default::default() };
    let topic_id = player.ask("the id", 12, request)?.read(|response| match response {
        Response::Metadata(response) => Some(response.topics[0].topic_id),
        _ => None,
    })?;
    for (step, topic_id) in
        [("a known id", topic_id), ("an unknown id", Uuid([7; 16])), ("no id", Uuid::ZERO)]
    {
        let named = produce("", -1, [(0, Some(&records[..])), (99, Some(&records[..]))]);
        let with_id =
            named.topic_data.into_iter().map(|topic| TopicProduceData { topic_id, ..topic });
        let topic_data = with_id.collect();
        player.ask(step, 13, ProduceRequest { acks: -1, topic_data, ..Default::default() })?;
    }
    Ok(())
}

/// What looks wrong and is accepted.
pub(crate) fn odd(player: &mut Player) -> Result<()> {
    let topic = player.topic("t")?;
    let now_ms = player.now_ms;
    let long_ago = [-1, -2, 0, now_ms - 11 * 365 * 86_400_000];
    let nearly_ahead = [now_ms + 3_500_000];
    let plain = || Batch::at(&[now_ms]).bytes();
    for (step, records) in [
        ("timestamps of long ago", Batch::at(&long_ago).bytes()),
        ("a timestamp not quite an hour ahead", Batch::at(&nearly_ahead).bytes()),
        ("no producer id, an epoch and a sequence", by((-1, 0, 0), now_ms)),
        ("attribute bits without a meaning", sealed(plain(), 21, &[0xff, 0xc0])),
        ("the append time of the log", sealed(plain(), 21, &[0, 8])),
        ("a highest timestamp that lies", sealed(plain(), 35, &i64::MAX.to_be_bytes())),
        ("a leader epoch", patched(plain(), 12, &7_i32.to_be_bytes())),
        ("repeated and null headers", headers(now_ms)),
        ("null and empty", null_and_empty(now_ms)),
    ] {
        player.ask(step, 9, one(&topic, 0, -1, &records))?;
    }
    let records = plain();
    let transactional_id = Some("oracle-unknown");
    let request = ProduceRequest { transactional_id, ..one(&topic, 0, -1, &records) };
    player.ask("a plain batch in a request with a transactional id", 9, request)?;
    Ok(())
}

fn by(producer: (i64, i16, i32), now_ms: i64) -> Vec<u8> {
    Batch { producer, ..Batch::at(&[now_ms]) }.bytes()
}

fn headers(timestamp: i64) -> Vec<u8> {
    let header = |key, value| Header { key, value };
    let headers = [header(b"k", Some(b"1")), header(b"k", None), header(b"", Some(b"\xff"))];
    built(&[NewRecord { timestamp, value: Some(b"v"), headers: &headers, ..Default::default() }])
}

fn null_and_empty(timestamp: i64) -> Vec<u8> {
    built(&[
        NewRecord { timestamp, ..Default::default() },
        NewRecord { timestamp, key: Some(b""), value: Some(b""), ..Default::default() },
    ])
}

fn built(records: &[NewRecord<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = BatchBuilder::new(&mut out);
    for record in records {
        builder.push(record).expect("a small record");
    }
    builder.finish().expect("a small batch");
    out
}

fn patched(mut batch: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    batch[at..at + with.len()].copy_from_slice(with);
    batch
}

fn sealed(batch: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    seal(patched(batch, at, with))
}

fn one<'a>(topic: &'a str, partition: i32, acks: i16, records: &'a [u8]) -> ProduceRequest<'a> {
    produce(topic, acks, [(partition, Some(records))])
}
