//! The registry of topics: which exist, which may, and the next offset of each partition.

use std::{collections::HashMap, str::FromStr};

use ksink_event::Topic;
use ksink_wire::{ErrorCode, Uuid};
use sha2::{Digest, Sha256};

/// The longest legal topic name, in bytes (Kafka's `Topic.MAX_NAME_LENGTH`).
const NAME_BYTES_MAX: usize = 249;

/// Kafka's own topics, which no producer may write to.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Which topics there are.
#[derive(Debug)]
pub(super) struct Topics {
    allowed: Vec<TopicPattern>,
    partitions: i32,
    topics_max: usize,
    topics: Vec<TopicState>,
    by_name: HashMap<Topic, TopicIndex>,
    by_id: HashMap<Uuid, TopicIndex>,
}

/// A topic's place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TopicIndex(usize);

/// What is known about a topic.
#[derive(Debug)]
pub(super) struct TopicState {
    pub(super) name: Topic,
    pub(super) id: Uuid,
    /// The next offset of each partition.
    next_offsets: Vec<i64>,
}

/// A name or a pattern of `--topics`: `*` stands for any number of characters.
///
/// A pattern without `*` is the name of a topic that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern(String);

/// Why a text is no pattern of topics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no topic name or pattern: 1 to 249 characters of a-z, A-Z, 0-9, `.`, `_`, `-` and, in a pattern, `*`"
)]
pub struct TopicPatternError(String);

impl Topics {
    pub(super) fn new(allowed: Vec<TopicPattern>, partitions: i32, topics_max: usize) -> Self {
        let named: Vec<Topic> = allowed
            .iter()
            .filter(|pattern| pattern.is_name())
            .map(|name| Topic::from(name.0.as_str()))
            .collect();
        let mut topics = Self {
            allowed,
            partitions,
            topics_max,
            topics: Vec::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
        };
        for name in named {
            topics.add(name);
        }
        topics
    }

    /// The topic of this name, which exists from now on if it may: being named is use.
    pub(super) fn named(&mut self, name: &str) -> Result<TopicIndex, ErrorCode> {
        if let Some(index) = self.by_name.get(name) {
            return Ok(*index);
        }
        if !is_legal(name) {
            return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
        }
        if !self.allowed.is_empty() && !self.allowed.iter().any(|pattern| pattern.matches(name)) {
            return Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        }
        if self.topics.len() >= self.topics_max {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        Ok(self.add(Topic::from(name)))
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
    pub(super) fn all(&self) -> impl Iterator<Item = TopicIndex> + use<> {
        (0..self.topics.len()).map(TopicIndex)
    }

    pub(super) fn state(&self, index: TopicIndex) -> &TopicState {
        &self.topics[index.0]
    }

    pub(super) fn state_mut(&mut self, index: TopicIndex) -> &mut TopicState {
        &mut self.topics[index.0]
    }

    fn add(&mut self, name: Topic) -> TopicIndex {
        let index = TopicIndex(self.topics.len());
        let id = id_of(&name);
        let partitions = usize::try_from(self.partitions).unwrap_or(1).max(1);
        self.by_name.insert(name.clone(), index);
        self.by_id.insert(id, index);
        self.topics.push(TopicState { name, id, next_offsets: vec![0; partitions] });
        index
    }
}

impl TopicState {
    /// The numbers of the partitions.
    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> + use<> {
        (0..).take(self.next_offsets.len())
    }

    /// The offset that the next record of a partition gets, if there is such a partition.
    pub(super) fn next_offset(&self, partition: i32) -> Option<i64> {
        let partition = usize::try_from(partition).ok()?;
        self.next_offsets.get(partition).copied()
    }

    /// Gives `count` offsets of a partition away and says which is the first.
    pub(super) fn take_offsets(&mut self, partition: i32, count: u32) -> Option<i64> {
        let partition = usize::try_from(partition).ok()?;
        let next = self.next_offsets.get_mut(partition)?;
        let first = *next;
        *next = first.checked_add(i64::from(count))?;
        Some(first)
    }

    /// Whether this is one of Kafka's own topics.
    pub(super) fn is_internal(&self) -> bool {
        INTERNAL.contains(&&*self.name)
    }
}

impl TopicPattern {
    fn is_name(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether a topic name matches: the pieces between the stars appear in order, the first at the
    /// start and the last at the end.
    fn matches(&self, name: &str) -> bool {
        let Some((first, others)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
        for piece in middle.split('*') {
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }
}

impl FromStr for TopicPattern {
    type Err = TopicPatternError;

    fn from_str(text: &str) -> Result<Self, TopicPatternError> {
        let legal = match text.contains('*') {
            true => {
                text.len() <= NAME_BYTES_MAX && text.bytes().all(|b| b == b'*' || is_name_byte(b))
            }
            false => is_legal(text),
        };
        legal.then(|| Self(text.to_owned())).ok_or_else(|| TopicPatternError(text.to_owned()))
    }
}

/// Whether Kafka allows this name (`Topic.validate`).
fn is_legal(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The id of a topic, derived from its name so that a restart without state confuses no client.
///
/// The bits that say "version 8, RFC 9562" are set, so it is never the zero id, which means "none".
fn id_of(name: &str) -> Uuid {
    let digest = Sha256::new().chain_update(b"ksink topic ").chain_update(name).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    Uuid(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Topics {
        Topics::new(Vec::new(), 2, 3)
    }

    #[test]
    fn a_topic_exists_once_it_was_named_and_keeps_its_id() {
        let mut topics = open();
        assert_eq!(topics.existing("orders"), None);
        let orders = topics.named("orders").expect("any legal name is accepted");
        assert_eq!(topics.named("orders"), Ok(orders));
        assert_eq!(topics.with_id(topics.state(orders).id), Some(orders));
        assert_eq!(open().named("orders").map(|_| id_of("orders")), Ok(topics.state(orders).id));
        assert_ne!(id_of("orders"), id_of("payments"));
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
        let patterns = ["orders", "events-*", "*.audit", "a*b*c"]
            .map(|text| text.parse().expect("a legal pattern"));
        let mut topics = Topics::new(patterns.to_vec(), 1, 100);
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

    #[test]
    fn a_pattern_that_no_topic_can_match_is_an_error() {
        for text in ["", "a b", "ev/*", "..", "é*"] {
            assert!(text.parse::<TopicPattern>().is_err(), "{text}");
        }
    }
}
