//! Every fault that bytes can have, by name, with its error and the code that a client hears.
//!
//! The codes are those of a running Kafka 4.3.1, put to it byte by byte, with these differences. Kafka answers
//! UNKNOWN_SERVER_ERROR for a codec that does not exist, for compressed bytes that are damaged, for a batch length of
//! 2^31-1 and for wrong offset deltas or an over-long varint in compressed records. It accepts stray bytes and a second
//! batch that is cut, offset deltas in any order, lying lengths and a value length of -2 in compressed records, a
//! producer id without an epoch, and the transactional bit without a producer id.
//!
//! What takes more than the bytes to judge (the size that a server allows, zstd in an old request, a partition that is
//! named twice, timestamps ahead of the clock) is the server's. Frames, headers and bodies have no code: Kafka closes
//! the connection, but for a version of ApiVersions that it does not have.

use std::{collections::HashMap, fmt};

use ksink_wire::{
    ApiKey, DecodeError, ErrorCode, HeaderError, Reason, Request, RequestHeader,
    compression::{Compression, CompressionError, Decompressor},
    frame::{FrameError, frame_len},
    records::{
        Fault, Field, MessageSet, RecordBatch,
        RecordError::{self, *},
    },
};

use crate::{
    hex::hex,
    records::support::{
        Owned, batch, compressed, crc32, message, message_set, patched, seal, whole, with_body,
    },
};

const CORRUPT: ErrorCode = ErrorCode::CORRUPT_MESSAGE;
const INVALID: ErrorCode = ErrorCode::INVALID_RECORD;
const TOO_LARGE: ErrorCode = ErrorCode::MESSAGE_TOO_LARGE;
const UNSUPPORTED: ErrorCode = ErrorCode::UNSUPPORTED_COMPRESSION_TYPE;

/// A fault, and the error that it must be.
type Row<E> = (&'static str, Result<(), E>, E);

/// Each fault has its error, and no two of them say the same.
fn check<E: PartialEq + fmt::Debug + fmt::Display>(rows: Vec<Row<E>>) {
    let mut faults = HashMap::new();
    for (fault, judged, error) in rows {
        let known = *faults.entry(error.to_string()).or_insert(fault);
        assert_eq!(known, fault, "one error for two faults");
        assert_eq!(judged, Err(error), "{fault}");
    }
}

/// The same for records, with the code.
fn check_records(
    judge: fn(&[u8]) -> Result<(), RecordError>,
    rows: Vec<(&'static str, Vec<u8>, RecordError, ErrorCode)>,
) {
    for (fault, _, error, code) in &rows {
        assert_eq!(error.error_code(), *code, "{fault}");
    }
    let judged = |(fault, bytes, error, _): (_, Vec<u8>, _, _)| (fault, judge(&bytes), error);
    check(rows.into_iter().map(judged).collect());
}

#[test]
fn frames() {
    let judge = |digits| frame_len(&hex(digits), 100).map(drop);
    let too_large = |length| FrameError::TooLarge { length, frame_bytes_max: 100 };
    check(vec![
        ("a negative length", judge("ffffffff"), FrameError::Negative(-1)),
        ("more than the limit", judge("00000065"), too_large(101)),
        ("the largest length", judge("7fffffff"), too_large(0x7fff_ffff)),
    ]);
}

#[test]
fn headers() {
    let judge = |digits| RequestHeader::decode(&hex(digits)).map(drop);
    let cut = |field, remaining| {
        let error = DecodeError { reason: Reason::Truncated, field: Some(field), remaining };
        ("a header that is cut", HeaderError::Malformed(error))
    };
    let rows = [
        ("00", cut("request_api_key", 1)),
        ("0000 00", cut("request_api_version", 1)),
        ("0000 0000", cut("correlation_id", 0)),
        ("0000 0000 00000007 0005 61", cut("client_id", 1)),
        ("0000 0009 00000007 ffff", cut("_tagged_fields", 0)),
        ("7fff 0000 00000007", ("a key of no API", unknown_api(0x7fff, 0))),
        ("0000 000e 00000007", ("a version of no API", unsupported(ApiKey::Produce, 14))),
        ("0012 ffff 00000007", ("a negative version", unsupported(ApiKey::ApiVersions, -1))),
    ];
    check(rows.map(|(digits, (fault, error))| (fault, judge(digits), error)).into());
}

fn unknown_api(api_key: i16, api_version: i16) -> HeaderError {
    HeaderError::UnknownApi { api_key, api_version, correlation_id: 7 }
}

fn unsupported(api_key: ApiKey, api_version: i16) -> HeaderError {
    HeaderError::UnsupportedVersion { api_key, api_version, correlation_id: 7 }
}

#[test]
fn bodies() {
    let judge = |api, version, digits| Request::decode(api, version, &hex(digits)).map(drop);
    let old = |digits| judge(ApiKey::Metadata, 0, digits);
    let new = |digits| judge(ApiKey::Metadata, 9, digits);
    let error = |reason, field, remaining| DecodeError { reason, field: Some(field), remaining };
    let endless = "a varint that does not end";
    let unordered = "tagged fields out of order";
    let long = format!("02 818002 {}", "78".repeat(1 << 15));
    // Fetch 12 without topics: tag 0 is the cluster id, of two bytes; the string in them takes one.
    let short = "ffffffff 00000000 00000000 00000000 00 00000000 00000000 01 01 01 01 00 02 01 61";
    check(vec![
        ("a field that is cut", old("00000001 0005 61"), error(Reason::Truncated, "name", 1)),
        ("more elements than bytes", old("7fffffff 00"), error(Reason::CountTooLarge, "topics", 1)),
        ("null where it may not be", old("ffffffff"), error(Reason::NullNotAllowed, "topics", 4)),
        ("no UTF-8", old("00000001 0001 ff"), error(Reason::NotUtf8, "name", 1)),
        ("32,768 bytes of text", new(&long), error(Reason::StringTooLong, "name", 1 << 15)),
        (endless, new("808080808080"), error(Reason::VarintTooLong, "topics", 6)),
        (endless, new("ffffffff1f"), error(Reason::VarintTooLong, "topics", 5)),
        (
            unordered,
            new("00 00 00 00 02 05 00 04 00"),
            error(Reason::TagsUnordered, "_tagged_fields", 2),
        ),
        (
            unordered,
            new("00 00 00 00 02 05 00 05 00 00"),
            error(Reason::TagsUnordered, "_tagged_fields", 3),
        ),
        (
            "a tagged field beyond the end",
            new("00 00 00 00 01 05 02 00"),
            error(Reason::Truncated, "_tagged_fields", 1),
        ),
        (
            "a tagged field shorter than its size",
            judge(ApiKey::Fetch, 12, short),
            error(Reason::TagSizeMismatch, "cluster_id", 1),
        ),
    ]);
}

/// Judges a batch as a server judges what a producer sent.
fn judge(bytes: &[u8]) -> Result<(), RecordError> {
    let batch = RecordBatch::parse_single(bytes)?;
    batch.check_produced()?;
    batch.open(&mut Decompressor::new(), &mut Vec::new(), 1 << 20)?.check_produced()
}

#[test]
fn a_batch_without_a_fault_is_accepted() {
    assert_eq!(judge(&whole()), Ok(()));
}

#[test]
fn a_producer_id_of_minus_one_makes_the_other_producer_fields_mean_nothing() {
    assert_eq!(judge(&seal(patched(whole(), 51, &[0; 6]))), Ok(()));
}

#[test]
fn attribute_bits_without_a_meaning_are_ignored() {
    assert_eq!(judge(&seal(patched(whole(), 21, &[0xff, 0xc0]))), Ok(()));
}

#[test]
fn kafkas_order_is_base_offset_then_crc_then_all_else() {
    let damaged = patched(whole(), whole().len() - 1, &[1]);
    assert_eq!(judge(&patched(damaged.clone(), 0, &[1])), Err(BaseOffset));
    assert_eq!(judge(&patched(damaged, 57, &[0xff])), Err(CrcMismatch));
}

#[test]
fn batches() {
    let set = |at, field: &[u8]| seal(patched(whole(), at, field));
    let magic = |magic| patched(whole(), 16, &[magic]);
    let length = |length: i32| patched(whole(), 8, &length.to_be_bytes());
    let last = whole().len() - 1;
    let twice = [whole(), whole()].concat();
    let one_and_a_half = twice[..twice.len() - 1].to_vec();
    let stray = [whole(), vec![0; 11]].concat();
    let producer = patched(whole(), 43, &4000_i64.to_be_bytes());
    let epoch = patched(producer.clone(), 51, &[0, 7]);
    check_records(
        judge,
        vec![
            ("no bytes", vec![], Empty, INVALID),
            ("cut inside of the header", whole()[..16].to_vec(), HeaderCut, INVALID),
            ("a length below any batch", length(8), BatchLength(8), CORRUPT),
            ("a batch shorter than its header", length(48), BatchLength(48), CORRUPT),
            ("a negative length", length(-1), BatchLength(-1), CORRUPT),
            ("more than its bytes", whole()[..last].to_vec(), BatchCut, INVALID),
            ("more than its bytes", length(i32::MAX), BatchCut, INVALID),
            ("magic 0", magic(0), Magic(0), INVALID),
            ("magic 1", magic(1), Magic(1), INVALID),
            ("magic 3", magic(3), Magic(3), CORRUPT),
            ("magic -1", magic(0xff), Magic(-1), CORRUPT),
            ("a second batch", twice, SecondBatch, INVALID),
            ("a second batch", one_and_a_half, SecondBatch, INVALID),
            ("stray bytes", stray, StrayBytes(11), INVALID),
            ("a base offset", set(7, &[7]), BaseOffset, INVALID),
            ("a bad CRC", patched(whole(), last, &[1]), CrcMismatch, CORRUPT),
            ("no records", set(57, &[0; 4]), RecordsCount(0), INVALID),
            ("a negative count", set(57, &[0xff; 4]), RecordsCount(-1), INVALID),
            ("a last offset that is not the count's", set(26, &[5]), LastOffsetDelta(5), INVALID),
            ("a control batch", set(22, &[0x20]), ControlBatch, INVALID),
            ("transactional, no producer", set(22, &[0x10]), TransactionalWithoutProducer, INVALID),
            ("a producer without an epoch", seal(producer), ProducerEpoch(-1), INVALID),
            ("a producer without a sequence", seal(epoch), BaseSequence(-1), INVALID),
        ],
    );
}

#[test]
fn codecs() {
    let codec = |bits, bytes| seal(patched(bytes, 22, &[bits]));
    let unknown = |bits| Compression(CompressionError::UnknownCodec(bits));
    let damaged = |codec| Compression(CompressionError::Damaged(codec));
    let cut = |codec| Compression(CompressionError::Cut(codec));
    let mut rows = vec![
        ("codec 5", codec(5, whole()), unknown(5), UNSUPPORTED),
        ("codec 6", codec(6, whole()), unknown(6), UNSUPPORTED),
        ("codec 7", codec(7, whole()), unknown(7), UNSUPPORTED),
    ];
    for (bits, (name, of)) in (1..).zip(CODECS) {
        rows.push((name, codec(bits, whole()), damaged(of), INVALID));
    }
    check_records(judge, rows);
    let empty = |(bits, (name, of))| (name, codec(bits, with_body(1, "")), cut(of), INVALID);
    check_records(judge, (1..).zip(CODECS).map(empty).collect());
}

const CODECS: [(&str, Compression); 4] = [
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

#[test]
fn more_than_the_cap() {
    let zeros = [Owned::value(0, &[0; 1000])];
    let open = |bytes: &[u8]| {
        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        RecordBatch::parse_single(bytes)?.open(&mut decompressor, &mut out, 999).map(drop)
    };
    let too_large = |codec| Compression(CompressionError::TooLarge(codec));
    let rows = CODECS.map(|(name, of)| (name, batch(&zeros, of), too_large(of), TOO_LARGE));
    check_records(open, rows.into());
    let set = message_set(1, &zeros, Compression::None);
    check_records(
        |bytes| open_set(bytes, 999),
        vec![("a message set", set, MessagesTooLarge, TOO_LARGE)],
    );
}

/// What records and compressed records, for which there is one rule, may not be: how many are claimed, the bytes, the
/// error.
fn bad_records() -> Vec<(&'static str, i32, &'static str, RecordError)> {
    let record = |field, fault| Record { index: 0, field, fault };
    let cut = |field| record(field, Fault::Cut);
    let negative = |field| record(field, Fault::Negative);
    let long = |field| record(field, Fault::TooLong);
    // Length, attributes, two deltas, null key, null value, no headers; all in order: 0c 00 00 00 01 01 00.
    vec![
        ("fewer than counted", 2, "0c 00 00 00 01 01 00", RecordsMissing(1)),
        ("fewer than counted", i32::MAX, "0c 00 00 00 01 01 00", RecordsMissing(1)),
        ("more than counted", 1, "0c 00 00 00 01 01 00 00 00", BytesAfterRecords(2)),
        ("a first offset of 1", 1, "0c 00 00 02 01 01 00", OffsetDeltas),
        ("a record beyond the end", 1, "0e 00 00 00 01 01 00", cut(Field::Length)),
        ("a record beyond the end", 1, "80", cut(Field::Length)),
        ("a negative length", 1, "01", negative(Field::Length)),
        ("an over-long length", 1, "ff ff ff ff 7f", long(Field::Length)),
        ("a record of no bytes", 1, "00", cut(Field::Attributes)),
        ("a cut timestamp", 1, "02 00", cut(Field::TimestampDelta)),
        ("a cut timestamp", 1, "04 00 80", cut(Field::TimestampDelta)),
        (
            "an over-long timestamp",
            1,
            "16 00 ff ff ff ff ff ff ff ff ff 7f",
            long(Field::TimestampDelta),
        ),
        ("a cut offset", 1, "04 00 00", cut(Field::OffsetDelta)),
        ("an over-long offset", 1, "0e 00 00 80 80 80 80 80 00", long(Field::OffsetDelta)),
        ("a key beyond the end", 1, "06 00 00 00", cut(Field::Key)),
        ("a key beyond the end", 1, "08 00 00 00 02", cut(Field::Key)),
        ("a key length of -2", 1, "08 00 00 00 03", negative(Field::Key)),
        ("an over-long key length", 1, "10 00 00 00 ff ff ff ff 1f", long(Field::Key)),
        ("a value beyond the end", 1, "08 00 00 00 01", cut(Field::Value)),
        ("a value beyond the end", 1, "0a 00 00 00 01 02", cut(Field::Value)),
        ("a value length of -2", 1, "0a 00 00 00 01 03", negative(Field::Value)),
        ("an over-long value length", 1, "12 00 00 00 01 ff ff ff ff 1f", long(Field::Value)),
        ("no header count", 1, "0a 00 00 00 01 01", cut(Field::HeaderCount)),
        ("a negative header count", 1, "0c 00 00 00 01 01 01", negative(Field::HeaderCount)),
        (
            "an over-long header count",
            1,
            "14 00 00 00 01 01 ff ff ff ff 1f",
            long(Field::HeaderCount),
        ),
        ("fewer headers than counted", 1, "0c 00 00 00 01 01 02", cut(Field::HeaderKey)),
        ("fewer headers than counted", 1, "0e 00 00 00 01 01 02 02", cut(Field::HeaderKey)),
        ("a header name of null", 1, "0e 00 00 00 01 01 02 01", negative(Field::HeaderKey)),
        (
            "an over-long header name length",
            1,
            "16 00 00 00 01 01 02 ff ff ff ff 1f",
            long(Field::HeaderKey),
        ),
        ("a cut header value", 1, "10 00 00 00 01 01 02 02 6b", cut(Field::HeaderValue)),
        ("a cut header value", 1, "12 00 00 00 01 01 02 02 6b 02", cut(Field::HeaderValue)),
        (
            "a header value length of -2",
            1,
            "12 00 00 00 01 01 02 02 6b 03",
            negative(Field::HeaderValue),
        ),
        (
            "an over-long header value length",
            1,
            "1a 00 00 00 01 01 02 02 6b ff ff ff ff 1f",
            long(Field::HeaderValue),
        ),
        (
            "a record longer than its fields",
            1,
            "0e 00 00 00 01 01 00 00",
            record(Field::End, Fault::Trailing),
        ),
    ]
}

#[test]
fn records() {
    let plain = |(fault, count, body, error)| (fault, with_body(count, body), error, INVALID);
    check_records(judge, bad_records().into_iter().map(plain).collect());
}

#[test]
fn compressed_records() {
    let packed = |(fault, count, body, error)| {
        (fault, with_compressed_body(&with_body(count, body)), error, INVALID)
    };
    check_records(judge, bad_records().into_iter().map(packed).collect());
}

fn with_compressed_body(batch: &[u8]) -> Vec<u8> {
    let (header, body) = batch.split_at(RecordBatch::HEADER_BYTES);
    let bytes = [header, &compressed(Compression::Gzip, body)].concat();
    let batch_length = bytes.len() as i32 - 12;
    seal(patched(patched(bytes, 8, &batch_length.to_be_bytes()), 22, &[1]))
}

#[test]
fn message_sets() {
    let plain = message(0, 1, 0, Some(b"value"));
    let size = |size: i32| patched(plain.clone(), 8, &size.to_be_bytes());
    // Magic 1: the key's length stands at byte 26, the value's at 30.
    let length = |at, length: i32| {
        let bytes = patched(plain.clone(), at, &length.to_be_bytes());
        let crc = crc32(&bytes[16..]);
        patched(bytes, 12, &crc.to_be_bytes())
    };
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    let around = |bytes: &[u8]| message(0, 1, 1, Some(&compressed(Compression::Gzip, bytes)));
    let damaged = patched(plain.clone(), 35, b"V");
    let damaged_inside = around(&[plain.clone(), damaged.clone()].concat());
    let twice = around(&around(&plain));
    let stray = [&plain[..], &[0; 3]].concat();
    let record = |field, fault| Record { index: 0, field, fault };
    let no_gzip = Compression(CompressionError::Damaged(Compression::Gzip));
    let codec_5 = Compression(CompressionError::UnknownCodec(5));
    let zstd = CodecInMessageSet(Compression::Zstd);
    check_records(
        |bytes| open_set(bytes, 1 << 20),
        vec![
            ("no bytes", vec![], Empty, INVALID),
            ("a message that is not whole", cut(&plain), MessageCut, INVALID),
            ("a message that is not whole", plain[..16].to_vec(), MessageCut, INVALID),
            ("a message that is not whole", stray, MessageCut, INVALID),
            ("a message that is not whole", size(i32::MAX), MessageCut, INVALID),
            ("a message that is not whole", around(&cut(&plain)), MessageCut, INVALID),
            ("a size below any message", size(21), MessageSize(21), CORRUPT),
            ("a negative size", size(-1), MessageSize(-1), CORRUPT),
            ("magic 2", patched(plain.clone(), 16, &[2]), Magic(2), CORRUPT),
            ("a bad CRC", damaged, MessageCrc(0), CORRUPT),
            ("a bad CRC inside", damaged_inside, MessageCrc(1), CORRUPT),
            ("a key beyond the end", length(26, 100), record(Field::Key, Fault::Cut), INVALID),
            ("a key length of -2", length(26, -2), record(Field::Key, Fault::Negative), INVALID),
            ("a value beyond the end", length(30, 6), record(Field::Value, Fault::Cut), INVALID),
            ("a negative value", length(30, -2), record(Field::Value, Fault::Negative), INVALID),
            ("bytes after it", length(30, 4), record(Field::End, Fault::Trailing), INVALID),
            ("zstd", message(0, 1, 4, Some(b"")), zstd, UNSUPPORTED),
            ("codec 5", message(0, 1, 5, Some(b"")), codec_5, UNSUPPORTED),
            ("no gzip", message(0, 1, 1, Some(&[0; 20])), no_gzip, INVALID),
            ("nothing inside", message(0, 1, 1, None), EmptyWrapper, INVALID),
            ("nothing inside", around(&[]), EmptyWrapper, INVALID),
            ("compressed twice", twice, NestedCompression, INVALID),
            ("another magic inside", around(&message(0, 0, 0, None)), MixedMagic(0), INVALID),
        ],
    );
}

fn open_set(bytes: &[u8], cap: usize) -> Result<(), RecordError> {
    MessageSet::parse(bytes)?.open(&mut Decompressor::new(), &mut Vec::new(), cap).map(drop)
}

#[test]
fn a_hostile_header_count_is_an_error_and_no_allocation() {
    let bytes = with_body(1, "14 00 00 00 01 01 fe ff ff ff 0f");
    let allocated = allocation_counter::measure(|| {
        let error = Record { index: 0, field: Field::HeaderKey, fault: Fault::Cut };
        assert_eq!(judge(&bytes), Err(error));
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn an_error_is_small_enough_for_a_register() {
    assert!(size_of::<RecordError>() <= 8);
    assert!(size_of::<Result<(), RecordError>>() <= 8);
}
