//! What a state remembers of a transaction that is held back.

use std::collections::BTreeMap;

use bytes::Bytes;
use ksink_event::{Intent, Position};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The first byte of what stands for how far a spill got.
const SPILL: u8 = 32;

/// The first byte of what stands for how much of a commit was delivered.
const DELIVERED: u8 = 33;

/// The first byte of an intent.
const INTENT: u8 = 1;

/// How much of a spill is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// In bytes.
    pub(crate) len: u64,
    pub(crate) records: u64,
}

/// How many records of each partition a commit has delivered already, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered(BTreeMap<(String, i32), u64>);

impl Extent {
    pub(crate) fn position(&self, serial: u64) -> Position {
        Position::at(spill_name(serial), encoded(SPILL, self))
    }

    pub(crate) fn intent(&self) -> Intent {
        Intent(encoded(INTENT, self))
    }

    pub(crate) fn of_intent(intent: &Intent) -> Option<Self> {
        decoded(INTENT, &intent.0)
    }
}

impl Delivered {
    /// How many of a partition.
    pub(crate) fn of(&mut self, topic: &str, partition: i32) -> &mut u64 {
        self.0.entry((topic.to_owned(), partition)).or_default()
    }

    /// How many of all.
    pub(crate) fn records(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn position(&self, serial: u64) -> Position {
        Position::at(progress_name(serial), encoded(DELIVERED, self))
    }
}

/// What a position says about a transaction.
pub(crate) enum Said {
    Spill(u64, Extent),
    Delivered(u64, Delivered),
}

/// Reads a position, if it is one of these.
pub(crate) fn read(position: &Position) -> Option<Said> {
    let bytes = position.bytes.as_ref()?;
    let serial_behind = |name| position.output.strip_prefix(name)?.parse().ok();
    match *bytes.first()? {
        SPILL => Some(Said::Spill(serial_behind("spill:")?, decoded(SPILL, bytes)?)),
        DELIVERED => Some(Said::Delivered(serial_behind("progress:")?, decoded(DELIVERED, bytes)?)),
        _ => None,
    }
}

/// Nothing is to be remembered of the transaction any more.
pub(crate) fn withdrawn(serial: u64) -> [Position; 2] {
    [spill_name(serial), progress_name(serial)].map(Position::withdrawn)
}

fn spill_name(serial: u64) -> String {
    format!("spill:{serial}")
}

fn progress_name(serial: u64) -> String {
    format!("progress:{serial}")
}

/// A byte that says what it is, and the rest in postcard's encoding.
fn encoded(kind: u8, content: &impl Serialize) -> Bytes {
    postcard::to_extend(content, vec![kind]).expect("a vector takes all").into()
}

fn decoded<T: DeserializeOwned>(kind: u8, bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes.strip_prefix(&[kind])?).ok()
}
