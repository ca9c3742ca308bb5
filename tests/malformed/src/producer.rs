//! Batches of idempotent producers that do not continue what came before.

use ksink_wire::ErrorCode;

use crate::{
    Case,
    build::{Batch, at, patch, patch_and_seal},
};

const ID: i64 = 4000;
const LAST_SEQUENCE: i32 = i32::MAX;

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    [out_of_order(now_ms), repeated(now_ms), repeated_and_damaged(now_ms)].concat()
}

/// A batch of two records by a producer of this epoch.
fn batch(now_ms: i64, epoch: i16, sequence: i32) -> Vec<u8> {
    Batch { producer: (ID, epoch, sequence), ..Batch::at(&[now_ms, now_ms]) }.bytes()
}

/// The first batches of a producer: sequences 0-1, 2-3, 4-5 and so on.
fn first(now_ms: i64, count: i32) -> Vec<Vec<u8>> {
    (0..count).map(|index| batch(now_ms, 0, 2 * index)).collect()
}

fn out_of_order(now_ms: i64) -> Vec<Case> {
    let after_two =
        |name: &str, records: Vec<u8>, code| Case::of(name, records, code).after(first(now_ms, 2));
    let (gap, old) = (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode::INVALID_PRODUCER_EPOCH);
    let longer = Batch { producer: (ID, 0, 2), ..Batch::at(&[now_ms; 3]) }.bytes();
    vec![
        after_two("a gap in the sequence", batch(now_ms, 0, 9), gap),
        after_two("half of it was sent before", batch(now_ms, 0, 3), gap),
        after_two("a batch that was sent before, with one more record", longer, gap),
        after_two("a higher epoch that does not begin at 0", batch(now_ms, 1, 4), gap),
        Case::of("an old epoch", batch(now_ms, 2, 2), old).after(vec![batch(now_ms, 3, 0)]),
        Case::of("an old epoch that begins again", batch(now_ms, 2, 0), old)
            .after(vec![batch(now_ms, 3, 0)]),
        Case::of("a batch of an old epoch, once more", batch(now_ms, 0, 0), old)
            .after(vec![batch(now_ms, 0, 0), batch(now_ms, 1, 0)]),
        Case::of("a gap after the highest sequence", batch(now_ms, 0, 1), gap).after(vec![batch(
            now_ms,
            0,
            LAST_SEQUENCE - 1,
        )]),
    ]
}

/// What was accepted before is accepted again, and not delivered again.
fn repeated(now_ms: i64) -> Vec<Case> {
    let again = |name: &str, records: Vec<u8>, base_offset| Case {
        base_offset,
        ..Case::of(name, records, ErrorCode::NONE)
    };
    let wrapped = || vec![batch(now_ms, 0, LAST_SEQUENCE), batch(now_ms, 0, 1)];
    vec![
        again("the last batch, once more", batch(now_ms, 0, 2), 2).after(first(now_ms, 2)),
        again("the last but four, once more", batch(now_ms, 0, 0), 0).after(first(now_ms, 5)),
        again(
            "a batch that crosses the highest sequence, once more",
            batch(now_ms, 0, LAST_SEQUENCE),
            0,
        )
        .after(wrapped()),
        Case::of(
            "the last but five, once more",
            batch(now_ms, 0, 0),
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        )
        .after(first(now_ms, 6)),
    ]
}

/// A duplicate is recognised after the other checks.
fn repeated_and_damaged(now_ms: i64) -> Vec<Case> {
    let first = || first(now_ms, 1);
    let damaged = patch(batch(now_ms, 0, 0), at::RECORDS + 2, b"\xff");
    let lying = patch_and_seal(batch(now_ms, 0, 0), at::RECORDS_COUNT, &3_i32.to_be_bytes());
    let ahead = now_ms + 2 * 3_600_000;
    let ahead = Batch { producer: (ID, 0, 0), ..Batch::at(&[now_ms, ahead]) }.bytes();
    vec![
        Case::of("a duplicate with a bad CRC", damaged, ErrorCode::CORRUPT_MESSAGE).after(first()),
        Case::of("a duplicate with a false count", lying, ErrorCode::INVALID_RECORD).after(first()),
        Case::of("a duplicate two hours ahead", ahead, ErrorCode::INVALID_TIMESTAMP).after(first()),
    ]
}
