//! Every fault that bytes can have, by its own name and with the code that a client hears.

use ksink_wire::{
    ErrorCode,
    compression::{CompressionError, Decompressor},
    records::{Compression, Fault, Field, RecordBatch, RecordError},
};

use super::support::{CAP, Owned, batch, patched};
use crate::hex::hex;

const CORRUPT: ErrorCode = ErrorCode::CORRUPT_MESSAGE;
const INVALID: ErrorCode = ErrorCode::INVALID_RECORD;

/// Gives a batch the CRC of what it is.
pub(crate) fn seal(bytes: Vec<u8>) -> Vec<u8> {
    let crc = RecordBatch::parse(&bytes).map(|(batch, _)| {
        // Byte by byte, from the polynomial.
        !batch.bytes().iter().skip(21).fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 * (crc & 1)))
        })
    });
    patched(bytes, 17, &crc.expect("a whole header").to_be_bytes())
}

fn whole() -> Vec<u8> {
    batch(&[Owned::value(1000, b"first"), Owned::value(2000, b"second")], Compression::None)
}

/// A batch whose records are these bytes, under a right CRC.
fn with_body(count: i32, body: &str) -> Vec<u8> {
    let header = batch(&[], Compression::None);
    let bytes = [header, hex(body)].concat();
    let batch_length = bytes.len() as i32 - 12;
    let bytes = patched(bytes, 8, &batch_length.to_be_bytes());
    let bytes = patched(bytes, 23, &(count - 1).to_be_bytes());
    seal(patched(bytes, 57, &count.to_be_bytes()))
}

/// Judges bytes as a server judges what a producer sent.
fn judge(bytes: &[u8]) -> Result<usize, RecordError> {
    let batch = RecordBatch::parse_single(bytes)?;
    batch.check_produced()?;
    let mut out = Vec::new();
    let records = batch.open(&mut Decompressor::new(), &mut out, CAP)?;
    records.check_produced()?;
    Ok(records.len())
}

#[track_caller]
fn check(bytes: &[u8], error: RecordError, code: ErrorCode, names: &str) {
    assert_eq!(judge(bytes), Err(error));
    assert_eq!(error.error_code(), code);
    assert!(error.to_string().contains(names), "{error}");
}

/// A record that is wrong: the first, in this field.
#[track_caller]
fn check_record(body: &str, field: Field, fault: Fault) {
    let error = RecordError::Record { index: 0, field, fault };
    check(&with_body(1, body), error, INVALID, &field.to_string());
}

#[test]
fn a_whole_batch_is_accepted() {
    assert_eq!(judge(&whole()), Ok(2));
}

#[test]
fn bytes_that_are_no_batch() {
    check(&[], RecordError::Empty, INVALID, "records");
    check(&whole()[..16], RecordError::HeaderCut, INVALID, "header");
    check(&whole()[..60], RecordError::BatchCut, INVALID, "batch_length");
    check(&patched(whole(), 16, &[1]), RecordError::Magic(1), INVALID, "magic");
    check(&patched(whole(), 16, &[3]), RecordError::Magic(3), CORRUPT, "magic");
    let length = |length: i32| patched(whole(), 8, &length.to_be_bytes());
    check(&length(48), RecordError::BatchLength(48), CORRUPT, "batch_length");
    check(&length(-1), RecordError::BatchLength(-1), CORRUPT, "batch_length");
    check(&length(i32::MAX), RecordError::BatchCut, INVALID, "batch_length");
}

#[test]
fn bytes_after_the_batch() {
    let twice = [whole(), whole()].concat();
    check(&twice, RecordError::SecondBatch, INVALID, "second batch");
    let cut = &twice[..twice.len() - 1];
    check(cut, RecordError::SecondBatch, INVALID, "second batch");
    let stray = [whole(), vec![0; 11]].concat();
    check(&stray, RecordError::StrayBytes(11), INVALID, "stray");
}

#[test]
fn a_flipped_bit() {
    let last = whole().len() - 1;
    check(&patched(whole(), last, &[1]), RecordError::CrcMismatch, CORRUPT, "crc");
    // Kafka looks at the base offset before the CRC, and at everything else after it.
    let both = patched(patched(whole(), last, &[1]), 0, &[1]);
    check(&both, RecordError::BaseOffset, INVALID, "base_offset");
    let count = patched(whole(), 57, &[0xff]);
    check(&count, RecordError::CrcMismatch, CORRUPT, "crc");
}

#[test]
fn a_header_that_no_producer_may_send() {
    let with = |at: usize, field: &[u8]| seal(patched(whole(), at, field));
    let delta = with(23, &5_i32.to_be_bytes());
    check(&delta, RecordError::LastOffsetDelta(5), INVALID, "last_offset_delta");
    let none = with(57, &0_i32.to_be_bytes());
    check(&none, RecordError::RecordsCount(0), INVALID, "records_count");
    let negative = with(57, &(-1_i32).to_be_bytes());
    check(&negative, RecordError::RecordsCount(-1), INVALID, "records_count");
    check(&with(21, &[0, 0x20]), RecordError::ControlBatch, INVALID, "attributes");
    let transactional = RecordError::TransactionalWithoutProducer;
    check(&with(21, &[0, 0x10]), transactional, INVALID, "producer_id");
    let producer = with(43, &4000_i64.to_be_bytes());
    check(&producer, RecordError::ProducerEpoch(-1), INVALID, "producer_epoch");
    let epoch = seal(patched(producer, 51, &7_i16.to_be_bytes()));
    check(&epoch, RecordError::BaseSequence(-1), INVALID, "base_sequence");
}

#[test]
fn a_producer_id_of_minus_one_makes_the_other_producer_fields_mean_nothing() {
    let epoch_0 = seal(patched(whole(), 51, &[0; 6]));
    assert_eq!(judge(&epoch_0), Ok(2));
}

#[test]
fn attribute_bits_without_a_meaning_are_ignored() {
    assert_eq!(judge(&seal(patched(whole(), 21, &[0xff, 0xc0]))), Ok(2));
}

#[test]
fn a_codec_that_does_not_exist() {
    for codec in 5..8 {
        let error = RecordError::Compression(CompressionError::UnknownCodec(codec));
        let code = ErrorCode::UNSUPPORTED_COMPRESSION_TYPE;
        check(&seal(patched(whole(), 21, &[0, codec])), error, code, "codec");
    }
}

#[test]
fn compressed_records_that_are_damaged() {
    for (bits, codec) in (0..).zip(Compression::ALL).skip(1) {
        let error = RecordError::Compression(CompressionError::Damaged(codec));
        let damaged = seal(patched(whole(), 21, &[0, bits]));
        check(&damaged, error, INVALID, codec.name());

        let cut = RecordError::Compression(CompressionError::Cut(codec));
        let empty = seal(patched(with_body(1, ""), 21, &[0, bits]));
        check(&empty, cut, INVALID, codec.name());
    }
}

#[test]
fn counts_that_do_not_match_the_records() {
    // attributes, two deltas, null key, null value, no headers
    let record = "0c 00 00 00 01 01 00";
    assert_eq!(judge(&with_body(1, record)), Ok(1));
    check(&with_body(2, record), RecordError::RecordsMissing(1), INVALID, "records_count");
    check(&with_body(i32::MAX, record), RecordError::RecordsMissing(1), INVALID, "records_count");
    let twice = record.repeat(2);
    check(&with_body(1, &twice), RecordError::BytesAfterRecords(7), INVALID, "records_count");
}

#[test]
fn offset_deltas_that_are_not_in_order() {
    let second_is_0 = with_body(2, "0c 00 00 00 01 01 00  0c 00 00 00 01 01 00");
    check(&second_is_0, RecordError::OffsetDeltas, INVALID, "offset_delta");
    let first_is_1 = with_body(1, "0c 00 00 02 01 01 00");
    check(&first_is_1, RecordError::OffsetDeltas, INVALID, "offset_delta");
}

#[test]
fn a_record_that_is_cut_names_the_field() {
    check_record("80", Field::Length, Fault::Cut);
    check_record("0e 00 00 00 01 01 00", Field::Length, Fault::Cut);
    check_record("00", Field::Attributes, Fault::Cut);
    check_record("02 00", Field::TimestampDelta, Fault::Cut);
    check_record("04 00 80", Field::TimestampDelta, Fault::Cut);
    check_record("04 00 00", Field::OffsetDelta, Fault::Cut);
    check_record("06 00 00 00", Field::Key, Fault::Cut);
    check_record("08 00 00 00 02", Field::Key, Fault::Cut);
    check_record("08 00 00 00 01", Field::Value, Fault::Cut);
    check_record("0a 00 00 00 01 02", Field::Value, Fault::Cut);
    check_record("0a 00 00 00 01 01", Field::HeaderCount, Fault::Cut);
    check_record("0c 00 00 00 01 01 02", Field::HeaderKey, Fault::Cut);
    check_record("0e 00 00 00 01 01 02 02", Field::HeaderKey, Fault::Cut);
    check_record("10 00 00 00 01 01 02 02 6b", Field::HeaderValue, Fault::Cut);
    check_record("12 00 00 00 01 01 02 02 6b 02", Field::HeaderValue, Fault::Cut);
}

#[test]
fn a_length_that_is_not_allowed_names_the_field() {
    check_record("01", Field::Length, Fault::Negative);
    check_record("08 00 00 00 03", Field::Key, Fault::Negative);
    check_record("0a 00 00 00 01 03", Field::Value, Fault::Negative);
    check_record("0c 00 00 00 01 01 01", Field::HeaderCount, Fault::Negative);
    // The name of a header cannot be null.
    check_record("0e 00 00 00 01 01 02 01", Field::HeaderKey, Fault::Negative);
    check_record("12 00 00 00 01 01 02 02 6b 03", Field::HeaderValue, Fault::Negative);
}

#[test]
fn a_varint_with_too_many_bits_names_the_field() {
    check_record("ff ff ff ff 7f", Field::Length, Fault::TooLong);
    check_record("16 00 ff ff ff ff ff ff ff ff ff 7f", Field::TimestampDelta, Fault::TooLong);
    check_record("0e 00 00 80 80 80 80 80 00", Field::OffsetDelta, Fault::TooLong);
}

#[test]
fn bytes_after_the_headers_of_a_record() {
    check_record("0e 00 00 00 01 01 00 00", Field::End, Fault::Trailing);
    check_record("14 00 00 00 01 01 02 02 6b 01 00", Field::End, Fault::Trailing);
}

#[test]
fn a_hostile_header_count_is_an_error_and_no_allocation() {
    let body = "14 00 00 00 01 01 fe ff ff ff 0f";
    let bytes = with_body(1, body);
    let allocated = allocation_counter::measure(|| {
        let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
        let mut out = Vec::new();
        let opened = batch.open(&mut Decompressor::new(), &mut out, CAP);
        assert!(matches!(opened, Err(RecordError::Record { field: Field::HeaderKey, .. })));
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn an_error_is_small_enough_for_a_register() {
    assert!(size_of::<RecordError>() <= 8);
    assert!(size_of::<Result<(), RecordError>>() <= 8);
}
