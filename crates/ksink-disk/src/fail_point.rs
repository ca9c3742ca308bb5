//! Places where a test may kill the process.
//!
//! A build with the feature `fail-points` reads `KSINK_FAIL_POINT=NAME:N` from its environment and ends at the N-th
//! passage of that place by SIGKILL: nothing is flushed, dropped or answered. Without the feature nothing is there.

/// Every place, by name: the crate that has it, then what has just been done there.
pub const FAIL_POINTS: &[&str] = &[
    "journal-appended",
    "journal-synced",
    "journal-next-generation-written",
    "journal-next-generation-synced",
    "journal-next-generation-named",
    "journal-next-generation-durable",
    "journal-tail-cut",
    "journal-opened",
    "journal-stop-written",
    "file-absent-reported",
    "file-created",
    "file-reported",
    "file-appended",
    "file-synced",
    "file-cut",
    "sink-temporary-reported",
    "sink-temporary-created",
    "sink-prepare-synced",
    "sink-prepare-accepted",
    "sink-commit-flushed",
    "sink-commit-renaming",
    "sink-commit-renamed",
    "sink-commit-appending",
    "sink-commit-appended",
    "sink-commit-files-synced",
    "sink-commit-folders-synced",
    "sink-leftover-deleted",
    "sink-abort-file-removed",
    "sink-recovery-applied",
    "sink-recovered",
    "sink-commit-accepted",
];

/// Kills the process, if this is the place and the passage that `KSINK_FAIL_POINT` names.
///
/// # Panics
/// When `name` is not one of [`FAIL_POINTS`], or the variable holds no name and number.
#[cfg(feature = "fail-points")]
pub fn fail_point(name: &'static str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static PASSAGES: AtomicU64 = AtomicU64::new(0);
    assert!(FAIL_POINTS.contains(&name), "{name} is missing in FAIL_POINTS");
    if let Some((chosen, passage)) = chosen()
        && chosen == name
        && PASSAGES.fetch_add(1, Ordering::Relaxed) + 1 == *passage
    {
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
    }
}

/// Does nothing in this build.
#[cfg(not(feature = "fail-points"))]
#[inline]
pub fn fail_point(_name: &'static str) {}

/// Which place, and at which of its passages from 1.
#[cfg(feature = "fail-points")]
fn chosen() -> Option<&'static (String, u64)> {
    use std::{env, sync::OnceLock};

    static CHOSEN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    let read = || {
        let text = env::var("KSINK_FAIL_POINT").ok()?;
        let (name, passage) = text.rsplit_once(':').expect("KSINK_FAIL_POINT is NAME:N");
        assert!(FAIL_POINTS.contains(&name), "KSINK_FAIL_POINT names no place: {name}");
        Some((name.to_owned(), passage.parse().expect("KSINK_FAIL_POINT ends with a number")))
    };
    CHOSEN.get_or_init(read).as_ref()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FAIL_POINTS;

    #[test]
    fn no_two_places_have_one_name() {
        let names: BTreeSet<&str> = FAIL_POINTS.iter().copied().collect();
        assert_eq!(names.len(), FAIL_POINTS.len());
    }
}
