//! A disk that says that it has synced, and has not: what sinks promise must be seen to break on it.

use std::{io, path::Path};

use ksink_disk::{Disk, DiskFile, ModelDisk, Twist};

/// What is not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unsynced {
    Folders,
    Files,
}

impl Twist for Unsynced {
    fn sync_folder(&self, disk: &ModelDisk, folder: &Path) -> io::Result<()> {
        match self {
            Self::Folders => Ok(()),
            Self::Files => disk.sync_folder(folder),
        }
    }

    fn sync(&self, file: &dyn DiskFile) -> io::Result<()> {
        match self {
            Self::Folders => file.sync_data(),
            Self::Files => Ok(()),
        }
    }
}
