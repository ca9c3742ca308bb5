//! Lives of transactions' files on a disk that is worse than real ones.

use ksink_disk::Fault;

use super::*;
use crate::rig::{Liar, Play, below, lines, seeds, sweep};

const PATTERN: &str = "/out/{topic}/{txnID}";

fn appending(disk: &ModelDisk) -> TransactionalFiles {
    sink(disk, PATTERN, TransactionalOptions::default())
}

fn numbering(disk: &ModelDisk) -> TransactionalFiles {
    sink(disk, "/out/{topic}/{txnID}-{txnSeq}", TransactionalOptions::default())
}

/// All that is visible, in the order of commits, and nothing else.
fn check(ledger: &Ledger, disk: &ModelDisk, seed: u64) {
    assert_eq!(below(disk, "/out"), expected(ledger), "seed {seed}");
}

fn expected(ledger: &Ledger) -> Vec<(String, String)> {
    let mut expected = Vec::new();
    for topic in ["a", "b"] {
        for id in ["x", "y", "z"] {
            let values = ledger.visible_in(Some(id), topic);
            if !values.is_empty() {
                expected.push((format!("{topic}/{id}"), lines(&values)));
            }
        }
    }
    expected
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
    let mut visible = 0;
    for seed in 0..seeds() {
        let disk = ModelDisk::new();
        let play = Play { make, has_plain: false, loses_power: seed % 2 == 0 };
        let ledger = play.run(seed, &disk).await;
        check(&ledger, &disk, seed);
        visible += ledger.visible.len() as u64;
    }
    assert!(visible > 4 * seeds(), "too little happens: {visible} records in {} plays", seeds());
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

fn over_liar(disk: &ModelDisk, about_folders: bool) -> TransactionalFiles {
    let liar = Arc::new(Liar { disk: disk.clone(), about_folders });
    let pattern = TransactionPattern::new(PATTERN).expect("a sound pattern");
    let options = TransactionalOptions::default();
    TransactionalFiles::open_on(liar, pattern, Format::default(), options).expect("a folder")
}

/// The plays would notice if a folder or a file were not synced.
#[test]
fn a_sync_that_is_left_out_is_noticed() {
    let makes: [fn(&ModelDisk) -> TransactionalFiles; 2] =
        [|disk| over_liar(disk, true), |disk| over_liar(disk, false)];
    for make in makes {
        let play = Play { make, has_plain: false, loses_power: true };
        let is_right = |seed| {
            let disk = ModelDisk::new();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let ledger = runtime.block_on(play.run(seed, &disk));
            below(&disk, "/out") == expected(&ledger)
        };
        let wrong =
            (0..200).filter(|seed| !std::panic::catch_unwind(|| is_right(*seed)).unwrap_or(false));
        assert!(wrong.count() > 2, "nobody noticed");
    }
}
