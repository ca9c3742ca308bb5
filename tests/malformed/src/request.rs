//! Requests that ask for something that cannot be, and the order in which faults are found.

use ksink_wire::ErrorCode;

use crate::{
    Case,
    build::{Batch, at, patch, patch_and_seal, whole},
};

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    [wrong(now_ms), transactional(now_ms), order(now_ms)].concat()
}

fn wrong(now_ms: i64) -> Vec<Case> {
    let whole = || whole(now_ms);
    let (unknown, illegal) =
        (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ErrorCode::INVALID_TOPIC_EXCEPTION);
    let (invalid, acks) = (ErrorCode::INVALID_RECORD, ErrorCode::INVALID_REQUIRED_ACKS);
    vec![
        Case::of("partition 99", whole(), unknown).partition(99),
        Case::of("partition -1", whole(), unknown).partition(-1),
        Case::of("a topic with a slash", whole(), illegal).topic("bad/../name"),
        Case::of("a topic without a name", whole(), illegal).topic(""),
        Case::of("a topic named dot dot", whole(), illegal).topic(".."),
        Case::of("Kafka's own topic", whole(), illegal).topic("__consumer_offsets"),
        Case::of("acks 5", whole(), acks).acks(5),
        Case::of("acks -2", whole(), acks).acks(-2),
        Case::of("null records", whole(), invalid).partitions(vec![(0, None)]),
        Case::of("empty records", [], invalid),
        Case::of("a partition named twice", whole(), invalid)
            .partitions(vec![(0, Some(whole())), (0, Some(whole()))]),
    ]
}

fn transactional(now_ms: i64) -> Vec<Case> {
    let timestamps = [now_ms];
    let transactional =
        Batch { transactional: true, producer: (4000, 0, 0), ..Batch::at(&timestamps) };
    let refused = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    let of_nobody = patch_and_seal(whole(now_ms), at::ATTRIBUTES, &0x10_i16.to_be_bytes());
    let damaged = patch(transactional.bytes(), at::RECORDS, b"\xff");
    vec![
        Case::of(
            "a transactional batch with a bad CRC, without a transactional id",
            damaged,
            refused,
        ),
        Case::of("a transactional batch of nobody, without a transactional id", of_nobody, refused),
        Case::of(
            "a transactional batch in a request without a transactional id",
            transactional.bytes(),
            refused,
        ),
        Case::of("a plain and a transactional batch, without a transactional id", [], refused)
            .partitions(vec![(0, Some(whole(now_ms))), (1, Some(transactional.bytes()))]),
        Case::of(
            "a transactional batch for partition 99, without a transactional id",
            transactional.bytes(),
            refused,
        )
        .partition(99),
    ]
}

/// Two faults at once: the one that is found first is answered.
fn order(now_ms: i64) -> Vec<Case> {
    let old = || patch(whole(now_ms), at::MAGIC, &[1]);
    let damaged = || {
        let batch = whole(now_ms);
        let last = batch.len() - 1;
        patch(batch, last, b"\xff")
    };
    let moved = |batch| patch(batch, at::BASE_OFFSET, &7_i64.to_be_bytes());
    let large = || {
        let value = vec![b'x'; 1_100_000];
        Batch { value: &value, ..Batch::at(&[now_ms]) }.bytes()
    };
    let invalid = ErrorCode::INVALID_RECORD;
    let (acks, unknown) = (ErrorCode::INVALID_REQUIRED_ACKS, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    vec![
        Case::of("magic 1, and acks 5", old(), invalid).acks(5),
        Case::of("magic 1, acks 5, and partition 99", old(), unknown).acks(5).partition(99),
        Case::of("a bad CRC, and acks 5", damaged(), acks).acks(5),
        Case::of("a base offset, and acks 5", moved(whole(now_ms)), acks).acks(5),
        Case::of("a base offset, and a bad CRC", moved(damaged()), invalid),
        Case::of("too many bytes", large(), ErrorCode::MESSAGE_TOO_LARGE),
        Case::of(
            "too many bytes, and a bad CRC",
            patch(large(), 1000, b"\0"),
            ErrorCode::MESSAGE_TOO_LARGE,
        ),
        Case::of("too many bytes, and a base offset", moved(large()), invalid),
    ]
}
