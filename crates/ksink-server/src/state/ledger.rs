//! All facts that were framed, as one value.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use ksink_event::{Held, LastStop, Position, Topic};
use serde::{Deserialize, Serialize};

use super::{
    Frame,
    fact::{Fact, Kept, KeptBy, Level, TopicFact, VERSION, encode},
};
use crate::{broker::BATCHES_MAX, txn::Transactions};

/// Everything that a restart would find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) purpose: BTreeMap<String, String>,
    /// What acknowledgements of the last run survived.
    pub(crate) level: Level,
    /// Producer ids from here on were never given out.
    pub(crate) producer_ids: Option<i64>,
    /// By name, those included that were deleted.
    pub(crate) topics: BTreeMap<Topic, TopicMemory>,
    /// By topic, partition and producer id.
    pub(crate) producers: HashMap<(Topic, i32, i64), ProducerMemory>,
    pub(crate) positions: BTreeMap<Arc<str>, Bytes>,
    pub(crate) transactions: Transactions,
}

/// What is remembered of a topic's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicMemory {
    /// `None` if it does not exist now.
    pub(crate) partitions: Option<u32>,
    pub(crate) deletions: u32,
    pub(crate) settings: Vec<(String, Box<str>)>,
    /// By partition, as far as something was kept.
    pub(crate) next_offsets: Vec<i64>,
}

/// What is remembered of a producer in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProducerMemory {
    pub(crate) epoch: i16,
    /// The last ones of this epoch, the oldest first.
    pub(crate) batches: VecDeque<KeptBatch>,
}

/// What is remembered of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptBatch {
    pub(crate) first_sequence: i32,
    pub(crate) last_sequence: i32,
    pub(crate) base_offset: i64,
}

/// Why a state cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A later ksink wrote it.
    #[error(
        "the state has version {0}, and this ksink reads versions up to {VERSION}: use a newer ksink"
    )]
    Newer(u16),
    /// It was not written by any ksink: a checksum would have found an accident.
    #[error("the state holds what no ksink writes")]
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct Snapshot<L> {
    version: u16,
    ledger: L,
}

impl Ledger {
    /// What a snapshot and the frames after it say.
    ///
    /// # Errors
    /// When they cannot be read. What is there stays as it is.
    pub fn restore<F: AsRef<[u8]>>(
        snapshot: Option<&[u8]>,
        frames: impl IntoIterator<Item = F>,
    ) -> Result<Self, LedgerError> {
        let mut ledger = snapshot.map_or_else(|| Ok(Self::default()), Self::read)?;
        for frame in frames {
            check_version(frame.as_ref())?;
            let (_, facts): (u16, Vec<Fact>) = read(frame.as_ref())?;
            facts.into_iter().for_each(|fact| ledger.note(fact));
        }
        Ok(ledger)
    }

    fn read(snapshot: &[u8]) -> Result<Self, LedgerError> {
        check_version(snapshot)?;
        let snapshot: Snapshot<Self> = read(snapshot)?;
        Ok(snapshot.ledger)
    }

    /// The bytes from which [`restore`](Self::restore) makes the same ledger.
    pub fn snapshot(&self) -> Vec<u8> {
        encode(&Snapshot { version: VERSION, ledger: self })
    }

    /// Takes note of what was framed.
    pub fn apply(&mut self, frame: Frame) {
        frame.facts.into_iter().for_each(|fact| self.note(fact));
    }

    fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Cluster(id) => self.cluster_id = Some(id),
            Fact::Purpose { name, value } => {
                self.purpose.insert(name, value);
            }
            Fact::ProducerIds { reserved_to } => self.producer_ids = Some(reserved_to),
            Fact::Topic(topic) => self.note_topic(topic),
            Fact::Kept(kept) => self.note_kept(kept),
            Fact::ProducerForgotten { topic, partition, producer_id } => {
                self.producers.remove(&(topic, partition, producer_id));
            }
            Fact::Position { output, bytes: Some(bytes) } => {
                self.positions.insert(output, bytes);
            }
            Fact::Position { output, bytes: None } => {
                self.positions.remove(&output);
            }
            Fact::Transaction(fact) => self.transactions.note(fact),
            Fact::Level(level) => self.level = level,
        }
    }

    fn note_topic(&mut self, TopicFact { name, partitions, deletions, settings }: TopicFact) {
        let topic = self.topics.entry(name).or_default();
        topic.partitions = partitions;
        topic.deletions = deletions;
        topic.settings = settings;
    }

    fn note_kept(&mut self, Kept { topic, partition, base_offset, count, by }: Kept) {
        if let Some(by) = by {
            let key = (topic.clone(), partition, by.producer_id);
            self.producers.entry(key).or_default().note(by, base_offset);
        }
        // A topic is named before anything is kept of it, and partitions are counted from 0.
        let Ok(partition) = usize::try_from(partition) else { return };
        let next_offsets = &mut self.topics.entry(topic).or_default().next_offsets;
        if next_offsets.len() <= partition {
            next_offsets.resize(partition + 1, 0);
        }
        let next = &mut next_offsets[partition];
        *next = (*next).max(base_offset.saturating_add(i64::from(count)));
    }

    /// How the last run ended, with what that may have cost: at `none` a kill is as bad as the loss of power.
    pub fn last_stop(&self, last_stop: LastStop) -> LastStop {
        match (last_stop, self.level) {
            (LastStop::Unclean, Level::None) => LastStop::Rebooted,
            (LastStop::Unclean, Level::Process | Level::Power)
            | (LastStop::Clean | LastStop::Rebooted, _) => last_stop,
        }
    }

    /// What the sink must know before anybody can connect.
    pub fn held(&self, last_stop: LastStop) -> Held {
        let positions = self.positions.iter();
        let at = |(output, bytes): (&Arc<str>, &Bytes)| Position::at(output.clone(), bytes.clone());
        let positions = positions.map(at).collect();
        let mut held = Held { last_stop, positions, ..Held::default() };
        self.transactions.tell(&mut held);
        held
    }
}

/// The version stands before everything else.
fn check_version(bytes: &[u8]) -> Result<(), LedgerError> {
    let (version, _) = postcard::take_from_bytes(bytes).map_err(|_| LedgerError::Unreadable)?;
    match version {
        ..=VERSION => Ok(()),
        newer => Err(LedgerError::Newer(newer)),
    }
}

fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, LedgerError> {
    postcard::from_bytes(bytes).map_err(|_| LedgerError::Unreadable)
}

impl ProducerMemory {
    fn note(&mut self, by: KeptBy, base_offset: i64) {
        match by.epoch.cmp(&self.epoch) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => {
                self.epoch = by.epoch;
                self.batches.clear();
            }
        }
        let KeptBy { first_sequence, last_sequence, .. } = by;
        self.batches.push_back(KeptBatch { first_sequence, last_sequence, base_offset });
        if self.batches.len() > BATCHES_MAX {
            self.batches.pop_front();
        }
    }
}
