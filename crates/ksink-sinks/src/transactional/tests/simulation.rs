//! Lives of transactions' files on a disk that is worse than real ones.

use ksink_disk::Fault;

use super::*;
use crate::rig::{Play, below, lines, seeds, sweep};

const PATTERN: &str = "/out/{topic}/{txnID}";

fn appending(disk: &ModelDisk) -> TransactionalFiles {
    sink(disk, PATTERN, TransactionalOptions::default())
}

fn numbering(disk: &ModelDisk) -> TransactionalFiles {
    sink(disk, "/out/{topic}/{txnID}-{txnSeq}", TransactionalOptions::default())
}

/// All that is visible, in the order of commits, and nothing else.
fn check(ledger: &Ledger, disk: &ModelDisk, seed: u64) {
    let mut expected = Vec::new();
    for topic in ["a", "b"] {
        for id in ["x", "y", "z"] {
            let values = ledger.visible_in(Some(id), topic);
            if !values.is_empty() {
                expected.push((format!("{topic}/{id}"), lines(&values)));
            }
        }
    }
    assert_eq!(below(disk, "/out"), expected, "seed {seed}");
}

/// The same where each transaction has files of its own.
fn check_numbered(ledger: &Ledger, disk: &ModelDisk, seed: u64) {
    let found = below(disk, "/out");
    for topic in ["a", "b"] {
        for id in ["x", "y", "z"] {
            let prefix = format!("{topic}/{id}-");
            let of_id = found.iter().filter(|(name, _)| name.starts_with(&prefix));
            let content: String = of_id.map(|(_, content)| content.as_str()).collect();
            assert_eq!(content, lines(&ledger.visible_in(Some(id), topic)), "seed {seed}");
        }
    }
    assert!(found.iter().all(|(name, _)| !name.ends_with(".tmp")), "seed {seed}: {found:?}");
}

async fn play(make: fn(&ModelDisk) -> TransactionalFiles, check: fn(&Ledger, &ModelDisk, u64)) {
    for seed in 0..seeds() {
        let disk = ModelDisk::new();
        let play = Play { make, has_plain: false, loses_power: seed % 2 == 0 };
        check(&play.run(seed, &disk).await, &disk, seed);
    }
}

/// exactly-once, Transactions 3: a decided commit never becomes anything but a complete one.
#[tokio::test]
async fn every_committed_transaction_is_there_once_and_no_other_whatever_ends_the_process() {
    play(appending, check).await;
}

/// exactly-once, Names: `{txnSeq}` counts committed ones only, whatever ends the process.
#[tokio::test]
async fn every_committed_transaction_has_its_files_whatever_ends_the_process() {
    play(numbering, check_numbered).await;
}

/// exactly-once, Faults: whatever call fails, what is refused comes again and lands once.
#[tokio::test]
async fn any_call_of_the_disk_may_fail() {
    for fault in [Fault::Io, Fault::Full, Fault::Short] {
        sweep(appending, fault, false, |ledger, disk| check(ledger, disk, 0)).await;
        sweep(numbering, fault, false, |ledger, disk| check_numbered(ledger, disk, 0)).await;
    }
}
