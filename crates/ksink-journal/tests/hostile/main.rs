//! Any bytes as a journal's file: as they are, and as damage to bytes that are right.

mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ksink_disk::{Disk, ModelDisk, Open, read_to_end};
use ksink_journal::{Journal, JournalOptions};
use proptest::{collection::vec, prelude::*, sample, test_runner::Config};

use self::targets::TARGETS;

/// What fuzzing and the test below start from: files that journals wrote. With `KSINK_WRITE_SEEDS=1` they are written
/// anew.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(seed_file()).expect("a file of seeds");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(n, d)| (n.to_owned(), hex(d)))
        .collect()
}

fn seed_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/seeds/journal_replay.txt")
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The file of a journal that does this.
fn written(name: &str, write: impl FnOnce(&mut Journal)) -> (String, Vec<u8>) {
    let (disk, folder) = (ModelDisk::new(), Path::new("/state"));
    let options = JournalOptions { allocate_bytes: 64, bytes_max: 64 };
    let mut journal = Journal::open(Arc::new(disk.clone()), folder, options).unwrap().journal;
    write(&mut journal);
    let newest = disk.list(folder).unwrap().into_iter().filter(|name| name != "lock").max();
    let file = disk.open(&folder.join(newest.unwrap()), Open::Read).unwrap();
    (name.to_owned(), read_to_end(&*file, 0).unwrap())
}

fn made() -> Vec<(String, Vec<u8>)> {
    let append = |journal: &mut Journal, frames: &[&[u8]]| {
        journal.append(frames.iter().copied()).unwrap();
        journal.sync().unwrap();
    };
    let mut seeds = vec![
        written("new", |_| {}),
        written("frames", |journal| {
            append(journal, &[b"one", b"two"]);
            append(journal, &[b"", &[0; 40], b"five"]);
        }),
        written("snapshot", |journal| {
            append(journal, &[b"one"]);
            journal.start_over(b"what one says").unwrap();
            append(journal, &[b"two"]);
        }),
        written("unsynced", |journal| {
            append(journal, &[b"one"]);
            journal.append([&b"two"[..], b"three", b"four"]).unwrap();
        }),
    ];
    let (_, mut torn) = seeds[1].clone();
    let last = torn.iter().rposition(|byte| *byte != 0).unwrap();
    torn[last] ^= 1;
    seeds.push(("torn".to_owned(), torn));
    let (_, mut damaged) = seeds[1].clone();
    damaged[200] ^= 1;
    seeds.push(("damaged".to_owned(), damaged));
    seeds
}

#[test]
fn the_seeds_are_readable_journals_and_damaged_ones() {
    if std::env::var_os("KSINK_WRITE_SEEDS").is_some() {
        let line = |(name, bytes): &(String, Vec<u8>)| {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{name} {digits}\n")
        };
        fs::write(seed_file(), made().iter().map(line).collect::<String>()).unwrap();
    }
    let names = |seeds: &[(String, Vec<u8>)]| -> Vec<String> {
        seeds.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&seeds()), names(&made()));
}

/// One change to bytes.
fn any_damage() -> impl Strategy<Value = (sample::Index, Vec<u8>, usize)> {
    (any::<sample::Index>(), vec(prop_oneof![any::<u8>(), Just(0), Just(1)], 0..4), 0..4_usize)
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let seeds: Vec<Vec<u8>> = seeds().into_iter().map(|(_, bytes)| bytes).collect();
    (sample::select(seeds), vec(any_damage(), 0..4)).prop_map(|(mut bytes, damages)| {
        for (at, new, gone) in damages {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..bytes.len().min(at + gone), new);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    /// exactly-once, Journal: frames of any bytes are read without harm, and replay of any prefix is a prefix.
    #[test]
    fn replay_of_any_bytes(file in any_file()) {
        for (_, target) in TARGETS {
            target(&file);
        }
    }

    #[test]
    fn replay_of_noise(file in vec(any::<u8>(), 0..200)) {
        for (_, target) in TARGETS {
            target(&file);
        }
    }
}
