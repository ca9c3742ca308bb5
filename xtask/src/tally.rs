//! Counts of what passed, failed and was skipped, and how to read them from `cargo test`.

use std::{fmt, ops::AddAssign};

/// How many tests or interop cells ended which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub(crate) fn failed(failed: u64) -> Self {
        Self { failed, ..Self::default() }
    }

    pub(crate) fn skipped(skipped: u64) -> Self {
        Self { skipped, ..Self::default() }
    }

    /// Reads one line of libtest's output: the summary of a test binary, or nothing.
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    pub(crate) fn from_libtest(line: &str) -> Option<Self> {
        let summary = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |what: &str| {
            let mut words = summary.split("; ").filter_map(|part| part.split_once(' '));
            words.find(|(_, word)| *word == what)?.0.parse().ok()
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            skipped: count("ignored")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_a_test_binary_is_counted() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.01s";
        assert_eq!(Tally::from_libtest(line), Some(Tally { passed: 3, failed: 2, skipped: 1 }));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            Tally::from_libtest("test tally::tests::other_lines_count_nothing ... ok"),
            None
        );
        assert_eq!(Tally::from_libtest("test result: ok"), None);
    }
}
