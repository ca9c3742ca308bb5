//! What was heard on the wire of one transactional id, and what a reader saw at those moments.

use std::collections::{BTreeSet, HashMap};

use ksink_wire::ApiKey;

use super::{
    script::Script,
    watch::{Look, Watch},
};
use crate::interop::{conversation::Then, plan::Cell};

/// CONCURRENT_TRANSACTIONS, in the table of error codes in Kafka's protocol guide: ask again.
const ASK_AGAIN: i16 = 51;

/// The two ways in which clients speak of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Partitions are added by requests of their own.
    One,
    /// Partitions are added by producing to them, and each end raises the epoch (KIP-890).
    Two,
}

impl Protocol {
    fn allows_end(self, version: i16) -> bool {
        (version >= 5) == (self == Self::Two)
    }

    fn allows_produce(self, version: i16) -> bool {
        (version >= 12) == (self == Self::Two)
    }
}

/// When ksink is killed: as a frame is heard, which then does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub side: Side,
    pub api: ApiKey,
    /// Counted from 1, for each transactional id.
    pub nth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Request,
    /// One without an error.
    Answer,
}

/// What was said of one transactional id.
#[derive(Clone, Default)]
pub(crate) struct HeardOfId {
    topics: Vec<String>,
    pub ends: Vec<End>,
    /// The versions of the requests that carried its records.
    pub produced: BTreeSet<i16>,
    /// Whether partitions were added by requests of their own.
    pub added: bool,
    pub killed: usize,
    kills: &'static [Moment],
    counts: HashMap<(Side, ApiKey), usize>,
}

/// A transaction, as the client asked for its end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub version: i16,
    pub committed: bool,
    /// None: it was not heard to be answered.
    pub code: Option<i16>,
    /// What there was to see when the client asked.
    pub before: Look,
    /// And when ksink answered.
    pub after: Look,
}

impl HeardOfId {
    /// Expects to hear what a cell asks for.
    pub(crate) fn expecting(cell: &Cell) -> Self {
        let topics = cell.topics().into_iter().map(str::to_owned).collect();
        Self { topics, kills: cell.kills, ..Self::default() }
    }

    /// Notes the end of a transaction, and gives its place for the answer.
    pub(crate) fn hear_end(
        &mut self,
        version: i16,
        committed: bool,
        watch: Option<&Watch>,
    ) -> usize {
        let before = self.look(watch);
        self.ends.push(End { version, committed, code: None, before, after: before });
        self.ends.len() - 1
    }

    pub(crate) fn hear_ended(&mut self, place: usize, code: i16, watch: Option<&Watch>) {
        let after = self.look(watch);
        let end = &mut self.ends[place];
        (end.code, end.after) = (Some(code), after);
    }

    /// Counts a frame, and says whether ksink has to be killed now.
    pub(crate) fn count(&mut self, side: Side, api: ApiKey) -> Then {
        let count = self.counts.entry((side, api)).or_default();
        *count += 1;
        let now = Moment { side, api, nth: *count };
        if self.kills.contains(&now) {
            self.killed += 1;
            return Then::Kill;
        }
        Then::PassOn
    }

    fn look(&self, watch: Option<&Watch>) -> Look {
        watch.map(|watch| watch.look(&self.topics)).unwrap_or_default()
    }

    /// Where something else was said or seen than has to be, in sentences. The records of a transaction lie in
    /// temporary files, if they are not held back elsewhere.
    pub(crate) fn check(
        &self,
        cell: &Cell,
        script: &Script,
        protocol: Protocol,
        temporary: bool,
    ) -> Vec<String> {
        let mut differences = self.check_protocol(protocol);
        if self.killed != cell.kills.len() {
            differences.push(format!("killed {} of {} times", self.killed, cell.kills.len()));
        }
        // What is asked again after a kill may have been done before.
        if cell.kills.is_empty() {
            differences.extend(self.check_sight(script, temporary));
        }
        differences
    }

    fn check_protocol(&self, protocol: Protocol) -> Vec<String> {
        let mut differences = Vec::new();
        let ends: BTreeSet<i16> = self.ends.iter().map(|end| end.version).collect();
        let otherwise = ends.iter().any(|version| !protocol.allows_end(*version))
            || self.produced.iter().any(|version| !protocol.allows_produce(*version))
            || self.added != (protocol == Protocol::One);
        if otherwise {
            let (added, produced) = (self.added, &self.produced);
            differences.push(format!(
                "spoke otherwise than by protocol {protocol:?}: EndTxn {ends:?}, Produce {produced:?}, partitions added: {added}"
            ));
        }
        differences
    }

    fn check_sight(&self, script: &Script, temporary: bool) -> Vec<String> {
        let mut sight = Sight {
            sizes: script.commits().into_iter(),
            temporary,
            visible: 0,
            asks_again: false,
            differences: Vec::new(),
        };
        self.ends.iter().for_each(|end| sight.follow(end));
        if sight.sizes.next().is_some() {
            sight.differences.push("a commit was not heard to succeed".to_owned());
        }
        sight.differences
    }
}

/// Follows what a reader sees: nothing of a transaction before its commit was asked for, and all of it when that is
/// answered.
struct Sight {
    sizes: std::vec::IntoIter<usize>,
    temporary: bool,
    visible: usize,
    /// Whether the end that follows may have come about already.
    asks_again: bool,
    differences: Vec<String>,
}

impl Sight {
    fn follow(&mut self, end: &End) {
        let was_asked = std::mem::replace(&mut self.asks_again, end.code == Some(ASK_AGAIN));
        if !was_asked {
            self.expect_visible("asked for", end.before);
        }
        if end.code != Some(0) {
            return;
        }
        if end.committed {
            self.visible += self.sizes.next().unwrap_or_default();
            let is_there = was_asked || (end.before.temporary > 0) == self.temporary;
            self.expect("temporary files while it was open", is_there, end.before);
            // What was appended to a file may stay, until it is sure that it is not needed again.
            let is_gone = end.after.temporary == 0 || end.before.visible > 0;
            self.expect("no temporary files when it was over", is_gone, end.after);
        }
        self.expect_visible("answered", end.after);
    }

    fn expect_visible(&mut self, when: &str, look: Look) {
        let what = format!("{} lines when the end was {when}", self.visible);
        self.expect(&what, look.visible == self.visible, look);
    }

    fn expect(&mut self, what: &str, is_so: bool, look: Look) {
        if !is_so {
            self.differences.push(format!("expected {what}, but saw {look:?}"));
        }
    }
}

#[cfg(test)]
impl HeardOfId {
    /// What is heard where everything is as a cell asks.
    pub(crate) fn as_asked(cell: &Cell, protocol: Protocol, temporary: bool) -> Self {
        let (end, produce) = match protocol {
            Protocol::One => (4, 11),
            Protocol::Two => (5, 12),
        };
        let mut heard = Self { killed: cell.kills.len(), ..Self::expecting(cell) };
        heard.added = protocol == Protocol::One;
        heard.produced = [produce].into();
        let mut visible = 0;
        for size in cell.script.iter().flat_map(Script::commits) {
            let before = Look { visible, temporary: usize::from(temporary) };
            visible += size;
            let after = Look { visible, temporary: 0 };
            heard.ends.push(End { version: end, committed: true, code: Some(0), before, after });
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::{super::script::Author, *};

    const BEFORE: Look = Look { visible: 0, temporary: 1 };
    const AFTER: Look = Look { visible: 2, temporary: 0 };
    const COMMIT: End =
        End { version: 5, committed: true, code: Some(0), before: BEFORE, after: AFTER };

    fn check(ends: &[End], temporary: bool) -> Vec<String> {
        let cell = Author::new(Cell { name: "row", ..Cell::default() });
        let cell = cell.open("only").transaction("only", 2).finish();
        let mut heard = HeardOfId::as_asked(&cell, Protocol::Two, temporary);
        heard.ends = ends.to_vec();
        heard.check(&cell, cell.script.as_ref().unwrap(), Protocol::Two, temporary)
    }

    #[test]
    fn what_is_committed_is_seen_at_once_and_not_before() {
        assert_eq!(check(&[COMMIT], true), Vec::<String>::new());
        assert_eq!(check(&[End { before: AFTER, ..COMMIT }], false).len(), 1);
        assert_eq!(check(&[End { after: BEFORE, ..COMMIT }], true).len(), 2);
        assert_eq!(check(&[], true), ["a commit was not heard to succeed"]);
    }

    #[test]
    fn temporary_files_are_there_where_they_have_to_be() {
        let held = End { before: Look::default(), ..COMMIT };
        assert_eq!(check(std::slice::from_ref(&held), false), Vec::<String>::new());
        assert_eq!(check(&[held], true).len(), 1);
        assert_eq!(check(&[COMMIT], false).len(), 1);
    }

    #[test]
    fn an_end_that_is_asked_again_may_have_come_about() {
        let unanswered = End { code: Some(ASK_AGAIN), after: BEFORE, ..COMMIT };
        assert_eq!(
            check(&[unanswered, End { before: AFTER, ..COMMIT }], true),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_client_speaks_by_its_protocol() {
        let spoken = End { version: 4, ..COMMIT };
        assert_eq!(check(&[spoken], true).len(), 1);
    }

    #[test]
    fn the_moment_of_a_kill_comes_once() {
        const KILLS: &[Moment] = &[Moment { side: Side::Answer, api: ApiKey::EndTxn, nth: 2 }];
        let mut heard = HeardOfId::expecting(&Cell { kills: KILLS, ..Cell::default() });
        let then = [(); 3].map(|()| heard.count(Side::Answer, ApiKey::EndTxn));
        assert!(then == [Then::PassOn, Then::Kill, Then::PassOn]);
        assert_eq!(heard.killed, 1);
    }
}
