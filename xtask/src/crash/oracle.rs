//! Compares what producers were told with what is there.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::{
    output::Kept,
    story::{Acked, Place, Producer, Story, Transaction},
};

/// How many records or transactions went wrong, by what went wrong with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Records acknowledged or committed, and not there.
    pub lost: usize,
    /// Copies beyond the first, and records at an offset that another one has.
    pub duplicated: usize,
    /// Transactions of which some records are there, and some are not.
    pub torn: usize,
    /// Records of transactions that were aborted, or never ended.
    pub aborted_visible: usize,
    /// Records behind a later one of their producer and partition.
    pub reordered: usize,
    /// Records elsewhere than where their producer was told.
    pub misplaced: usize,
    /// Records that nobody sent.
    pub foreign: usize,
    /// Files in the output's folder that are no output, temporary ones say.
    pub leftovers: usize,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, duplicated, torn, aborted_visible, .. } = self;
        let Self { reordered, misplaced, foreign, leftovers, .. } = self;
        write!(
            f,
            "{lost} lost, {duplicated} duplicated, {torn} torn, {aborted_visible} aborted but visible, "
        )?;
        write!(
            f,
            "{reordered} reordered, {misplaced} misplaced, {foreign} foreign, {leftovers} files left"
        )
    }
}

/// Sees the output record by record, in the order of each file.
pub(crate) struct Judge<'s> {
    story: &'s Story,
    seen: HashMap<&'s str, Seen>,
    taken: HashSet<(String, i32, i64)>,
    verdict: Verdict,
}

/// What there is of one producer.
#[derive(Default)]
struct Seen {
    records: HashSet<u32>,
    by_transaction: HashMap<u32, u32>,
    last: HashMap<(String, i32), u32>,
}

impl<'s> Judge<'s> {
    pub(crate) fn new(story: &'s Story) -> Self {
        Self { story, seen: HashMap::new(), taken: HashSet::new(), verdict: Verdict::default() }
    }

    pub(crate) fn see(&mut self, kept: Kept) {
        let Some((name, producer)) = self.story.producers.get_key_value(&kept.producer) else {
            self.verdict.foreign += 1;
            return;
        };
        let seen = self.seen.entry(name).or_default();
        let Kept { transaction, n, place, .. } = kept;
        if !seen.records.insert(n) {
            self.verdict.duplicated += 1;
            return;
        }
        match transaction {
            Some(number) => *seen.by_transaction.entry(number).or_default() += 1,
            None => self.verdict.foreign += usize::from(!producer.has_sent(n)),
        }
        if producer.acked.get(&n).is_some_and(|acked| !acked.is_at(&place)) {
            self.verdict.misplaced += 1;
        }
        let last = seen.last.entry((place.topic.clone(), place.partition)).or_insert(n);
        self.verdict.reordered += usize::from(n < *last);
        *last = n.max(*last);
        if !self.taken.insert((place.topic, place.partition, place.offset)) {
            self.verdict.duplicated += 1;
        }
    }

    /// Compares, once everything was seen. Tells of what is torn, too, which numbers alone do not explain.
    pub(crate) fn judge(mut self) -> (Verdict, Vec<String>) {
        let mut torn = Vec::new();
        let nothing = Seen::default();
        for (name, producer) in &self.story.producers {
            let seen = self.seen.get(&**name).unwrap_or(&nothing);
            self.verdict.lost +=
                producer.acked.keys().filter(|n| !seen.records.contains(n)).count();
            for (number, transaction) in &producer.transactions {
                let there = seen.by_transaction.get(number).copied().unwrap_or_default();
                let before = self.verdict.torn;
                self.verdict.add(transaction, there);
                if self.verdict.torn > before {
                    torn.push(format!("{there} records of {name}'s {number}, {transaction:?}"));
                }
            }
            let unknown = |number: &&u32| !producer.transactions.contains_key(number);
            self.verdict.foreign += seen.by_transaction.keys().filter(unknown).count();
        }
        (self.verdict, torn)
    }
}

impl Verdict {
    /// A transaction of which so many records are there. What was not answered may be there whole, or not at all.
    fn add(&mut self, transaction: &Transaction, there: u32) {
        let Some(ending) = transaction.ending.filter(|ending| ending.commit) else {
            self.aborted_visible += there as usize;
            return;
        };
        if there == 0 {
            self.lost += if transaction.ended.is_some() { ending.count as usize } else { 0 };
        } else if there != ending.count {
            self.torn += 1;
        }
    }
}

impl Producer {
    fn has_sent(&self, n: u32) -> bool {
        self.sent.last().is_some_and(|(_, _, last)| n <= *last)
    }
}

impl Acked {
    /// Whether it is where its producer was told; nobody can be told wrong who was told nothing.
    fn is_at(&self, place: &Place) -> bool {
        self.place.offset < 0 || self.place == *place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::story::Ending;

    /// Four plain records of `p` to partition 0, two of them acknowledged at 10 and 20; and of `t` a committed
    /// transaction (2 records, at 30), an aborted one (1), one whose commit was not answered (2), one left open (1).
    fn story() -> Story {
        let mut story = Story::default();
        let place = |offset| Place { topic: "a".to_owned(), partition: 0, offset };
        let acked = |at, offset| Acked { at, place: place(offset) };
        story.insert(
            "p".to_owned(),
            Producer {
                sent: vec![(5, 0, 3)],
                acked: [(0, acked(10, 0)), (1, acked(20, 1))].into(),
                ..Default::default()
            },
        );
        let ended = |count, commit, ended| Transaction {
            began: 21,
            ending: Some(Ending { count, commit }),
            ended,
        };
        let open = Transaction { began: 50, ..Default::default() };
        let transactions = [
            (0, ended(2, true, Some(30))),
            (1, ended(1, false, Some(40))),
            (2, ended(2, true, None)),
            (3, open),
        ];
        story.insert(
            "t".to_owned(),
            Producer { transactions: transactions.into(), ..Default::default() },
        );
        story
    }

    fn plain(n: u32) -> Kept {
        kept("p", None, n, 0, i64::from(n))
    }

    fn kept(producer: &str, transaction: Option<u32>, n: u32, partition: i32, offset: i64) -> Kept {
        let place = Place { topic: "a".to_owned(), partition, offset };
        Kept { producer: producer.to_owned(), transaction, n, place }
    }

    /// What a sound server leaves: everything acknowledged or committed, and nothing else.
    fn sound() -> Vec<Kept> {
        vec![plain(0), plain(1), kept("t", Some(0), 0, 1, 0), kept("t", Some(0), 1, 1, 1)]
    }

    fn judged(kept: Vec<Kept>) -> Verdict {
        let story = story();
        let mut judge = Judge::new(&story);
        kept.into_iter().for_each(|kept| judge.see(kept));
        judge.judge().0
    }

    fn check(change: impl FnOnce(&mut Vec<Kept>), verdict: Verdict) {
        let mut kept = sound();
        change(&mut kept);
        assert_eq!(judged(kept), verdict);
    }

    #[test]
    fn what_was_promised_and_no_more_is_good() {
        assert!(judged(sound()).is_good());
    }

    #[test]
    fn what_was_not_answered_may_be_there_whole() {
        check(|kept| kept.extend([plain(2), plain(3)]), Verdict::default());
        let unanswered = [2, 3].map(|n| kept("t", Some(2), n, 1, n.into()));
        check(|kept| kept.extend(unanswered), Verdict::default());
    }

    #[test]
    fn an_acknowledged_record_that_is_missing_is_lost() {
        check(|kept| drop(kept.remove(0)), Verdict { lost: 1, ..Verdict::default() });
    }

    #[test]
    fn a_committed_transaction_that_is_missing_is_lost() {
        check(|kept| kept.truncate(2), Verdict { lost: 2, ..Verdict::default() });
    }

    #[test]
    fn half_a_transaction_is_torn_committed_or_not_answered() {
        check(|kept| drop(kept.pop()), Verdict { torn: 1, ..Verdict::default() });
        let half = kept("t", Some(2), 2, 1, 2);
        check(|kept| kept.push(half), Verdict { torn: 1, ..Verdict::default() });
    }

    #[test]
    fn an_aborted_record_is_visible_and_so_is_one_of_an_open_transaction() {
        for number in [1, 3] {
            let never = kept("t", Some(number), 9, 1, 9);
            check(|kept| kept.push(never), Verdict { aborted_visible: 1, ..Verdict::default() });
        }
    }

    #[test]
    fn a_copy_is_duplicated() {
        check(|kept| kept.push(plain(0)), Verdict { duplicated: 1, ..Verdict::default() });
    }

    #[test]
    fn an_offset_that_was_used_twice_is_duplicated() {
        let again = kept("p", None, 2, 0, 1);
        check(|kept| kept.push(again), Verdict { duplicated: 1, ..Verdict::default() });
    }

    #[test]
    fn a_record_behind_its_successor_is_reordered() {
        check(|kept| kept.swap(0, 1), Verdict { reordered: 1, ..Verdict::default() });
    }

    #[test]
    fn a_record_elsewhere_than_its_producer_was_told_is_misplaced() {
        check(|kept| kept[1].place.offset = 9, Verdict { misplaced: 1, ..Verdict::default() });
    }

    #[test]
    fn what_nobody_sent_is_foreign() {
        check(|kept| kept.push(plain(4)), Verdict { foreign: 1, ..Verdict::default() });
        let stranger = kept("x", None, 0, 2, 0);
        check(|kept| kept.push(stranger), Verdict { foreign: 1, ..Verdict::default() });
        let unheard = kept("t", Some(7), 9, 1, 9);
        check(|kept| kept.push(unheard), Verdict { foreign: 1, ..Verdict::default() });
    }
}
