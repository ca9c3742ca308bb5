//! A transactional id, with what its producer knows.

use std::collections::HashMap;

use anyhow::Result;
use ksink_malformed::{Batch, produce};
use ksink_wire::{
    ErrorCode, Response,
    messages::{
        add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic},
        end_txn::EndTxnRequest,
        init_producer_id::InitProducerIdRequest,
        produce::ProduceRequest,
    },
};

use crate::oracle::player::{Player, Reply};

/// A producer id and epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Producer {
    pub id: i64,
    pub epoch: i16,
}

/// No producer id.
pub(super) const NOBODY: Producer = Producer { id: -1, epoch: -1 };

/// A transactional id, and its producer as a client knows it.
pub(super) struct Life {
    /// What all of its steps are called.
    pub scene: String,
    /// The transactional id.
    pub id: String,
    pub topic: String,
    pub producer: Producer,
    /// A producer id that is not of this transactional id.
    pub stranger: i64,
    pub timeout_ms: i32,
    /// How many records were sent, by producer and partition.
    sent: HashMap<(Producer, i32), i32>,
}

impl Life {
    /// A life that nobody else has: its scene is the only one of that name in the transcript.
    pub(super) fn new(player: &Player, scene: &str, topic: &str, stranger: i64) -> Self {
        let id = format!("{}: {scene}", player.transcript);
        Self { scene: scene.to_owned(), ..Self::with_id(&id, topic, stranger) }
    }

    pub(super) fn with_id(id: &str, topic: &str, stranger: i64) -> Self {
        Self {
            scene: String::new(),
            id: id.to_owned(),
            topic: topic.to_owned(),
            producer: Producer { id: stranger, epoch: 0 },
            stranger,
            timeout_ms: 60_000,
            sent: HashMap::new(),
        }
    }

    /// The name of a step.
    pub(super) fn step(&self, what: &str) -> String {
        if what.is_empty() { self.scene.clone() } else { format!("{}: {what}", self.scene) }
    }

    /// InitProducerId; a success becomes the producer.
    pub(super) fn init(
        &mut self,
        player: &mut Player,
        what: &str,
        version: i16,
        known: Option<Producer>,
    ) -> Result<()> {
        let reply = player.ask_settled(self.step(what), version, self.init_request(known))?;
        self.adopt(&reply)
    }

    pub(super) fn init_request(&self, known: Option<Producer>) -> InitProducerIdRequest<'_> {
        let known = known.unwrap_or(NOBODY);
        InitProducerIdRequest {
            transactional_id: Some(&self.id),
            transaction_timeout_ms: self.timeout_ms,
            producer_id: known.id,
            producer_epoch: known.epoch,
        }
    }

    /// AddPartitionsToTxn.
    pub(super) fn add(
        &self,
        player: &mut Player,
        what: &str,
        version: i16,
        by: Producer,
        partitions: &[i32],
    ) -> Result<()> {
        let topic = AddPartitionsToTxnTopic { name: &self.topic, partitions: partitions.to_vec() };
        let topics = if partitions.is_empty() { Vec::new() } else { vec![topic] };
        player.ask_settled(self.step(what), version, self.add_request(by, topics))?;
        Ok(())
    }

    pub(super) fn add_request<'a>(
        &'a self,
        by: Producer,
        topics: Vec<AddPartitionsToTxnTopic<'a>>,
    ) -> AddPartitionsToTxnRequest<'a> {
        AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: &self.id,
            v3_and_below_producer_id: by.id,
            v3_and_below_producer_epoch: by.epoch,
            v3_and_below_topics: topics,
            ..Default::default()
        }
    }

    /// Produce: the next record of a transaction.
    pub(super) fn send(
        &mut self,
        player: &mut Player,
        what: &str,
        version: i16,
        by: Producer,
        partition: i32,
    ) -> Result<()> {
        let sequence = self.sent.get(&(by, partition)).copied().unwrap_or(0);
        if self.send_at(player, what, version, by, partition, sequence)? {
            self.sent.insert((by, partition), sequence + 1);
        }
        Ok(())
    }

    /// Produce, and whether it was accepted.
    pub(super) fn send_at(
        &self,
        player: &mut Player,
        what: &str,
        version: i16,
        by: Producer,
        partition: i32,
        sequence: i32,
    ) -> Result<bool> {
        let records = record(player.now_ms, by, sequence, true);
        let request = self.produce_request(partition, &records);
        was_accepted(&player.ask_settled(self.step(what), version, request)?)
    }

    pub(super) fn produce_request<'a>(
        &'a self,
        partition: i32,
        records: &'a [u8],
    ) -> ProduceRequest<'a> {
        let transactional_id = Some(&*self.id);
        let request = produce(&self.topic, -1, [(partition, Some(records))]);
        ProduceRequest { transactional_id, ..request }
    }

    /// EndTxn; the producer of a success is the one to go on with.
    pub(super) fn end(
        &mut self,
        player: &mut Player,
        what: &str,
        version: i16,
        by: Producer,
        committed: bool,
    ) -> Result<()> {
        let request = self.end_request(by, committed);
        let reply = player.ask_settled(self.step(what), version, request)?;
        self.adopt(&reply)
    }

    pub(super) fn end_request(&self, by: Producer, committed: bool) -> EndTxnRequest<'_> {
        EndTxnRequest {
            transactional_id: &self.id,
            producer_id: by.id,
            producer_epoch: by.epoch,
            committed,
        }
    }

    /// Takes the producer of an answer, if it has one.
    pub(super) fn adopt(&mut self, reply: &Reply) -> Result<()> {
        let (id, epoch) = reply.read(|response| match response {
            Response::InitProducerId(response) => {
                Some((response.producer_id, response.producer_epoch))
            }
            Response::EndTxn(response) => Some((response.producer_id, response.producer_epoch)),
            _ => None,
        })?;
        if id >= 0 {
            self.producer = Producer { id, epoch };
        }
        Ok(())
    }
}

/// A batch of one record.
pub(super) fn record(now_ms: i64, by: Producer, sequence: i32, transactional: bool) -> Vec<u8> {
    let producer = (by.id, by.epoch, sequence);
    Batch { producer, transactional, ..Batch::at(&[now_ms]) }.bytes()
}

/// A producer id without a transactional one.
pub(super) fn producer_id(player: &mut Player) -> Result<i64> {
    let request = InitProducerIdRequest { transaction_timeout_ms: 60_000, ..Default::default() };
    player.ask("somebody else's producer id", 4, request)?.read(|response| match response {
        Response::InitProducerId(response) => Some(response.producer_id),
        _ => None,
    })
}

fn was_accepted(reply: &Reply) -> Result<bool> {
    reply.read(|response| match response {
        Response::Produce(response) => {
            let topics = response.responses.iter();
            let mut partitions = topics.flat_map(|topic| &topic.partition_responses);
            Some(partitions.all(|partition| partition.error_code == ErrorCode::NONE))
        }
        _ => None,
    })
}
