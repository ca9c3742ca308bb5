//! Bytes that other implementations wrote; `data/vectors.txt` names them.

use std::iter;

use ksink_wire::{
    compression::Decompressor,
    records::{Compression, RecordBatch},
};

use super::support::{CAP, Owned, read, read_set};
use crate::hex::hex;

fn vector(name: &str) -> Vec<u8> {
    let line =
        include_str!("../../data/vectors.txt").lines().find_map(|line| line.strip_prefix(name));
    hex(line.expect("a name that is in the file"))
}

/// The three records that every set holds.
fn records() -> Vec<Owned> {
    let header = |key: &str, value: Option<&str>| (key.into(), value.map(Into::into));
    vec![
        Owned {
            timestamp: 1_700_000_000_000,
            key: Some(b"k1".to_vec()),
            value: Some(b"first value ".repeat(6)),
            headers: vec![header("h", Some("1")), header("h", Some("2")), header("n", None)],
        },
        Owned::value(1_700_000_000_005, b""),
        Owned {
            timestamp: 1_700_000_000_003,
            key: Some(Vec::new()),
            value: None,
            headers: Vec::new(),
        },
    ]
}

/// What a message set keeps of them.
fn records_of_magic(magic: i8) -> Vec<(i64, Owned)> {
    let mut records = records();
    for record in &mut records {
        record.headers.clear();
        if magic == 0 {
            record.timestamp = -1;
        }
    }
    (0..).zip(records).collect()
}

#[track_caller]
fn check_frame(name: &str, codec: Compression, repeats: usize) {
    let lines: String =
        (0..8).map(|n| format!("line {n} of a text that repeats itself\n")).collect();
    let mut out = Vec::new();
    Decompressor::new()
        .decompress(codec, &vector(&format!("{name} ")), &mut out, CAP)
        .expect("another implementation's bytes");
    assert_eq!(String::from_utf8(out).expect("text"), lines.repeat(repeats));
}

#[test]
fn batches_of_kafka_python_are_read_in_every_codec() {
    for codec in Compression::ALL {
        let bytes = vector(&format!("v2-{} ", codec.name()));
        assert_eq!(read(&bytes), Ok((0..).zip(records()).collect()), "{codec:?}");

        let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
        assert_eq!(batch.check_produced(), Ok(()));
        assert_eq!(batch.attributes.compression(), Ok(codec));
        let producer = (batch.producer_id, batch.producer_epoch, batch.base_sequence);
        assert_eq!(producer, (4000, 7, 11));
        assert_eq!((batch.records_count, batch.last_offset_delta), (3, 2));
        assert_eq!((batch.base_offset, batch.partition_leader_epoch), (0, 0));
        let timestamps = (batch.base_timestamp, batch.max_timestamp);
        assert_eq!(timestamps, (1_700_000_000_000, 1_700_000_000_005));
    }
}

#[test]
fn message_sets_of_kafka_python_are_read_in_every_codec() {
    let codecs = || Compression::ALL.into_iter().filter(|codec| *codec != Compression::Zstd);
    for (magic, codec) in iter::zip([0; 4], codecs()).chain(iter::zip([1; 4], codecs())) {
        let bytes = vector(&format!("v{magic}-{} ", codec.name()));
        assert_eq!(read_set(&bytes), Ok(records_of_magic(magic)), "magic {magic}, {codec:?}");
    }
}

#[test]
fn lz4_frames_are_read_with_every_flag() {
    check_frame("lz4-independent", Compression::Lz4, 1);
    check_frame("lz4-linked", Compression::Lz4, 1);
    check_frame("lz4-block-checksum", Compression::Lz4, 1);
    check_frame("lz4-content-checksum", Compression::Lz4, 1);
    check_frame("lz4-everything", Compression::Lz4, 1);
}

#[test]
fn lz4_blocks_may_refer_to_the_block_before() {
    check_frame("lz4-two-linked-blocks", Compression::Lz4, 400);
}

#[test]
fn zstd_frames_are_read_with_and_without_the_size_of_their_content() {
    check_frame("zstd-sized", Compression::Zstd, 1);
    check_frame("zstd-unsized", Compression::Zstd, 1);
}

#[test]
fn gzip_may_have_many_members_and_names() {
    check_frame("gzip-members", Compression::Gzip, 1);
    check_frame("gzip-named", Compression::Gzip, 1);
}

#[test]
fn snappy_may_be_a_bare_block() {
    check_frame("snappy-raw", Compression::Snappy, 1);
}
