//! Which file a transaction's records go to.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use super::{
    segment, state,
    template::{Part, Placeholder, Template},
};

/// A transactional id longer than this, once encoded, is shortened.
const TXN_ID_BYTES_MAX: usize = 180;

/// What a file of a transaction that runs ends with.
const TEMPORARY: &[u8] = b".tmp";

/// A pattern for files of transactions: `{txnID}` stands for the transactional id, `{txnSeq}` for the number
/// of the transaction among the committed ones of its id (20 digits, from 1), and `{topic}` for the topic.
///
/// All are put in at once, so that an id that looks like a placeholder is never expanded. An id becomes one
/// component of a path, and no two ids become the same: see [`path`](Self::path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPattern(Template);

/// What tells the file of a transaction from others.
#[derive(Clone, Copy, Debug)]
pub struct TransactionName<'n> {
    /// The topic of the records.
    pub topic: &'n str,
    /// The transactional id.
    pub id: &'n str,
    /// The number among the committed transactions of this id, from 1.
    pub seq: u64,
}

/// Why a pattern cannot name transactions' files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// All transactions would go to one file.
    #[error("it does not contain {{txnID}}")]
    NoTransactionalId,
    /// Nobody could tell a committed file from one of a transaction that runs.
    #[error("its files could end in .tmp, which is for transactions that run")]
    Temporary,
}

impl TransactionPattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// When it cannot name transactions' files.
    pub fn new(pattern: impl AsRef<OsStr>) -> Result<Self, PatternError> {
        use Placeholder::{Topic, TxnId, TxnSeq};
        let template = Template::new(pattern.as_ref(), &[Topic, TxnId, TxnSeq]);
        if !template.has(TxnId) {
            return Err(PatternError::NoTransactionalId);
        }
        if could_end_with(&template.parts, TEMPORARY) {
            return Err(PatternError::Temporary);
        }
        Ok(Self(template))
    }

    /// The file of a transaction, once it is committed.
    ///
    /// Of the id stay `[A-Za-z0-9_-]` and a dot that is neither first nor last; every other byte becomes `%XX`,
    /// and so do the dot of an ending `.tmp` and the first letter of what Windows takes for a device. What is
    /// longer than 180 bytes then becomes its first 120, `~`, and 32 hexadecimal digits of the id's SHA-256.
    pub fn path(&self, name: &TransactionName<'_>) -> PathBuf {
        let topic = segment::without_temporary_ending(segment::of_topic(name.topic));
        let id = segment::of_text(name.id.as_bytes(), TXN_ID_BYTES_MAX);
        let seq = format!("{:020}", name.seq);
        self.0.fill(|placeholder| match placeholder {
            Placeholder::Topic => topic.as_bytes(),
            Placeholder::TxnId => id.as_bytes(),
            Placeholder::TxnSeq => seq.as_bytes(),
        })
    }

    /// Whether each topic of a transaction has a file of its own.
    pub fn has_topic(&self) -> bool {
        self.0.has(Placeholder::Topic)
    }

    /// Whether each transaction has a file of its own, which is never appended to again.
    pub fn has_seq(&self) -> bool {
        self.0.has(Placeholder::TxnSeq)
    }

    /// Whether two pairs of topic and transactional id could have the same file, as in `{topic}-{txnID}`: `a-b`
    /// and `c`, `a` and `b-c`. Errs on the side of caution.
    pub fn names_may_meet(&self) -> bool {
        let determined = |placeholder| {
            let mut stretches = self.stretches();
            stretches.any(|stretch| {
                let mut free =
                    stretch.iter().filter(|part| **part != Placeholder::TxnSeq).peekable();
                free.peek().is_some() && free.all(|part| *part == placeholder)
            })
        };
        self.has_topic() && !(determined(Placeholder::Topic) && determined(Placeholder::TxnId))
    }

    /// The folder that every file of the pattern lies in, at some depth.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// What a server calls one of the pattern's files, as [`PathPattern::name`](super::PathPattern::name) says.
    pub fn name(&self, path: &Path) -> String {
        self.0.name(path)
    }

    /// The path that [`name`](Self::name) made a name of.
    pub fn named(&self, name: &str) -> PathBuf {
        self.0.named(name)
    }

    /// Where the state of a server lies that writes to these files, as
    /// [`PathPattern::state_folder`](super::PathPattern::state_folder) says.
    ///
    /// # Errors
    /// When the folder cannot be looked at.
    pub fn state_folder(&self) -> io::Result<PathBuf> {
        state::folder_of(&self.0)
    }

    /// The placeholders between any two bytes that no topic and no id can hold.
    fn stretches(&self) -> impl Iterator<Item = Vec<Placeholder>> {
        let mut stretches = vec![Vec::new()];
        for part in &self.0.parts {
            match part {
                Part::Literal(bytes) if bytes.iter().all(|&byte| segment::may_hold(byte)) => {}
                Part::Literal(_) => stretches.push(Vec::new()),
                Part::Placeholder(placeholder) => {
                    let stretch = stretches.last_mut().expect("there is always one");
                    stretch.push(*placeholder);
                }
            }
        }
        stretches.into_iter()
    }
}

/// Whether some path that is made of these parts ends so, whatever the case of its letters. What is put in
/// for a placeholder is never empty and never ends with all of [`TEMPORARY`] itself.
fn could_end_with(parts: &[Part], wanted: &[u8]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let Some((last, before)) = parts.split_last() else { return false };
    match last {
        Part::Literal(bytes) => {
            let common = bytes.len().min(wanted.len());
            let (ahead, here) = wanted.split_at(wanted.len() - common);
            let ends_so = bytes[bytes.len() - common..].eq_ignore_ascii_case(here);
            // A literal that is longer than what is wanted has shown all of it.
            ends_so && could_end_with(before, ahead)
        }
        Part::Placeholder(Placeholder::TxnSeq) => false,
        Part::Placeholder(Placeholder::Topic | Placeholder::TxnId) => {
            wanted != TEMPORARY || (1..wanted.len()).any(|at| could_end_with(before, &wanted[..at]))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> TransactionPattern {
        TransactionPattern::new(text).expect("it can name files")
    }

    #[track_caller]
    fn check(text: &str, topic: &str, id: &str, path: &str) {
        let name = TransactionName { topic, id, seq: 7 };
        assert_eq!(pattern(text).path(&name), Path::new(path));
    }

    #[test]
    fn every_placeholder_is_filled_in_one_pass() {
        check("m-{txnID}.jsonl", "t", "pay", "m-pay.jsonl");
        check("{topic}/{txnID}-{txnSeq}", "t", "pay", "t/pay-00000000000000000007");
        check("{topic}/{txnID}/x", "t", "{topic}", "t/%7Btopic%7D/x");
    }

    #[test]
    fn a_topic_or_an_id_at_the_end_does_not_look_like_a_running_transaction() {
        check("{txnID}/{topic}", "a.tmp", "x", "x/a%2Etmp");
        check("{topic}/{txnID}", "a", "x.tmp", "a/x%2Etmp");
    }

    #[test]
    fn a_pattern_names_the_transactional_id() {
        assert_eq!(TransactionPattern::new("{topic}"), Err(PatternError::NoTransactionalId));
    }

    #[test]
    fn a_pattern_whose_files_could_look_like_running_transactions_is_refused() {
        for text in [
            "{txnID}.tmp",
            "{txnID}.TMP",
            "{txnID}tmp",
            "{txnID}p",
            "{topic}{txnID}",
            "x.{txnID}",
            "x.t{txnID}",
            "{topic}t{txnID}",
            "{txnID}{topic}",
        ] {
            assert_eq!(TransactionPattern::new(text), Err(PatternError::Temporary), "{text}");
        }
        for text in [
            "{txnID}",
            "{txnID}.jsonl",
            "{topic}/{txnID}",
            "x-{txnID}",
            "{txnID}.{txnSeq}",
            "{txnID}x.txt",
        ] {
            assert!(TransactionPattern::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn names_that_may_meet_are_found() {
        for (text, meet) in [
            ("{txnID}", false),
            ("{topic}-{txnID}", true),
            ("{topic}-{txnSeq}-{txnID}", true),
            ("{topic}/{txnID}-{txnSeq}", false),
            ("{topic}+{txnID}", false),
            ("{topic}/{txnID}/{topic}-{txnID}", false),
            ("{topic}/{topic}-{txnID}", true),
        ] {
            assert_eq!(pattern(text).names_may_meet(), meet, "{text}");
        }
    }

    /// Ids and topics that are likely to meet.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[.a/]{1,3}", "[%2E.]{1,4}(tmp)?", ".{0,12}"]
    }

    proptest! {
        #[test]
        fn no_two_transactions_share_a_file_and_all_lie_in_the_folder(
            a in (text(), text(), 1..3u64),
            b in (text(), text(), 1..3u64),
        ) {
            let pattern = pattern("out/{topic}/{txnID}-{txnSeq}");
            let path = |(topic, id, seq): &(String, String, u64)| {
                pattern.path(&TransactionName { topic: &format!("t{topic}"), id, seq: *seq })
            };
            prop_assert_eq!(a == b, path(&a) == path(&b));
            let path = path(&a);
            prop_assert!(path.starts_with("out") && path.components().count() == 3);
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}
