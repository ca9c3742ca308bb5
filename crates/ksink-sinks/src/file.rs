//! Files: one for everything, or one a topic.

pub(crate) mod look;

use std::{
    collections::HashMap,
    io, mem,
    path::{Path, PathBuf},
};

use ksink_event::{Ack, Position, RecordSet, Refusal, Topic};
use rustix::fs::Access;

use crate::{
    Failure, Flushed, Format, OutputId, PathPattern, Sink,
    append::{AppendFile, NamedBy, create_folder},
    output::Output,
};

/// How many buffers are kept between groups.
const SPARE_BUFFERS_MAX: usize = 4;

/// Appends to files. What a file holds already is kept.
///
/// Files are created for the owner alone (0600), and so are missing folders (0700). A name without
/// `{topic}` may also be a pipe or a device, which is written to as it is. Files of a pattern are opened
/// when their topic's first records come, must be regular files, and are closed again when others need the
/// room.
///
/// Positions are 33 bytes, numbers big-endian: version (1 byte, 1), device, inode, birth time in nanoseconds
/// since the epoch (0 where unknown) and the length at which our own append ended (8 bytes each).
#[derive(Debug)]
pub struct FileSink {
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
    /// Where outputs stood that were closed since the last flush.
    positions: Vec<Position>,
    spare: Vec<Vec<u8>>,
    /// Counts openings, for their ids.
    openings: u64,
    /// Counts writes, to tell who was used last.
    writes: u64,
}

/// How files are opened.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// How many files of a pattern may be open at once, at least 1. Others are closed, least recently used
    /// first.
    pub open_files_max: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { open_files_max: 256 }
    }
}

/// An output that cannot be used, found at start.
#[derive(Debug, thiserror::Error)]
#[error("failed to open output file {}: {cause}", path.display())]
pub struct OpenError {
    /// The file, or the folder that files would have been made in.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

#[derive(Debug)]
struct Opening {
    output: Output,
    used_at: u64,
}

impl FileSink {
    /// Opens the file; for a pattern, makes sure that files can be made in its folder.
    ///
    /// # Errors
    /// When that cannot be done. Opening a FIFO waits until somebody reads it.
    pub fn open(
        pattern: PathPattern,
        format: Format,
        options: FileOptions,
    ) -> Result<Self, OpenError> {
        let mut sink = Self {
            pattern,
            format,
            options,
            all_topics: Topic::from(""),
            open: HashMap::new(),
            failed: HashMap::new(),
            positions: Vec::new(),
            spare: Vec::new(),
            openings: 0,
            writes: 0,
        };
        sink.check()?;
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

    fn check(&mut self) -> Result<(), OpenError> {
        if self.pattern.is_fixed() {
            let topic = self.all_topics.clone();
            let path = self.pattern.path(&topic);
            return self.open_file(&topic).map_err(|cause| OpenError { path, cause });
        }
        let folder = self.pattern.folder();
        check_folder(folder).map_err(|cause| OpenError { path: folder.into(), cause })
    }

    /// Makes sure that a topic's file is open. `Err` names an output that failed and takes nothing until
    /// the flush.
    fn make_ready(&mut self, topic: &Topic) -> Result<(), OutputId> {
        if let Some(failure) = self.failed.get(topic) {
            return Err(failure.output);
        }
        if !self.open.contains_key(topic)
            && let Err(error) = self.open_file(topic)
        {
            return Err(self.fail_opening(topic, &error));
        }
        Ok(())
    }

    fn open_file(&mut self, topic: &Topic) -> io::Result<()> {
        self.make_room()?;
        let named_by = if self.pattern.is_fixed() { NamedBy::Operator } else { NamedBy::Producer };
        let path = self.pattern.path(topic);
        let file = AppendFile::open(&path, named_by)?;
        // Topics are ASCII, so that names which differ in their topics stay different.
        let output = Output::new(self.next_id(), path.to_string_lossy().into(), file);
        self.open.insert(topic.clone(), Opening { output, used_at: self.writes });
        Ok(())
    }

    fn fail_opening(&mut self, topic: &Topic, error: &io::Error) -> OutputId {
        let reason = format!("cannot open {}: {error}", self.pattern.path(topic).display());
        let refusal = match error.kind() {
            // No retry makes a topic's name shorter.
            io::ErrorKind::InvalidFilename => Refusal::rejected(reason),
            _ => Refusal::local(reason),
        };
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
            self.close(&topic);
        }
        Ok(())
    }

    fn close(&mut self, topic: &Topic) {
        let Some(mut opening) = self.open.remove(topic) else { return };
        match opening.output.flush() {
            Ok(position) => self.positions.extend(position),
            Err(failure) => {
                self.failed.insert(topic.clone(), failure);
            }
        }
        keep_buffer(&mut self.spare, &mut opening.output);
        if opening.output.owes_a_cut() {
            self.open.insert(topic.clone(), opening);
        }
    }
}

impl Sink for FileSink {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        let topic = self.topic_of(set);
        if let Err(failed) = self.make_ready(&topic) {
            return Ok(failed);
        }
        self.writes += 1;
        let opening = self.open.get_mut(&topic).expect("make_ready opened it");
        opening.used_at = self.writes;
        if !opening.output.has_group() {
            opening.output.swap_buffer(self.spare.pop().unwrap_or_default());
        }
        Ok(opening.output.write(set, &self.format))
    }

    fn takes_back(&self) -> bool {
        !self.pattern.is_fixed() || self.open.values().all(|opening| opening.output.takes_back())
    }

    async fn flush(&mut self) -> Flushed {
        let positions = mem::take(&mut self.positions);
        let failed = self.failed.drain().map(|(_, failure)| failure).collect();
        let mut flushed = Flushed { positions, failed };
        for Opening { output, .. } in self.open.values_mut() {
            if output.has_group() {
                flushed.add(output.flush());
                keep_buffer(&mut self.spare, output);
            }
        }
        flushed
    }
}

/// Keeps the memory of an output's empty buffer, if there is reason to.
fn keep_buffer(spare: &mut Vec<Vec<u8>>, output: &mut Output) {
    let buffer = output.swap_buffer(Vec::new());
    if buffer.capacity() > 0 && spare.len() < SPARE_BUFFERS_MAX {
        spare.push(buffer);
    }
}

/// Whether files can be made in a folder, which is created if need be.
fn check_folder(folder: &Path) -> io::Result<()> {
    create_folder(folder)?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    look::may(folder, Access::WRITE_OK | Access::EXEC_OK)
}

// The faults in these tests are Linux's: a full device, and files in memory that are sealed.
#[cfg(all(test, target_os = "linux"))]
mod tests;
