//! Whether files could be opened, found out without making any.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::OpenError;
use crate::PathPattern;

/// Looks whether [`open`](super::FileSink::open) would find what it needs.
pub(super) fn look(pattern: &PathPattern) -> Result<(), OpenError> {
    let (path, looked) = if pattern.is_fixed() {
        let path = pattern.path("");
        let looked = look_at_file(&path);
        (path, looked)
    } else {
        (pattern.folder().to_owned(), look_at_folder(pattern.folder()))
    };
    looked.map_err(|cause| OpenError { path, cause })
}

pub(crate) fn look_at_file(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) => may(path, Access::WRITE_OK),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            look_at_folder(path.parent().unwrap_or(path))
        }
        Err(error) => Err(error),
    }
}

/// Missing folders would be made in the nearest one that there is.
pub(crate) fn look_at_folder(folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {
                return may(folder, Access::WRITE_OK | Access::EXEC_OK);
            }
            Ok(_) => return Err(ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}

/// Whether this process may do so.
pub(super) fn may(path: &Path, access: Access) -> io::Result<()> {
    Ok(accessat(CWD, path, access, AtFlags::EACCESS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_finds_what_opening_would_and_makes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("taken"), "").expect("a file");
        fs::create_dir(folder.path().join("folder")).expect("a folder");
        let check = |name: &str, expected: Option<ErrorKind>| {
            let looked = look(&PathPattern::new(folder.path().join(name)));
            assert_eq!(looked.err().map(|error| error.cause.kind()), expected, "{name}");
        };
        check("taken", None);
        check("new", None);
        check("new/below/out", None);
        check("new/{topic}/out", None);
        check("folder/{topic}", None);
        check("folder", Some(ErrorKind::IsADirectory));
        check("taken/out", Some(ErrorKind::NotADirectory));
        check("taken/{topic}", Some(ErrorKind::NotADirectory));
        check("taken/below/{topic}", Some(ErrorKind::NotADirectory));
        let left = fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 2, "nothing was made");
    }
}
