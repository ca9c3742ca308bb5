//! Where the state of a pattern lies.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{segment, template::Template};

/// What is never an output: the folder beside outputs that holds states.
const STATES: &str = ".ksink";

/// A state's name longer than this, once encoded, is shortened.
const NAME_BYTES_MAX: usize = 200;

/// The folder of a pattern's state. Patterns that differ have folders that differ, also in one folder.
pub(super) fn folder_of(template: &Template) -> io::Result<PathBuf> {
    let mut folder = resolved(template.folder())?;
    folder.push(STATES);
    folder.push(segment::of_text(template.below_folder(), NAME_BYTES_MAX));
    Ok(folder)
}

/// Whether a path is something else than a regular file, or than nothing yet. Links are followed; but what a shell
/// made of `/dev/stdout` is the shell's.
pub(super) fn is_special(path: &Path) -> io::Result<bool> {
    let folder = resolved(path.parent().unwrap_or(path))?;
    if folder.starts_with("/proc") || folder == Path::new("/dev") {
        return Ok(true);
    }
    match fs::metadata(path) {
        Ok(metadata) => Ok(!metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A folder by the one name that it has without links. Those of its ancestors that are missing are no links.
fn resolved(folder: &Path) -> io::Result<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for there in folder.ancestors() {
        let named = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        match fs::canonicalize(named) {
            Ok(resolved) => {
                let missing = folder.strip_prefix(there).unwrap_or_else(|_| Path::new(""));
                return Ok(resolved.join(missing));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::os::{fd::AsRawFd, unix::fs::symlink};

    use crate::{PathPattern, TransactionPattern};

    use super::*;

    fn state(pattern: &Path) -> Option<PathBuf> {
        PathPattern::new(pattern).state_folder().expect("the folder can be looked at")
    }

    /// exactly-once, Where the state lies: in the longest literal folder, resolved.
    #[test]
    fn the_state_lies_beside_the_output_by_its_pattern() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = fs::canonicalize(folder.path()).expect("it is there");
        fs::create_dir(top.join("real")).expect("a folder");
        symlink("real", top.join("link")).expect("a link");
        let long = format!("{}{{topic}}", "x".repeat(250));
        for (pattern, state_folder) in [
            ("out.jsonl", ".ksink/out.jsonl"),
            ("{topic}.jsonl", ".ksink/%7Btopic%7D.jsonl"),
            ("x-{topic}/y", ".ksink/x-%7Btopic%7D%2Fy"),
            ("link/out", "real/.ksink/out"),
            ("new/below/out", "new/below/.ksink/out"),
            ("link/new/{topic}", "real/new/.ksink/%7Btopic%7D"),
        ] {
            assert_eq!(
                state(&folder.path().join(pattern)),
                Some(top.join(state_folder)),
                "{pattern}"
            );
        }
        let hashed = state(&folder.path().join(long)).expect("a folder");
        assert_eq!(hashed.file_name().map(|name| name.len()), Some(120 + 1 + 32));
        let transactional = TransactionPattern::new(top.join("m-{txnID}")).expect("a pattern");
        assert_eq!(
            transactional.state_folder().expect("a folder"),
            top.join(".ksink/m-%7BtxnID%7D")
        );
        assert!(!top.join(".ksink").exists() && !top.join("new").exists(), "nothing was made");
    }

    /// exactly-once, Where the state lies: what is no regular file has none unless it is named.
    #[test]
    fn what_is_no_regular_file_has_no_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let descriptor = fs::File::create(folder.path().join("redirected")).expect("a file");
        let redirected = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
        for path in ["/dev/null", "/dev/stdout", "/dev/new", &redirected] {
            assert_eq!(state(Path::new(path)), None, "{path}");
        }
        assert_eq!(state(folder.path()), None);
    }
}
