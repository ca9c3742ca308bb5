//! Compressed records: codecs that do not exist, streams that are damaged, bombs, and every fault of a record
//! in a compressed batch.

use ksink_wire::{
    ErrorCode,
    compression::{Compression, Compressor},
};

use crate::{
    Case,
    build::{Batch, at, hex, patch_and_seal, with_records},
    record::RECORDS,
};

const INVALID: ErrorCode = ErrorCode::INVALID_RECORD;
const UNSUPPORTED: ErrorCode = ErrorCode::UNSUPPORTED_COMPRESSION_TYPE;

/// More than a batch may become (16 MiB).
const BOMB_BYTES: usize = 17 << 20;

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    let mut cases = codecs(now_ms);
    for codec in CODECS {
        cases.extend(damaged(now_ms, codec));
        cases.push(bomb(now_ms, codec));
    }
    cases.extend(records(now_ms));
    cases
}

fn codecs(now_ms: i64) -> Vec<Case> {
    let unknown = |codec: i16| {
        let batch =
            patch_and_seal(Batch::at(&[now_ms]).bytes(), at::ATTRIBUTES, &codec.to_be_bytes());
        Case::of(format!("codec {codec}"), batch, UNSUPPORTED)
    };
    let zstd = Batch { compression: Compression::Zstd, ..Batch::at(&[now_ms]) }.bytes();
    vec![
        unknown(5),
        unknown(6),
        unknown(7),
        Case::of("zstd in version 6", zstd.clone(), UNSUPPORTED).version(6),
        Case::of("zstd in version 3", zstd, UNSUPPORTED).version(3),
    ]
}

/// The bytes of a codec, wrong in several ways.
fn damaged(now_ms: i64, codec: Compression) -> Vec<Case> {
    let name = codec.name();
    let records = hex("0c 00 00 00 01 01 00").repeat(20);
    let packed = compress(codec, &records);
    let case = |fault: &str, bytes: &[u8]| {
        Case::of(format!("{name} {fault}"), batch(now_ms, 20, codec, bytes), INVALID)
    };
    vec![
        case("that is nothing of the kind", &records),
        case("without a byte", &[]),
        case("that ends in the middle", &packed[..packed.len() / 2]),
        case("that ends at once", &packed[..1]),
        case("of nothing", &compress(codec, &[])),
    ]
}

/// Few bytes that become very many.
fn bomb(now_ms: i64, codec: Compression) -> Case {
    let value = vec![0; BOMB_BYTES];
    let batch = Batch { compression: codec, value: &value, ..Batch::at(&[now_ms]) }.bytes();
    Case::of(format!("a {} bomb", codec.name()), batch, ErrorCode::MESSAGE_TOO_LARGE)
}

/// One rule for records, compressed or not.
fn records(now_ms: i64) -> Vec<Case> {
    let codecs = CODECS.iter().cycle();
    RECORDS
        .iter()
        .zip(codecs)
        .map(|((name, count, records), &codec)| {
            let packed = compress(codec, &hex(records));
            let batch = batch(now_ms, *count, codec, &packed);
            Case::of(format!("{name}, in {}", codec.name()), batch, INVALID)
        })
        .collect()
}

/// A batch that says its records are compressed, whatever they are.
fn batch(now_ms: i64, count: i32, codec: Compression, bytes: &[u8]) -> Vec<u8> {
    let batch = with_records(now_ms, count, bytes);
    patch_and_seal(batch, at::ATTRIBUTES, &codec.bits().to_be_bytes())
}

fn compress(codec: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new().compress(codec, bytes, &mut out).expect("the codec is built in");
    out
}
