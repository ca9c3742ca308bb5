//! What the disk of this machine and the model of one do alike. Each test is told to both.
#![cfg(feature = "model")]

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use ksink_disk::{
    Disk, DiskFile, Existing, Kind, ModelDisk, NamedBy, Open, RealDisk, append_all, read_to_end,
    sync_folders, write_all_at,
};

/// Tells a story to both disks, with an empty folder of each.
fn check(story: impl Fn(&dyn Disk, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    story(&RealDisk, folder.path());
    let model = ModelDisk::new();
    model.create_folder(Path::new("/folder")).unwrap();
    story(&model, Path::new("/folder"));
}

fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Box<dyn DiskFile> {
    let mut file = disk.open(path, Open::CreateNew).unwrap();
    append_all(&mut *file, bytes).unwrap();
    file
}

fn read(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    read_to_end(&*disk.open(path, Open::Read).unwrap(), 0).unwrap()
}

fn names(disk: &dyn Disk, folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        disk.list(folder).unwrap().into_iter().map(PathBuf::from).collect();
    names.sort();
    names
}

#[test]
fn a_new_file_has_a_name_that_nothing_had() {
    check(|disk, folder| {
        let path = folder.join("new");
        let mut file = write(disk, &path, b"one ");
        append_all(&mut *file, b"two").unwrap();
        assert_eq!(file.position().unwrap(), 7);
        assert_eq!(read_to_end(&*file, 2).unwrap(), b"e two");
        let error = disk.open(&path, Open::CreateNew).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn only_what_is_to_be_created_is_created() {
    check(|disk, folder| {
        let path = folder.join("a");
        for how in
            [Open::Read, Open::AppendExisting(NamedBy::Producer), Open::ReadWrite { create: false }]
        {
            assert_eq!(disk.open(&path, how).unwrap_err().kind(), ErrorKind::NotFound, "{how:?}");
        }
        disk.open(&path, Open::Append(NamedBy::Producer)).unwrap();
        disk.open(&path, Open::AppendExisting(NamedBy::Producer)).unwrap();
        disk.open(&folder.join("b"), Open::ReadWrite { create: true }).unwrap();
        assert_eq!(names(disk, folder), [Path::new("a"), Path::new("b")]);
        let error = disk.open(&folder.join("no/a"), Open::CreateNew).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_file_is_written_at_its_end_or_anywhere_as_it_was_opened() {
    check(|disk, folder| {
        let path = folder.join("file");
        let mut appended = disk.open(&path, Open::Append(NamedBy::Operator)).unwrap();
        append_all(&mut *appended, b"0123").unwrap();
        assert_eq!(appended.write_at(b"x", 0).unwrap_err().kind(), ErrorKind::InvalidInput);
        let mut anywhere = disk.open(&path, Open::ReadWrite { create: false }).unwrap();
        write_all_at(&mut *anywhere, b"ab", 6).unwrap();
        assert_eq!(anywhere.append(b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
        append_all(&mut *appended, b"end").unwrap();
        assert_eq!(read(disk, &path), b"0123\0\0abend");
        anywhere.set_len(2).unwrap();
        append_all(&mut *appended, b"!").unwrap();
        assert_eq!((appended.position().unwrap(), appended.len().unwrap()), (3, 3));
        anywhere.allocate(5).unwrap();
        anywhere.allocate(4).unwrap();
        assert_eq!(read(disk, &path), b"01!\0\0");
    });
}

#[test]
fn a_rename_replaces_only_where_it_is_told_to() {
    check(|disk, folder| {
        let [one, two, three] = ["one", "two", "three"].map(|name| folder.join(name));
        write(disk, &one, b"1");
        write(disk, &two, b"2");
        let refused = disk.rename(&one, &two, Existing::Refuse).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        disk.rename(&two, &three, Existing::Refuse).unwrap();
        disk.rename(&one, &three, Existing::Replace).unwrap();
        assert_eq!(names(disk, folder), [Path::new("three")]);
        assert_eq!(read(disk, &three), b"1");
        let missing = disk.rename(&one, &two, Existing::Refuse).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_file_keeps_its_identity_and_another_one_has_another() {
    check(|disk, folder| {
        let [one, two] = ["one", "two"].map(|name| folder.join(name));
        let file = write(disk, &one, b"1");
        let identity = file.identity().unwrap().unwrap();
        assert_eq!(disk.look(&one).unwrap().unwrap().identity, identity);
        disk.rename(&one, &two, Existing::Refuse).unwrap();
        write(disk, &one, b"other");
        let look = |path| disk.look(path).unwrap().unwrap();
        assert_eq!(look(&two).identity, identity);
        assert_ne!(look(&one).identity, identity);
        assert_eq!((look(&one).kind, look(&one).len), (Kind::File, 5));
        assert_eq!(look(folder).kind, Kind::Folder);
        disk.remove(&two).unwrap();
        assert_eq!(disk.look(&two).unwrap(), None);
        assert_eq!(disk.remove(&two).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_file_without_a_name_is_seen_by_its_descriptor_alone() {
    check(|disk, folder| {
        let mut file = disk.open(folder, Open::UnlinkedTemporary).unwrap();
        append_all(&mut *file, b"held").unwrap();
        assert_eq!(names(disk, folder), [] as [&Path; 0]);
        assert_eq!(read_to_end(&*file, 0).unwrap(), b"held");
    });
}

#[test]
fn folders_are_made_with_their_parents_and_synced_with_them() {
    check(|disk, folder| {
        let deep = folder.join("a/b");
        disk.create_folder(&deep).unwrap();
        disk.create_folder(&deep).unwrap();
        sync_folders(disk, &deep).unwrap();
        write(disk, &deep.join("file"), b"");
        disk.create_folder(&deep.join("file")).unwrap_err();
        assert_eq!(names(disk, &folder.join("a")), [Path::new("b")]);
    });
}

#[test]
fn a_lock_is_held_by_one_opening_and_its_clones() {
    check(|disk, folder| {
        let open = || disk.open(&folder.join("lock"), Open::ReadWrite { create: true }).unwrap();
        let (first, second) = (open(), open());
        assert!(first.try_lock().unwrap() && first.try_lock().unwrap());
        let clone = first.try_clone().unwrap();
        drop(first);
        assert!(!second.try_lock().unwrap());
        drop(clone);
        assert!(second.try_lock().unwrap());
    });
}

#[test]
fn more_than_is_read_at_once_is_read() {
    check(|disk, folder| {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        write(disk, &folder.join("large"), &bytes);
        assert!(read(disk, &folder.join("large")) == bytes);
    });
}
