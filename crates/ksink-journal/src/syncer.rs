//! Syncing, here or on another thread, and what is known to be synced.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use ksink_disk::{DiskFile, fail_point};

use crate::error::JournalError;

/// Syncs a journal's file while others append to it: all who wait share one sync.
#[derive(Debug)]
pub struct Syncer {
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) progress: Arc<Progress>,
}

impl Syncer {
    /// Makes durable what was appended before this call, and says up to which frame everything is durable. Blocks for as
    /// long as the disk takes, and for a sync that is under way.
    ///
    /// After [`start_over`](crate::Journal::start_over) it is of no use: what it synced is in the snapshot.
    ///
    /// # Errors
    /// The journal is poisoned then, and stays so: nothing that waited for this may be called durable.
    pub fn sync(&self) -> Result<u64, JournalError> {
        self.progress.sync(&*self.file)
    }
}

/// How far a generation is written and synced.
#[derive(Debug)]
pub(crate) struct Progress {
    written: AtomicU64,
    synced: AtomicU64,
    failed: AtomicBool,
    /// One sync at a time: an error is told once, and a sync that overlaps a failing one would not hear of it.
    turn: Mutex<()>,
}

impl Progress {
    /// Everything up to `number` is written and synced.
    pub(crate) fn from(number: u64) -> Self {
        Self {
            written: AtomicU64::new(number),
            synced: AtomicU64::new(number),
            failed: AtomicBool::new(false),
            turn: Mutex::new(()),
        }
    }

    pub(crate) fn note_written(&self, number: u64) {
        self.written.store(number, Ordering::Release);
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn poison(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Fails if anything failed before.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        if self.failed.load(Ordering::Acquire) { Err(JournalError::Poisoned) } else { Ok(()) }
    }

    pub(crate) fn sync(&self, file: &dyn DiskFile) -> Result<u64, JournalError> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        let written = self.written.load(Ordering::Acquire);
        if self.synced() < written {
            if let Err(source) = file.sync_data() {
                self.poison();
                return Err(JournalError::Io { what: "sync the journal", source });
            }
            fail_point("journal-synced");
            self.synced.store(written, Ordering::Release);
        }
        drop(turn);
        Ok(self.synced())
    }
}
