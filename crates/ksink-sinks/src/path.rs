//! Which file records go to.

mod name;
mod segment;
mod state;
mod template;
mod transaction;

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

pub use self::transaction::{PatternError, TransactionName, TransactionPattern};

use self::template::{Placeholder, Template};

/// The name of a file, or a pattern in which each `{topic}` stands for a topic's name.
///
/// A pattern is taken apart once, so that a name that looks like a placeholder is never expanded again.
/// Anything else in braces stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(Template);

impl PathPattern {
    /// Takes a pattern apart.
    pub fn new(pattern: impl AsRef<OsStr>) -> Self {
        Self(Template::new(pattern.as_ref(), &[Placeholder::Topic]))
    }

    /// Whether all topics go to one file.
    pub fn is_fixed(&self) -> bool {
        !self.0.has(Placeholder::Topic)
    }

    /// The file for a topic.
    pub fn path(&self, topic: &str) -> PathBuf {
        let topic = segment::of_topic(topic);
        self.0.fill(|_| topic.as_bytes())
    }

    /// The folder that every file of the pattern lies in, at some depth.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// What a server calls one of the pattern's files: its path below the [folder](Self::folder), so that the name
    /// stays the same wherever the folder is and whatever leads there.
    pub fn name(&self, path: &Path) -> String {
        self.0.name(path)
    }

    /// The path that [`name`](Self::name) made a name of.
    pub fn named(&self, name: &str) -> PathBuf {
        self.0.named(name)
    }

    /// Where the state of a server lies that writes to these files: a folder of its own below `.ksink` in the
    /// pattern's [folder](Self::folder), links resolved. Nothing is made. `None` where the one file that is
    /// named is a pipe, a device or a folder: it has no state unless a place for it is named.
    ///
    /// # Errors
    /// When the folder cannot be looked at.
    pub fn state_folder(&self) -> io::Result<Option<PathBuf>> {
        if self.is_fixed() && state::is_special(&self.path(""))? {
            return Ok(None);
        }
        state::folder_of(&self.0).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, topic: &str, path: &str) {
        assert_eq!(PathPattern::new(pattern).path(topic), Path::new(path));
    }

    #[test]
    fn a_name_without_a_placeholder_is_one_file() {
        assert!(PathPattern::new("out.jsonl").is_fixed());
        check("out.jsonl", "orders", "out.jsonl");
    }

    #[test]
    fn every_placeholder_becomes_the_topic() {
        assert!(!PathPattern::new("{topic}").is_fixed());
        check("a/{topic}/{topic}.log", "orders", "a/orders/orders.log");
        check("{topic}", "my.topic_1-x", "my.topic_1-x");
    }

    #[test]
    fn other_braces_stand_for_themselves() {
        check("{txnID}-{Topic}-{topic-{topic}", "t", "{txnID}-{Topic}-{topic-t");
    }

    #[test]
    fn a_topic_neither_hides_its_file_nor_leaves_the_folder() {
        check("out/{topic}", ".hidden", "out/%2Ehidden");
        check("out/{topic}", "..", "out/%2E.");
        check("out/{topic}", "../../etc/evil", "out/%2E.%2F..%2Fetc%2Fevil");
        check("out/{topic}", "a/b", "out/a%2Fb");
        check("out/{topic}", "{topic}", "out/%7Btopic%7D");
        check("out/{topic}", "a%2Fb", "out/a%252Fb");
    }

    #[test]
    fn the_folder_is_what_all_files_share() {
        for (pattern, folder) in [
            ("{topic}", ""),
            ("a/b/{topic}.log", "a/b"),
            ("a/b/", "a/b/"),
            ("/{topic}", "/"),
            ("a/x-{topic}/{topic}", "a"),
        ] {
            assert_eq!(PathPattern::new(pattern).folder(), Path::new(folder), "{pattern}");
        }
    }

    #[test]
    fn a_file_is_called_by_its_path_below_the_folder() {
        for (pattern, name) in [
            ("out.jsonl", "out.jsonl"),
            ("/a/b/out.jsonl", "out.jsonl"),
            ("a/x-{topic}/{topic}.log", "x-t/t.log"),
            ("/{topic}", "t"),
        ] {
            let pattern = PathPattern::new(pattern);
            let path = pattern.path("t");
            assert_eq!(pattern.name(&path), name);
            assert_eq!(pattern.named(name), path);
        }
    }

    proptest! {
        #[test]
        fn no_two_topics_share_a_file(a in ".{0,20}", b in ".{0,20}") {
            let path = |topic: &str| PathPattern::new("{topic}").path(topic);
            prop_assert_eq!(a == b, path(&a) == path(&b));
        }

        #[test]
        fn a_topic_is_one_component(topic in ".{1,20}") {
            let path = PathPattern::new("out/{topic}").path(&topic);
            prop_assert_eq!(path.parent(), Some(Path::new("out")));
            prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
    }
}
