//! The registry of topics: which exist, which may, and the next offset of each partition.
//!
//! A topic that is deleted leaves its past behind: when it comes again it has a new id, and goes on
//! counting where it was. Offsets are never given away twice, also not across that.

mod error;
mod pattern;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::Arc,
};

use ksink_event::Topic;
use ksink_wire::{ErrorCode, Uuid};
use sha2::{Digest, Sha256};

pub(super) use self::error::TopicError;
pub(super) use self::pattern::is_legal;
pub use self::pattern::{TopicPattern, TopicPatternError};
use super::settings::TopicSettings;
use crate::{
    Limits,
    state::{Ledger, TopicFact, TopicMemory},
};

/// Kafka's own topics, which no producer may write to.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Which topics there are.
#[derive(Debug)]
pub(super) struct Topics {
    allowed: Vec<TopicPattern>,
    /// How many partitions a topic has when nobody says it.
    partitions: i32,
    limits: Arc<Limits>,
    /// In the order in which they came to be.
    topics: BTreeMap<TopicIndex, TopicState>,
    by_name: HashMap<Topic, TopicIndex>,
    by_id: HashMap<Uuid, TopicIndex>,
    /// By their names with `_` for every `.`, those that have either.
    by_collision: BTreeSet<(String, TopicIndex)>,
    /// Those that were deleted and did not come again.
    deleted: HashMap<Topic, Past>,
    /// Offsets that are remembered, of topics that exist and of deleted ones.
    offsets: usize,
    next_index: u64,
    /// The names of topics that came, went or changed since [`Topics::take_changes`].
    changed: BTreeSet<Topic>,
}

/// Names a topic for as long as it lives; a topic that comes again has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TopicIndex(u64);

/// What is known about a topic.
#[derive(Debug)]
pub(super) struct TopicState {
    pub(super) name: Topic,
    pub(super) id: Uuid,
    pub(super) settings: TopicSettings,
    /// How often a topic of this name was deleted before.
    deletions: u32,
    partitions: usize,
    /// The next offset of each partition, and of those that only a deleted topic of this name had.
    next_offsets: Vec<i64>,
}

/// What remains of a topic that was deleted.
#[derive(Debug, Default)]
struct Past {
    deletions: u32,
    /// Up to the last partition that something was produced to.
    next_offsets: Vec<i64>,
}

/// A topic that somebody wants, and may have.
#[derive(Debug)]
pub(super) struct NewTopic<'a> {
    name: &'a str,
    partitions: i32,
    settings: TopicSettings,
}

impl Topics {
    /// The topics that the ledger holds, and those that are allowed by name.
    pub(super) fn new(
        allowed: Vec<TopicPattern>,
        partitions: i32,
        limits: Arc<Limits>,
        ledger: &Ledger,
    ) -> Self {
        let mut topics = Self {
            allowed: allowed.clone(),
            partitions,
            limits,
            topics: BTreeMap::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            by_collision: BTreeSet::new(),
            deleted: HashMap::new(),
            offsets: 0,
            next_index: 0,
            changed: BTreeSet::new(),
        };
        for (name, memory) in &ledger.topics {
            topics.restore(name, memory);
        }
        for name in allowed.iter().filter_map(TopicPattern::name) {
            if topics.existing(name).is_none() {
                topics.add(NewTopic { name, partitions, settings: TopicSettings::default() });
            }
        }
        topics
    }

    fn restore(&mut self, name: &Topic, memory: &TopicMemory) {
        let TopicMemory { partitions, deletions, settings, next_offsets } = memory;
        let past = Past { deletions: *deletions, next_offsets: next_offsets.clone() };
        self.offsets += past.next_offsets.len();
        self.deleted.insert(name.clone(), past);
        if let Some(partitions) = partitions {
            let partitions = i32::try_from(*partitions).unwrap_or(i32::MAX);
            let settings = TopicSettings::restore(settings);
            self.add(NewTopic { name, partitions, settings });
            self.changed.remove(name);
        }
    }

    /// What must be remembered of topics that came, went or changed since this was asked last.
    pub(super) fn take_changes(&mut self) -> Vec<TopicFact> {
        mem::take(&mut self.changed).into_iter().map(|name| self.fact_of(name)).collect()
    }

    fn fact_of(&self, name: Topic) -> TopicFact {
        match self.existing(&name) {
            Some(index) => {
                let topic = self.state(index);
                TopicFact {
                    name,
                    partitions: u32::try_from(topic.partitions).ok(),
                    deletions: topic.deletions,
                    settings: topic.settings.to_remember(),
                }
            }
            None => {
                let deletions = self.deleted.get(&name).map_or(0, |past| past.deletions);
                TopicFact { name, partitions: None, deletions, settings: Vec::new() }
            }
        }
    }

    /// The topic of this name, which exists from now on if it may: being named is use.
    pub(super) fn named(&mut self, name: &str) -> Result<TopicIndex, ErrorCode> {
        if let Some(index) = self.by_name.get(name) {
            return Ok(*index);
        }
        let new = self.check_name(name).and_then(|()| self.plan(name, self.partitions));
        new.map(|new| self.add(new)).map_err(|error| error.code())
    }

    /// A topic that a client wants to create. It may be [added](Self::add) unless something else is
    /// created first.
    pub(super) fn plan_new<'a>(
        &self,
        name: &'a str,
        partitions: i32,
        settings: TopicSettings,
    ) -> Result<NewTopic<'a>, TopicError> {
        Ok(NewTopic { settings, ..self.plan(name, partitions)? })
    }

    /// Whether a topic of this name may be created; Kafka asks this before all else.
    pub(super) fn check_new_name(&self, name: &str) -> Result<(), TopicError> {
        self.check_name(name)?;
        if self.by_name.contains_key(name) {
            return Err(TopicError::Exists);
        }
        self.colliding(name).map_or(Ok(()), |other| Err(TopicError::Collides(other)))
    }

    /// Creates a topic.
    pub(super) fn add(&mut self, new: NewTopic<'_>) -> TopicIndex {
        let NewTopic { name, settings, .. } = new;
        let id = self.id_of_new(name);
        let name = Topic::from(name);
        let Past { deletions, next_offsets } = self.deleted.remove(&name).unwrap_or_default();
        let index = TopicIndex(self.next_index);
        self.next_index += 1;
        self.by_name.insert(name.clone(), index);
        self.by_id.insert(id, index);
        self.by_collision.extend(collision_key(&name).map(|key| (key, index)));
        self.changed.insert(name.clone());
        let topic = TopicState { name, id, settings, deletions, partitions: 0, next_offsets };
        self.topics.insert(index, topic);
        self.grow(index, new.partitions);
        index
    }

    /// The id that a topic of this name would get.
    pub(super) fn id_of_new(&self, name: &str) -> Uuid {
        id_of(name, self.deleted.get(name).map_or(0, |past| past.deletions))
    }

    /// Whether a topic may have that many partitions.
    pub(super) fn check_growth(
        &self,
        index: TopicIndex,
        partitions: i32,
    ) -> Result<(), TopicError> {
        self.check_room(self.state(index).next_offsets.len(), partitions)
    }

    /// Gives a topic more partitions, up to that many; it never loses one.
    pub(super) fn grow(&mut self, index: TopicIndex, partitions: i32) {
        let topic = self.state_mut(index);
        topic.partitions = topic.partitions.max(usize::try_from(partitions).unwrap_or(0));
        let before = topic.next_offsets.len();
        topic.next_offsets.resize(before.max(topic.partitions), 0);
        let name = topic.name.clone();
        self.changed.insert(name);
        self.offsets += self.state(index).next_offsets.len() - before;
    }

    /// Deletes a topic; what of it is on its way to the sink still lands there.
    pub(super) fn delete(&mut self, index: TopicIndex) {
        let Some(topic) = self.topics.remove(&index) else { return };
        let TopicState { name, id, deletions, mut next_offsets, .. } = topic;
        self.by_name.remove(&name);
        self.by_id.remove(&id);
        if let Some(key) = collision_key(&name) {
            self.by_collision.remove(&(key, index));
        }
        let produced_to =
            next_offsets.iter().rposition(|next| *next > 0).map_or(0, |last| last + 1);
        self.offsets -= next_offsets.len() - produced_to;
        next_offsets.truncate(produced_to);
        next_offsets.shrink_to_fit();
        self.changed.insert(name.clone());
        self.deleted.insert(name, Past { deletions: deletions.saturating_add(1), next_offsets });
    }

    /// The topic of this name, if it exists.
    pub(super) fn existing(&self, name: &str) -> Option<TopicIndex> {
        self.by_name.get(name).copied()
    }

    /// The topic with this id, if it exists.
    pub(super) fn with_id(&self, id: Uuid) -> Option<TopicIndex> {
        self.by_id.get(&id).copied()
    }

    /// All topics, in the order in which they came to be.
    pub(super) fn all(&self) -> impl Iterator<Item = TopicIndex> {
        self.topics.keys().copied()
    }

    /// A topic that was found in the course of the same request, so that it exists.
    pub(super) fn state(&self, index: TopicIndex) -> &TopicState {
        &self.topics[&index]
    }

    /// The name of a topic that may be gone.
    pub(super) fn name_of(&self, index: TopicIndex) -> Option<Topic> {
        self.topics.get(&index).map(|topic| topic.name.clone())
    }

    /// As [`state`](Self::state).
    pub(super) fn state_mut(&mut self, index: TopicIndex) -> &mut TopicState {
        self.topics.get_mut(&index).expect("no topic goes while a request is served")
    }

    fn plan<'a>(&self, name: &'a str, partitions: i32) -> Result<NewTopic<'a>, TopicError> {
        let past = self.deleted.get(name);
        let names = self.topics.len() + self.deleted.len();
        let is_known = past.is_some();
        if self.topics.len() >= self.limits.topics_max
            || (!is_known && names >= self.limits.topic_names_max)
        {
            return Err(TopicError::TooManyTopics);
        }
        self.check_room(past.map_or(0, |past| past.next_offsets.len()), partitions)?;
        Ok(NewTopic { name, partitions, settings: TopicSettings::default() })
    }

    fn check_name(&self, name: &str) -> Result<(), TopicError> {
        if !is_legal(name) {
            return Err(TopicError::IllegalName);
        }
        if !self.allowed.is_empty() && !self.allowed.iter().any(|pattern| pattern.matches(name)) {
            return Err(TopicError::Restricted);
        }
        Ok(())
    }

    /// A topic whose metrics Kafka could not tell from those of `name`.
    fn colliding(&self, name: &str) -> Option<Topic> {
        let key = collision_key(name)?;
        let (found, index) = self.by_collision.range((key.clone(), TopicIndex(0))..).next()?;
        (*found == key).then(|| self.state(*index).name.clone())
    }

    /// Whether there is room for `wanted` partitions where `has` offsets are remembered already.
    fn check_room(&self, has: usize, wanted: i32) -> Result<(), TopicError> {
        let wanted = usize::try_from(wanted).unwrap_or(0);
        let room = self.limits.partitions_max.saturating_sub(self.offsets);
        match wanted.saturating_sub(has) > room {
            true => Err(TopicError::TooManyPartitions),
            false => Ok(()),
        }
    }
}

impl TopicState {
    /// The numbers of the partitions.
    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> + use<> {
        (0..).take(self.partitions)
    }

    /// How many partitions there are.
    pub(super) fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions).unwrap_or(i32::MAX)
    }

    /// The offset that the next record of a partition gets, if there is such a partition.
    pub(super) fn next_offset(&self, partition: i32) -> Option<i64> {
        let partition = usize::try_from(partition).ok()?;
        self.next_offsets.get(..self.partitions)?.get(partition).copied()
    }

    /// Gives `count` offsets of a partition away and says which is the first.
    pub(super) fn take_offsets(&mut self, partition: i32, count: u32) -> Option<i64> {
        let partition = usize::try_from(partition).ok()?;
        let next = self.next_offsets.get_mut(..self.partitions)?.get_mut(partition)?;
        let first = *next;
        *next = first.checked_add(i64::from(count))?;
        Some(first)
    }

    /// Whether this is one of Kafka's own topics.
    pub(super) fn is_internal(&self) -> bool {
        INTERNAL.contains(&&*self.name)
    }
}

/// What names that collide have in common (Kafka's `Topic.unifyCollisionChars`).
fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

/// The id of a topic, derived from its name so that a restart without state confuses no client, and from
/// how often a topic of this name was deleted, so that clients can tell the new one from the old.
///
/// The bits that say "version 8, RFC 9562" are set, so it is never the zero id, which means "none".
fn id_of(name: &str, deletions: u32) -> Uuid {
    let mut digest = Sha256::new().chain_update(b"ksink topic ").chain_update(name);
    if deletions > 0 {
        // No name holds a blank, so no other name and number read the same.
        digest.update(format!(" {deletions}"));
    }
    let digest = digest.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    Uuid(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(allowed: &[&str], limits: Limits) -> Topics {
        let allowed = allowed.iter().map(|text| text.parse().expect("a legal pattern")).collect();
        Topics::new(allowed, 2, Arc::new(limits), &Ledger::default())
    }

    fn open() -> Topics {
        topics(&[], Limits { topics_max: 3, ..Limits::default() })
    }

    #[test]
    fn a_topic_exists_once_it_was_named_and_keeps_its_id() {
        let mut topics = open();
        assert_eq!(topics.existing("orders"), None);
        let orders = topics.named("orders").expect("any legal name is accepted");
        assert_eq!(topics.named("orders"), Ok(orders));
        assert_eq!(topics.with_id(topics.state(orders).id), Some(orders));
        assert_eq!(topics.state(orders).id, id_of("orders", 0), "it depends on nothing else");
        assert_ne!(id_of("orders", 0), id_of("payments", 0));
    }

    #[test]
    fn offsets_are_counted_per_partition_from_zero() {
        let mut topics = open();
        let orders = topics.named("orders").expect("legal");
        let state = topics.state_mut(orders);
        assert_eq!(state.take_offsets(0, 3), Some(0));
        assert_eq!(state.take_offsets(0, 2), Some(3));
        assert_eq!(state.take_offsets(1, 1), Some(0));
        assert_eq!((state.next_offset(0), state.next_offset(1)), (Some(5), Some(1)));
        assert_eq!((state.take_offsets(2, 1), state.take_offsets(-1, 1)), (None, None));
    }

    #[test]
    fn a_deleted_topic_comes_again_with_a_new_id_and_goes_on_counting() {
        let mut topics = open();
        let mut ids = Vec::new();
        for life in 0..3 {
            let orders = topics.named("orders").expect("legal");
            let state = topics.state_mut(orders);
            assert_eq!(state.take_offsets(1, 5), Some(life * 5));
            ids.push(state.id);
            topics.delete(orders);
            assert_eq!((topics.existing("orders"), topics.all().next()), (None, None));
            assert!(ids.iter().all(|id| topics.with_id(*id).is_none()));
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    #[test]
    fn a_partition_that_comes_again_later_than_its_topic_goes_on_counting_too() {
        let mut topics = open();
        let orders = topics.named("orders").expect("legal");
        topics.grow(orders, 4);
        topics.state_mut(orders).take_offsets(3, 7);
        topics.delete(orders);
        let orders = topics.named("orders").expect("legal");
        assert_eq!(topics.state(orders).partitions().count(), 2);
        assert_eq!(topics.state(orders).next_offset(3), None);
        assert_eq!(topics.state_mut(orders).take_offsets(3, 1), None);
        topics.grow(orders, 5);
        assert_eq!(topics.state(orders).next_offset(3), Some(7));
        assert_eq!(topics.state(orders).next_offset(4), Some(0));
    }

    #[test]
    fn what_is_remembered_of_deleted_topics_has_a_limit() {
        let limits = Limits { topic_names_max: 2, partitions_max: 5, ..Limits::default() };
        let mut topics = topics(&[], limits);
        let a = topics.named("a").expect("there is room");
        topics.delete(a);
        let b = topics.named("b").expect("a deleted topic takes no partition");
        assert_eq!(topics.named("c"), Err(ErrorCode::POLICY_VIOLATION), "a and b are remembered");
        let a = topics.named("a").expect("the name is known");
        assert_eq!(topics.check_growth(a, 3), Ok(()));
        assert_eq!(topics.check_growth(a, 4), Err(TopicError::TooManyPartitions));
        topics.state_mut(b).take_offsets(1, 1);
        topics.delete(b);
        assert_eq!(topics.check_growth(a, 4), Err(TopicError::TooManyPartitions));
        assert_eq!(topics.check_growth(a, i32::MIN), Ok(()), "which does nothing");
    }

    #[test]
    fn illegal_names_and_too_many_topics_are_refused() {
        let mut topics = open();
        for name in ["", ".", "..", "a/b", "a b", "naïve", &"x".repeat(250)] {
            assert_eq!(topics.named(name), Err(ErrorCode::INVALID_TOPIC_EXCEPTION), "{name}");
        }
        for name in ["a", "b", &"x".repeat(249)] {
            assert!(topics.named(name).is_ok(), "{name}");
        }
        assert_eq!(topics.named("one-more"), Err(ErrorCode::POLICY_VIOLATION));
    }

    #[test]
    fn restricted_topics_are_the_named_ones_and_those_that_match_a_pattern() {
        let mut topics = topics(&["orders", "events-*", "*.audit", "a*b*c"], Limits::default());
        let names: Vec<_> =
            topics.all().map(|index| topics.state(index).name.to_string()).collect();
        assert_eq!(names, ["orders"], "names exist from the start, patterns only allow");
        for name in ["orders", "events-", "events-eu", "x.audit", "abc", "aXbYc"] {
            assert!(topics.named(name).is_ok(), "{name}");
        }
        for name in ["order", "orders2", "event", "xevents-eu", "audit", "ab", "ac", "abcd"] {
            assert_eq!(topics.named(name), Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED), "{name}");
        }
    }
}
