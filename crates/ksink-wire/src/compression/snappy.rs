//! Snappy: a block alone, or blocks in the frame of xerial's snappy-java.
//!
//! librdkafka and franz-go send bare blocks; the Java client, sarama, kafka-go and aiokafka send the frame:
//! eight magic bytes, a version and the oldest compatible version (big-endian, four bytes each), then chunks,
//! each a length (big-endian, four bytes) and a block. The two are told apart by the magic bytes.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::{Compression, CompressionError, SnappyFraming, output::Output};

const CUT: CompressionError = CompressionError::Cut(Compression::Snappy);
const DAMAGED: CompressionError = CompressionError::Damaged(Compression::Snappy);
const TOO_LARGE: CompressionError = CompressionError::TooLarge(Compression::Snappy);

const XERIAL_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
/// Version 1, compatible with version 1.
const XERIAL_VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// How much snappy-java puts into one chunk.
const XERIAL_CHUNK_BYTES: usize = 32 * 1024;

/// The most that a block can grow to, per byte of it: its densest element copies 64 bytes and takes three.
const EXPANSION_MAX: usize = 22;

/// Decompresses a bare block or a frame.
pub(super) fn decompress(
    decoder: &mut Decoder,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    match input.strip_prefix(&XERIAL_MAGIC) {
        Some(frame) => decompress_chunks(decoder, frame, output),
        None => decompress_block(decoder, input, output),
    }
}

fn decompress_chunks(
    decoder: &mut Decoder,
    frame: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    // snappy-java has never written another version than 1, and readers ignore it.
    let mut rest = frame.get(XERIAL_VERSIONS.len()..).ok_or(CUT)?;
    while !rest.is_empty() {
        let (length, chunks) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| DAMAGED)?;
        let (block, chunks) = chunks.split_at_checked(length).ok_or(CUT)?;
        decompress_block(decoder, block, output)?;
        rest = chunks;
    }
    Ok(())
}

/// Decompresses one block, whose claimed size is looked at before there is room made for it.
fn decompress_block(
    decoder: &mut Decoder,
    block: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    if block.is_empty() {
        return Err(CUT);
    }
    let claimed = decompress_len(block).map_err(|_| DAMAGED)?;
    if claimed > block.len().saturating_mul(EXPANSION_MAX) {
        return Err(DAMAGED);
    }
    if claimed > output.left() {
        return Err(TOO_LARGE);
    }
    let written = decoder.decompress(block, output.room(claimed)).map_err(|_| DAMAGED)?;
    output.advance(written);
    Ok(())
}

/// Appends `input` to `out`, framed as asked.
pub(super) fn compress(
    encoder: &mut Option<Encoder>,
    framing: SnappyFraming,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let encoder = encoder.get_or_insert_with(Encoder::new);
    match framing {
        SnappyFraming::Raw => compress_block(encoder, input, out).map(|_| ()),
        SnappyFraming::Xerial => compress_chunks(encoder, input, out),
    }
}

fn compress_chunks(
    encoder: &mut Encoder,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    out.extend_from_slice(&XERIAL_MAGIC);
    out.extend_from_slice(&XERIAL_VERSIONS);
    for chunk in input.chunks(XERIAL_CHUNK_BYTES) {
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        let written = compress_block(encoder, chunk, out)?;
        if let Some(length) = out.get_mut(length_at..length_at + 4) {
            length.copy_from_slice(&(written as u32).to_be_bytes());
        }
    }
    Ok(())
}

/// Appends one block and says how long it is.
fn compress_block(
    encoder: &mut Encoder,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, CompressionError> {
    let start = out.len();
    out.resize(start + max_compress_len(input.len()), 0);
    let free = out.get_mut(start..).unwrap_or_default();
    // The only thing that can go wrong is an input of 4 GiB or more.
    let written = encoder.compress(input, free).map_err(|_| TOO_LARGE)?;
    out.truncate(start + written);
    Ok(written)
}
