//! A folder for what the measurements write.

use std::{fs, io, path::PathBuf, process};

use crate::places;

/// A folder of this run's own, under `target/bench`, which is removed at the end.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn create() -> io::Result<Self> {
        let folder = places::target().join("bench").join(process::id().to_string());
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// A folder inside, made anew, so that no measurement finds what another one left.
    pub(super) fn fresh(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.0.join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => fs::create_dir(&folder)?,
        }
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left under `target`, where nobody minds.
        let _ = fs::remove_dir_all(&self.0);
    }
}
