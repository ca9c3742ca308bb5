//! What a ledger says, as plain values for people and programs that look at a state.

use std::{collections::BTreeMap, sync::Arc};

use ksink_event::{Decided, Intent, Position, Transaction};
use serde::Serialize;

use super::{Ledger, TopicMemory};
use crate::txn::{Decision, Partitions, Stage, TransactionEntry};

/// All that a state holds, each list in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateReport {
    /// The cluster's id; `None` if nothing was ever remembered.
    pub cluster_id: Option<Arc<str>>,
    /// What the state is for, by name.
    pub purpose: BTreeMap<String, String>,
    /// By topic and partition.
    pub offsets: Vec<OffsetReport>,
    /// By topic, partition and producer id.
    pub producers: Vec<ProducerReport>,
    /// By transactional id.
    pub transactions: Vec<TransactionReport>,
    /// Where outputs stand, by name, in the words of the sink.
    pub positions: Vec<Position>,
}

/// What is remembered of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OffsetReport {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition, from 0.
    pub partition: usize,
    /// The offset that the next record gets.
    pub next_offset: i64,
    /// Whether the topic exists; offsets outlive it.
    pub exists: bool,
}

/// What is remembered of a producer in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProducerReport {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition, from 0.
    pub partition: i32,
    /// The producer.
    pub producer_id: i64,
    /// Which of its lives.
    pub epoch: i16,
    /// The sequence number of the last record that was kept.
    pub last_sequence: Option<i32>,
    /// The offset of the first record of the last batch that was kept.
    pub last_base_offset: Option<i64>,
}

/// What is remembered of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionReport {
    /// The transactional id.
    pub id: Arc<str>,
    /// The producer that may write.
    pub producer_id: i64,
    /// Which of its lives may.
    pub epoch: i16,
    /// How long its transactions may stay open without a sign of life, in milliseconds.
    pub timeout_ms: i32,
    /// When it was last heard of, in milliseconds since the epoch.
    pub updated_unix_ms: i64,
    /// How far it is with its transaction.
    pub stage: StageReport,
}

/// How far a transactional id is with its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageReport {
    /// It has none, and never had one in this life.
    Empty,
    /// It is open.
    Open {
        /// Tells it from other transactions.
        serial: u64,
        /// The partitions that it writes to.
        partitions: Vec<(Arc<str>, i32)>,
    },
    /// Its commit is decided, and not applied yet. It cannot be aborted any more.
    Committing(Decided),
    /// Its abort is decided, and not applied yet.
    Aborting {
        /// Tells it from other transactions.
        serial: u64,
    },
    /// The last one was committed.
    Committed,
    /// The last one was aborted.
    Aborted,
}

impl Ledger {
    /// What it says, as plain values.
    pub fn report(&self) -> StateReport {
        let positions = self.positions.iter();
        StateReport {
            cluster_id: self.cluster_id.clone(),
            purpose: self.purpose.clone(),
            offsets: self.topics.iter().flat_map(|(name, topic)| offsets(name, topic)).collect(),
            producers: self.producer_reports(),
            transactions: self.transactions.entries.values().map(transaction).collect(),
            positions: positions
                .map(|(output, bytes)| Position::at(output.clone(), bytes.clone()))
                .collect(),
        }
    }

    fn producer_reports(&self) -> Vec<ProducerReport> {
        let reports = self.producers.iter().map(|((topic, partition, producer_id), memory)| {
            let last = memory.batches.back();
            ProducerReport {
                topic: topic.clone(),
                partition: *partition,
                producer_id: *producer_id,
                epoch: memory.epoch,
                last_sequence: last.map(|batch| batch.last_sequence),
                last_base_offset: last.map(|batch| batch.base_offset),
            }
        });
        let mut reports: Vec<_> = reports.collect();
        reports.sort_unstable_by(|a, b| {
            (&a.topic, a.partition, a.producer_id).cmp(&(&b.topic, b.partition, b.producer_id))
        });
        reports
    }
}

fn offsets<'t>(
    name: &'t Arc<str>,
    topic: &'t TopicMemory,
) -> impl Iterator<Item = OffsetReport> + 't {
    topic.next_offsets.iter().enumerate().map(|(partition, next_offset)| OffsetReport {
        topic: name.clone(),
        partition,
        next_offset: *next_offset,
        exists: topic.partitions.is_some(),
    })
}

fn transaction(entry: &TransactionEntry) -> TransactionReport {
    TransactionReport {
        id: entry.id.clone(),
        producer_id: entry.producer.id,
        epoch: entry.producer.epoch,
        timeout_ms: entry.timeout_ms,
        updated_unix_ms: entry.updated_unix_ms,
        stage: stage(&entry.id, &entry.stage),
    }
}

fn stage(id: &Arc<str>, stage: &Stage) -> StageReport {
    match stage {
        Stage::Empty => StageReport::Empty,
        Stage::Ongoing { serial, partitions } => {
            StageReport::Open { serial: *serial, partitions: Partitions::to_list(partitions) }
        }
        Stage::Committing { serial, intent } => {
            let transaction = Arc::new(Transaction { id: id.clone(), serial: *serial });
            StageReport::Committing(Decided { transaction, intent: Intent(intent.clone()) })
        }
        Stage::Aborting { serial } => StageReport::Aborting { serial: *serial },
        Stage::Ended(Decision::Commit) => StageReport::Committed,
        Stage::Ended(Decision::Abort) => StageReport::Aborted,
    }
}
