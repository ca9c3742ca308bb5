//! A decided commit, file by file. Doing it twice does no more than doing it once.
//!
//! What is found says how far an earlier try came:
//!
//! | to do | temporary file | final name | then |
//! |---|---|---|---|
//! | rename | there | free | it is renamed |
//! | rename | there | taken by something else | it waits; a file of the same content will do |
//! | rename | gone | | it is done; where another file has the name, somebody moved ours since |
//! | append | there | as long as it was | it is appended |
//! | append | there | longer, and this may be ours | what is too much is cut, then it is appended |
//! | append | there | longer, and this is not ours | it is appended behind that |
//! | append | there | shorter, or another file | it is appended to what is there now |
//! | append | there | free | it is renamed |
//! | append | | the records are there | it is done |
//! | append | gone | the records are not there | it is done; somebody moved them since |
//!
//! Nothing is cut before the temporary file was found whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use ksink_disk::{Disk, DiskFile, Existing, Kind, Look, NamedBy, Open, append_all, fail_point};
use ksink_event::Refusal;

use super::{
    intent::{FilePlan, Step},
    position::{Base, Which},
    running::{is_there, remove},
};

/// How much is copied or read at once.
const STEP_BYTES: usize = 256 << 10;

/// One file of a decided commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work<'w> {
    pub(super) disk: &'w dyn Disk,
    pub(super) plan: &'w FilePlan,
    pub(super) temporary: &'w Path,
    pub(super) last: &'w Path,
    /// Where it is appended, if not where the plan says.
    pub(super) base: Option<Base>,
    pub(super) earlier: Earlier,
}

/// What is known of earlier tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// There was none that left anything.
    Nothing,
    /// Another process may have left a part of its work.
    Unknown,
    /// One failed, and could not be undone: what it did cannot be trusted.
    Failed,
}

/// What was done, and is not synced yet.
#[derive(Debug)]
pub(super) struct Done {
    /// What was appended to, if so, and how long it was before.
    pub(super) appended: Option<(Box<dyn DiskFile>, Base)>,
    /// The folders whose names changed.
    pub(super) folders: Vec<PathBuf>,
    /// Whether the temporary file is still there, to be deleted later.
    pub(super) leftover: bool,
}

/// Why it was not done.
#[derive(Debug)]
pub(super) enum Undone {
    /// The server must remember first that it is appended here.
    Base(Base),
    /// Something else has the final name.
    Taken(Refusal),
    /// The system refused something.
    Fault(Refusal),
    /// The system refused something, and a part of the append stays.
    Torn(Refusal),
    /// Nobody can read what is to be done.
    Unreadable(Refusal),
}

impl Undone {
    pub(super) fn into_refusal(self) -> Refusal {
        match self {
            Self::Base(_) => Refusal::local("the final file changes all the time"),
            Self::Taken(refusal)
            | Self::Fault(refusal)
            | Self::Torn(refusal)
            | Self::Unreadable(refusal) => refusal,
        }
    }
}

impl Work<'_> {
    pub(super) fn run(self) -> Result<Done, Undone> {
        let is_there = is_there(self.disk, self.temporary, self.plan.which);
        let mut is_there = is_there.map_err(|error| self.fault(self.temporary, &error))?;
        if self.earlier == Earlier::Failed && !is_there {
            is_there = self.take_back().map_err(|error| self.fault(self.last, &error))?;
        }
        let there = self.disk.look(self.last).map_err(|error| self.fault(self.last, &error))?;
        match self.plan.step {
            Step::Rename => self.rename(is_there, there, Existing::Refuse),
            Step::Replace => self.rename(is_there, there, Existing::Replace),
            Step::Append { to, crc } => self.append(is_there, there, self.base.unwrap_or(to), crc),
        }
    }

    /// Gives the file its temporary name again, if it has its final one. Says whether it had.
    fn take_back(self) -> io::Result<bool> {
        let is_final = is_there(self.disk, self.last, self.plan.which)?;
        if is_final {
            self.disk.rename(self.last, self.temporary, Existing::Refuse)?;
        }
        Ok(is_final)
    }

    /// Whether something has the final name that keeps this from being done.
    pub(super) fn is_in_the_way(self) -> Result<bool, Refusal> {
        let refusal = |error: io::Error| self.refusal(self.last, &error);
        let is_to_be_done =
            is_there(self.disk, self.temporary, self.plan.which).map_err(refusal)?;
        let there = self.disk.look(self.last).map_err(refusal)?;
        let Some(there) = there.filter(|_| is_to_be_done) else { return Ok(false) };
        if there.kind != Kind::File {
            return Ok(true);
        }
        match self.plan.step {
            Step::Rename if Which::from(there.identity) != self.plan.which => {
                self.is_same(there).map(|is_same| !is_same).map_err(Undone::into_refusal)
            }
            Step::Rename | Step::Replace | Step::Append { .. } => Ok(false),
        }
    }

    /// Whether what has the final name has the same bytes.
    fn is_same(self, there: Look) -> Result<bool, Undone> {
        Ok(there.len == self.plan.len
            && self.crc_of(self.last, 0)? == self.crc_of(self.temporary, 0)?)
    }

    fn rename(
        self,
        is_there: bool,
        there: Option<Look>,
        existing: Existing,
    ) -> Result<Done, Undone> {
        if !is_there {
            self.warn_if_moved(there);
            return Ok(self.done());
        }
        match there {
            // It has both names where a rename is a link and a removal, and that was cut short.
            Some(look) if Which::from(look.identity) == self.plan.which => {
                return self.drop_temporary();
            }
            Some(look) if look.kind != Kind::File => return Err(self.taken()),
            Some(look) if existing == Existing::Refuse => {
                if !self.is_same(look)? {
                    return Err(self.taken());
                }
                return self.drop_temporary();
            }
            Some(_) | None => {}
        }
        fail_point("sink-commit-renaming");
        if let Some(folder) = self.last.parent() {
            self.disk.create_folder(folder).map_err(|error| self.fault(folder, &error))?;
        }
        match self.disk.rename(self.temporary, self.last, existing) {
            Ok(()) => {
                fail_point("sink-commit-renamed");
                Ok(self.done())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(self.taken()),
            Err(error) => Err(self.fault(self.last, &error)),
        }
    }

    fn drop_temporary(self) -> Result<Done, Undone> {
        remove(self.disk, self.temporary, self.plan.which)
            .map_err(|error| self.fault(self.temporary, &error))?;
        Ok(self.done())
    }

    fn append(
        self,
        is_there: bool,
        there: Option<Look>,
        base: Base,
        crc: u32,
    ) -> Result<Done, Undone> {
        let Some(there) = there else {
            tracing::warn!(
                file = %self.last.display(),
                "the file that a transaction was to be added to was moved or removed"
            );
            return self.rename(is_there, None, Existing::Refuse);
        };
        if there.kind != Kind::File {
            return Err(self.taken());
        }
        if Which::from(there.identity) == self.plan.which {
            // An earlier try found the name free.
            return Ok(self.done());
        }
        let now = Base { which: there.identity.into(), len: there.len };
        let may_go_on = is_there && self.earlier != Earlier::Nothing;
        let is_same = now.which == base.which;
        if is_same && !may_go_on && self.holds(now, base, crc)? {
            // Nobody knows whether an earlier try synced it.
            let appended = Some((self.open_last(now)?, base));
            return Ok(Done { appended, leftover: is_there, ..self.done() });
        }
        if !is_there {
            self.warn_if_moved(Some(there));
            return Ok(self.done());
        }
        if self.crc_of(self.temporary, 0)? != crc {
            let reason = format!("{} is damaged", self.temporary.display());
            return Err(Undone::Fault(Refusal::local(reason)));
        }
        if is_same && (now.len == base.len || (now.len > base.len && may_go_on)) {
            return self.copy(base);
        }
        if !is_same || now.len < base.len {
            tracing::warn!(
                file = %self.last.display(),
                "the file that a transaction is added to was replaced or shortened"
            );
        }
        Err(Undone::Base(now))
    }

    /// Whether the final file holds the records already.
    fn holds(self, now: Base, base: Base, crc: u32) -> Result<bool, Undone> {
        Ok(now.len >= base.len + self.plan.len && self.crc_of(self.last, base.len)? == crc)
    }

    /// Cuts the final file to where the append begins, and copies the temporary one to its end.
    fn copy(self, base: Base) -> Result<Done, Undone> {
        let mut file = self.open_last(base)?;
        let appended = self.try_copy(&mut *file, base);
        if let Err(error) = appended {
            let refusal = self.refusal(self.last, &error);
            let cut = cut(&mut *file, base.len);
            return Err(if cut.is_ok() { Undone::Fault(refusal) } else { Undone::Torn(refusal) });
        }
        fail_point("sink-commit-appended");
        Ok(Done { appended: Some((file, base)), leftover: true, ..self.done() })
    }

    fn try_copy(self, file: &mut dyn DiskFile, base: Base) -> io::Result<()> {
        cut(file, base.len)?;
        fail_point("sink-commit-appending");
        let from = self.disk.open(self.temporary, Open::Read)?;
        for_each_piece(&*from, 0, self.plan.len, |piece| append_all(file, piece))
    }

    /// Opens the final file, if it still is the one that was looked at.
    fn open_last(self, base: Base) -> Result<Box<dyn DiskFile>, Undone> {
        let open = || {
            let file = self.disk.open(self.last, Open::AppendExisting(NamedBy::Producer))?;
            let which = file.identity()?.map(Which::from);
            if which != Some(base.which) {
                return Err(io::Error::other("it was replaced just now"));
            }
            match file.try_lock() {
                Ok(true) => Ok(file),
                Ok(false) => Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another process has locked it",
                )),
                // Some file systems have no locks.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
                Err(error) => Err(error),
            }
        };
        open().map_err(|error| self.fault(self.last, &error))
    }

    /// The CRC-32C of as many bytes as the plan has, from `at` on.
    fn crc_of(self, path: &Path, at: u64) -> Result<u32, Undone> {
        let file = self.disk.open(path, Open::Read).map_err(|error| self.fault(path, &error))?;
        match crc_of(&*file, at, self.plan.len) {
            Ok(crc) => Ok(crc),
            Err(error) => Err(self.fault(path, &error)),
        }
    }

    fn done(self) -> Done {
        let folders =
            [self.last, self.temporary].map(|path| path.parent().unwrap_or(path).to_owned());
        let mut folders = Vec::from(folders);
        folders.dedup();
        Done { appended: None, folders, leftover: false }
    }

    fn warn_if_moved(self, there: Option<Look>) {
        if there.is_none_or(|look| Which::from(look.identity) != self.plan.which) {
            tracing::warn!(
                file = %self.last.display(),
                "the file of a committed transaction is gone: it was moved, removed or replaced since"
            );
        }
    }

    fn taken(self) -> Undone {
        Undone::Taken(Refusal::local(format!(
            "the transaction in {} is committed, but {} is taken by something else: move that away, or let \
             `ksink recover --keep-both` do so",
            self.temporary.display(),
            self.last.display()
        )))
    }

    fn fault(self, path: &Path, error: &io::Error) -> Undone {
        Undone::Fault(self.refusal(path, error))
    }

    fn refusal(self, path: &Path, error: &io::Error) -> Refusal {
        let (id, path) = (self.plan.temporary.as_str(), path.display());
        Refusal::local(format!("cannot commit {id}, at {path}: {error}"))
    }

    /// Takes back what a sync that failed leaves in doubt, so that the next try does it all again.
    pub(super) fn undo(self, done: Done) -> io::Result<()> {
        match done.appended {
            Some((mut file, base)) => cut(&mut *file, base.len),
            None => self.take_back().map(drop),
        }
    }
}

/// The CRC-32C of `len` bytes of a file.
///
/// # Errors
/// `UnexpectedEof` when there are fewer.
pub(super) fn crc_of(file: &dyn DiskFile, at: u64, len: u64) -> io::Result<u32> {
    let mut crc = 0;
    for_each_piece(file, at, len, |piece| {
        crc = crc32c::crc32c_append(crc, piece);
        Ok(())
    })?;
    Ok(crc)
}

fn for_each_piece(
    file: &dyn DiskFile,
    mut at: u64,
    len: u64,
    mut act: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let end = at + len;
    let mut buffer = vec![0; usize::try_from(len).map_or(STEP_BYTES, |len| len.min(STEP_BYTES))];
    while at < end {
        let wanted = usize::try_from(end - at).map_or(STEP_BYTES, |left| left.min(STEP_BYTES));
        match file.read_at(&mut buffer[..wanted], at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                act(&buffer[..read])?;
                at += read as u64;
            }
        }
    }
    Ok(())
}

/// Cuts a file that is longer.
fn cut(file: &mut dyn DiskFile, len: u64) -> io::Result<()> {
    if file.len()? > len { file.set_len(len) } else { Ok(()) }
}
