//! What a reader of the output sees while transactions are going on.

use std::{fs, path::PathBuf};

/// The end of a name under which a transaction's records lie until it is committed.
const TEMPORARY: &str = ".tmp";

/// Looks at the files of a folder.
#[derive(Clone)]
pub(crate) struct Watch {
    folder: PathBuf,
}

/// What there is of some topics at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Lines in files with their final names.
    pub visible: usize,
    /// Files of transactions that are not committed.
    pub temporary: usize,
}

impl Watch {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Files may come and go meanwhile; what is gone is not seen.
    pub(crate) fn look(&self, topics: &[String]) -> Look {
        let mut look = Look::default();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !topics.iter().any(|topic| is_of(&name, topic)) {
                continue;
            }
            if name.ends_with(TEMPORARY) {
                look.temporary += 1;
            } else {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                look.visible += bytes.iter().filter(|byte| **byte == b'\n').count();
            }
        }
        look
    }
}

/// Whether this is the file of a topic, or of one of its transactions: no topic has another's name and more.
fn is_of(name: &str, topic: &str) -> bool {
    name.strip_prefix(topic).is_some_and(|rest| rest.starts_with(['@', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_that_of_one_topic() {
        for name in ["a.jsonl", "a@id.jsonl", "a@id.jsonl.tmp"] {
            assert!(is_of(name, "a"), "{name}");
        }
        assert!(!is_of("ab.jsonl", "a"));
        assert!(!is_of(".ksink", "a"));
    }
}
