//! What becomes of files when a server starts again: they are brought to where it remembers them.
//!
//! | the file | after a clean stop | after another one |
//! |---|---|---|
//! | is longer | others appended: it stays | what lies beyond was never acknowledged: it is cut |
//! | is shorter | it is taken as it is | the same; where power was lost and had to be expected to take something, what follows the last separator is cut |
//! | is another one, or gone | it is taken as it is | the same |
//!
//! Which file it is, its inode and its birth time tell, and within one boot its device.

use std::{io, path::Path};

use ksink_disk::{DiskFile, Identity, Kind, Open, fail_point, planted};
use ksink_event::{Durability, Held, LastStop, Position};

use super::FileSink;
use crate::{RecoverError, append::AppendFile, position::FilePosition};

/// So many files are named in a log line.
const NAMES_LOGGED: usize = 10;

/// How much is read at once to find the last separator.
const STEP_BYTES: usize = 64 << 10;

/// What others did to files, and what the loss of power may have done, by name.
#[derive(Debug, Default)]
struct Findings {
    removed: Vec<String>,
    replaced: Vec<String>,
    shortened: Vec<String>,
    /// All files, where records may be missing from any.
    incomplete: Vec<String>,
}

impl FileSink {
    /// Brings the files to where the server remembers them. Returns what it should remember instead.
    pub(super) fn recover_positions(&mut self, held: &Held) -> Result<Vec<Position>, RecoverError> {
        let mut findings = Findings::default();
        let mut changed = Vec::new();
        for Position { output, bytes } in &held.positions {
            let Some(bytes) = bytes else { continue };
            let Some(position) = FilePosition::parse(bytes) else { continue };
            let path = self.pattern.named(output);
            let now = self
                .recover_file(&path, position, held.last_stop, &mut findings)
                .map_err(|cause| cannot_recover(&path, cause))?;
            self.told.extend(now.map(|now| (output.clone(), now)));
            let now = now.map(FilePosition::to_bytes);
            if now.as_ref() != Some(bytes) {
                changed.push(Position { output: output.clone(), bytes: now });
            }
        }
        findings.log();
        Ok(changed)
    }

    /// Where a file stands now, after what was not acknowledged is cut; `None` if there is none.
    fn recover_file(
        &mut self,
        path: &Path,
        held: FilePosition,
        last_stop: LastStop,
        findings: &mut Findings,
    ) -> io::Result<Option<FilePosition>> {
        let name = || path.display().to_string();
        let Some(found) = self.find(path)? else {
            if held != FilePosition::Absent {
                findings.removed.push(name());
            }
            return Ok(None);
        };
        let FilePosition::At { identity, length } = held else { return Ok(Some(found.position())) };
        if !is_same(identity, found.identity, last_stop) {
            findings.replaced.push(name());
            return Ok(Some(found.position()));
        }
        if self.may_lack_records(last_stop) {
            findings.incomplete.push(name());
        }
        if found.length < length {
            findings.shortened.push(name());
        }
        self.recover_same(path, found, length, last_stop).map(Some)
    }

    /// Where the file stands that is remembered, after what was not acknowledged is cut.
    fn recover_same(
        &mut self,
        path: &Path,
        found: Found,
        held: u64,
        last_stop: LastStop,
    ) -> io::Result<FilePosition> {
        let keep = match last_stop {
            LastStop::Clean => found.length,
            LastStop::Unclean | LastStop::Rebooted if found.length >= held => held,
            LastStop::Unclean | LastStop::Rebooted if self.may_lack_records(last_stop) => {
                self.end_of_last_record(path, found.length)?
            }
            LastStop::Unclean | LastStop::Rebooted => found.length,
        };
        if last_stop == LastStop::Unclean {
            self.unsynced.insert(path.to_owned());
        }
        if keep == found.length || planted("no-truncation") {
            return Ok(found.position());
        }
        self.cut(path, found.identity, keep)?;
        Ok(Found { length: keep, ..found }.position())
    }

    /// Whether acknowledged records may be missing, by what was promised.
    fn may_lack_records(&self, last_stop: LastStop) -> bool {
        match (last_stop, self.options.durability) {
            (LastStop::Clean, _)
            | (LastStop::Unclean, Durability::Process | Durability::Power)
            | (LastStop::Rebooted, Durability::Power) => false,
            (LastStop::Unclean, Durability::None)
            | (LastStop::Rebooted, Durability::Process | Durability::None) => true,
        }
    }

    /// What has a name, if that is a regular file. The operator's file is open already if it is there.
    fn find(&self, path: &Path) -> io::Result<Option<Found>> {
        if self.pattern.is_fixed() {
            let opening = self.open.get(&self.all_topics);
            let stands_at = opening.map(|opening| opening.output.file().stands_at()).transpose()?;
            return Ok(stands_at.flatten().and_then(Found::at));
        }
        let look = self.disk.look(path)?.filter(|look| look.kind == Kind::File);
        Ok(look.map(|look| Found { identity: look.identity, length: look.len }))
    }

    /// Cuts a file, so that the loss of power does not bring back what was there.
    fn cut(&mut self, path: &Path, found: Identity, keep: u64) -> io::Result<()> {
        if let Some(opening) = self.open.get_mut(&self.all_topics) {
            return cut_durably(opening.output.file_mut(), keep);
        }
        let Some(mut file) = self.open_existing(path)? else { return Ok(()) };
        let opened = file.stands_at()?.and_then(Found::at);
        if opened.is_some_and(|opened| opened.identity == found) {
            cut_durably(&mut file, keep)?;
        }
        Ok(())
    }

    /// The length up to the last separator of a file, with it; all of it if there is none.
    fn end_of_last_record(&self, path: &Path, length: u64) -> io::Result<u64> {
        let separator = self.format.ending();
        if separator.is_empty() {
            return Ok(length);
        }
        let file = self.disk.open(path, Open::Read)?;
        Ok(last_end(&*file, length, separator)?.unwrap_or(length))
    }
}

/// A regular file that has the name.
#[derive(Clone, Copy, Debug)]
struct Found {
    identity: Identity,
    length: u64,
}

impl Found {
    fn at(position: FilePosition) -> Option<Self> {
        match position {
            FilePosition::At { identity, length } => Some(Self { identity, length }),
            FilePosition::Absent => None,
        }
    }

    fn position(self) -> FilePosition {
        FilePosition::At { identity: self.identity, length: self.length }
    }
}

/// Whether it is the file that is remembered. The numbers of devices last as long as a boot; only of a kill is it
/// known that there was none since.
fn is_same(held: Identity, found: Identity, last_stop: LastStop) -> bool {
    let same_device = match last_stop {
        LastStop::Unclean => held.device == found.device,
        LastStop::Clean | LastStop::Rebooted => true,
    };
    same_device && (held.inode, held.born_ns) == (found.inode, found.born_ns)
}

fn cut_durably(file: &mut AppendFile, length: u64) -> io::Result<()> {
    file.cut_to(length)?;
    fail_point("file-cut");
    file.sync()
}

/// Where the last separator of a file's first `length` bytes ends.
fn last_end(file: &dyn DiskFile, length: u64, separator: &[u8]) -> io::Result<Option<u64>> {
    let overlap = separator.len() as u64 - 1;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP_BYTES as u64);
        let bytes = read_range(file, start, (end + overlap).min(length))?;
        let mut windows = bytes.windows(separator.len());
        if let Some(at) = windows.rposition(|window| window == separator) {
            return Ok(Some(start + (at + separator.len()) as u64));
        }
        end = start;
    }
    Ok(None)
}

fn read_range(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], start + read as u64)? {
            0 => break,
            count => read += count,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

fn cannot_recover(path: &Path, cause: io::Error) -> RecoverError {
    let what = format!("cannot bring {} to where it was acknowledged", path.display());
    RecoverError::Failed { what, cause }
}

impl Findings {
    fn log(&self) {
        for (files, what) in [
            (&self.removed, "output files are gone: new ones are made"),
            (&self.replaced, "output files were replaced: the ones that are there are appended to"),
            (&self.shortened, "output files were shortened: they are taken as they are"),
            (
                &self.incomplete,
                "acknowledged records may be missing at the end of these output files: \
                 the last stop was not clean, and --durability does not promise more",
            ),
        ] {
            if !files.is_empty() {
                let named = files.iter().take(NAMES_LOGGED).map(String::as_str);
                let named = named.collect::<Vec<&str>>().join(", ");
                let more = files.len().saturating_sub(NAMES_LOGGED);
                tracing::warn!(files = named, more, "{what}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
