//! Bytes of a stranger, at every entry point: as they are, and as damage to bytes that are right.

mod seeds;
mod targets;

use std::collections::BTreeSet;

use ksink_wire::{Request, Response};
use proptest::{collection::vec, prelude::*, sample, test_runner::TestRunner};

use self::{
    seeds::seeds,
    targets::{TARGETS, bounded},
};
use crate::{
    cases::cases,
    schemas::{
        bytes::{Entropy, Writer},
        facts::Side,
        tables::known,
    },
};

/// One change to bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(sample::Index, u8),
    Insert(sample::Index, Vec<u8>),
    Remove(sample::Index, usize),
    Cut(sample::Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &sample::Index| at.index(bytes.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at);
                if let Some(there) = bytes.get_mut(at) {
                    *there = *byte;
                }
            }
            Self::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + count));
            }
            Self::Cut(at) => bytes.truncate(place(at)),
        }
    }
}

fn any_damage() -> impl Strategy<Value = Damage> {
    // Lengths are often at fault, so the bytes that matter in lengths are frequent.
    let byte = || prop_oneof![any::<u8>(), sample::select(&[0, 1, 0x7f, 0x80, 0xff][..])];
    prop_oneof![
        4 => (any::<sample::Index>(), byte()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (any::<sample::Index>(), vec(byte(), 1..8)).prop_map(|(at, new)| Damage::Insert(at, new)),
        1 => (any::<sample::Index>(), 1..8_usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        1 => any::<sample::Index>().prop_map(Damage::Cut),
    ]
}

fn any_input(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damaged =
        (sample::select(seeds), vec(any_damage(), 0..4)).prop_map(|(mut bytes, damages)| {
            damages.iter().for_each(|damage| damage.apply(&mut bytes));
            bytes
        });
    prop_oneof![9 => damaged, 1 => vec(any::<u8>(), 0..300)]
}

/// Tries a target with its seeds, with damage to them, and with noise.
fn check(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    let mut runner = TestRunner::new(cases(200));
    let tried = runner.run(&any_input(seeds), |input| {
        target(&input);
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

#[test]
fn frames_of_any_bytes() {
    check("frame");
}

#[test]
fn headers_of_any_bytes() {
    check("header");
}

#[test]
fn requests_of_any_bytes() {
    check("request");
}

#[test]
fn responses_of_any_bytes() {
    check("response");
}

#[test]
fn batches_of_any_bytes() {
    check("batch");
}

#[test]
fn message_sets_of_any_bytes() {
    check("message_set");
}

#[test]
fn gzip_members_of_any_bytes() {
    check("gzip");
}

#[test]
fn snappy_blocks_of_any_bytes() {
    check("snappy");
}

#[test]
fn lz4_frames_of_any_bytes() {
    check("lz4");
}

#[test]
fn zstd_frames_of_any_bytes() {
    check("zstd");
}

#[test]
fn every_target_is_fuzzed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
    let files = std::fs::read_dir(folder).expect("the folder of fuzz targets");
    let name = |file: std::fs::DirEntry| file.file_name().to_string_lossy().replace(".rs", "");
    let fuzzed: BTreeSet<_> = files.flatten().map(name).collect();
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets.difference(&fuzzed).next(), None);
}

#[test]
#[should_panic(expected = "10 bytes took")]
fn memory_beyond_what_an_input_explains_is_noticed() {
    bounded(10, 0, || std::hint::black_box(vec![1_u8; (1 << 20) + 641]));
}

/// The smallest elements that there are take the most memory for their bytes.
#[test]
fn long_arrays_of_small_elements_take_no_more_memory_than_their_bytes_allow() {
    let messages = sample::select(known());
    let mut runner = TestRunner::new(cases(400));
    let tried = runner.run(
        &(messages, any::<sample::Index>(), vec(any::<u8>(), 0..24)),
        |(message, version, seed)| {
            let (key, api) = message;
            let versions: Vec<i16> = api.versions.clone().collect();
            let version = *version.get(&versions);
            let writer = Writer { array_scale: 2000, ..Writer::new(&api, version) };
            let body = writer.message(&mut Entropy(&seed));
            let decoded = bounded(body.len(), 0, || match api.side {
                Side::Request => Request::decode(key, version, &body).map(drop),
                Side::Response => Response::decode(key, version, &body).map(drop),
            });
            prop_assert!(decoded.is_ok());
            Ok(())
        },
    );
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}
