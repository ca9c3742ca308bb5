//! What a state says about outputs and commits, as plain values for people and programs that look at it.

use ksink_event::{Intent, Position};
use serde::Serialize;

use crate::{
    held_back::{self, Said as SaidOfSpill},
    position::FilePosition,
    transactional::{self, Plan, Said as SaidOfTransaction, Step},
};

/// What a position says. Files are called by their names below the folder of their pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutputReport {
    /// A file, of which so much is acknowledged.
    File {
        /// In bytes from its start.
        bytes: u64,
    },
    /// No file has the name, and an empty one that is found there is ours.
    Absent,
    /// The temporary file of a transaction.
    Temporary {
        /// The transaction.
        serial: u64,
        /// The topic of the records; the first one where all have one file.
        topic: String,
        /// How much is accepted, in bytes.
        bytes: u64,
        /// How many records that are.
        records: u64,
    },
    /// A temporary file whose transaction is over; it is to be deleted.
    Leftover,
    /// A name that belongs to one transactional id and topic.
    Claim {
        /// The name.
        name: String,
        /// The transactional id.
        id: String,
        /// The topic.
        topic: String,
    },
    /// The number of an id's last committed transaction.
    LastNumber {
        /// The transactional id.
        id: String,
        /// The number, from 1.
        number: u64,
    },
    /// Where a decided commit appends, if not where its intent says.
    AppendsAt {
        /// The transaction.
        serial: u64,
        /// The file.
        name: String,
        /// The length that it had, in bytes.
        bytes: u64,
    },
    /// Records of a transaction that are held back.
    HeldBack {
        /// The transaction.
        serial: u64,
        /// How much is accepted, in bytes.
        bytes: u64,
        /// How many records that are.
        records: u64,
    },
    /// How much of a decided commit is delivered.
    Delivered {
        /// The transaction.
        serial: u64,
        /// How many of its records.
        records: u64,
    },
    /// Something that this ksink does not know.
    Unknown,
}

/// What a decided commit will do, and has perhaps done in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum IntentReport {
    /// It gives files their names.
    Files {
        /// Each of them.
        files: Vec<PlannedFile>,
    },
    /// It delivers what was held back.
    HeldBack {
        /// In bytes.
        bytes: u64,
        /// How many records that are.
        records: u64,
    },
    /// Something that this ksink does not know.
    Unknown,
}

/// What a commit does with one file. Files are called by their names below the folder of their pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedFile {
    /// The file that the records are in.
    pub temporary: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// The name that they get.
    pub name: String,
    /// How they get there.
    pub by: PlannedStep,
}

/// How records get under their final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedStep {
    /// The file gets the name, which nothing else has.
    Rename,
    /// The file gets the name, whatever has it.
    Replace,
    /// They are added to the file that has the name.
    Append,
}

impl OutputReport {
    /// Reads what a sink of this crate said.
    pub fn of(position: &Position) -> Self {
        if let Some(said) = SaidOfTransaction::read(position) {
            return said.into();
        }
        if let Some(said) = held_back::read(position) {
            return said.into();
        }
        match position.bytes.as_deref().and_then(FilePosition::parse) {
            Some(FilePosition::At { length, .. }) => Self::File { bytes: length },
            Some(FilePosition::Absent) => Self::Absent,
            None => Self::Unknown,
        }
    }
}

impl From<SaidOfTransaction> for OutputReport {
    fn from(said: SaidOfTransaction) -> Self {
        match said {
            SaidOfTransaction::Temporary { topic, it, .. } => {
                Self::Temporary { serial: it.serial, topic, bytes: it.len, records: it.records }
            }
            SaidOfTransaction::Absent { .. } => Self::Absent,
            SaidOfTransaction::Leftover { .. } => Self::Leftover,
            SaidOfTransaction::Claim { name, claim } => {
                Self::Claim { name, id: claim.id, topic: claim.topic }
            }
            SaidOfTransaction::Seq { id, seq } => Self::LastNumber { id, number: seq },
            SaidOfTransaction::Base { serial, name, base } => {
                Self::AppendsAt { serial, name, bytes: base.len }
            }
        }
    }
}

impl From<SaidOfSpill> for OutputReport {
    fn from(said: SaidOfSpill) -> Self {
        match said {
            SaidOfSpill::Spill(serial, extent) => {
                Self::HeldBack { serial, bytes: extent.len, records: extent.records }
            }
            SaidOfSpill::Delivered(serial, delivered) => {
                Self::Delivered { serial, records: delivered.records() }
            }
        }
    }
}

impl IntentReport {
    /// Reads what [`TransactionalFiles`](crate::TransactionalFiles) said that it would do.
    pub fn of_files(intent: &Intent) -> Self {
        let Ok(Plan { files, .. }) = Plan::read(intent) else { return Self::Unknown };
        let files = files.into_iter().map(|file| PlannedFile {
            temporary: file.temporary,
            bytes: file.len,
            name: file.last,
            by: file.step.into(),
        });
        Self::Files { files: files.collect() }
    }

    /// Reads what [`HeldBack`](crate::HeldBack) said that it would do.
    pub fn of_held_back(intent: &Intent) -> Self {
        match held_back::Extent::of_intent(intent) {
            Some(extent) => Self::HeldBack { bytes: extent.len, records: extent.records },
            None => Self::Unknown,
        }
    }
}

impl From<Step> for PlannedStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Rename => Self::Rename,
            Step::Replace => Self::Replace,
            Step::Append { .. } => Self::Append,
        }
    }
}

pub use transactional::{Moved, keep_both};
