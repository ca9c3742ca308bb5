//! A process that is killed at each of the journal's fail points, and the start after it.
#![cfg(feature = "fail-points")]

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use ksink_disk::{FAIL_POINTS, RealDisk};
use ksink_journal::{Journal, JournalOptions, Opened};
use tempfile::tempdir;

/// Where the process that is to be killed finds its state.
const FOLDER: &str = "KSINK_KILLS_FOLDER";

fn open(folder: &Path) -> Opened {
    let options = JournalOptions { allocate_bytes: 4096, bytes_max: 1024 };
    Journal::open(Arc::new(RealDisk), &folder.join("state"), options).unwrap()
}

/// The numbers that a journal brings back.
fn numbers(opened: &Opened) -> Vec<u8> {
    let snapshot = opened.snapshot.clone().unwrap_or_default();
    snapshot.into_iter().chain(opened.frames.iter().map(|frame| frame[0])).collect()
}

#[test]
#[ignore = "the other test runs it, in a process that is killed"]
fn a_run() {
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let opened = open(&folder);
    let mut all = numbers(&opened);
    let mut journal = opened.journal;
    let append = |journal: &mut Journal, all: &mut Vec<u8>| {
        let next = all.len() as u8;
        all.push(next);
        journal.append([&[next][..]]).unwrap();
        journal.sync().unwrap();
        fs::write(folder.join("acknowledged"), &*all).unwrap();
    };
    append(&mut journal, &mut all);
    append(&mut journal, &mut all);
    journal.start_over(&all).unwrap();
    append(&mut journal, &mut all);
    journal.close().unwrap();
}

/// Runs a process that is killed at a passage, if it gets there. Says whether it did.
fn is_killed(folder: &Path, point: &str, passage: u32) -> bool {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "a_run", "--ignored"]).env(FOLDER, folder);
    let output = command.env("KSINK_FAIL_POINT", format!("{point}:{passage}")).output().unwrap();
    let is_killed = output.status.signal() == Some(9);
    assert!(is_killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    is_killed
}

/// Kills a run at every passage of a place, each time on what the one before left. Says how often.
fn killed(folder: &Path, point: &str) -> u32 {
    let mut passage = 1;
    while is_killed(folder, point, passage) {
        let acknowledged = fs::read(folder.join("acknowledged")).unwrap_or_default();
        let found = numbers(&open(folder));
        assert!(found.starts_with(&acknowledged), "{point}:{passage}: {acknowledged:?}");
        assert!(found.len() <= acknowledged.len() + 1, "{point}:{passage}: {found:?}");
        passage += 1;
    }
    passage - 1
}

/// exactly-once, Journal: a kill at every named place, in a first run and in a later one.
#[test]
fn what_was_acknowledged_outlives_a_kill_at_every_place() {
    for point in FAIL_POINTS.iter().filter(|name| name.starts_with("journal-")) {
        let folder = tempdir().unwrap();
        killed(folder.path(), point);
        assert!(killed(folder.path(), point) > 0, "{point} is passed by nobody");
    }
}
