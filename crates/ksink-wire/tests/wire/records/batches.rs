//! v2 batches: what a builder writes, a reader reads.

use ksink_wire::{
    compression::{Compressor, Decompressor, SnappyFraming},
    records::{
        BatchBuilder, Compression, EndMarker, RecordBatch, RecordError, Records, set_base_offset,
        set_partition_leader_epoch, set_producer,
    },
};
use proptest::prelude::*;

use super::support::{
    CAP, Owned, any_codec, any_records, batch, finish, numbered, patched, read, seal,
};
use crate::{cases::cases, hex::hex};

/// One record, taken apart by hand from the layout in Kafka's documentation; the CRC was computed by another
/// implementation of CRC-32C.
const ONE_RECORD: &str = "
    0000000000000000        base_offset
    00000042                batch_length
    ffffffff                partition_leader_epoch
    02                      magic
    09a6e0e4                crc
    0000                    attributes
    00000000                last_offset_delta
    0000018bcfe56800        base_timestamp 1700000000000
    0000018bcfe56800        max_timestamp
    0000000000000fa0        producer_id 4000
    0007                    producer_epoch
    0000000b                base_sequence 11
    00000001                records_count

    20                      length 16
    00                      attributes
    00                      timestamp_delta
    00                      offset_delta
    04 6b31                 key k1
    01                      value null
    04                      two headers
    02 68 04 0000           h: two zero bytes
    02 68 01                h: null
";

fn one_record() -> Vec<u8> {
    let lines = ONE_RECORD.lines().map(|line| line.split("  ").find(|part| !part.is_empty()));
    hex(&lines.map(Option::unwrap_or_default).collect::<String>())
}

fn one_owned() -> Owned {
    Owned {
        timestamp: 1_700_000_000_000,
        key: Some(b"k1".to_vec()),
        value: None,
        headers: vec![(b"h".to_vec(), Some(vec![0, 0])), (b"h".to_vec(), None)],
    }
}

fn two() -> Vec<Owned> {
    vec![Owned::value(1000, b"first"), Owned::value(2000, b"second")]
}

/// Opens a batch that is whole.
fn with_records<T>(bytes: &[u8], look: impl FnOnce(Records<'_>) -> T) -> T {
    let (batch, _) = RecordBatch::parse(bytes).expect("a whole batch");
    let mut out = Vec::new();
    look(batch.open(&mut Decompressor::new(), &mut out, CAP).expect("whole records"))
}

#[test]
fn a_known_batch_is_read() {
    assert_eq!(read(&one_record()), Ok(vec![(0, one_owned())]));
}

#[test]
fn a_known_batch_is_written() {
    let mut out = Vec::new();
    let summary = finish(BatchBuilder::new(&mut out).producer(4000, 7, 11), &[one_owned()]);
    assert_eq!(out, one_record());
    assert_eq!((summary.records, summary.bytes), (1, out.len()));
    assert_eq!(summary.max_timestamp, 1_700_000_000_000);
}

#[test]
fn the_header_says_what_the_builder_was_told() {
    let mut out = b"before".to_vec();
    let builder = BatchBuilder::new(&mut out)
        .base_offset(1 << 40)
        .leader_epoch(9)
        .producer(5, 6, 7)
        .transactional();
    finish(builder, &two());
    let batch = RecordBatch::parse_single(&out[6..]).expect("a whole batch");
    assert_eq!((batch.base_offset, batch.partition_leader_epoch), (1 << 40, 9));
    assert_eq!((batch.producer_id, batch.producer_epoch, batch.base_sequence), (5, 6, 7));
    assert!(batch.attributes.is_transactional());
    assert!(!batch.attributes.is_control() && !batch.attributes.is_log_append_time());
    assert_eq!((batch.records_count, batch.last_offset_delta), (2, 1));
    assert_eq!((batch.base_timestamp, batch.max_timestamp), (1000, 2000));
}

#[test]
fn a_batch_without_records_is_read_as_a_log_keeps_it_after_compaction() {
    let bytes = batch(&[], Compression::None);
    assert_eq!(read(&bytes), Ok(Vec::new()));
    with_records(&bytes, |records| assert_eq!(records.walk().timestamp_max(), -1));
}

#[test]
fn a_marker_ends_a_transaction() {
    let mut out = Vec::new();
    let marker = EndMarker { committed: true, coordinator_epoch: 3, timestamp: 1000 };
    BatchBuilder::new(&mut out).producer(5, 6, -1).finish_with_marker(marker).expect("small");
    let batch = RecordBatch::parse_single(&out).expect("a whole batch");
    assert!(batch.attributes.is_control() && batch.attributes.is_transactional());
    // Key: version 0, type 1 (commit). Value: version 0, the coordinator's epoch.
    let records = read(&out).expect("whole records");
    let (_, record) = records.first().expect("one record");
    assert_eq!(record.key.as_deref(), Some(&[0, 0, 0, 1][..]));
    assert_eq!(record.value.as_deref(), Some(&[0, 0, 0, 0, 0, 3][..]));
    with_records(&out, |records| {
        let read: Vec<_> = records.iter().map(|record| EndMarker::read(&record)).collect();
        assert_eq!(read, [Ok(Some(marker))]);
    });
}

#[test]
fn the_time_of_the_append_stands_for_all_timestamps_unless_create_times_are_asked_for() {
    let mut out = Vec::new();
    finish(BatchBuilder::new(&mut out).log_append_time(), &two());
    with_records(&out, |records| {
        let times = |records: Records<'_>| -> Vec<_> {
            records.iter().map(|record| record.timestamp).collect()
        };
        assert_eq!(times(records), [2000, 2000]);
        let created = records.walk().with_create_times();
        assert_eq!(created.timestamp_max(), 2000);
        assert_eq!(times(Records::restore(records.body(), created)), [1000, 2000]);
    });
}

#[test]
fn records_are_numbered_anew() {
    with_records(&batch(&two(), Compression::None), |records| {
        let walk = records.walk().numbered_from(41);
        let renumbered = numbered(Records::restore(records.body(), walk));
        assert_eq!(renumbered.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [41, 42]);
    });
}

#[test]
fn a_name_that_is_not_text_is_kept_as_it_is() {
    let header = (vec![0xff], Some(vec![0xfe]));
    let record = Owned { headers: vec![header], ..Owned::value(0, b"") };
    with_records(&batch(&[record], Compression::None), |records| {
        let record = records.iter().next().expect("one record");
        let header = record.headers.iter().next().expect("one header");
        assert_eq!(header.key, [0xff]);
        assert!(header.key_str().is_err());
    });
}

#[test]
fn an_uncompressed_batch_is_borrowed_and_the_vector_left_alone() {
    let bytes = batch(&two(), Compression::None);
    let (batch, _) = RecordBatch::parse(&bytes).expect("a whole batch");
    let mut out = b"mine".to_vec();
    let records = batch.open(&mut Decompressor::new(), &mut out, 0).expect("whole records");
    assert!(std::ptr::eq(records.body(), batch.body()));
    assert_eq!(out, b"mine");
}

#[test]
fn a_sealed_batch_gets_an_offset_and_an_epoch_without_a_new_seal() {
    let mut bytes = batch(&two(), Compression::Gzip);
    let crc = RecordBatch::parse_single(&bytes).expect("a whole batch").crc;
    set_base_offset(&mut bytes, 1 << 33).expect("a whole batch");
    set_partition_leader_epoch(&mut bytes, 12).expect("a whole batch");
    let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
    assert_eq!((batch.base_offset, batch.partition_leader_epoch, batch.crc), (1 << 33, 12, crc));
    assert_eq!(batch.verify_crc(), Ok(()));
}

#[test]
fn a_sealed_batch_gets_a_producer_and_a_new_seal() {
    let mut bytes = batch(&two(), Compression::None);
    bytes.extend_from_slice(b"the next batch is not touched");
    set_producer(&mut bytes, 77, 3, 500).expect("a whole batch");
    let (batch, rest) = RecordBatch::parse(&bytes).expect("a whole batch");
    assert_eq!((batch.producer_id, batch.producer_epoch, batch.base_sequence), (77, 3, 500));
    assert_eq!(batch.verify_crc(), Ok(()));
    assert_eq!(rest, b"the next batch is not touched");
}

#[test]
fn a_damaged_batch_gets_no_seal() {
    let bytes = batch(&two(), Compression::None);
    let mut damaged = patched(bytes, 65, b"?");
    let before = damaged.clone();
    assert_eq!(set_producer(&mut damaged, 77, 3, 500), Err(RecordError::CrcMismatch));
    assert_eq!(damaged, before);
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn what_is_written_is_read(records in any_records(), codec in any_codec(), raw: bool) {
        let mut compressor = Compressor::new();
        compressor.snappy_framing =
            if raw { SnappyFraming::Raw } else { SnappyFraming::Xerial };
        let mut bytes = Vec::new();
        let builder = BatchBuilder::new(&mut bytes).compression(codec, &mut compressor);
        let summary = finish(builder, &records);
        prop_assert_eq!((summary.records, summary.bytes), (records.len(), bytes.len()));

        let timestamp_max = records.iter().map(|r| r.timestamp).max().unwrap_or(-1).max(-1);
        let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
        prop_assert_eq!(batch.check_produced(), Ok(()));
        prop_assert_eq!(batch.max_timestamp, timestamp_max);
        let mut out = Vec::new();
        let opened = batch.open(&mut Decompressor::new(), &mut out, CAP).expect("whole records");
        prop_assert_eq!(opened.check_produced(), Ok(()));
        prop_assert_eq!(opened.walk().timestamp_max(), timestamp_max);
        prop_assert_eq!(opened.len(), records.len());
        prop_assert_eq!(numbered(opened), (0..).zip(records).collect::<Vec<_>>());
    }

    #[test]
    fn every_truncation_is_an_error(records in any_records(), codec in any_codec()) {
        let bytes = batch(&records, codec);
        for end in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
            let error = read(&bytes[..end]).expect_err("a part of a batch");
            prop_assert!(error.is_partial(), "{}", error);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed(records in any_records(), codec in any_codec(), bit: usize) {
        let mut bytes = batch(&records, codec);
        let bit = bit % (bytes.len() * 8);
        // Offset and leader's epoch stand outside of the CRC; a length may become one that fits.
        prop_assume!(!(0..16).contains(&(bit / 8)));
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(read(&bytes).is_err());
    }

    /// A walk and a body that do not belong together are a mistake of the caller, and no more.
    #[test]
    fn a_foreign_body_ends_early_and_never_panics(
        records in any_records(),
        body: Vec<u8>,
        base_offset: i64,
    ) {
        with_records(&batch(&records, Compression::None), |opened| {
            let walk = opened.walk().numbered_from(base_offset);
            let foreign = Records::restore(&body, walk);
            for record in foreign.iter().take(records.len() + 1) {
                record.headers.iter().for_each(drop);
            }
            assert!(foreign.iter().count() <= records.len());
        });
    }

    /// Bytes that no batch was ever made of, under a CRC that says that they are one.
    #[test]
    fn hostile_records_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        count: i32,
        attributes in 0..64_i16,
    ) {
        let header = batch(&[], Compression::None);
        let bytes = resealed([header, body].concat(), attributes, count);
        let _ = read(&bytes);
    }
}

/// Gives a batch these attributes, this count, and the length and the CRC of what it is then.
fn resealed(bytes: Vec<u8>, attributes: i16, count: i32) -> Vec<u8> {
    let batch_length = bytes.len() as i32 - 12;
    let mut bytes = patched(bytes, 8, &batch_length.to_be_bytes());
    bytes = patched(bytes, 21, &attributes.to_be_bytes());
    bytes = patched(bytes, 57, &count.to_be_bytes());
    seal(bytes)
}
