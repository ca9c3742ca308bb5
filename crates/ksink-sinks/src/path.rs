//! Which file a topic's records go to.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

const TOPIC: &[u8] = b"{topic}";

/// The name of a file, or a pattern in which each `{topic}` stands for a topic's name.
///
/// A pattern is taken apart once, so that a name that looks like a placeholder is never expanded again.
/// Anything else in braces stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    /// What stands before, between and behind the placeholders: one more than there are of them.
    literals: Vec<Vec<u8>>,
}

impl PathPattern {
    /// Takes a pattern apart.
    pub fn new(pattern: impl AsRef<OsStr>) -> Self {
        let mut literals = Vec::new();
        let mut rest = pattern.as_ref().as_bytes();
        while let Some(at) = rest.windows(TOPIC.len()).position(|window| window == TOPIC) {
            literals.push(rest[..at].to_vec());
            rest = &rest[at + TOPIC.len()..];
        }
        literals.push(rest.to_vec());
        Self { literals }
    }

    /// Whether all topics go to one file.
    pub fn is_fixed(&self) -> bool {
        self.literals.len() == 1
    }

    /// The file for a topic.
    pub fn path(&self, topic: &str) -> PathBuf {
        let topic = encode_segment(topic);
        OsString::from_vec(self.literals.join(topic.as_bytes())).into()
    }

    /// The folder that every file of the pattern lies in, at some depth.
    pub fn folder(&self) -> &Path {
        let head = Path::new(OsStr::from_bytes(&self.literals[0]));
        if self.literals[0].ends_with(b"/") { head } else { head.parent().unwrap_or(head) }
    }
}

/// A topic's name as part of a path: what is legal in a topic stays, except for a leading dot, which would
/// hide the file. Everything else becomes `%XX`; since `%` is not legal, no two topics meet.
fn encode_segment(topic: &str) -> String {
    let mut segment = String::with_capacity(topic.len());
    for (at, byte) in topic.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => segment.push(byte.into()),
            b'.' if at > 0 => segment.push('.'),
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
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

    proptest! {
        #[test]
        fn no_two_topics_share_a_file(a in ".{0,20}", b in ".{0,20}") {
            prop_assert_eq!(a == b, encode_segment(&a) == encode_segment(&b));
        }

        #[test]
        fn a_topic_is_one_component(topic in ".{1,20}") {
            let path = PathPattern::new("out/{topic}").path(&topic);
            prop_assert_eq!(path.parent(), Some(Path::new("out")));
            prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
    }
}
