//! Opening a file, and telling the server before the first byte.
//!
//! A server that starts again cuts what lies beyond the position that it remembers. So it has to remember where a
//! file stands before anything is appended, after each opening. Of a name that nothing has yet it remembers
//! that, and then the file that was made: an empty one that is found later is ours.
//!
//! A file that stands where the server was told last is not reported again: not when it is opened again and stands
//! where a flush left it (until that is accepted the server has to remember the position before), and not when it
//! stands where a recovery left it.

use std::{
    io,
    path::{Path, PathBuf},
};

use ksink_disk::{Open, fail_point};
use ksink_event::{Ack, Position, Refusal, Reporter, Topic};

use super::{FileSink, OpenError, syncs};
use crate::{Failure, OutputId, append::AppendFile, output::Output, position::FilePosition};

/// An open file, and what others know of it.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) output: Output,
    /// The folder whose entry leads to the file.
    pub(super) folder: PathBuf,
    /// Which write came last.
    pub(super) used_at: u64,
    /// Whether the server remembers where the file stood when it was opened.
    pub(super) is_reported: bool,
    /// Where the server was told last that it stands.
    pub(super) told: Option<FilePosition>,
    /// Whether the group has to be synced.
    pub(super) awaits_sync: bool,
    /// Whether its name was synced since it was opened.
    pub(super) is_named_durably: bool,
}

impl Opening {
    /// Ends the group, of which everything is written and synced.
    pub(super) fn end_group(&mut self) -> Result<Option<Position>, Failure> {
        self.awaits_sync = false;
        let position = self.output.end_group()?;
        let bytes = position.as_ref().and_then(|position| position.bytes.as_deref());
        if let Some(position) = bytes.and_then(FilePosition::parse) {
            self.told = Some(position);
        }
        Ok(position)
    }

    fn takes_records(&self) -> bool {
        self.is_reported && !self.output.is_distrusted()
    }
}

impl FileSink {
    /// Opens the one file if it is there, or makes sure that files can be made.
    pub(super) fn open_at_start(&mut self) -> Result<(), OpenError> {
        let topic = self.all_topics.clone();
        let path = self.pattern.path(&topic);
        let folder = self.pattern.folder().to_owned();
        if !self.pattern.is_fixed() {
            return self.check_folder(&folder).map_err(|cause| OpenError { path: folder, cause });
        }
        match self.open_existing(&path) {
            Ok(Some(file)) => {
                self.add(&topic, &path, file);
                Ok(())
            }
            Ok(None) => self.check_folder(&folder).map_err(|cause| OpenError { path, cause }),
            Err(cause) => Err(OpenError { path, cause }),
        }
    }

    /// Makes sure that a topic's file is open, and that the server remembers where it stood. `Err` names an output
    /// that failed and takes nothing until the flush.
    pub(super) async fn make_ready(&mut self, topic: &Topic, ack: &Ack) -> Result<(), OutputId> {
        if let Some(failure) = self.failed.get(topic) {
            return Err(failure.output);
        }
        if self.open.get(topic).is_some_and(Opening::takes_records) {
            return Ok(());
        }
        let ready = self.open_and_report(topic, &ack.reporter()).await;
        ready.map_err(|refusal| self.fail_opening(topic, refusal))
    }

    async fn open_and_report(&mut self, topic: &Topic, reporter: &Reporter) -> Result<(), Refusal> {
        self.let_go_of_distrusted(topic)?;
        let path = self.pattern.path(topic);
        if !self.open.contains_key(topic) {
            let cannot_open = |error| cannot_open(&path, &error);
            self.make_room().map_err(cannot_open)?;
            let file = match self.open_existing(&path).map_err(cannot_open)? {
                Some(file) => file,
                None => {
                    reporter.report(vec![self.at(&path, FilePosition::Absent)]).await?;
                    fail_point("file-absent-reported");
                    self.create(&path).map_err(cannot_open)?
                }
            };
            self.add(topic, &path, file);
        }
        self.report(topic, &path, reporter).await
    }

    /// Tells the server where an open file stands, unless it was told.
    async fn report(
        &mut self,
        topic: &Topic,
        path: &Path,
        reporter: &Reporter,
    ) -> Result<(), Refusal> {
        let opening = self.open.get_mut(topic).expect("it was opened just now");
        let stands_at = opening.output.file().stands_at();
        let Some(position) = stands_at.map_err(|error| cannot_open(path, &error))? else {
            opening.is_reported = true;
            return Ok(());
        };
        let name = opening.output.name();
        let told = self.told.get(name).copied();
        let told = match told.filter(|told| is_known(*told, position, self.closed.contains(topic)))
        {
            Some(told) => told,
            None => {
                reporter.report(vec![Position::at(name.clone(), position.to_bytes())]).await?;
                fail_point("file-reported");
                position
            }
        };
        self.told.remove(name);
        opening.told = Some(told);
        opening.is_reported = true;
        Ok(())
    }

    /// Closes a file of which a sync failed, once what was refused is cut back.
    fn let_go_of_distrusted(&mut self, topic: &Topic) -> Result<(), Refusal> {
        if let Some(opening) = self.open.get_mut(topic)
            && opening.output.is_distrusted()
        {
            opening.output.cut()?;
            let opening = self.open.remove(topic);
            opening.into_iter().for_each(|opening| self.let_go(opening));
        }
        Ok(())
    }

    /// Opens and locks a file that is there.
    pub(super) fn open_existing(&self, path: &Path) -> io::Result<Option<AppendFile>> {
        match self.disk.open(path, Open::AppendExisting(self.named_by())) {
            Ok(file) => {
                let file = AppendFile::over(file)?;
                file.lock()?;
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a file, or takes what somebody else made meanwhile. A link of the operator that leads to nothing is
    /// followed.
    fn create(&self, path: &Path) -> io::Result<AppendFile> {
        if let Some(folder) = path.parent() {
            self.disk.create_folder(folder)?;
        }
        let file = match self.disk.open(path, Open::CreateNew) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.open(path, Open::Append(self.named_by()))?
            }
            result => result?,
        };
        fail_point("file-created");
        let file = AppendFile::over(file)?;
        file.lock()?;
        Ok(file)
    }

    fn add(&mut self, topic: &Topic, path: &Path, file: AppendFile) {
        let name = self.pattern.name(path).into();
        let output = Output::new(self.next_id(), name, file).labelled(path.to_string_lossy());
        let opening = Opening {
            output,
            folder: syncs::folder_of(&*self.disk, path),
            used_at: self.writes,
            is_reported: false,
            told: None,
            awaits_sync: false,
            is_named_durably: false,
        };
        self.open.insert(topic.clone(), opening);
    }

    fn at(&self, path: &Path, position: FilePosition) -> Position {
        Position::at(self.pattern.name(path), position.to_bytes())
    }

    /// Makes sure that files can be made in a folder, which is created if need be.
    fn check_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.create_folder(folder)?;
        self.disk.open(folder, Open::UnlinkedTemporary).map(drop)
    }
}

/// Whether the server knows, or is going to, that a file stands there. Where a part of the group is in it, it must not
/// be reported with that, also if others appended meanwhile.
fn is_known(told: FilePosition, now: FilePosition, holds_a_part_of_the_group: bool) -> bool {
    told == now || (holds_a_part_of_the_group && told.is_of_same_file(now))
}

fn cannot_open(path: &Path, error: &io::Error) -> Refusal {
    let reason = format!("cannot open {}: {error}", path.display());
    match error.kind() {
        // No retry makes a topic's name shorter.
        io::ErrorKind::InvalidFilename => Refusal::rejected(reason),
        _ => Refusal::local(reason),
    }
}
