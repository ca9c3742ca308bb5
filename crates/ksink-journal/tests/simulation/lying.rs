//! A disk that says it did what it did not: what a journal looks like that forgets a step.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ksink_disk::{Disk, DiskFile, ModelDisk, Twist, TwistedDisk};

/// What it only says it has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Cutting files: recovery leaves what is torn.
    Cuts,
    /// Syncing folders, once there is a generation after the first one.
    LaterNames,
    /// The sync of a file that is not called a generation yet: it becomes one before it is durable.
    Drafts,
    /// Every other sync of a file.
    Frames,
}

#[derive(Clone, Debug)]
struct Lying {
    lie: Option<Lie>,
    /// Whether the file is still to be synced for the first time, under a name that is no generation's.
    is_draft: Arc<AtomicBool>,
}

/// The disk, with a lie or without.
pub(crate) fn lying(disk: ModelDisk, lie: Option<Lie>) -> Arc<dyn Disk> {
    Arc::new(TwistedDisk { disk, twist: Lying { lie, is_draft: Arc::default() } })
}

impl Twist for Lying {
    fn of_file(&self, path: &Path) -> Self {
        let is_draft = path.extension().is_some_and(|extension| extension == "new");
        Self { lie: self.lie, is_draft: Arc::new(is_draft.into()) }
    }

    fn sync_folder(&self, disk: &ModelDisk, folder: &Path) -> io::Result<()> {
        match self.lie {
            Some(Lie::LaterNames) if has_later_generation(disk, folder) => Ok(()),
            _ => disk.sync_folder(folder),
        }
    }

    fn set_len(&self, file: &mut dyn DiskFile, len: u64) -> io::Result<()> {
        match self.lie {
            Some(Lie::Cuts) => Ok(()),
            _ => file.set_len(len),
        }
    }

    fn sync(&self, file: &dyn DiskFile) -> io::Result<()> {
        match (self.lie, self.is_draft.swap(false, Ordering::Relaxed)) {
            (Some(Lie::Drafts), true) | (Some(Lie::Frames), false) => Ok(()),
            _ => file.sync_data(),
        }
    }
}

fn has_later_generation(disk: &ModelDisk, folder: &Path) -> bool {
    let names = disk.list(folder).unwrap_or_default();
    names.iter().any(|name| name != "journal.1" && name != "lock")
}
