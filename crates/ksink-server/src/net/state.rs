//! The state of a server on its disk: a journal, and the ledger of what is in it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, RealDisk};
use ksink_event::LastStop;
use ksink_journal::{Contents, Journal, JournalError, JournalOptions, Lock, Opened, Syncer};

use super::server::OpenError;
use crate::state::{Frame, Ledger, LedgerError, StateReport};

/// Where a server keeps what a restart must know, and for what.
#[derive(Clone, Debug)]
pub struct StateConfig {
    /// The folder of the journal, which is created where it is missing. One server at a time has it.
    pub folder: PathBuf,
    /// What the state is for, by name: the pattern of the outputs, say. A state is not opened for another purpose than
    /// it was made for.
    pub purpose: Vec<(String, String)>,
    /// The file system.
    pub disk: Arc<dyn Disk>,
}

impl StateConfig {
    /// A state in this folder of the machine's file system, for no purpose in particular.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), purpose: Vec::new(), disk: Arc::new(RealDisk) }
    }

    /// Looks whether a server could be opened with it. A state that is not there yet could.
    ///
    /// # Errors
    /// When it could not.
    pub fn look(&self) -> Result<(), OpenError> {
        let (disk, folder) = (&*self.disk, &self.folder);
        let journal = match Journal::read(disk, folder) {
            Err(ksink_journal::OpenError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                return Ok(());
            }
            read => read.map_err(OpenError::Journal)?,
        };
        if let Some(damage) = journal.damage {
            return Err(OpenError::Journal(ksink_journal::OpenError::Damaged(damage)));
        }
        let ledger = Ledger::restore(journal.snapshot.as_deref(), &journal.frames)
            .map_err(|cause| OpenError::Ledger { folder: folder.clone(), cause })?;
        check_purpose(self, &ledger)
    }
}

/// A state is for something else than it is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPurpose {
    /// What about it is different.
    pub name: String,
    /// What the state is for.
    pub held: String,
    /// What it is opened for.
    pub wanted: String,
}

impl fmt::Display for OtherPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, held, wanted } = self;
        write!(f, "the state was made for the {name} `{held}`, and not for `{wanted}`")
    }
}

/// A state that is looked at and not changed. Nobody else has it meanwhile.
#[derive(Debug)]
pub struct StateContents {
    /// The file that it is read from.
    pub journal: PathBuf,
    /// What it says; where it is damaged, as far as it says it in front of the damage.
    pub report: StateReport,
    /// How the last run ended; `None` if there was none.
    pub last_stop: Option<LastStop>,
    /// Why the next start will refuse it, if it will, and how to go on.
    pub damage: Option<String>,
    /// What the frames behind the damage say by themselves, if any can be read. Nothing says that they are all.
    pub behind: Option<StateReport>,
    _lock: Lock,
}

impl StateContents {
    /// Reads the state in a folder.
    ///
    /// # Errors
    /// When there is none, somebody else uses it, or a newer ksink wrote it. Damage is no error.
    pub fn read(disk: &dyn Disk, folder: &Path) -> Result<Self, OpenError> {
        let read = Journal::read_and_lock(disk, folder).map_err(OpenError::Journal)?;
        let (Contents { path, snapshot, frames, last_stop, damage, behind, .. }, lock) = read;
        let mut damage = damage.map(|damage| damage.to_string());
        let report = match Ledger::restore(snapshot.as_deref(), &frames) {
            Ok(ledger) => ledger.report(),
            // Half a snapshot says nothing.
            Err(LedgerError::Unreadable) => {
                damage.get_or_insert_with(|| LedgerError::Unreadable.to_string());
                StateReport::default()
            }
            Err(cause @ LedgerError::Newer(_)) => {
                return Err(OpenError::Ledger { folder: folder.to_owned(), cause });
            }
        };
        let behind = if behind.is_empty() { None } else { Ledger::restore(None, &behind).ok() };
        Ok(Self {
            journal: path,
            report,
            last_stop: last_run(last_stop),
            damage,
            behind: behind.map(|ledger| ledger.report()),
            _lock: lock,
        })
    }
}

/// How the last run ended; `None` if there was none.
fn last_run(last_stop: ksink_journal::LastStop) -> Option<LastStop> {
    match last_stop {
        ksink_journal::LastStop::New => None,
        ksink_journal::LastStop::Clean => Some(LastStop::Clean),
        ksink_journal::LastStop::Unclean => Some(LastStop::Unclean),
        ksink_journal::LastStop::Rebooted => Some(LastStop::Rebooted),
    }
}

/// A build that is tested by killing it may have a small journal, so that it starts over while it is watched.
fn journal_options() -> JournalOptions {
    let options = JournalOptions::default();
    #[cfg(feature = "fail-points")]
    if let Some(bytes_max) =
        std::env::var("KSINK_JOURNAL_BYTES").ok().and_then(|text| text.parse().ok())
    {
        return JournalOptions { bytes_max, ..options };
    }
    options
}

/// A journal, and what it says.
#[derive(Debug)]
pub(super) struct State {
    journal: Journal,
    ledger: Ledger,
}

impl State {
    /// Opens a state, and says how its last run ended.
    pub(super) fn open(config: &StateConfig) -> Result<(Self, LastStop), OpenError> {
        let options = journal_options();
        let opened = Journal::open(config.disk.clone(), &config.folder, options);
        let Opened { journal, snapshot, frames, last_stop, cut_bytes } =
            opened.map_err(OpenError::Journal)?;
        if cut_bytes > 0 {
            tracing::info!(cut_bytes, "the end of the journal was torn, and is cut off");
        }
        let ledger = Ledger::restore(snapshot.as_deref(), &frames)
            .map_err(|cause| OpenError::Ledger { folder: config.folder.clone(), cause })?;
        check_purpose(config, &ledger)?;
        Ok((Self { journal, ledger }, last_run(last_stop).unwrap_or_default()))
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Writes frames; tells the number that must be synced for them to be safe.
    pub(super) fn write(&mut self, frames: &[Frame]) -> Result<u64, JournalError> {
        let encoded: Vec<Vec<u8>> =
            frames.iter().filter(|frame| !frame.is_empty()).map(Frame::encode).collect();
        self.journal.append(encoded.iter().map(Vec::as_slice))
    }

    /// Takes note of a frame that was written.
    pub(super) fn apply(&mut self, frame: Frame) {
        self.ledger.apply(frame);
    }

    /// Makes safe what was written.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        self.journal.sync()
    }

    /// What does the same on another thread.
    pub(super) fn syncer(&self) -> Result<Syncer, JournalError> {
        let syncer = self.journal.syncer();
        syncer.map_err(|source| JournalError::Io { what: "share the journal's file", source })
    }

    /// Whether starting over is due.
    pub(super) fn is_full(&self) -> bool {
        self.journal.is_full()
    }

    /// Whether nothing can be written any more but a new journal.
    pub(super) fn is_poisoned(&self) -> bool {
        self.journal.is_poisoned()
    }

    /// Begins a new journal with all that is known and with what waits; where that fails, what waits is
    /// returned.
    pub(super) fn start_over(
        mut self,
        waiting: Vec<Frame>,
    ) -> (Self, Vec<Frame>, Result<(), JournalError>) {
        let mut ledger = self.ledger.clone();
        waiting.iter().cloned().for_each(|frame| ledger.apply(frame));
        let started = self.journal.start_over(&ledger.snapshot());
        if started.is_ok() {
            self.ledger = ledger;
        }
        (self, waiting, started)
    }

    /// Ends the journal in good order.
    pub(super) fn close(self) -> Result<(), JournalError> {
        self.journal.close()
    }
}

fn check_purpose(config: &StateConfig, ledger: &Ledger) -> Result<(), OpenError> {
    for (name, wanted) in &config.purpose {
        if let Some(held) = ledger.purpose.get(name).filter(|held| *held != wanted) {
            let (name, held, wanted) = (name.clone(), held.clone(), wanted.clone());
            let other = OtherPurpose { name, held, wanted };
            return Err(OpenError::OtherPurpose { folder: config.folder.clone(), other });
        }
    }
    Ok(())
}
