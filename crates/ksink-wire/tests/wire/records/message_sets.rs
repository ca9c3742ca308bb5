//! Message sets of magic 0 and 1: what a builder writes, a reader reads.

use ksink_wire::{
    ErrorCode,
    compression::{CompressionError, Compressor, Decompressor},
    records::{
        BuildError, Compression, Header, MessageSet, MessageSetBuilder, NewRecord, RecordError,
        magic,
    },
};
use proptest::prelude::*;

use super::support::{
    CAP, Owned, any_old_codec, any_records, batch, compressed, crc32, finish_set, message,
    message_set, patched, read_set,
};
use crate::{cases::cases, hex::hex};

fn three() -> Vec<Owned> {
    vec![Owned::value(1000, b"a"), Owned::value(3000, b"b"), Owned::value(2000, b"c")]
}

fn offsets(bytes: &[u8]) -> Vec<i64> {
    read_set(bytes).expect("a whole set").iter().map(|(offset, _)| *offset).collect()
}

fn timestamps(bytes: &[u8]) -> Vec<i64> {
    read_set(bytes).expect("a whole set").iter().map(|(_, record)| record.timestamp).collect()
}

#[test]
fn a_known_message_of_magic_0_is_read() {
    // offset, size, crc, magic, attributes, key "k", value "v"
    let bytes = hex("0000000000000005 00000010 @ 00 00 00000001 6b 00000001 76"
        .replace('@', &format!("{:08x}", crc32(&hex("0000 00000001 6b 00000001 76"))))
        .as_str());
    let record = Owned { key: Some(b"k".to_vec()), ..Owned::value(-1, b"v") };
    assert_eq!(read_set(&bytes), Ok(vec![(5, record)]));
}

#[test]
fn the_builder_writes_the_message_that_is_made_by_hand() {
    for magic in 0..2 {
        let bytes = message_set(magic, &[Owned::value(5000, b"v")], Compression::None);
        assert_eq!(bytes, message(0, magic as u8, 0, Some(b"v")));
    }
}

#[test]
fn the_magic_tells_sets_and_batches_apart() {
    assert_eq!(magic(&message_set(0, &three(), Compression::None)), Some(0));
    assert_eq!(magic(&message_set(1, &three(), Compression::Gzip)), Some(1));
    assert_eq!(magic(&batch(&three(), Compression::None)), Some(2));
    assert_eq!(magic(&[0; 16]), None);
}

#[test]
fn offsets_of_compressed_messages_follow_the_rule_of_their_magic() {
    for magic in 0..2 {
        for codec in [Compression::None, Compression::Gzip] {
            let (mut out, mut compressor) = (Vec::new(), Compressor::new());
            let builder = match magic {
                0 => MessageSetBuilder::v0(&mut out),
                _ => MessageSetBuilder::v1(&mut out),
            };
            finish_set(builder.base_offset(70).compression(codec, &mut compressor), &three());
            assert_eq!(offsets(&out), [70, 71, 72], "magic {magic}, {codec:?}");
        }
    }
}

#[test]
fn a_producer_may_leave_the_outer_offset_at_zero() {
    let bytes = message_set(1, &three(), Compression::Gzip);
    let zero = patched(bytes, 0, &0_i64.to_be_bytes());
    assert_eq!(offsets(&zero), [0, 1, 2]);
}

#[test]
fn offsets_of_a_produced_set_may_be_anything() {
    let set = [message(i64::MAX, 1, 0, None), message(-9, 1, 0, None)].concat();
    assert_eq!(offsets(&set), [i64::MAX, -9]);
    let mut out = Vec::new();
    let set = MessageSet::parse(&set).expect("whole messages");
    let records = set.open(&mut Decompressor::new(), &mut out, CAP).expect("whole messages");
    assert!(!records.walk().is_dense());
}

#[test]
fn the_outer_time_of_an_append_stands_for_all_messages_inside() {
    let (mut out, mut compressor) = (Vec::new(), Compressor::new());
    let builder = MessageSetBuilder::v1(&mut out).compression(Compression::Lz4, &mut compressor);
    finish_set(builder.log_append_time(9000), &three());
    assert_eq!(timestamps(&out), [9000; 3]);
    assert_eq!(timestamps(&message_set(1, &three(), Compression::Lz4)), [1000, 3000, 2000]);
    assert_eq!(timestamps(&message_set(0, &three(), Compression::Lz4)), [-1; 3]);
}

#[test]
fn many_sets_in_a_row_are_one() {
    let sets = [
        message_set(0, &three(), Compression::Snappy),
        message_set(0, &three(), Compression::None),
        message_set(0, &three(), Compression::Lz4),
    ]
    .concat();
    assert_eq!(offsets(&sets), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

#[test]
fn the_tail_of_a_fetch_may_be_cut_or_of_another_format() {
    let whole = message_set(1, &three(), Compression::None);
    let tails = [&whole[..20], &batch(&three(), Compression::None), &[]];
    for tail in tails {
        let bytes = [&whole, tail].concat();
        let (set, rest) = MessageSet::split(&bytes);
        assert_eq!(set.bytes(), whole);
        assert_eq!(rest, tail);
    }
    let cut = MessageSet::parse(&whole[..20]).expect_err("a part of a message");
    assert!(cut.is_partial());
}

#[test]
fn a_set_that_cannot_be_written_is_taken_off_again() {
    let (mut out, mut compressor) = (b"before".to_vec(), Compressor::new());
    let builder = MessageSetBuilder::v1(&mut out);
    let mut builder = builder.compression(Compression::Zstd, &mut compressor);
    builder.push(&NewRecord::default()).expect("a small record");
    assert_eq!(builder.finish(), Err(BuildError::CodecInMessageSet(Compression::Zstd)));
    assert_eq!(out, b"before");
}

#[test]
fn headers_have_no_place_in_a_message_set() {
    let mut out = Vec::new();
    let mut builder = MessageSetBuilder::v1(&mut out);
    let headers = &[Header { key: b"h", value: None }];
    let pushed = builder.push(&NewRecord { headers, ..NewRecord::default() });
    assert_eq!(pushed, Err(BuildError::Headers));
}

#[test]
fn the_wrong_header_checksum_of_lz4_belongs_to_magic_0() {
    let right = compressed(Compression::Lz4, &message(0, 0, 0, None));
    let wrong = {
        let mut right = right.clone();
        right[6] ^= 0xff;
        right
    };
    assert_eq!(offsets(&message(0, 0, 3, Some(&right))), [0]);
    assert_eq!(offsets(&message(0, 0, 3, Some(&wrong))), [0]);
    let inner = compressed(Compression::Lz4, &message(0, 1, 0, None));
    assert_eq!(offsets(&message(0, 1, 3, Some(&inner))), [0]);
    let mut wrong = inner;
    wrong[6] ^= 0xff;
    let damaged = RecordError::Compression(CompressionError::Damaged(Compression::Lz4));
    assert_eq!(read_set(&message(0, 1, 3, Some(&wrong))), Err(damaged));
    // Librdkafka's bytes for the descriptor 60 40: 1a in magic 0, 82 in magic 1.
    let written = message_set(0, &three(), Compression::Lz4);
    assert!(written.windows(7).any(|bytes| bytes == hex("04224d18 60 40 1a")));
    let written = message_set(1, &three(), Compression::Lz4);
    assert!(written.windows(7).any(|bytes| bytes == hex("04224d18 60 40 82")));
}

#[test]
fn a_set_never_grows_beyond_the_cap() {
    let value = vec![0; 4096];
    let records = vec![Owned::value(0, &value); 64];
    for codec in [Compression::None, Compression::Gzip] {
        let bytes = message_set(1, &records, codec);
        let set = MessageSet::parse(&bytes).expect("whole messages");
        let mut out = Vec::new();
        let opened = set.open(&mut Decompressor::new(), &mut out, 64 * 4096);
        let error = opened.expect_err("more than the cap");
        assert_eq!(error.error_code(), ErrorCode::MESSAGE_TOO_LARGE);
        assert!(out.capacity() <= 64 * 4096);
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn what_is_written_is_read(
        magic in 0..2_i8,
        mut records in any_records(),
        codec in any_old_codec(),
    ) {
        let bytes = message_set(magic, &records, codec);
        for record in &mut records {
            record.headers.clear();
            if magic == 0 {
                record.timestamp = -1;
            }
        }
        prop_assert_eq!(read_set(&bytes), Ok((0..).zip(records).collect()));
    }

    #[test]
    fn every_truncation_is_an_error_or_fewer_messages(
        magic in 0..2_i8,
        records in any_records(),
        codec in any_old_codec(),
    ) {
        let bytes = message_set(magic, &records, codec);
        for end in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
            match read_set(&bytes[..end]) {
                Ok(read) => prop_assert!(read.len() < records.len()),
                Err(error) => prop_assert!(error.is_partial(), "{}", error),
            }
        }
    }

    /// Bytes that nobody wrote, inside of a wrapper that is right.
    #[test]
    fn hostile_messages_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        magic in 0..2_u8,
        attributes: u8,
    ) {
        let _ = read_set(&bytes);
        let _ = read_set(&message(0, magic, attributes, Some(&bytes)));
        let inner = compressed(Compression::Gzip, &bytes);
        let _ = read_set(&message(0, magic, 1, Some(&inner)));
    }
}
