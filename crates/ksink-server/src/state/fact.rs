//! Facts, and the frames that carry them into the journal.

use std::sync::Arc;

use bytes::Bytes;
use ksink_event::{Durability, Position, Topic};
use serde::{Deserialize, Serialize};

use crate::txn::TransactionFact;

/// One thing that must be remembered.
///
/// They are written with postcard, which numbers the variants and knows no names: a new variant goes to the
/// end, and nothing is ever taken out or moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fact {
    /// The cluster's id, which is chosen once.
    Cluster(Arc<str>),
    /// What the state is for, in the words of whoever opened it: the pattern of the outputs, say.
    Purpose { name: String, value: String },
    /// Producer ids below this one may have been given out.
    ProducerIds { reserved_to: i64 },
    /// A topic came, went, or changed.
    Topic(TopicFact),
    /// The sink keeps a batch.
    Kept(Kept),
    /// What is known of a producer's batches in a partition may be forgotten.
    ProducerForgotten { topic: Topic, partition: i32, producer_id: i64 },
    /// An output stands here; or it need not be remembered any more.
    Position { output: Arc<str>, bytes: Option<Bytes> },
    /// Something about a transactional id.
    Transaction(TransactionFact),
    /// What acknowledgements survive from now on.
    Level(Level),
}

/// What acknowledgements survive, as a state writes it down. See [`Durability`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Level {
    #[default]
    Process,
    Power,
    None,
}

impl From<Durability> for Level {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Process => Self::Process,
            Durability::Power => Self::Power,
            Durability::None => Self::None,
        }
    }
}

/// A topic as it is from now on. Its offsets are not part of this: they outlive it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicFact {
    pub(crate) name: Topic,
    /// How many partitions it has; `None` if it was deleted.
    pub(crate) partitions: Option<u32>,
    /// How often a topic of this name was deleted.
    pub(crate) deletions: u32,
    /// What was set when it was created, by name.
    pub(crate) settings: Vec<(String, Box<str>)>,
}

/// A batch that the sink keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) base_offset: i64,
    pub(crate) count: u32,
    /// How its producer numbered it, if the producer is still remembered.
    pub(crate) by: Option<KeptBy>,
}

/// How a producer numbered a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptBy {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) first_sequence: i32,
    pub(crate) last_sequence: i32,
}

/// Names a frame between the broker and the keeper. Frames are numbered as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameId(pub u64);

/// How safe a frame must be before the broker may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The kernel has it.
    #[default]
    Written,
    /// The disk has it.
    Synced,
}

/// Facts that become true together.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Names it in [`Broker::framed`](crate::Broker::framed).
    pub id: FrameId,
    /// How safe it must be.
    pub needs: Needs,
    pub(crate) facts: Vec<Fact>,
}

impl Frame {
    /// Whether there is nothing to remember: its turn in the order is all that matters.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The bytes that a journal keeps.
    pub fn encode(&self) -> Vec<u8> {
        encode(&(VERSION, &self.facts))
    }
}

impl From<Position> for Fact {
    fn from(Position { output, bytes }: Position) -> Self {
        Self::Position { output, bytes }
    }
}

/// The version of what snapshots and frames hold. An older one is read, a newer one is refused.
pub(super) const VERSION: u16 = 1;

/// Values of our own types can always be written.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("memory is all that it takes, and every length is known")
}
