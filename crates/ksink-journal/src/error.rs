//! What can go wrong, and what the operator can do about it.

use std::{fmt, io, path::PathBuf};

use crate::frame::VERSION;

/// Why a journal was not opened. Nothing was changed then that the next try could miss.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the state in {} is used by another ksink", .folder.display())]
    Locked {
        /// The folder of the journal.
        folder: PathBuf,
    },
    /// What was known to be on the disk cannot be read.
    #[error("{0}")]
    Damaged(Damage),
    /// A newer ksink wrote it.
    #[error(
        "the journal {} has version {version}, and this ksink knows versions up to {VERSION}: start the newer ksink that \
         wrote it, or another state folder",
        .path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The file system refused something.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb and more.
        what: &'static str,
        /// What with.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// Damage to what was known to be on the disk. Its text says how to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The damaged file.
    pub path: PathBuf,
    /// Where the first frame begins that cannot be read, in bytes.
    pub offset: u64,
    /// The number of that frame.
    pub frame: u64,
    /// The highest number of a frame that was known to be on the disk.
    pub known_synced: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, frame, known_synced } = self;
        let folder = path.parent().unwrap_or(path);
        write!(
            f,
            "the journal {} is damaged: frame {frame} at byte {offset} cannot be read, and the frames up to {known_synced} \
             were on the disk. Nothing was changed. `ksink recover` shows what is readable before and behind it. To go on, \
             bring the file back from a copy, or move the folder {} away: then ksink starts as if it had never run, without \
             its producers, open transactions and commits that are decided but not applied",
            path.display(),
            folder.display()
        )
    }
}

/// Why the journal did not take something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An earlier append or sync failed: what is on the disk is uncertain, and only starting over can help.
    #[error("the journal failed before and has not started over yet")]
    Poisoned,
    /// A frame's payload is over [`PAYLOAD_BYTES_MAX`](crate::PAYLOAD_BYTES_MAX). Nothing was written.
    #[error("a frame of {bytes} bytes is too long for the journal")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The file system refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the file system said.
        source: io::Error,
    },
}

impl JournalError {
    /// For `map_err`.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
