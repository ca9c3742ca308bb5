//! Producers of our own: quick, and without a toolchain. They speak the protocol as the clients of the kill
//! tests do, one question at a time, and remember what they were told.

use std::collections::HashMap;

use anyhow::{Result, bail};
use ksink_wire::{
    ApiKey, ErrorCode, Response,
    messages::{
        add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic},
        end_txn::EndTxnRequest,
        init_producer_id::InitProducerIdRequest,
        metadata::{MetadataRequest, MetadataRequestTopic},
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
    records::{BatchBuilder, NewRecord},
};

use super::{
    caller::{Caller, Heard, Refused, heard},
    clients::TOPICS,
    dice::Dice,
    server::PARTITIONS,
    story::{Acked, Ending, Place, Producer, Story, Transaction, now},
};

const TRANSACTION_TIMEOUT_MS: i32 = 60_000;

/// What a producer does, and which protocol of transactions it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No transactions.
    Plain,
    /// Announces partitions before it writes to them (EndTxn 3).
    Announcing,
    /// Does not, and gets a new epoch with each end (EndTxn 5, KIP-890).
    Implicit,
}

impl Kind {
    fn produce_version(self) -> i16 {
        match self {
            Self::Announcing => 11,
            Self::Plain | Self::Implicit => 12,
        }
    }

    fn end_version(self) -> i16 {
        match self {
            Self::Plain | Self::Announcing => 3,
            Self::Implicit => 5,
        }
    }
}

/// An idempotent or transactional producer.
pub(crate) struct Own {
    name: String,
    kind: Kind,
    caller: Caller,
    dice: Dice,
    id: (i64, i16),
    sequences: HashMap<(usize, i32), i32>,
    next_record: u32,
    next_transaction: u32,
    pub story: Producer,
}

/// A batch for one partition of one topic.
struct Batch {
    topic: usize,
    partition: i32,
    first: u32,
    count: u32,
    bytes: Vec<u8>,
}

impl Own {
    pub(crate) fn new(name: String, kind: Kind, caller: Caller, dice: Dice) -> Self {
        Self {
            name,
            kind,
            caller,
            dice,
            id: (-1, -1),
            sequences: HashMap::new(),
            next_record: 0,
            next_transaction: 0,
            story: Producer::default(),
        }
    }

    /// What it remembers, as a story of one.
    pub(crate) fn into_story(self) -> Story {
        let mut story = Story::default();
        story.insert(self.name, self.story);
        story
    }

    /// Gets an id, or the next epoch of the one that its transactional id has.
    pub(crate) fn init(&mut self) -> Result<()> {
        self.name_topics()?;
        let transactional_id = (self.kind != Kind::Plain).then_some(&*self.name);
        let timeout = TRANSACTION_TIMEOUT_MS;
        let request = InitProducerIdRequest {
            transactional_id,
            transaction_timeout_ms: timeout,
            ..Default::default()
        };
        self.id =
            self.caller.ask(
                ApiKey::InitProducerId,
                4,
                &request.into(),
                |response| match response {
                    Response::InitProducerId(answer) => {
                        heard([answer.error_code], (answer.producer_id, answer.producer_epoch))
                    }
                    other => unasked(&other),
                },
            )?;
        self.sequences.clear();
        Ok(())
    }

    /// Being named makes a topic.
    fn name_topics(&mut self) -> Result<()> {
        let topics =
            TOPICS.map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() });
        let request = MetadataRequest { topics: Some(topics.into()), ..Default::default() };
        self.caller.ask(ApiKey::Metadata, 9, &request.into(), |response| match response {
            Response::Metadata(answer) => {
                heard(answer.topics.iter().map(|topic| topic.error_code), ())
            }
            other => unasked(&other),
        })
    }

    /// Sends a burst outside of a transaction.
    pub(crate) fn burst(&mut self) -> Result<()> {
        let batches = self.batches(10, "-");
        let last = self.next_record - 1;
        self.story.sent.push((now(), batches[0].first, last));
        let offsets = self.produce(&batches)?;
        for (batch, offset) in batches.iter().zip(offsets) {
            for n in 0..batch.count {
                let place = Place {
                    topic: TOPICS[batch.topic].to_owned(),
                    partition: batch.partition,
                    offset: offset + i64::from(n),
                };
                self.story.acked.insert(batch.first + n, Acked { at: now(), place });
            }
        }
        Ok(())
    }

    /// A transaction of one to four requests, of which one in ten is aborted.
    pub(crate) fn transact(&mut self) -> Result<()> {
        let commit = !self.dice.percent(10);
        let requests = self.dice.pick(1..5);
        self.transact_so(requests, commit)
    }

    /// The same where the power goes: that aborts what is open, and to hear of it is no failure.
    pub(crate) fn transact_or_begin_again(&mut self) -> Result<()> {
        match self.transact() {
            Err(error) if error.is::<Refused>() => self.init(),
            other => other,
        }
    }

    pub(crate) fn transact_so(&mut self, requests: u64, commit: bool) -> Result<()> {
        let (number, first) = (self.next_transaction, self.next_record);
        self.next_transaction += 1;
        *self.story.transaction(number) = Transaction { began: now(), ..Default::default() };
        for _ in 0..requests {
            let batches = self.batches(40, &number.to_string());
            if self.kind == Kind::Announcing {
                self.announce(&batches)?;
            }
            self.produce(&batches)?;
        }
        let count = self.next_record - first;
        self.story.transaction(number).ending = Some(Ending { count, commit });
        self.end(commit)?;
        self.story.transaction(number).ended = Some(now());
        Ok(())
    }

    /// Batches for one to three topics.
    fn batches(&mut self, records_max: u64, transaction: &str) -> Vec<Batch> {
        let start = self.dice.pick(0..3) as usize;
        let topics = self.dice.pick(1..4) as usize;
        let topics: Vec<usize> = (start..start + topics).map(|n| n % 3).collect();
        topics.into_iter().map(|topic| self.batch(topic, records_max, transaction)).collect()
    }

    fn batch(&mut self, topic: usize, records_max: u64, transaction: &str) -> Batch {
        let partition = self.dice.pick(0..PARTITIONS as u64) as i32;
        let (first, count) = (self.next_record, self.dice.pick(1..records_max) as u32);
        let sequence = self.sequences.entry((topic, partition)).or_insert(0);
        let mut bytes = Vec::new();
        let mut batch = BatchBuilder::new(&mut bytes).producer(self.id.0, self.id.1, *sequence);
        if self.kind != Kind::Plain {
            batch = batch.transactional();
        }
        for n in first..first + count {
            let value = format!("{} {transaction} {n} {:.<60}", self.name, "");
            let record = NewRecord { value: Some(value.as_bytes()), ..Default::default() };
            batch.push(&record).expect("a small record");
        }
        batch.finish().expect("a small batch");
        *sequence += count as i32;
        self.next_record += count;
        Batch { topic, partition, first, count, bytes }
    }

    fn announce(&mut self, batches: &[Batch]) -> Result<()> {
        let topics = batches.iter().map(|batch| AddPartitionsToTxnTopic {
            name: TOPICS[batch.topic],
            partitions: vec![batch.partition],
        });
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: &self.name,
            v3_and_below_producer_id: self.id.0,
            v3_and_below_producer_epoch: self.id.1,
            v3_and_below_topics: topics.collect(),
            ..Default::default()
        };
        self.caller.ask(ApiKey::AddPartitionsToTxn, 3, &request.into(), |response| match response {
            Response::AddPartitionsToTxn(answer) => {
                let topics = answer.results_by_topic_v3_and_below.iter();
                let partitions = topics.flat_map(|topic| topic.results_by_partition.iter());
                heard(partitions.map(|partition| partition.partition_error_code), ())
            }
            other => unasked(&other),
        })
    }

    /// Sends batches in one request; gives the offsets that they got.
    fn produce(&mut self, batches: &[Batch]) -> Result<Vec<i64>> {
        let topics = batches.iter().map(|batch| TopicProduceData {
            name: TOPICS[batch.topic],
            partition_data: vec![PartitionProduceData {
                index: batch.partition,
                records: Some(&batch.bytes),
            }],
            ..Default::default()
        });
        let request = ProduceRequest {
            transactional_id: (self.kind != Kind::Plain).then_some(&*self.name),
            acks: -1,
            timeout_ms: 30_000,
            topic_data: topics.collect(),
        };
        let version = self.kind.produce_version();
        let offsets =
            self.caller.ask(ApiKey::Produce, version, &request.into(), |response| match response {
                Response::Produce(answer) => {
                    let topics = answer.responses.iter();
                    let partitions: Vec<_> =
                        topics.flat_map(|topic| &topic.partition_responses).collect();
                    let offsets =
                        partitions.iter().map(|partition| partition.base_offset).collect();
                    heard(partitions.iter().map(|partition| partition.error_code), offsets)
                }
                other => unasked(&other),
            });
        let offsets: Vec<i64> = offsets?;
        if offsets.len() != batches.len() {
            bail!("{} answers for {} batches", offsets.len(), batches.len());
        }
        Ok(offsets)
    }

    fn end(&mut self, committed: bool) -> Result<()> {
        let request = EndTxnRequest {
            transactional_id: &self.name,
            producer_id: self.id.0,
            producer_epoch: self.id.1,
            committed,
        };
        let version = self.kind.end_version();
        let next =
            self.caller.ask(
                ApiKey::EndTxn,
                version,
                &request.into(),
                |response| match response {
                    Response::EndTxn(answer) => {
                        heard([answer.error_code], (answer.producer_id, answer.producer_epoch))
                    }
                    other => unasked(&other),
                },
            )?;
        if self.kind == Kind::Implicit {
            self.id = next;
            self.sequences.clear();
        }
        Ok(())
    }
}

/// An answer of another API is as good as a refusal.
fn unasked<T>(_other: &Response<'_>) -> Heard<T> {
    Heard::Refused(ErrorCode::CORRUPT_MESSAGE)
}
