//! Compressed bytes: what a compressor writes is read, and what nobody should write does no harm.

use ksink_wire::compression::{
    Compression, CompressionError, Compressor, Decompressor, SnappyFraming,
};
use proptest::prelude::*;

use super::support::{CAP, any_bytes, any_codec, compressed};
use crate::{cases::cases, hex::hex};

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

fn decompressed(codec: Compression, bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut out = b"what was there before".to_vec();
    Decompressor::new().decompress(codec, bytes, &mut out, CAP).map(|()| out)
}

#[track_caller]
fn check(codec: Compression, digits: &str, expected: Result<&str, CompressionError>) {
    let found = decompressed(codec, &hex(digits));
    assert_eq!(found.as_deref(), expected.map(str::as_bytes).as_ref().map(|bytes| *bytes));
}

const DAMAGED_SNAPPY: CompressionError = CompressionError::Damaged(Compression::Snappy);
const CUT_SNAPPY: CompressionError = CompressionError::Cut(Compression::Snappy);
const DAMAGED_LZ4: CompressionError = CompressionError::Damaged(Compression::Lz4);
const CUT_LZ4: CompressionError = CompressionError::Cut(Compression::Lz4);

#[test]
fn snappy_frames_of_xerial() {
    let header = "82 534e41505059 00 00000001 00000001";
    // A block: its length, then a literal of three bytes.
    let block = "03 08 616263";
    check(Compression::Snappy, block, Ok("abc"));
    check(Compression::Snappy, header, Ok(""));
    check(Compression::Snappy, &format!("{header} 00000005 {block}"), Ok("abc"));
    let two = format!("{header} 00000005 {block} 00000005 {block}");
    check(Compression::Snappy, &two, Ok("abcabc"));
    // CVE-2023-34455 and CVE-2023-43642: chunk lengths that nobody checked.
    check(Compression::Snappy, &format!("{header} ffffffff {block}"), Err(DAMAGED_SNAPPY));
    check(Compression::Snappy, &format!("{header} 7fffffff {block}"), Err(CUT_SNAPPY));
    check(Compression::Snappy, &format!("{header} 00000000"), Err(CUT_SNAPPY));
    check(Compression::Snappy, &format!("{header} 000000"), Err(CUT_SNAPPY));
    check(Compression::Snappy, "82 534e41505059 00 00000001", Err(CUT_SNAPPY));
    // A block that claims 4 GiB less one.
    check(Compression::Snappy, "ffffffff0f 08 616263", Err(DAMAGED_SNAPPY));
}

#[test]
fn lz4_frames_by_hand() {
    // Magic, FLG (version 1, independent blocks), BD (64 KiB), checksum of the two.
    let header = "04224d18 60 40 82";
    let stored = "03000080 616263";
    check(Compression::Lz4, &format!("{header} 00000000"), Ok(""));
    check(Compression::Lz4, &format!("{header} {stored} 00000000"), Ok("abc"));
    // Frames may follow each other.
    let frame = format!("{header} {stored} 00000000");
    check(Compression::Lz4, &frame.repeat(2), Ok("abcabc"));
    check(Compression::Lz4, &format!("{header} {stored}"), Err(CUT_LZ4));
    check(Compression::Lz4, &format!("{frame} 00"), Err(CUT_LZ4));
    // A size beyond the descriptor's 64 KiB.
    check(Compression::Lz4, &format!("{header} 01000180"), Err(DAMAGED_LZ4));
    // Another magic, version, block size or checksum, a dictionary, a bit that is reserved.
    check(Compression::Lz4, "04224d19 60 40 82 00000000", Err(DAMAGED_LZ4));
    check(Compression::Lz4, "04224d18 a0 40 82 00000000", Err(DAMAGED_LZ4));
    check(Compression::Lz4, "04224d18 60 30 82 00000000", Err(DAMAGED_LZ4));
    check(Compression::Lz4, "04224d18 60 40 83 00000000", Err(DAMAGED_LZ4));
    check(Compression::Lz4, "04224d18 61 40 82 00000000", Err(DAMAGED_LZ4));
    check(Compression::Lz4, "04224d18 62 40 82 00000000", Err(DAMAGED_LZ4));
    // A match before the beginning: four bytes, one back, where there is nothing yet.
    let before = "08000000 00 0100 50 6162636465";
    check(Compression::Lz4, &format!("{header} {before} 00000000"), Err(DAMAGED_LZ4));
}

#[test]
fn a_content_size_that_is_not_true_is_damage() {
    // FLG with the bit of the content's size, which is 3 and then 4; the checksums are xxHash's.
    check(
        Compression::Lz4,
        "04224d18 68 40 0300000000000000 87 03000080 616263 00000000",
        Ok("abc"),
    );
    let lie = "04224d18 68 40 0400000000000000 cd 03000080 616263 00000000";
    check(Compression::Lz4, lie, Err(DAMAGED_LZ4));
}

#[test]
fn gzip_trailers_are_compared() {
    let whole = compressed(Compression::Gzip, b"some text, and some text");
    for at in 1..=8 {
        let mut damaged = whole.clone();
        let at = damaged.len() - at;
        damaged[at] ^= 1;
        let error = CompressionError::Damaged(Compression::Gzip);
        assert_eq!(decompressed(Compression::Gzip, &damaged), Err(error));
    }
}

#[test]
fn a_zstd_window_beyond_eight_mib_is_refused() {
    // Magic, a descriptor without sizes, a window of 2^24 bytes, an empty last block.
    let too_large = CompressionError::TooLarge(Compression::Zstd);
    check(Compression::Zstd, "28b52ffd 00 70 010000", Err(too_large));
    check(Compression::Zstd, "28b52ffd 00 68 010000", Ok(""));
}

#[test]
fn frames_may_follow_each_other() {
    for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let twice = [compressed(codec, b"one "), compressed(codec, b"two")].concat();
        assert_eq!(decompressed(codec, &twice).as_deref(), Ok(&b"one two"[..]), "{codec:?}");
    }
}

#[test]
fn bytes_after_the_last_frame_are_an_error() {
    for codec in CODECS {
        let stray = [compressed(codec, b"some text"), b"stray bytes".to_vec()].concat();
        assert!(decompressed(codec, &stray).is_err(), "{codec:?}");
    }
}

#[test]
fn what_fits_the_cap_exactly_is_read_and_one_byte_more_is_not() {
    let bytes = vec![7; 100_000];
    for codec in Compression::ALL {
        let compressed = compressed(codec, &bytes);
        let mut out = Vec::new();
        let mut decompressor = Decompressor::new();
        let fits = decompressor.decompress(codec, &compressed, &mut out, bytes.len());
        assert_eq!((fits, &out), (Ok(()), &bytes), "{codec:?}");
        let result = decompressor.decompress(codec, &compressed, &mut out, bytes.len() - 1);
        assert_eq!(result, Err(CompressionError::TooLarge(codec)));
        assert_eq!(out, b"");
    }
}

#[test]
fn a_bomb_ends_at_the_cap_and_nothing_beyond_it_is_allocated() {
    // Snappy's densest element triples nothing more than 21 times, so its bomb is the largest.
    let zeros = vec![0; 64 << 20];
    for codec in CODECS {
        let bomb = compressed(codec, &zeros);
        let allocated = allocation_counter::measure(|| {
            let mut out = Vec::new();
            let result = Decompressor::new().decompress(codec, &bomb, &mut out, CAP);
            assert_eq!(result, Err(CompressionError::TooLarge(codec)));
            assert!(out.capacity() <= CAP);
        });
        // While the vector grows for the last time, the one that it grew out of is there too.
        let bytes_max = 2 * CAP + 128 * 1024;
        assert!(allocated.bytes_max <= bytes_max as u64, "{codec:?} {allocated:?}");
    }
}

/// The compressed bytes claim a size, and there are hardly any of them.
#[test]
fn a_claimed_size_is_not_believed() {
    let claims = [
        (Compression::Snappy, "80808004 00"),
        // 2^20 - 1 bytes, and not one block.
        (Compression::Zstd, "28b52ffd a0 ffff0f00"),
        (Compression::Lz4, "04224d18 68 70 ffff0f0000000000 00 00000000"),
    ];
    for (codec, digits) in claims {
        let bytes = hex(digits);
        let allocated = allocation_counter::measure(|| {
            let mut out = Vec::new();
            let result = Decompressor::new().decompress(codec, &bytes, &mut out, CAP);
            assert!(result.is_err(), "{codec:?}");
        });
        assert!(allocated.bytes_max <= 1024, "{codec:?} {allocated:?}");
    }
}

#[test]
fn a_decompressor_that_failed_can_be_used_again() {
    let mut decompressor = Decompressor::new();
    let mut out = Vec::new();
    for codec in CODECS {
        let whole = compressed(codec, b"some text");
        let cut = &whole[..whole.len() - 1];
        decompressor.decompress(codec, cut, &mut out, CAP).expect_err("a part of a frame");
        decompressor.decompress(codec, &whole, &mut out, CAP).expect("a whole frame");
        assert_eq!(out, b"some text");
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn what_is_compressed_is_decompressed(
        codec in any_codec(),
        raw: bool,
        texts in prop::collection::vec(any_bytes(), 1..4),
    ) {
        let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
        compressor.snappy_framing = if raw { SnappyFraming::Raw } else { SnappyFraming::Xerial };
        let mut out = Vec::new();
        for text in texts {
            let mut bytes = b"before".to_vec();
            compressor.compress(codec, &text, &mut bytes).expect("a codec of this build");
            let result = decompressor.decompress(codec, &bytes[6..], &mut out, CAP);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(&out, &text);
        }
    }

    #[test]
    fn every_truncation_is_an_error(codec in prop::sample::select(&CODECS[..]), text in any_bytes()) {
        let bytes = compressed(codec, &text);
        for end in 0..bytes.len() {
            // A frame of xerial ends with its last chunk: shorter by a whole chunk, it is whole.
            match decompressed(codec, &bytes[..end]) {
                Ok(part) => prop_assert!(codec == Compression::Snappy && part.len() < text.len()),
                Err(error) => prop_assert!(
                    matches!(error, CompressionError::Cut(_) | CompressionError::Damaged(_))
                ),
            }
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        codec in any_codec(),
        text in any_bytes(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = compressed(codec, &text);
        for (at, bits) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
        }
        let _ = decompressed(codec, &bytes);
        let _ = decompressed(codec, &noise);
    }
}
