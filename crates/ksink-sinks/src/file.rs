//! Files: one for everything, or one a topic.
//!
//! | room | holds |
//! |---|---|
//! | `opening` | opening a file, and telling the server before the first byte |
//! | `recovery` | what becomes of files when a server starts again |
//! | `syncs` | what the loss of power must not undo |
//! | `look` | whether files could be opened, without making any |

pub(crate) mod look;
mod opening;
mod recovery;
pub(crate) mod syncs;

use std::{
    collections::{HashMap, HashSet},
    io, mem,
    path::PathBuf,
    sync::Arc,
};

use ksink_disk::{Disk, NamedBy, RealDisk, fail_point};
use ksink_event::{Ack, Durability, Held, Position, RecordSet, Refusal, Resumed, Topic};

use self::opening::Opening;
use crate::{
    Failure, Flushed, Format, OutputId, PathPattern, RecoverError, Sink, output::Output,
    position::FilePosition,
};

/// How many buffers are kept between groups.
const SPARE_BUFFERS_MAX: usize = 4;

/// Appends to files. What a file holds already is kept.
///
/// Files are created for the owner alone (0600) when the first records for them come, and so are missing folders
/// (0700). A name without `{topic}` may also be a pipe or a device, which is written to as it is. Files of a
/// pattern must be regular files, and are closed again when others need the room. Each regular file is locked
/// (`flock`) as long as it is open.
///
/// Positions are called by the file's path below the folder of the pattern. Their first byte tells the kind: 1 for
/// a file, then device, inode, birth time in nanoseconds since the epoch (0 where unknown) and the length at which
/// our own append ended (8 bytes each, big-endian); 2, and nothing else, where no file has the name yet.
#[derive(Debug)]
pub struct FileSink {
    disk: Arc<dyn Disk>,
    pattern: PathPattern,
    format: Format,
    options: FileOptions,
    /// What stands for every topic where the name is fixed: the empty one.
    all_topics: Topic,
    /// By topic.
    open: HashMap<Topic, Opening>,
    /// Outputs that failed and were not open at the time, or are not any more: they take nothing more
    /// until the flush has reported them.
    failed: HashMap<Topic, Failure>,
    /// By name, where files that are not open stood when the server was told last.
    told: HashMap<Arc<str>, FilePosition>,
    /// Files that were closed since the last flush, with a part of its group.
    closed: HashSet<Topic>,
    /// Where they stood, for the flush to tell.
    positions: Vec<Position>,
    /// Files that are not open, and of which a part may not be synced.
    unsynced: HashSet<PathBuf>,
    spare: Vec<Vec<u8>>,
    /// Counts openings, for their ids.
    openings: u64,
    /// Counts writes, to tell who was used last.
    writes: u64,
}

/// How files are opened and kept.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// How many files of a pattern may be open at once, at least 1. Others are closed, least recently used
    /// first.
    pub open_files_max: usize,
    /// What an acknowledgement survives: at [`Durability::Power`] a flush syncs what it wrote, at
    /// [`Durability::Process`] only records of transactions.
    pub durability: Durability,
    /// How many syncs of one flush run at the same time, on threads of their own, at least 1.
    pub syncs_at_once: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { open_files_max: 256, durability: Durability::default(), syncs_at_once: 16 }
    }
}

impl FileOptions {
    /// Whether a set must survive the loss of power once it is flushed. Records of a transaction come when its commit
    /// is decided, and what tells of it may be gone afterwards.
    fn syncs(&self, set: &RecordSet) -> bool {
        match self.durability {
            Durability::Power => true,
            Durability::Process => set.transaction.is_some(),
            Durability::None => false,
        }
    }
}

/// An output that cannot be used, found at start.
#[derive(Debug, thiserror::Error)]
#[error("failed to open output file {}: {cause}", path.display())]
pub struct OpenError {
    /// The file, or the folder that files would have been made in.
    pub path: PathBuf,
    /// What the system said; `ResourceBusy` where another process has locked the file.
    #[source]
    pub cause: io::Error,
}

impl FileSink {
    /// Opens the file if it is there; otherwise makes sure that files can be made in its folder, or in that of the
    /// pattern.
    ///
    /// # Errors
    /// When that cannot be done, or another process has locked the file. Opening a FIFO waits until somebody
    /// reads it.
    pub fn open(
        pattern: PathPattern,
        format: Format,
        options: FileOptions,
    ) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk), pattern, format, options)
    }

    /// Does the same on another file system than this machine's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        disk: Arc<dyn Disk>,
        pattern: PathPattern,
        format: Format,
        options: FileOptions,
    ) -> Result<Self, OpenError> {
        let mut sink = Self {
            disk,
            pattern,
            format,
            options,
            all_topics: Topic::from(""),
            open: HashMap::new(),
            failed: HashMap::new(),
            told: HashMap::new(),
            closed: HashSet::new(),
            positions: Vec::new(),
            unsynced: HashSet::new(),
            spare: Vec::new(),
            openings: 0,
            writes: 0,
        };
        sink.open_at_start()?;
        Ok(sink)
    }

    /// Looks whether [`open`](Self::open) would find what it needs, as far as that can be told without
    /// making a file or a folder.
    ///
    /// # Errors
    /// When it would not.
    pub fn look(pattern: &PathPattern) -> Result<(), OpenError> {
        look::look(pattern)
    }

    /// What a set's output is found under.
    fn topic_of(&self, set: &RecordSet) -> Topic {
        if self.pattern.is_fixed() { self.all_topics.clone() } else { set.topic.clone() }
    }

    fn named_by(&self) -> NamedBy {
        if self.pattern.is_fixed() { NamedBy::Operator } else { NamedBy::Producer }
    }

    fn fail_opening(&mut self, topic: &Topic, refusal: Refusal) -> OutputId {
        let output = self.next_id();
        self.failed.insert(topic.clone(), Failure::passing(output, refusal));
        output
    }

    /// Each opening has an id of its own: what was written before a file was closed stays good if its next
    /// opening fails.
    fn next_id(&mut self) -> OutputId {
        self.openings += 1;
        OutputId(self.openings)
    }

    /// Closes what was not used for longest, until one more may be opened.
    fn make_room(&mut self) -> io::Result<()> {
        while self.open.len() >= self.options.open_files_max.max(1) {
            let closable = self.open.iter().filter(|(_, opening)| !opening.output.owes_a_cut());
            let oldest = closable.min_by_key(|(_, opening)| opening.used_at);
            let Some(topic) = oldest.map(|(topic, _)| topic.clone()) else {
                return Err(io::Error::other("all other output files wait to be cut back"));
            };
            self.close_one(&topic);
        }
        Ok(())
    }

    fn close_one(&mut self, topic: &Topic) {
        let Some(mut opening) = self.open.remove(topic) else { return };
        finish_writing(&*self.disk, self.options, &mut [&mut opening]);
        match opening.end_group() {
            Ok(Some(position)) => {
                self.closed.insert(topic.clone());
                self.positions.push(position);
            }
            Ok(None) => {}
            Err(failure) => {
                self.failed.insert(topic.clone(), failure);
            }
        }
        keep_buffer(&mut self.spare, &mut opening.output);
        if opening.output.owes_a_cut() {
            self.open.insert(topic.clone(), opening);
        } else {
            self.unsynced.insert(self.pattern.path(topic));
            self.let_go(opening);
        }
    }

    /// Remembers what the server was told of a file that is closed.
    fn let_go(&mut self, opening: Opening) {
        if let Some(told) = opening.told {
            self.told.insert(opening.output.name().clone(), told);
        }
    }
}

impl Sink for FileSink {
    async fn write(&mut self, set: &RecordSet, ack: &Ack) -> Result<OutputId, Refusal> {
        let topic = self.topic_of(set);
        if let Err(failed) = self.make_ready(&topic, ack).await {
            return Ok(failed);
        }
        self.writes += 1;
        let opening = self.open.get_mut(&topic).expect("make_ready opened it");
        opening.used_at = self.writes;
        opening.awaits_sync |= self.options.syncs(set);
        if !opening.output.has_group() {
            opening.output.swap_buffer(self.spare.pop().unwrap_or_default());
        }
        Ok(opening.output.write(set, &self.format))
    }

    fn takes_back(&self) -> bool {
        !self.pattern.is_fixed() || self.open.values().all(|opening| opening.output.takes_back())
    }

    async fn flush(&mut self) -> Flushed {
        self.closed.clear();
        let positions = mem::take(&mut self.positions);
        let failed = self.failed.drain().map(|(_, failure)| failure).collect();
        let mut flushed = Flushed { positions, failed };
        let with_groups = self.open.values_mut().filter(|opening| opening.output.has_group());
        let mut openings: Vec<&mut Opening> = with_groups.collect();
        openings.sort_unstable_by_key(|opening| opening.output.id().0);
        finish_writing(&*self.disk, self.options, &mut openings);
        for opening in openings {
            flushed.add(opening.end_group());
            keep_buffer(&mut self.spare, &mut opening.output);
        }
        flushed
    }

    async fn recover(&mut self, held: &Held) -> Result<Resumed, RecoverError> {
        let positions = self.recover_positions(held)?;
        Ok(Resumed { positions, ..Default::default() })
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        self.end()
    }
}

/// Writes the groups of some outputs, and syncs those that await it.
fn finish_writing(disk: &dyn Disk, options: FileOptions, openings: &mut [&mut Opening]) {
    for opening in &mut *openings {
        opening.output.finish_writing();
    }
    fail_point("file-appended");
    let awaiting = openings.iter_mut().filter(|opening| opening.awaits_sync);
    let mut awaiting: Vec<&mut Opening> = awaiting.map(|opening| &mut **opening).collect();
    if !awaiting.is_empty() {
        syncs::sync_groups(disk, &mut awaiting, options.syncs_at_once);
        fail_point("file-synced");
    }
}

/// Keeps the memory of an output's empty buffer, if there is reason to.
fn keep_buffer(spare: &mut Vec<Vec<u8>>, output: &mut Output) {
    let buffer = output.swap_buffer(Vec::new());
    if buffer.capacity() > 0 && spare.len() < SPARE_BUFFERS_MAX {
        spare.push(buffer);
    }
}

// The faults in these tests are Linux's: a full device, and files in memory that are sealed.
#[cfg(all(test, target_os = "linux"))]
mod tests;
