//! Random lives of a sink, with kills and losses of power in the middle of everything.

use std::{path::Path, sync::Arc};

use ksink_disk::{Crash, Fault, ModelDisk};
use ksink_event::{LastStop, Refusal, Transaction};

use super::{Ledger, Rig};
use crate::TransactionalSink;

const IDS: [&str; 3] = ["x", "y", "z"];
const TOPICS: [&str; 2] = ["a", "b"];

/// How a play goes.
pub(crate) struct Play<S> {
    pub(crate) make: fn(&ModelDisk) -> S,
    /// Whether there are records outside of transactions, too.
    pub(crate) has_plain: bool,
    /// Whether power is lost, too.
    pub(crate) loses_power: bool,
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64, by Sebastiano Vigna (public domain).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

impl<S: TransactionalSink> Play<S> {
    /// Plays one life after the other, ends in good order, and returns what must be visible then.
    pub(crate) async fn run(&self, seed: u64, disk: &ModelDisk) -> Ledger {
        let mut dice = Dice(seed);
        let mut rig = Rig::new((self.make)(disk));
        let mut values = 0;
        for _life in 0..1 + dice.below(5) {
            for _ in 0..dice.below(30) {
                self.step(&mut rig, &mut dice, &mut values).await;
            }
            // The process dies at some call, or at some frame.
            disk.fail(dice.below(12) as u64, u64::MAX, Fault::Full);
            rig.limit_frames(dice.below(8) as u64);
            for _ in 0..dice.below(4) {
                self.step(&mut rig, &mut dice, &mut values).await;
            }
            rig = self.crash(rig, &mut dice, disk).await;
        }
        self.end(rig, disk).await
    }

    async fn step(&self, rig: &mut Rig<S>, dice: &mut Dice, values: &mut u64) {
        let id = IDS[dice.below(IDS.len())];
        let topic = TOPICS[dice.below(TOPICS.len())];
        let open = rig.ledger().open.values().find(|it| &*it.id == id).cloned();
        *values += 1;
        let long = "long".repeat(dice.below(60));
        let lines = [format!("{id}{values}"), format!("{id}{values}{long}")];
        let lines = [&*lines[0], &*lines[1]];
        match (dice.below(10), open) {
            (0, _) if self.has_plain => {
                let _ = rig.write(None, topic, &[&format!("plain{values}")]).await;
                rig.sync_frames();
            }
            (1, _) => drop(rig.commit_decided().await),
            (2, _) => drop(rig.abort_given_up().await),
            (3, Some(open)) => rig.give_up(&open),
            (4..6, Some(open)) => self.commit(rig, &open, dice.below(4) > 0).await,
            (_, Some(open)) => {
                let _ = rig.write(Some(&open), topic, &lines).await;
            }
            (_, None) if !is_busy(rig.ledger(), id) => drop(rig.begin(id)),
            (_, None) => drop(rig.commit_decided().await),
        }
    }

    async fn commit(&self, rig: &mut Rig<S>, open: &Arc<Transaction>, at_once: bool) {
        match rig.prepare(open).await {
            Ok(intent) => rig.decide(open, intent),
            Err(Refusal::Rejected { .. }) => {
                // A sync failed. A process that ends before it can say so leaves what nobody can tell from what is
                // sound: this one lives long enough.
                rig.allow_frame();
                rig.give_up(open);
            }
            Err(_) => {}
        }
        if at_once {
            rig.commit_decided().await;
        }
    }

    /// Ends a process, and starts the next one, which may end in the middle of that too.
    async fn crash(&self, rig: Rig<S>, dice: &mut Dice, disk: &ModelDisk) -> Rig<S> {
        let loses_power = self.loses_power && dice.below(2) == 0;
        let mut last_stop = if loses_power { LastStop::Rebooted } else { LastStop::Unclean };
        let mut ledger = rig.ledger().clone();
        if loses_power {
            let since_sync = rig.ledgers_since_sync();
            ledger = since_sync[dice.below(since_sync.len())].clone();
        }
        drop(rig);
        for tries_left in (0..3).rev() {
            let seed = dice.below(usize::MAX) as u64;
            disk.fail(0, 0, Fault::Io);
            disk.crash(match last_stop {
                LastStop::Rebooted => Crash::PowerCut { seed },
                LastStop::Clean | LastStop::Unclean => Crash::Kill,
            });
            let sink = (self.make)(disk);
            let dies = tries_left > 0 && dice.below(2) == 0;
            disk.fail(1 + dice.below(8) as u64, if dies { u64::MAX } else { 0 }, Fault::Full);
            let resumed = Rig::resume(ledger.clone(), sink, last_stop).await;
            if !dies {
                return resumed.expect("nothing fails");
            }
            if self.loses_power && dice.below(2) == 0 {
                last_stop = LastStop::Rebooted;
            }
        }
        unreachable!("the last try does not die")
    }

    /// Ends everything that has begun.
    async fn end(&self, mut rig: Rig<S>, disk: &ModelDisk) -> Ledger {
        disk.fail(0, 0, Fault::Io);
        for open in rig.ledger().open.values().cloned().collect::<Vec<_>>() {
            rig.give_up(&open);
        }
        let done = rig.commit_decided().await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        let done = rig.abort_given_up().await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        let ledger = rig.close().await;
        let rig = Rig::resume(ledger, (self.make)(disk), LastStop::Clean).await;
        rig.expect("nothing fails").close().await
    }
}

/// Whether the next transaction of an id has to wait for the one before.
fn is_busy(ledger: &Ledger, id: &str) -> bool {
    ledger.decided.values().any(|it| &*it.transaction.id == id)
        || ledger.aborted.values().any(|it| &*it.id == id)
}

/// Plays a story once for each call of the disk, which fails in it, until no call is left. The story goes on as a server
/// does: what is refused comes again.
pub(crate) async fn sweep<S: TransactionalSink>(
    make: impl Fn(&ModelDisk) -> S,
    fault: Fault,
    has_plain: bool,
    check: impl Fn(&Ledger, &ModelDisk),
) {
    for call in 0.. {
        let disk = ModelDisk::new();
        let mut rig = Rig::new(make(&disk));
        let before = disk.calls();
        disk.fail(call, 1, fault);
        for round in 0..3 {
            for id in IDS {
                let it = rig.begin(id);
                for topic in TOPICS {
                    let value = format!("{id}{round}");
                    for _ in 0..3 {
                        if rig.write(Some(&it), topic, &[&value]).await.is_ok() {
                            break;
                        }
                    }
                    if has_plain {
                        let _ = rig.write(None, topic, &[&format!("plain-{id}{round}")]).await;
                    }
                }
                end_one(&mut rig, &it, round).await;
            }
        }
        let ledger = rig.close().await;
        assert!(ledger.open.is_empty() && ledger.decided.is_empty() && ledger.aborted.is_empty());
        let was_last = disk.calls() - before <= call;
        disk.fail(0, 0, fault);
        let rig =
            Rig::resume(ledger, make(&disk), LastStop::Clean).await.expect("no fault is left");
        check(&rig.close().await, &disk);
        if was_last {
            assert!(call > 20, "the story is too short: {call}");
            return;
        }
    }
}

/// Commits a transaction, or aborts the one of the second round.
async fn end_one<S: TransactionalSink>(rig: &mut Rig<S>, it: &Arc<Transaction>, round: usize) {
    for _ in 0..3 {
        match rig.prepare(it).await {
            Ok(intent) if round != 1 => {
                rig.decide(it, intent);
                break;
            }
            Ok(_) | Err(Refusal::Rejected { .. }) => {
                rig.give_up(it);
                break;
            }
            Err(_) => {}
        }
    }
    for _ in 0..3 {
        rig.commit_decided().await;
        rig.abort_given_up().await;
    }
}

/// The content that a file must have.
pub(crate) fn lines(values: &[String]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// How many seeds a simulation plays: 2000, or what `KSINK_SEEDS` says.
pub(crate) fn seeds() -> u64 {
    std::env::var("KSINK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2000)
}

/// What lies below a folder, without it.
pub(crate) fn below(disk: &ModelDisk, folder: &str) -> Vec<(String, String)> {
    let found = super::files(disk, Path::new(folder)).into_iter();
    found
        .map(|(path, content)| {
            let name = path.strip_prefix(folder).expect("it is below").display().to_string();
            (name, content)
        })
        .collect()
}
