//! One output: formatted bytes on their way into an open file, and what becomes of a fault.
//!
//! Between two flushes an output collects a group. A fault ends the group at once: what was appended is
//! cut back, what still comes is thrown away, and the flush reports it. The next group starts afresh; where
//! the cut itself failed it is tried again first, and until it succeeds every group fails.
//!
//! A flush goes in steps, so that many outputs can be synced at once: [`Output::finish_writing`], then the
//! syncs if any, then [`Output::end_group`].

use std::{io, mem, sync::Arc};

use ksink_event::{Position, RecordSet, Refusal};

use crate::{Failure, Format, OutputId, append::AppendFile, format::Rendering};

/// How many formatted bytes go into one `write(2)`; more falls out of the processor's cache.
const WRITE_BYTES: usize = 192 << 10;

/// How large a buffer may stay; a record that is larger than others takes its memory with it.
const IDLE_BUFFER_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Output {
    id: OutputId,
    /// What its positions are called.
    name: Arc<str>,
    /// What people call it.
    label: Arc<str>,
    file: AppendFile,
    /// Formatted and not appended yet.
    buffer: Vec<u8>,
    group: Group,
    /// Where records of transactions end, counted from the beginning of the group, where nothing can be taken back.
    record_ends: Vec<u64>,
    /// Whether a sync failed: the file must be opened anew before anything is appended.
    distrusted: bool,
}

/// How the group goes that the output is collecting.
#[derive(Debug)]
enum Group {
    /// Nothing was written since the last flush.
    Empty,
    /// All well so far.
    Good,
    /// A fault ended it.
    Failed { refusal: Refusal, gone: bool, kept: u64 },
}

impl Output {
    pub(crate) fn new(id: OutputId, name: Arc<str>, file: AppendFile) -> Self {
        let label = name.clone();
        let (buffer, group, record_ends) = (Vec::new(), Group::Empty, Vec::new());
        Self { id, name, label, file, buffer, group, record_ends, distrusted: false }
    }

    /// Lets people read something else than the name of its positions.
    pub(crate) fn labelled(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = label.into();
        self
    }

    /// Formats a set, and appends each time the buffer is full.
    pub(crate) fn write(&mut self, set: &RecordSet, format: &Format) -> OutputId {
        self.begin_group();
        let mut rendering = format.render(set);
        let counts_records = set.transaction.is_some() && !self.file.is_cuttable();
        let mut more = true;
        while more && self.is_good() {
            more = if counts_records {
                self.fill_counting(&mut rendering)
            } else {
                rendering.fill(&mut self.buffer, WRITE_BYTES)
            };
            if self.buffer.len() >= WRITE_BYTES {
                self.append_buffer();
            }
        }
        self.id
    }

    /// Fills the buffer, and notes where each record ends.
    fn fill_counting(&mut self, rendering: &mut Rendering<'_>) -> bool {
        while self.buffer.len() < WRITE_BYTES {
            if !rendering.write_next(&mut self.buffer) {
                return false;
            }
            self.record_ends.push(self.file.unsettled() + self.buffer.len() as u64);
        }
        true
    }

    /// Ends the group without a sync. Tells where the output stands, if it can and something was appended.
    pub(crate) fn flush(&mut self) -> Result<Option<Position>, Failure> {
        self.finish_writing();
        self.end_group()
    }

    /// Appends what is left of the group.
    pub(crate) fn finish_writing(&mut self) {
        if self.is_good() {
            self.append_buffer();
        }
    }

    /// What a sync has to be made of before the group may end well, if anything.
    pub(crate) fn to_sync(&self) -> Option<&AppendFile> {
        (self.is_good() && self.file.is_unsettled()).then_some(&self.file)
    }

    /// Ends the group for a sync that failed. What was appended is cut back; what an earlier sync covered stays,
    /// and nothing is appended to the file until it was opened anew.
    pub(crate) fn sync_failed(&mut self, error: &io::Error) {
        self.distrusted = true;
        self.fail(&format!("cannot sync {}", self.label), error);
    }

    /// Ends the group, of which everything is written. Tells where the output stands, if it can and something
    /// was appended.
    pub(crate) fn end_group(&mut self) -> Result<Option<Position>, Failure> {
        let position = self.settle();
        self.record_ends.clear();
        match mem::replace(&mut self.group, Group::Empty) {
            Group::Failed { refusal, gone, kept } => {
                Err(Failure { output: self.id, refusal, gone, kept })
            }
            Group::Empty | Group::Good => Ok(position),
        }
    }

    /// Takes back what a fault left, if that could not be done before.
    ///
    /// # Errors
    /// When it still cannot.
    pub(crate) fn cut(&mut self) -> Result<(), Refusal> {
        self.file.cut().map_err(|error| Refusal::local(self.cut_failed(&error)))
    }

    /// Takes back the group, of which nobody hears that it is kept.
    ///
    /// # Errors
    /// When it cannot be cut.
    pub(crate) fn abandon(&mut self) -> Result<(), Refusal> {
        self.clear_buffer();
        self.group = Group::Empty;
        if self.file.is_cuttable() { self.cut() } else { Ok(()) }
    }

    /// Puts an empty buffer's memory to use, or takes it away. Buffers wander, since many outputs may be
    /// open while few are written to.
    pub(crate) fn swap_buffer(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        debug_assert!(self.buffer.is_empty() && buffer.is_empty());
        mem::replace(&mut self.buffer, buffer)
    }

    /// What its positions are called.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn id(&self) -> OutputId {
        self.id
    }

    pub(crate) fn file(&self) -> &AppendFile {
        &self.file
    }

    /// The file, to bring it to where it was acknowledged before anything is written.
    pub(crate) fn file_mut(&mut self) -> &mut AppendFile {
        &mut self.file
    }

    /// Whether something was written since the last flush.
    pub(crate) fn has_group(&self) -> bool {
        !matches!(self.group, Group::Empty)
    }

    /// Whether a fault left bytes behind that must be cut before the file is let go.
    pub(crate) fn owes_a_cut(&self) -> bool {
        !self.is_good() && self.file.is_unsettled()
    }

    /// Whether what a group wrote can be taken back.
    pub(crate) fn takes_back(&self) -> bool {
        self.file.is_cuttable()
    }

    /// Whether the file must be opened anew before anything is appended.
    pub(crate) fn is_distrusted(&self) -> bool {
        self.distrusted
    }

    fn is_good(&self) -> bool {
        matches!(self.group, Group::Good)
    }

    fn begin_group(&mut self) {
        if self.has_group() {
            return;
        }
        self.group = Group::Good;
        if self.file.is_unsettled()
            && let Err(refusal) = self.cut()
        {
            self.fail_group(refusal, false);
        }
    }

    fn append_buffer(&mut self) {
        if let Err(error) = self.file.append(&self.buffer) {
            self.fail(&format!("cannot write to {}", self.label), &error);
        }
        self.clear_buffer();
    }

    fn clear_buffer(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(IDLE_BUFFER_BYTES_MAX);
    }

    fn settle(&mut self) -> Option<Position> {
        if !self.is_good() {
            return None;
        }
        match self.file.settle() {
            Ok(position) => Some(Position::at(self.name.clone(), position?.to_bytes())),
            Err(error) => {
                self.fail(&format!("cannot tell the end of {}", self.label), &error);
                None
            }
        }
    }

    /// Ends the group for a fault, and takes back what it wrote as far as that can be done.
    fn fail(&mut self, what: &str, error: &io::Error) {
        let reason = format!("{what}: {error}");
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        if !self.file.is_unsettled() {
            return self.fail_group(Refusal::local(reason), gone);
        }
        if !self.file.is_cuttable() {
            let landed = self.file.unsettled();
            let kept = self.record_ends.partition_point(|end| *end <= landed) as u64;
            self.file.forget();
            self.clear_buffer();
            self.group = Group::Failed { refusal: Refusal::unknown(reason), gone, kept };
            return;
        }
        match self.file.cut() {
            Ok(()) => self.fail_group(Refusal::local(reason), gone),
            Err(cut) => {
                let reason = format!("{reason}; {}", self.cut_failed(&cut));
                self.fail_group(Refusal::local(reason), gone);
            }
        }
    }

    fn fail_group(&mut self, refusal: Refusal, gone: bool) {
        self.clear_buffer();
        self.group = Group::Failed { refusal, gone, kept: 0 };
    }

    fn cut_failed(&self, error: &io::Error) -> String {
        format!("cannot cut {} back to what was acknowledged: {error}", self.label)
    }
}
