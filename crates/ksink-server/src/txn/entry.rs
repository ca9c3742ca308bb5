//! What a restart finds of transactional ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use ksink_event::{Decided, Held, Intent, Topic, Transaction};
use serde::{Deserialize, Serialize};

use super::{Decision, Producer};

/// Something about transactional ids that must be remembered.
///
/// Written with postcard: a new variant goes to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransactionFact {
    /// All that is known of an id from now on.
    Entry(TransactionEntry),
    /// Partitions came into the open transaction of an id.
    Added { id: Arc<str>, partitions: Partitions },
    /// Nobody knows the id any more.
    Forgotten { id: Arc<str> },
}

/// The whole of what is remembered of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionEntry {
    pub(crate) id: Arc<str>,
    /// Who may write.
    pub(crate) producer: Producer,
    /// Who asked for the epoch that `producer` has, or ended the transaction that raised it: the same question again
    /// is a retry. `None` once the epoch was used, or when a new producer took over.
    pub(crate) previous: Option<Producer>,
    pub(crate) timeout_ms: i32,
    pub(crate) stage: Stage,
    /// When this was noted, in milliseconds since the epoch.
    pub(crate) updated_unix_ms: i64,
}

/// How far an id is with its transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    Empty,
    Ongoing { serial: u64, partitions: Partitions },
    Committing { serial: u64, intent: Bytes },
    Aborting { serial: u64 },
    Ended(Decision),
}

/// Partitions of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Partitions(BTreeMap<Topic, BTreeSet<i32>>);

/// What the facts about transactional ids amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transactions {
    pub(crate) entries: BTreeMap<Arc<str>, TransactionEntry>,
    /// The highest serial that was used, also by an id that is forgotten.
    pub(crate) last_serial: u64,
}

impl Transactions {
    /// Takes note of a fact.
    pub(crate) fn note(&mut self, fact: TransactionFact) {
        match fact {
            TransactionFact::Entry(entry) => {
                self.last_serial = self.last_serial.max(entry.stage.serial().unwrap_or_default());
                self.entries.insert(entry.id.clone(), entry);
            }
            TransactionFact::Added { id, partitions: added } => {
                let stage = self.entries.get_mut(&id).map(|entry| &mut entry.stage);
                if let Some(Stage::Ongoing { partitions, .. }) = stage {
                    partitions.extend(added);
                }
            }
            TransactionFact::Forgotten { id } => {
                self.entries.remove(&id);
            }
        }
    }

    /// Tells whoever is the sink what there is.
    pub(crate) fn tell(&self, held: &mut Held) {
        for TransactionEntry { id, stage, .. } in self.entries.values() {
            let transaction = |serial| Arc::new(Transaction { id: id.clone(), serial });
            match stage {
                Stage::Ongoing { serial, .. } => held.open.push(transaction(*serial)),
                Stage::Committing { serial, intent } => held.decided.push(Decided {
                    transaction: transaction(*serial),
                    intent: Intent(intent.clone()),
                }),
                Stage::Aborting { serial } => held.aborted.push(transaction(*serial)),
                Stage::Empty | Stage::Ended(_) => {}
            }
        }
    }
}

impl Stage {
    fn serial(&self) -> Option<u64> {
        match self {
            Self::Ongoing { serial, .. }
            | Self::Committing { serial, .. }
            | Self::Aborting { serial } => Some(*serial),
            Self::Empty | Self::Ended(_) => None,
        }
    }
}

impl Partitions {
    pub(crate) fn contains(&self, topic: &str, partition: i32) -> bool {
        self.0.get(topic).is_some_and(|partitions| partitions.contains(&partition))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn to_list(&self) -> Vec<(Topic, i32)> {
        self.iter().collect()
    }

    pub(super) fn extend(&mut self, others: Self) {
        for (topic, partitions) in others.0 {
            self.0.entry(topic).or_default().extend(partitions);
        }
    }

    /// Those that are not among `others`.
    pub(super) fn without(&self, others: &Self) -> Self {
        self.iter().filter(|(topic, partition)| !others.contains(topic, *partition)).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (Topic, i32)> {
        self.0.iter().flat_map(|(topic, all)| all.iter().map(|one| (topic.clone(), *one)))
    }
}

impl FromIterator<(Topic, i32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (Topic, i32)>>(partitions: I) -> Self {
        let mut all = Self::default();
        for (topic, partition) in partitions {
            all.0.entry(topic).or_default().insert(partition);
        }
        all
    }
}
