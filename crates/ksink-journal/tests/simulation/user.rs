//! Who uses the journal, and remembers what it was told: the judge of what recovery brings back.

use std::{collections::BTreeSet, fmt, path::Path, sync::Arc};

use ksink_disk::{Crash, Disk, Fault, ModelDisk};
use ksink_journal::{Journal, JournalError, JournalOptions, LastStop, OpenError, Opened, Syncer};

const FOLDER: &str = "/state/journal";

/// Small, so that files grow and are replaced.
const OPTIONS: JournalOptions = JournalOptions { allocate_bytes: 2048, bytes_max: 1024 };

/// Somebody who appends numbered records.
pub(crate) struct User {
    model: ModelDisk,
    disk: Arc<dyn Disk>,
    journal: Option<(Journal, Syncer)>,
    next_id: u64,
    /// Every record that may be in the journal, in order: its id, and the boot in which it was appended.
    records: Vec<(u64, String)>,
    /// How many of them must survive a kill.
    written: usize,
    /// How many of them must survive a power cut.
    synced: usize,
    /// How many records there were when each appending returned its number.
    numbers: Vec<(u64, usize)>,
    /// How many records there were when closing was tried.
    closes: BTreeSet<usize>,
    /// The same of starting over, with the boot.
    beginnings: BTreeSet<(usize, String)>,
    /// Whether this run has put something into the journal.
    has_written: bool,
    /// Whether the journal was closed and nothing was tried since.
    is_clean: bool,
    pub(crate) crashes: u64,
    /// How often recovery cut something off.
    pub(crate) cut: u64,
    story: Vec<String>,
}

/// A promise that was broken, and the story up to there.
pub(crate) struct Broken {
    why: String,
    story: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.why, self.story)
    }
}

/// What somebody does.
impl User {
    pub(crate) fn new(model: ModelDisk, disk: Arc<dyn Disk>) -> Self {
        Self {
            model,
            disk,
            journal: None,
            next_id: 0,
            records: Vec::new(),
            written: 0,
            synced: 0,
            numbers: Vec::new(),
            closes: BTreeSet::new(),
            beginnings: BTreeSet::new(),
            has_written: false,
            is_clean: false,
            crashes: 0,
            cut: 0,
            story: Vec::new(),
        }
    }

    pub(crate) fn append(&mut self, count: usize) -> Result<(), String> {
        let Some((journal, _)) = &mut self.journal else { return Ok(()) };
        let (was_poisoned, boot) = (journal.is_poisoned(), boot(&self.model));
        let ids: Vec<u64> = (self.next_id..).take(count).collect();
        let frames: Vec<Vec<u8>> = ids.iter().map(|id| frame(*id)).collect();
        let appended = journal.append(frames.iter().map(Vec::as_slice));
        self.tell(format!("append {ids:?}: {appended:?}"));
        self.next_id += count as u64;
        self.is_clean &= count == 0;
        self.records.extend(ids.into_iter().map(|id| (id, boot.clone())));
        self.poisoned_only(was_poisoned, &appended)?;
        if let Ok(number) = appended {
            self.has_written |= count > 0;
            self.written = self.records.len();
            self.numbers.push((number, self.written));
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), String> {
        let Some((journal, _)) = &mut self.journal else { return Ok(()) };
        let was_poisoned = journal.is_poisoned();
        let synced = journal.sync();
        self.tell(format!("sync: {synced:?}"));
        self.poisoned_only(was_poisoned, &synced)?;
        if synced.is_ok() {
            self.synced = self.written;
        }
        Ok(())
    }

    /// As another thread would.
    pub(crate) fn sync_elsewhere(&mut self) -> Result<(), String> {
        let Some((journal, syncer)) = &self.journal else { return Ok(()) };
        let was_poisoned = journal.is_poisoned();
        let synced = syncer.sync();
        self.tell(format!("sync elsewhere: {synced:?}"));
        self.poisoned_only(was_poisoned, &synced)?;
        if let Ok(number) = synced {
            let counts = self.numbers.iter().filter(|(appended, _)| *appended <= number);
            self.synced = counts.map(|(_, count)| *count).fold(self.synced, usize::max);
        }
        Ok(())
    }

    /// With everything in the snapshot, what could not be appended too.
    pub(crate) fn start_over(&mut self) -> Result<(), String> {
        let (snapshot, boot) = (self.snapshot(), boot(&self.model));
        let Some((journal, syncer)) = &mut self.journal else { return Ok(()) };
        let over = journal.start_over(&snapshot);
        let over = over.and_then(|()| {
            *syncer =
                journal.syncer().map_err(|source| JournalError::Io { what: "clone", source })?;
            Ok(())
        });
        self.tell(format!("start over with {} records: {over:?}", self.records.len()));
        self.is_clean = false;
        self.beginnings.insert((self.records.len(), boot));
        if over.is_ok() {
            self.has_written = true;
            (self.written, self.synced) = (self.records.len(), self.records.len());
            self.numbers.clear();
        }
        Ok(())
    }

    pub(crate) fn close(&mut self) -> Result<(), String> {
        let Some((journal, syncer)) = self.journal.take() else { return Ok(()) };
        drop(syncer);
        let was_poisoned = journal.is_poisoned();
        let closed = journal.close();
        self.tell(format!("close: {closed:?}"));
        self.poisoned_only(was_poisoned, &closed)?;
        if self.has_written && !was_poisoned {
            self.closes.insert(self.records.len());
        }
        if self.has_written && closed.is_ok() {
            self.synced = self.written;
            self.is_clean = true;
        }
        Ok(())
    }

    pub(crate) fn fail(&mut self, after: u64, times: u64, fault: Fault) {
        self.tell(format!("fail after {after} calls, {times} times: {fault:?}"));
        self.model.fail(after, times, fault);
    }

    pub(crate) fn crash(&mut self, crash: Crash) -> Result<(), String> {
        self.tell(format!("{crash:?}"));
        self.model.crash(crash);
        self.model.fail(0, 0, Fault::Io);
        self.journal = None;
        self.crashes += 1;
        if let Crash::PowerCut { .. } = crash {
            self.written = self.synced;
        }
        Ok(())
    }

    /// Opens the journal, and judges what it brings back. Faults of the disk may prevent it.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        match Journal::open(Arc::clone(&self.disk), Path::new(FOLDER), OPTIONS) {
            Ok(opened) => self.judge(opened),
            Err(error @ OpenError::Io { .. }) => {
                self.tell(format!("open: {error}"));
                Ok(())
            }
            Err(error) => Err(format!("open: {error}")),
        }
    }

    pub(crate) fn open_until_it_works(&mut self) -> Result<(), String> {
        self.model.fail(0, 0, Fault::Io);
        self.open()?;
        if self.is_open() { Ok(()) } else { Err("it does not open".to_owned()) }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.journal.is_some()
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.journal.as_ref().is_some_and(|(journal, _)| journal.is_poisoned())
    }

    pub(crate) fn story(&self) -> String {
        self.story.join("\n")
    }

    pub(crate) fn broken(&self, why: String) -> Broken {
        Broken { why, story: self.story() }
    }

    fn tell(&mut self, what: String) {
        self.story.push(what);
    }
}

/// What must hold.
impl User {
    fn judge(&mut self, opened: Opened) -> Result<(), String> {
        let last_stop = opened.last_stop;
        let ids = recovered(&opened)?;
        self.tell(format!("open: {last_stop:?}, {} bytes cut, {ids:?}", opened.cut_bytes));
        let expected: Vec<u64> = self.records.iter().map(|(id, _)| *id).collect();
        if !expected.starts_with(&ids) {
            return Err(format!("{ids:?} is no prefix of {expected:?}"));
        }
        if ids.len() < self.written {
            return Err(format!("{} records survived, not {}", ids.len(), self.written));
        }
        self.judge_stop(last_stop, ids.len(), opened.snapshot.is_some())?;
        self.forget_beyond(ids.len());
        self.has_written = false;
        self.cut += u64::from(opened.cut_bytes > 0);
        let syncer = opened.journal.syncer().map_err(|error| error.to_string())?;
        self.journal = Some((opened.journal, syncer));
        Ok(())
    }

    fn judge_stop(&self, stop: LastStop, count: usize, has_snapshot: bool) -> Result<(), String> {
        let now = boot(&self.model);
        let beginnings = self.beginnings.iter().filter(|(len, _)| *len == count);
        let last = count.checked_sub(1).map(|last| &self.records[last].1);
        let boots: BTreeSet<&String> = beginnings.map(|(_, boot)| boot).chain(last).collect();
        let is_right = match stop {
            LastStop::New => count == 0 && !has_snapshot,
            LastStop::Clean => self.closes.contains(&count),
            LastStop::Unclean => !self.is_clean && boots.contains(&now),
            LastStop::Rebooted => !self.is_clean && boots.iter().any(|boot| **boot != now),
        };
        if is_right { Ok(()) } else { Err(format!("the last stop was not {stop:?}")) }
    }

    /// What was recovered is durable, and the rest never happened.
    fn forget_beyond(&mut self, count: usize) {
        self.records.truncate(count);
        (self.written, self.synced) = (count, count);
        self.numbers.clear();
        self.closes.retain(|len| *len <= count);
        self.beginnings.retain(|(len, _)| *len <= count);
    }

    /// A poisoned journal refuses everything, and says that this is why; one that fails is poisoned.
    fn poisoned_only<T>(&self, was: bool, result: &Result<T, JournalError>) -> Result<(), String> {
        let is_poisoned = self.journal.as_ref().is_none_or(|(journal, _)| journal.is_poisoned());
        match result {
            Err(JournalError::Poisoned) if was => Ok(()),
            Err(JournalError::Io { .. }) if !was && is_poisoned => Ok(()),
            Ok(_) if !was => Ok(()),
            Ok(_) => Err("a poisoned journal took something".to_owned()),
            Err(error) => Err(format!("poisoned before: {was}, after: {is_poisoned}, but {error}")),
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        self.records.iter().flat_map(|(id, _)| id.to_be_bytes()).collect()
    }
}

fn boot(model: &ModelDisk) -> String {
    model.boot_id().expect("the model knows it")
}

/// The records that a journal brings back: those in its snapshot, then its frames.
fn recovered(opened: &Opened) -> Result<Vec<u64>, String> {
    let id = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let snapshot = opened.snapshot.as_deref().unwrap_or_default();
    let mut ids: Vec<u64> = snapshot.chunks(8).filter_map(id).collect();
    for bytes in &opened.frames {
        let id = id(bytes).filter(|id| frame(*id) == *bytes);
        ids.push(id.ok_or_else(|| format!("a frame that was never appended: {bytes:?}"))?);
    }
    Ok(ids)
}

/// A record: its id, and as much behind it as the id says. Few lengths, so that ends of frames meet; one goes over a
/// sector.
fn frame(id: u64) -> Vec<u8> {
    let behind = [0, 0, 0, 0, 20, 20, 700][(id.wrapping_mul(0x9E37_79B9) >> 8) as usize % 7];
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend((0..behind).map(|n| (id + n) as u8));
    bytes
}
