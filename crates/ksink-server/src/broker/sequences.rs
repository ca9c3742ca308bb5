//! Idempotence: the last batches of each producer in each partition, so that a retry is not kept twice and
//! nothing lands before what it follows.
//!
//! The rules are those of Kafka's `ProducerAppendInfo` and `ProducerStateEntry`, with one addition: a batch
//! takes its place here when it is decided, before the sink has it, and loses it again if the sink refuses.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use ksink_disk::planted;
use ksink_event::DeliveryId;
use ksink_wire::ErrorCode;

use super::{in_flight::Link, topics::Topics};
use crate::state::{KeptBatch, Ledger, ProducerMemory};

/// How many batches of a producer are remembered in a partition (Kafka's `NUM_BATCHES_TO_RETAIN`). Clients
/// keep at most as many in flight.
pub(crate) const BATCHES_MAX: usize = 5;

/// How long a producer is remembered after its last batch: Kafka's `producer.id.expiration.ms`.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// What is known of producers, by partition.
#[derive(Debug)]
pub(super) struct Sequences {
    producers_max: usize,
    producers: HashMap<Link, Producer>,
    /// Who was heard of least recently comes first.
    by_age: BTreeSet<(Instant, u64, Link)>,
    uses: u64,
}

/// How a batch is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) epoch: i16,
    /// Of the first record.
    pub(super) base_sequence: i32,
    /// How many records; at least 1.
    pub(super) count: u32,
}

/// What a producer may begin with in a partition that does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Any sequence: what came before may have been forgotten.
    Any,
    /// Sequence 0: nothing can have come before.
    Zero,
}

/// What a numbered batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The next one: to be delivered.
    Next,
    /// A copy of one that was kept, at this offset.
    Kept(i64),
    /// A copy of one that the sink has not answered yet, and the offset that it has if it is kept.
    InFlight(DeliveryId, i64),
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    /// What the next batch begins with.
    next_sequence: i32,
    /// In the order of their sequences.
    batches: VecDeque<Batch>,
    /// Whether the next batch may come from further on than [`next_sequence`](Self::next_sequence).
    may_leave_gap: bool,
    age: (Instant, u64),
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    /// `None` once the sink has kept it.
    in_flight: Option<DeliveryId>,
}

impl Sequences {
    /// Remembers at most `producers_max` producers, counted per partition, from those on that the ledger holds.
    pub(super) fn new(
        now: Instant,
        producers_max: usize,
        topics: &Topics,
        ledger: &Ledger,
    ) -> Self {
        let mut sequences = Self {
            producers_max: producers_max.max(1),
            producers: HashMap::new(),
            by_age: BTreeSet::new(),
            uses: 0,
        };
        for ((topic, partition, producer_id), memory) in &ledger.producers {
            if let Some(topic) = topics.existing(topic) {
                let link = Link { topic, partition: *partition, producer_id: *producer_id };
                sequences.restore(now, link, memory);
            }
        }
        sequences
    }

    fn restore(&mut self, now: Instant, link: Link, memory: &ProducerMemory) {
        let Some(last) = memory.batches.back() else { return };
        self.uses += 1;
        let age = (now, self.uses);
        let producer = Producer {
            epoch: memory.epoch,
            next_sequence: following(last.last_sequence),
            batches: memory.batches.iter().map(Batch::from).collect(),
            may_leave_gap: false,
            age,
        };
        self.by_age.insert((age.0, age.1, link));
        self.producers.insert(link, producer);
    }

    /// Lets the first batch of each producer leave a gap: what was acknowledged before may be forgotten.
    pub(super) fn allow_gaps(&mut self) {
        self.producers.values_mut().for_each(|producer| producer.may_leave_gap = true);
    }

    /// Whether a producer is remembered.
    pub(super) fn knows(&self, link: Link) -> bool {
        self.producers.contains_key(&link)
    }

    /// Judges a batch, and changes nothing.
    pub(super) fn judge(
        &self,
        link: Link,
        batch: Numbered,
        first: First,
    ) -> Result<Verdict, ErrorCode> {
        if planted("no-dedupe") {
            return Ok(Verdict::Next);
        }
        let Some(producer) = self.producers.get(&link) else { return first.judge(batch) };
        if batch.epoch < producer.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if batch.epoch > producer.epoch {
            return First::Zero.judge(batch);
        }
        if let Some(known) = producer.batches.iter().find(|known| known.is_copied_by(batch)) {
            return Ok(known.verdict());
        }
        match batch.base_sequence == producer.next_sequence || producer.is_gap_allowed(batch) {
            true => Ok(Verdict::Next),
            false => Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
        }
    }

    /// Gives a batch that is the next one its place. Tells which producers were forgotten to make room.
    pub(super) fn deliver(
        &mut self,
        now: Instant,
        link: Link,
        batch: Numbered,
        base_offset: i64,
        delivery: DeliveryId,
    ) -> Vec<Link> {
        self.uses += 1;
        let age = (now, self.uses);
        let forgotten = self.make_room(now, link);
        let producer = self.producers.entry(link).or_insert_with(|| Producer::new(batch, age));
        self.by_age.remove(&(producer.age.0, producer.age.1, link));
        self.by_age.insert((age.0, age.1, link));
        producer.age = age;
        producer.deliver(batch, base_offset, delivery);
        forgotten
    }

    /// The sink kept a batch.
    pub(super) fn keep(&mut self, link: Link, delivery: DeliveryId) {
        let Some(producer) = self.producers.get_mut(&link) else { return };
        if let Some(batch) = producer.batches.iter_mut().find(|it| it.in_flight == Some(delivery)) {
            batch.in_flight = None;
            producer.trim();
        }
    }

    /// The sink refused a batch: it and all that was delivered after it are to come again. The batch itself may
    /// be of an epoch that is over.
    pub(super) fn refuse(&mut self, link: Link, delivery: DeliveryId) {
        let Some(producer) = self.producers.get_mut(&link) else { return };
        let is_void = |batch: &Batch| batch.in_flight.is_some_and(|void| void >= delivery);
        if let Some(first) = producer.batches.iter().position(is_void) {
            producer.next_sequence = producer.batches[first].first_sequence;
            producer.batches.truncate(first);
        }
    }

    /// Forgets who has not been heard of for long, and if need be who was heard of least recently.
    fn make_room(&mut self, now: Instant, newcomer: Link) -> Vec<Link> {
        let mut forgotten = Vec::new();
        while let Some(&(used, use_, link)) = self.by_age.first() {
            let expired = now.duration_since(used) >= MEMORY;
            let full = self.producers.len() >= self.producers_max
                && !self.producers.contains_key(&newcomer);
            if !expired && !full {
                break;
            }
            self.by_age.remove(&(used, use_, link));
            self.producers.remove(&link);
            forgotten.push(link);
        }
        forgotten
    }
}

impl First {
    fn judge(self, batch: Numbered) -> Result<Verdict, ErrorCode> {
        match (self, batch.base_sequence) {
            (Self::Any, _) | (Self::Zero, 0) => Ok(Verdict::Next),
            (Self::Zero, _) => Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
        }
    }
}

impl Producer {
    fn new(first: Numbered, age: (Instant, u64)) -> Self {
        Self {
            epoch: first.epoch,
            next_sequence: first.base_sequence,
            batches: VecDeque::new(),
            may_leave_gap: false,
            age,
        }
    }

    fn deliver(&mut self, batch: Numbered, base_offset: i64, delivery: DeliveryId) {
        if batch.epoch != self.epoch {
            self.epoch = batch.epoch;
            self.batches.clear();
        }
        self.batches.push_back(Batch {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset,
            in_flight: Some(delivery),
        });
        self.next_sequence = following(batch.last_sequence());
        self.may_leave_gap = false;
        self.trim();
    }

    /// What is further on lies less than half of all sequences ahead.
    fn is_gap_allowed(&self, batch: Numbered) -> bool {
        let ahead = batch.base_sequence.wrapping_sub(self.next_sequence) & i32::MAX;
        self.may_leave_gap && ahead < i32::MAX / 2
    }

    /// Forgets the oldest batches. What is in flight stays: its copies must find it.
    fn trim(&mut self) {
        while self.batches.len() > BATCHES_MAX
            && self.batches.front().is_some_and(|oldest| oldest.in_flight.is_none())
        {
            self.batches.pop_front();
        }
    }
}

impl Batch {
    /// What a copy of it is.
    fn verdict(&self) -> Verdict {
        match self.in_flight {
            Some(delivery) => Verdict::InFlight(delivery, self.base_offset),
            None => Verdict::Kept(self.base_offset),
        }
    }

    /// A copy has the same range of sequences; its bytes and its codec do not matter.
    fn is_copied_by(&self, batch: Numbered) -> bool {
        self.first_sequence == batch.base_sequence && self.last_sequence == batch.last_sequence()
    }
}

impl From<&KeptBatch> for Batch {
    fn from(kept: &KeptBatch) -> Self {
        let KeptBatch { first_sequence, last_sequence, base_offset } = *kept;
        Self { first_sequence, last_sequence, base_offset, in_flight: None }
    }
}

impl Numbered {
    /// The sequence of the last record. After 2,147,483,647 comes 0.
    pub(super) fn last_sequence(self) -> i32 {
        let last = i64::from(self.base_sequence) + i64::from(self.count) - 1;
        i32::try_from(last & i64::from(i32::MAX)).expect("31 bits")
    }
}

fn following(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}
