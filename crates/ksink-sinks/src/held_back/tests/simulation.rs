//! Lives of transactions that are held back from files, on a disk that is worse than real ones.

use ksink_disk::Fault;

use super::*;
use crate::rig::{Play, seeds, sweep};

fn make(disk: &ModelDisk) -> HeldBack<FileSink> {
    over(files_on(disk), disk)
}

/// All that is visible, of each producer in the order of acceptance, and no spill.
fn check(ledger: &Ledger, disk: &ModelDisk, seed: u64) {
    for topic in ["a", "b"] {
        let found = below(disk, "/out");
        let content = found.iter().find(|(name, _)| name == topic).map(|(_, content)| &**content);
        let content: Vec<&str> = content.unwrap_or_default().lines().collect();
        for (id, initial) in [("", 'p'), ("x", 'x'), ("y", 'y'), ("z", 'z')] {
            let of_id = content.iter().filter(|line| line.starts_with(initial));
            let of_id: Vec<&str> = of_id.copied().collect();
            assert_eq!(of_id, ledger.visible_in(Some(id), topic), "seed {seed}, topic {topic}");
        }
        let visible = ledger.visible_in(None, topic).len();
        assert_eq!(content.len(), visible, "seed {seed}, topic {topic}");
    }
    assert_eq!(below(disk, STATE), [], "seed {seed}");
}

/// exactly-once, Transactions 3 and 7: commits and plain records land once and in their order, whatever ends the process.
#[tokio::test]
async fn every_committed_transaction_is_there_once_and_no_other_whatever_ends_the_process() {
    let mut visible = 0;
    for seed in 0..seeds() {
        let disk = ModelDisk::new();
        let play = Play { make, has_plain: true, loses_power: seed % 2 == 0 };
        let ledger = play.run(seed, &disk).await;
        check(&ledger, &disk, seed);
        visible += ledger.visible.len() as u64;
    }
    assert!(visible > 4 * seeds(), "too little happens: {visible} records in {} plays", seeds());
}

/// exactly-once, Faults: whatever call fails, what is refused comes again and lands once.
#[tokio::test]
async fn any_call_of_the_disk_may_fail() {
    for fault in [Fault::Io, Fault::Full, Fault::Short] {
        sweep(make, fault, true, |ledger, disk| check(ledger, disk, 0)).await;
    }
}
