//! What the model loses, and how it fails.
#![cfg(feature = "model")]

use std::{collections::BTreeSet, io::ErrorKind, path::Path};

use ksink_disk::{
    Crash, Disk, DiskFile, Existing, Fault, ModelDisk, Open, append_all, read_to_end, write_all_at,
};

/// Enough that everything which may happen does.
const SEEDS: u64 = 200;

/// What a file holds, if it is there.
fn read(disk: &ModelDisk, path: &str) -> Option<String> {
    let file = disk.open(Path::new(path), Open::Read).ok()?;
    Some(String::from_utf8(read_to_end(&*file, 0).unwrap()).unwrap())
}

fn create(disk: &ModelDisk, path: &str, text: &str) -> Box<dyn DiskFile> {
    let mut file = disk.open(Path::new(path), Open::CreateNew).unwrap();
    append_all(&mut *file, text.as_bytes()).unwrap();
    file
}

/// Everything that a power cut may leave of a file.
fn after_power_cuts(path: &str, story: impl Fn(&ModelDisk)) -> BTreeSet<Option<String>> {
    let outcome = |seed| {
        let disk = ModelDisk::new();
        story(&disk);
        disk.crash(Crash::PowerCut { seed });
        read(&disk, path)
    };
    (0..SEEDS).map(outcome).collect()
}

#[track_caller]
fn check(outcomes: &BTreeSet<Option<String>>, expected: &[Option<&str>]) {
    let expected: BTreeSet<Option<String>> =
        expected.iter().map(|text| text.map(str::to_owned)).collect();
    assert_eq!(*outcomes, expected);
}

#[test]
fn what_is_synced_with_its_name_survives() {
    let outcomes = after_power_cuts("/file", |disk| {
        create(disk, "/file", "kept").sync_data().unwrap();
        disk.sync_folder(Path::new("/")).unwrap();
    });
    check(&outcomes, &[Some("kept")]);
}

#[test]
fn without_a_sync_of_the_folder_a_name_may_be_lost() {
    let outcomes = after_power_cuts("/file", |disk| {
        create(disk, "/file", "kept").sync_data().unwrap();
    });
    check(&outcomes, &[None, Some("kept")]);
}

#[test]
fn without_a_sync_of_the_file_its_bytes_may_be_lost() {
    let outcomes = after_power_cuts("/file", |disk| {
        create(disk, "/file", "abc");
        disk.sync_folder(Path::new("/")).unwrap();
    });
    check(&outcomes, &[Some(""), Some("a"), Some("ab"), Some("abc")]);
}

#[test]
fn a_rename_is_done_or_not_and_brings_no_bytes() {
    let outcomes = after_power_cuts("/final", |disk| {
        let mut temp = create(disk, "/temp", "");
        disk.sync_folder(Path::new("/")).unwrap();
        append_all(&mut *temp, b"x").unwrap();
        disk.rename(Path::new("/temp"), Path::new("/final"), Existing::Refuse).unwrap();
    });
    check(&outcomes, &[None, Some(""), Some("x")]);
}

#[test]
fn a_later_write_may_survive_an_earlier_one() {
    let outcomes = after_power_cuts("/file", |disk| {
        let mut file = create(disk, "/file", "__");
        file.sync_data().unwrap();
        disk.sync_folder(Path::new("/")).unwrap();
        append_all(&mut *file, b"1").unwrap();
        append_all(&mut *file, b"2").unwrap();
    });
    // Of the later one, it may be no more than that the file got longer.
    let gap = [Some("__\u{0}"), Some("__\u{0}2")];
    check(&outcomes, &[&[Some("__"), Some("__1"), Some("__12")], &gap[..]].concat());
}

#[test]
fn a_torn_write_keeps_some_sectors() {
    let text = "a".repeat(512) + &"b".repeat(512);
    let outcomes = after_power_cuts("/file", |disk| {
        create(disk, "/file", &text);
        disk.sync_folder(Path::new("/")).unwrap();
    });
    let second_only = "\u{0}".repeat(512) + &"b".repeat(512);
    assert!(outcomes.contains(&Some(second_only)));
}

#[test]
fn a_cut_that_is_not_synced_may_be_undone() {
    let outcomes = after_power_cuts("/file", |disk| {
        let mut file = disk.open(Path::new("/file"), Open::ReadWrite { create: true }).unwrap();
        write_all_at(&mut *file, b"long", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_folder(Path::new("/")).unwrap();
        file.set_len(1).unwrap();
    });
    check(&outcomes, &[Some("l"), Some("long")]);
}

#[test]
fn a_kill_keeps_everything_and_frees_locks() {
    let disk = ModelDisk::new();
    let mut file = create(&disk, "/file", "kept");
    assert!(file.try_lock().unwrap());
    let boot = disk.boot_id().unwrap();
    disk.crash(Crash::Kill);
    assert_eq!(read(&disk, "/file").as_deref(), Some("kept"));
    assert!(disk.open(Path::new("/file"), Open::Read).unwrap().try_lock().unwrap());
    file.append(b"from the grave").unwrap_err();
    assert_eq!(disk.boot_id().unwrap(), boot);
    disk.crash(Crash::PowerCut { seed: 0 });
    assert_ne!(disk.boot_id().unwrap(), boot);
}

#[test]
fn the_same_seed_keeps_the_same() {
    let after = |seed| {
        let disk = ModelDisk::new();
        create(&disk, "/file", &"abc".repeat(1000));
        disk.sync_folder(Path::new("/")).unwrap();
        disk.crash(Crash::PowerCut { seed });
        read(&disk, "/file")
    };
    (0..20).for_each(|seed| assert_eq!(after(seed), after(seed)));
}

#[test]
fn what_a_failed_sync_lost_no_later_one_brings_back() {
    let outcomes = after_power_cuts("/file", |disk| {
        let file = create(disk, "/file", "lost");
        disk.sync_folder(Path::new("/")).unwrap();
        disk.fail(0, 1, Fault::Io);
        file.sync_data().unwrap_err();
        assert_eq!(read(disk, "/file").as_deref(), Some("lost"), "it can still be read");
        file.sync_data().unwrap();
    });
    check(&outcomes, &[Some("")]);
}

#[test]
fn the_calls_that_were_asked_for_fail() {
    let disk = ModelDisk::new();
    disk.fail(1, 2, Fault::Full);
    let mut file = create(&disk, "/file", "");
    let append = |file: &mut Box<dyn DiskFile>| file.append(b"1234").map_err(|error| error.kind());
    assert_eq!(append(&mut file), Err(ErrorKind::StorageFull));
    assert_eq!(append(&mut file), Err(ErrorKind::StorageFull));
    assert_eq!(append(&mut file), Ok(4));
    assert_eq!(disk.calls(), 4);
}

#[test]
fn a_short_write_is_followed_by_a_full_disk() {
    let disk = ModelDisk::new();
    let mut file = create(&disk, "/file", "");
    disk.fail(0, 1, Fault::Short);
    let error = append_all(&mut *file, b"1234").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(read(&disk, "/file").as_deref(), Some("12"));
}

#[test]
fn a_write_that_fails_may_have_written() {
    let disk = ModelDisk::new();
    let mut file = create(&disk, "/file", "");
    disk.fail(0, 1, Fault::Io);
    file.append(b"1234").unwrap_err();
    assert_eq!(read(&disk, "/file").as_deref(), Some("12"));
}
