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
