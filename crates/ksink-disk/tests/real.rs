//! What is of this machine's file system alone: links, pipes, devices, modes.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    thread,
};

use ksink_disk::{Disk, Kind, NamedBy, Open, RealDisk, append_all, read_to_end};
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::tempdir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_created_is_for_the_owner_alone() {
    let folder = tempdir().unwrap();
    let deep = folder.path().join("a/b");
    RealDisk.create_folder(&deep).unwrap();
    RealDisk.open(&deep.join("file"), Open::CreateNew).unwrap();
    RealDisk.open(&deep.join("state"), Open::ReadWrite { create: true }).unwrap();
    let modes = ["a", "a/b", "a/b/file", "a/b/state"].map(|name| mode(&folder.path().join(name)));
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
}

#[test]
fn the_operator_may_name_a_link_and_a_producer_may_not() {
    let folder = tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    symlink(&file, &link).unwrap();
    let mut open = RealDisk.open(&link, Open::Append(NamedBy::Operator)).unwrap();
    append_all(&mut *open, b"kept").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"kept");
    RealDisk.open(&link, Open::Append(NamedBy::Producer)).unwrap_err();
    assert_eq!(RealDisk.look(&link).unwrap().unwrap().kind, Kind::Other);
}

#[test]
fn a_producer_may_name_neither_a_pipe_nor_a_device() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    for name in [&*pipe, Path::new("/dev/null")] {
        RealDisk.open(name, Open::Append(NamedBy::Producer)).unwrap_err();
    }
}

#[test]
fn a_pipe_has_no_identity_and_nothing_to_sync() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe)
    });
    let mut file = RealDisk.open(&pipe, Open::Append(NamedBy::Operator)).unwrap();
    append_all(&mut *file, b"through").unwrap();
    file.sync_data().unwrap();
    assert_eq!(file.identity().unwrap(), None);
    file.position().unwrap_err();
    drop(file);
    assert_eq!(reader.join().unwrap().unwrap(), b"through");
}

#[test]
fn allocated_room_belongs_to_the_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut file = RealDisk.open(&path, Open::ReadWrite { create: true }).unwrap();
    file.allocate(64 << 10).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), 64 << 10);
    assert!(metadata.blocks() * 512 >= 64 << 10, "{}", metadata.blocks());
    file.allocate(10).unwrap();
    assert_eq!(file.len().unwrap(), 64 << 10, "it is not cut by asking for less");
}

#[test]
fn the_machine_names_its_boot() {
    let name = RealDisk.boot_id().unwrap();
    assert!(!name.is_empty() && name == RealDisk.boot_id().unwrap(), "{name}");
}

#[test]
fn a_file_that_somebody_else_shortened_gets_no_hole() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("out");
    let mut file = RealDisk.open(&path, Open::Append(NamedBy::Producer)).unwrap();
    append_all(&mut *file, b"one two").unwrap();
    fs::write(&path, "").unwrap();
    append_all(&mut *file, b"three").unwrap();
    assert_eq!(file.position().unwrap(), 5);
    let reader = RealDisk.open(&path, Open::Read).unwrap();
    assert_eq!(read_to_end(&*reader, 0).unwrap(), b"three");
}

#[test]
fn a_name_that_is_taken_is_no_folder() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = RealDisk.create_folder(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADirectory);
}
