//! The file system of this machine.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Seek, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
    time::UNIX_EPOCH,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{AtFlags, CWD, FallocateFlags, OFlags, fallocate, linkat},
    io::{Errno, retry_on_intr},
};

use crate::{
    disk::{Disk, DiskFile, Existing, Identity, Kind, Look, NamedBy, Open},
    planted::planted,
    whole::write_zeros,
};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// A file of this machine, or whatever else has a descriptor.
#[derive(Debug)]
pub struct RealFile {
    file: File,
    /// Whether writes go to the end, wherever that is (`O_APPEND`).
    appends: bool,
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.mode(0o600);
        let file = match how {
            Open::Append(named_by) => open_to_append(path, options.create(true), named_by)?,
            Open::AppendExisting(named_by) => open_to_append(path, &mut options, named_by)?,
            Open::CreateNew => options.append(true).read(true).create_new(true).open(path)?,
            Open::ReadWrite { create } => {
                options.read(true).write(true).create(create).truncate(false).open(path)?
            }
            Open::Read => options.read(true).open(path)?,
            Open::UnlinkedTemporary => unlinked(path, options.append(true).read(true))?,
        };
        let appends = match how {
            Open::Append(_)
            | Open::AppendExisting(_)
            | Open::CreateNew
            | Open::UnlinkedTemporary => true,
            Open::ReadWrite { .. } | Open::Read => false,
        };
        Ok(Box::new(RealFile { file, appends }))
    }

    fn rename(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        match existing {
            Existing::Replace => fs::rename(from, to),
            Existing::Refuse => rename_to_new(from, to),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        match DirBuilder::new().recursive(true).mode(0o700).create(path) {
            // "File exists" would be a riddle to whoever asked for a folder.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(ErrorKind::NotADirectory.into())
            }
            result => result,
        }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if planted("no-directory-sync") {
            return Ok(());
        }
        File::open(here_if_empty(path))?.sync_all()
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(look_of(&metadata))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(here_if_empty(folder))?.map(|entry| Ok(entry?.file_name())).collect()
    }

    #[cfg(target_os = "linux")]
    fn boot_id(&self) -> io::Result<String> {
        // A power cut that was only played would go unnoticed otherwise.
        #[cfg(feature = "fail-points")]
        if let Ok(played) = std::env::var("KSINK_BOOT_ID") {
            return Ok(played);
        }
        Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
    }

    /// The time of the last start, which the system keeps.
    #[cfg(not(target_os = "linux"))]
    fn boot_id(&self) -> io::Result<String> {
        let output = std::process::Command::new("/usr/sbin/sysctl")
            .args(["-n", "kern.boottime"])
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl RealFile {
    /// Takes a descriptor that is open already, to append to it: standard output, say.
    pub fn borrowed(file: File) -> Self {
        Self { file, appends: true }
    }

    /// Waits until something can be written. Needed for a terminal or a pipe that another process, which
    /// shares it, made non-blocking.
    fn wait_for_room(&self) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn wants(&self, appends: bool) -> io::Result<()> {
        if self.appends == appends { Ok(()) } else { Err(ErrorKind::InvalidInput.into()) }
    }
}

impl DiskFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wants(true)?;
        loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_room()?,
                result => return result,
            }
        }
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        // Linux would append whatever the offset says.
        self.wants(false)?;
        uninterrupted(|| self.file.write_at(bytes, offset))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        uninterrupted(|| self.file.read_at(into, offset))
    }

    fn position(&mut self) -> io::Result<u64> {
        self.file.stream_position()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        // What is shorter than the file would cut it on some systems, and nothing is refused by others.
        let len = len.max(self.len()?);
        if len == 0 {
            return Ok(());
        }
        match retry_on_intr(|| fallocate(&self.file, FallocateFlags::empty(), 0, len)) {
            // The file system cannot promise room; what is written has it.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(self, len),
            result => Ok(result?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        synced(self.file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        synced(self.file.sync_all())
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self { file: self.file.try_clone()?, appends: self.appends }))
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        let metadata = self.file.metadata()?;
        Ok(metadata.is_file().then(|| identity_of(&metadata)))
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open_to_append(path: &Path, options: &mut OpenOptions, named_by: NamedBy) -> io::Result<File> {
    options.append(true);
    if named_by == NamedBy::Producer {
        // O_NONBLOCK: a FIFO must not hold up everything until it is seen to be one.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if named_by == NamedBy::Producer && !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// A file in `folder` that has no name.
#[cfg(target_os = "linux")]
fn unlinked(folder: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::TMPFILE.bits().cast_signed();
    match options.clone().custom_flags(flags).open(here_if_empty(folder)) {
        // Not every file system can; one that never heard of it sees a folder that is to be written.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::IsADirectory) => {
            created_and_removed(folder, options)
        }
        result => result,
    }
}

#[cfg(not(target_os = "linux"))]
fn unlinked(folder: &Path, options: &mut OpenOptions) -> io::Result<File> {
    created_and_removed(folder, options)
}

fn created_and_removed(folder: &Path, options: &mut OpenOptions) -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};

    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(format!(".ksink-unlinked-{process}-{count}"));
    let file = options.create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};

    match retry_on_intr(|| renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)) {
        // The file system (INVAL) or the kernel (NOSYS) does not know how.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_and_remove(from, to),
        result => Ok(result?),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    link_and_remove(from, to)
}

/// A rename that fails where the new name is taken: a link never replaces. In between the file has both names, so
/// that one that has them already is an earlier try that was cut short.
fn link_and_remove(from: &Path, to: &Path) -> io::Result<()> {
    match retry_on_intr(|| linkat(CWD, from, CWD, to, AtFlags::empty())) {
        Err(Errno::EXIST) if is_same_file(from, to)? => {}
        result => result?,
    }
    fs::remove_file(from)
}

fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
    Ok(identity_of(&one) == identity_of(&other))
}

fn look_of(metadata: &Metadata) -> Look {
    let kind = if metadata.is_file() {
        Kind::File
    } else if metadata.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    };
    Look { kind, identity: identity_of(metadata), len: metadata.len() }
}

fn identity_of(metadata: &Metadata) -> Identity {
    let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    let born_ns = born.and_then(|born| u64::try_from(born.as_nanos()).ok()).unwrap_or(0);
    Identity { device: metadata.dev(), inode: metadata.ino(), born_ns }
}

/// The parent of a relative path of one component is written as nothing.
fn here_if_empty(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// A pipe or a terminal says that it cannot be synced: it keeps nothing.
fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the file system has no rename that refuses.
    #[test]
    fn a_link_and_a_removal_rename_without_replacing() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
        assert_eq!(link_and_remove(&a, &b).unwrap_err().kind(), ErrorKind::AlreadyExists);
        link_and_remove(&a, &c).unwrap();
        assert_eq!((a.exists(), fs::read_to_string(&c).unwrap()), (false, "a".to_owned()));
    }

    #[test]
    fn a_link_whose_removal_was_cut_short_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "it").unwrap();
        fs::hard_link(&from, &to).unwrap();
        link_and_remove(&from, &to).unwrap();
        assert_eq!((from.exists(), fs::read_to_string(&to).unwrap()), (false, "it".to_owned()));
    }

    #[test]
    fn a_file_without_a_name_needs_no_help_of_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = OpenOptions::new();
        let mut file = created_and_removed(folder.path(), options.append(true).read(true)).unwrap();
        file.write_all(b"kept").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
