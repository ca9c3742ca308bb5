//! Settling by hand what a start stopped at: a decided commit whose final name is taken by something else.

use std::{io, path::PathBuf};

use ksink_disk::{Disk, Existing};
use ksink_event::{Intent, Refusal};

use super::{
    apply::{Earlier, Work},
    intent::Plan,
};
use crate::TransactionPattern;

/// So many names are tried for what has to give way.
const NUMBERS_MAX: u64 = 10_000;

/// Something that has another name now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The name that it had.
    pub from: PathBuf,
    /// The name that it has.
    pub to: PathBuf,
}

/// Gives `x.conflict-1` as a name to whatever has the final name of a decided commit and is not its file, so that the next
/// start can go on. Both are kept. What the commit can do by itself is left alone.
///
/// # Errors
/// When the intent is not one of [`TransactionalFiles`](crate::TransactionalFiles), or the system refuses something.
pub fn keep_both(
    disk: &dyn Disk,
    pattern: &TransactionPattern,
    intent: &Intent,
) -> Result<Vec<Moved>, Refusal> {
    let mut moved = Vec::new();
    for plan in &Plan::read(intent)?.files {
        let (temporary, last) = (pattern.named(&plan.temporary), pattern.named(&plan.last));
        let earlier = Earlier::Unknown;
        let work = Work { disk, plan, temporary: &temporary, last: &last, base: None, earlier };
        if work.is_in_the_way()? {
            let to = give_way(disk, &last).map_err(|error| {
                Refusal::local(format!("cannot rename {}: {error}", last.display()))
            })?;
            moved.push(Moved { from: last, to });
        }
    }
    Ok(moved)
}

fn give_way(disk: &dyn Disk, path: &std::path::Path) -> io::Result<PathBuf> {
    for number in 1..=NUMBERS_MAX {
        let mut to = path.as_os_str().to_owned();
        to.push(format!(".conflict-{number}"));
        let to = PathBuf::from(to);
        match disk.rename(path, &to, Existing::Refuse) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            renamed => {
                renamed?;
                disk.sync_folder(path.parent().unwrap_or(path))?;
                return Ok(to);
            }
        }
    }
    Err(io::Error::other("no number is free"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ksink_disk::RealDisk;

    use super::{
        super::{
            intent::{FilePlan, Step},
            position::{Base, Which},
        },
        *,
    };

    /// What is at the name of a decided commit, the step that it takes there, and whether that has to give way.
    fn check(step: Step, make: impl Fn(&std::path::Path), gives_way: bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("x.tmp"), "ours").expect("a file");
        make(&at("x"));
        fs::write(at("x.conflict-1"), "taken").expect("a file");
        let look = RealDisk.look(&at("x.tmp")).expect("a folder").expect("a file");
        let pattern = TransactionPattern::new(at("{txnID}")).expect("a pattern");
        let file = FilePlan {
            temporary: "x.tmp".to_owned(),
            which: look.identity.into(),
            len: 4,
            last: "x".to_owned(),
            step,
        };
        let plan = Plan { seq: 1, records: 1, files: vec![file], empty: Vec::new() };
        let was_taken = at("x").exists();
        let moved = keep_both(&RealDisk, &pattern, &plan.intent()).expect("nothing fails");
        let expected = Moved { from: at("x"), to: at("x.conflict-2") };
        let expected = if gives_way { vec![expected] } else { Vec::new() };
        assert_eq!(moved, expected, "{step:?}");
        assert_eq!(at("x").exists(), was_taken && !gives_way, "{step:?}");
        assert!(at("x.tmp").exists() && at("x.conflict-1").exists());
    }

    #[test]
    fn only_what_keeps_a_commit_from_its_name_gives_way() {
        let which = Which { inode: 1, born_ns: 2 };
        let append = Step::Append { to: Base { which, len: 0 }, crc: 0 };
        let file = |path: &std::path::Path| fs::write(path, "of others").expect("a file");
        let same = |path: &std::path::Path| fs::write(path, "ours").expect("a file");
        let sub = |path: &std::path::Path| fs::create_dir(path).expect("a folder");
        check(Step::Rename, file, true);
        check(Step::Rename, sub, true);
        check(Step::Rename, same, false);
        check(Step::Rename, |_| {}, false);
        check(Step::Replace, file, false);
        check(Step::Replace, sub, true);
        check(append, file, false);
        check(append, sub, true);
    }
}
