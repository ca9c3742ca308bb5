//! What a state holds, as it is told.

use std::{collections::BTreeMap, path::Path};

use ksink_server::{
    DecidedCommit as Decided, LastStop, OffsetReport, Position, ProducerReport, StageReport,
    StateContents, StateReport, TransactionReport,
};
use ksink_sinks::inspect::{IntentReport, OutputReport};
use serde::Serialize;

use crate::state::{IN_FILES, TRANSACTIONS};

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    pub(super) state: String,
    pub(super) journal: String,
    /// How the last run ended, if there was one.
    pub(super) last_stop: Option<LastRun>,
    /// Why the next start will refuse it, and how to go on.
    pub(super) damage: Option<String>,
    #[serde(flatten)]
    pub(super) contents: Contents,
    /// What can be read behind the damage.
    pub(super) behind_damage: Option<Contents>,
}

/// How the last run ended.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LastRun {
    /// It said goodbye.
    Clean,
    /// It was killed.
    Unclean,
    /// It was killed, and the machine was started again since.
    Rebooted,
}

/// What is remembered.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    pub(super) purpose: BTreeMap<String, String>,
    pub(super) offsets: Vec<OffsetReport>,
    pub(super) producers: Vec<ProducerReport>,
    pub(super) transactions: Vec<Transaction>,
    pub(super) outputs: Vec<Output>,
}

/// A transactional id and its transaction.
#[derive(Debug, Serialize)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
    pub(super) timeout_ms: i32,
    /// `none`, `open`, `committing`, `aborting`, `committed`, `aborted`.
    pub(super) stage: &'static str,
    pub(super) serial: Option<u64>,
    /// Topics and partitions of one that is open.
    pub(super) partitions: Vec<(String, i32)>,
    /// What a commit that is decided will do.
    pub(super) will: Option<IntentReport>,
}

/// An output, and where it stands.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) stands: OutputReport,
}

impl Listing {
    pub(super) fn new(folder: &Path, contents: &StateContents) -> Self {
        let StateContents { journal, report, last_stop, damage, behind, .. } = contents;
        let last_stop = last_stop.map(|stop| match stop {
            LastStop::Clean => LastRun::Clean,
            LastStop::Unclean => LastRun::Unclean,
            LastStop::Rebooted => LastRun::Rebooted,
        });
        let has_files = report.purpose.get(TRANSACTIONS).is_some_and(|held| held == IN_FILES);
        Self {
            state: folder.display().to_string(),
            journal: journal.display().to_string(),
            last_stop,
            damage: damage.clone(),
            contents: Contents::new(report, has_files),
            behind_damage: behind.as_ref().map(|behind| Contents::new(behind, has_files)),
        }
    }

    pub(super) fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("no key is anything but text");
        text.push('\n');
        text
    }
}

impl Contents {
    fn new(report: &StateReport, has_files: bool) -> Self {
        let output = |position: &Position| Output {
            name: position.output.to_string(),
            stands: OutputReport::of(position),
        };
        Self {
            purpose: report.purpose.clone(),
            offsets: report.offsets.clone(),
            producers: report.producers.clone(),
            transactions: report
                .transactions
                .iter()
                .map(|it| Transaction::new(it, has_files))
                .collect(),
            outputs: report.positions.iter().map(output).collect(),
        }
    }
}

impl Transaction {
    fn new(report: &TransactionReport, has_files: bool) -> Self {
        let (stage, serial, partitions, will) = match &report.stage {
            StageReport::Empty => ("none", None, Vec::new(), None),
            StageReport::Open { serial, partitions } => {
                let partitions = partitions.iter().map(|(topic, it)| (topic.to_string(), *it));
                ("open", Some(*serial), partitions.collect(), None)
            }
            StageReport::Committing(Decided { transaction, intent }) => {
                let will = match has_files {
                    true => IntentReport::of_files(intent),
                    false => IntentReport::of_held_back(intent),
                };
                ("committing", Some(transaction.serial), Vec::new(), Some(will))
            }
            StageReport::Aborting { serial } => ("aborting", Some(*serial), Vec::new(), None),
            StageReport::Committed => ("committed", None, Vec::new(), None),
            StageReport::Aborted => ("aborted", None, Vec::new(), None),
        };
        Self {
            id: report.id.to_string(),
            producer_id: report.producer_id,
            epoch: report.epoch,
            timeout_ms: report.timeout_ms,
            stage,
            serial,
            partitions,
            will,
        }
    }
}
