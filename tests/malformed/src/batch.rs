//! Batches that are cut, damaged, or say what is not true.

use ksink_wire::ErrorCode;

use crate::{
    Batch, Case,
    build::{at, patch, patch_and_seal, whole},
};

const CORRUPT: ErrorCode = ErrorCode::CORRUPT_MESSAGE;
const INVALID: ErrorCode = ErrorCode::INVALID_RECORD;

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    [cut(now_ms), lengths(now_ms), more(now_ms), damaged(now_ms), header(now_ms), times(now_ms)]
        .concat()
}

fn cut(now_ms: i64) -> Vec<Case> {
    let whole = whole(now_ms);
    let cut = |bytes: usize| {
        Case::of(format!("a batch that ends after {bytes} bytes"), &whole[..bytes], INVALID)
    };
    [1, 11, 12, 16, 17, 60, 61, 70, whole.len() - 1].map(cut).into()
}

fn lengths(now_ms: i64) -> Vec<Case> {
    let length = |name: &str, length: i32, code| {
        let batch = patch(whole(now_ms), at::BATCH_LENGTH, &length.to_be_bytes());
        Case::of(format!("a batch length {name}"), batch, code)
    };
    let true_length = i32::try_from(whole(now_ms).len() - 12).expect("a small batch");
    vec![
        length("of 0", 0, CORRUPT),
        length("of 13", 13, CORRUPT),
        length("of 14", 14, CORRUPT),
        length("of 48, one less than a header", 48, CORRUPT),
        length("of -1", -1, CORRUPT),
        length("of -2^31", i32::MIN, CORRUPT),
        length("of 2^31-1", i32::MAX, INVALID),
        length("of one too many", true_length + 1, INVALID),
        length("of one too few", true_length - 1, INVALID),
    ]
}

/// Something after the batch.
fn more(now_ms: i64) -> Vec<Case> {
    let first = whole(now_ms);
    let then = |name: &str, more: &[u8]| Case::of(name, [&first[..], more].concat(), INVALID);
    let second = whole(now_ms);
    vec![
        then("a second batch", &second),
        then("a second batch that lacks a byte", &second[..second.len() - 1]),
        then("a second batch that ends in its header", &second[..30]),
        then("a second batch with a bad CRC", &patch(second.clone(), at::RECORDS, b"\xff")),
        then("one stray byte", &[0]),
        then("11 stray bytes", &[0; 11]),
        then("12 stray bytes", &[0; 12]),
        then("100 stray bytes", &[0; 100]),
    ]
}

fn damaged(now_ms: i64) -> Vec<Case> {
    let flipped = |name: &str, at: usize| {
        let mut batch = whole(now_ms);
        batch[at] ^= 1;
        Case::of(format!("a flipped bit in {name}"), batch, CORRUPT)
    };
    let magic = |magic: i8, code| {
        let batch = patch(whole(now_ms), at::MAGIC, &magic.to_be_bytes());
        Case::of(format!("magic {magic}"), batch, code)
    };
    vec![
        flipped("the CRC", at::CRC),
        flipped("the attributes", at::ATTRIBUTES),
        flipped("the codec", at::ATTRIBUTES + 1),
        flipped("the last offset delta", at::LAST_OFFSET_DELTA + 3),
        flipped("the highest timestamp", at::MAX_TIMESTAMP + 7),
        flipped("the producer id", at::PRODUCER_ID),
        flipped("the record count", at::RECORDS_COUNT + 3),
        flipped("a record", at::RECORDS + 3),
        flipped("the last byte", whole(now_ms).len() - 1),
        magic(-1, CORRUPT),
        magic(0, INVALID),
        magic(1, INVALID),
        magic(3, CORRUPT),
        magic(127, CORRUPT),
    ]
}

/// A header under a true CRC that no producer may send.
fn header(now_ms: i64) -> Vec<Case> {
    let sealed = |name: &str, at: usize, field: &[u8]| {
        Case::of(name, patch_and_seal(whole(now_ms), at, field), INVALID)
    };
    let count = |name: &str, count: i32| {
        let delta = count.wrapping_sub(1).to_be_bytes();
        let batch = patch(whole(now_ms), at::LAST_OFFSET_DELTA, &delta);
        let batch = patch_and_seal(batch, at::RECORDS_COUNT, &count.to_be_bytes());
        Case::of(format!("two records, and a header that says {name}"), batch, INVALID)
    };
    vec![
        sealed("a base offset of 7", at::BASE_OFFSET, &7_i64.to_be_bytes()),
        sealed("a base offset of -1", at::BASE_OFFSET, &(-1_i64).to_be_bytes()),
        sealed("a last offset delta of one too many", at::LAST_OFFSET_DELTA, &2_i32.to_be_bytes()),
        sealed("a last offset delta of one too few", at::LAST_OFFSET_DELTA, &0_i32.to_be_bytes()),
        sealed("a last offset delta of -1", at::LAST_OFFSET_DELTA, &(-1_i32).to_be_bytes()),
        sealed("a record count of one too many", at::RECORDS_COUNT, &3_i32.to_be_bytes()),
        sealed("a record count of one too few", at::RECORDS_COUNT, &1_i32.to_be_bytes()),
        sealed("a record count of -1", at::RECORDS_COUNT, &(-1_i32).to_be_bytes()),
        count("none", 0),
        count("one", 1),
        count("three", 3),
        count("five", 5),
        count("-1", -1),
        count("2^31-1", i32::MAX),
        count("-2^31", i32::MIN),
        sealed("a control batch", at::ATTRIBUTES, &0x20_i16.to_be_bytes()),
        sealed(
            "a producer id without an epoch and a sequence",
            at::PRODUCER_ID,
            &7_i64.to_be_bytes(),
        ),
        Case::of(
            "a producer id without an epoch",
            Batch { producer: (4000, -1, 0), ..Batch::at(&[now_ms]) }.bytes(),
            INVALID,
        ),
        Case::of(
            "a producer id without a sequence",
            Batch { producer: (4000, 0, -1), ..Batch::at(&[now_ms]) }.bytes(),
            INVALID,
        ),
        Case::of(
            "a control batch of an idempotent producer",
            patch_and_seal(
                Batch { producer: (4000, 0, 0), ..Batch::at(&[now_ms]) }.bytes(),
                at::ATTRIBUTES,
                &0x20_i16.to_be_bytes(),
            ),
            INVALID,
        ),
    ]
}

fn times(now_ms: i64) -> Vec<Case> {
    // The server's clock may be a little later than the one that the batch was made by.
    let ahead = now_ms + 2 * 3_600_000;
    let invalid = ErrorCode::INVALID_TIMESTAMP;
    let log_append_time = Batch::at(&[-1]).bytes();
    vec![
        Case::of(
            "one record of four two hours ahead",
            Batch::at(&[now_ms, ahead, -1, 0]).bytes(),
            invalid,
        ),
        Case::of("five records two hours ahead", Batch::at(&[ahead; 5]).bytes(), invalid),
        Case::of("a record at the end of time", Batch::at(&[i64::MAX]).bytes(), invalid),
        Case::of(
            "the append time of the log, which is not known",
            patch_and_seal(log_append_time, at::ATTRIBUTES, &8_i16.to_be_bytes()),
            invalid,
        ),
    ]
}
