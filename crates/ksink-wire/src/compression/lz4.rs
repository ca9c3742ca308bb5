//! LZ4 frames, taken apart by hand over a block codec.
//!
//! The frame is the one of the LZ4 Frame Format 1.6: magic, a descriptor under a checksum, blocks, an end mark and
//! perhaps a checksum over the content. Clients differ in what they switch on (block checksums, the content's size,
//! blocks that refer to earlier ones), so all of it is read. Walking the frame here decompresses each block straight
//! into the output, which takes less than half the time of a general reader.

use lz4_flex::block::{
    CompressTable, DecompressError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};

use super::{Compression, CompressionError, Lz4Header, output::Output};

const CUT: CompressionError = CompressionError::Cut(Compression::Lz4);
const DAMAGED: CompressionError = CompressionError::Damaged(Compression::Lz4);
const TOO_LARGE: CompressionError = CompressionError::TooLarge(Compression::Lz4);

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();

// Bits of the descriptor's first byte, FLG.
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT_BLOCKS: u8 = 1 << 5;
const BLOCK_CHECKSUM: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_CHECKSUM: u8 = 1 << 2;
const RESERVED: u8 = 1 << 1;
const DICTIONARY_ID: u8 = 1 << 0;

/// The bit of a block's size that says that the block is not compressed.
const STORED: u32 = 1 << 31;
/// How far back a block may refer.
const WINDOW_BYTES: usize = 64 * 1024;
/// The most that a block can grow to, per byte of it: a match's length grows by 255 with each byte.
const EXPANSION_MAX: usize = 255;
/// What records usually stay under.
const EXPANSION_LIKELY: usize = 4;
/// What is written into one block: Java's size, and the smallest there is.
const BLOCK_BYTES: usize = 64 * 1024;
/// Its code in the descriptor's second byte, BD.
const BLOCK_64_KIB: u8 = 4 << 4;

/// What the descriptor of a frame says.
struct Descriptor {
    flags: u8,
    block_bytes_max: usize,
    content_bytes: Option<u64>,
}

impl Descriptor {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Decompresses all frames of `input`, of which there must be at least one.
pub(super) fn decompress(
    header: Lz4Header,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    let mut rest = frame(header, input, output)?;
    while !rest.is_empty() {
        rest = frame(header, rest, output)?;
    }
    Ok(())
}

/// Decompresses one frame and gives back what follows it.
fn frame<'i>(
    header: Lz4Header,
    input: &'i [u8],
    output: &mut Output<'_>,
) -> Result<&'i [u8], CompressionError> {
    let (magic, rest) = input.split_first_chunk::<4>().ok_or(CUT)?;
    if *magic != MAGIC {
        return Err(DAMAGED);
    }
    let (descriptor, mut rest) = descriptor(header, rest)?;
    let start = output.len();
    loop {
        let (size, blocks) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        rest = match u32::from_le_bytes(*size) {
            0 => break end_of_frame(&descriptor, blocks, output.len() - start),
            size => block(&descriptor, size, blocks, output, start)?,
        };
    }
}

/// Reads the descriptor and compares its checksum: the second byte of xxHash-32.
fn descriptor(header: Lz4Header, input: &[u8]) -> Result<(Descriptor, &[u8]), CompressionError> {
    let &[flags, block_size, ..] = input else { return Err(CUT) };
    if flags & VERSION_MASK != VERSION || flags & (RESERVED | DICTIONARY_ID) != 0 {
        return Err(DAMAGED);
    }
    let block_bytes_max = match block_size {
        0x40 => 64 << 10,
        0x50 => 256 << 10,
        0x60 => 1 << 20,
        0x70 => 4 << 20,
        _ => return Err(DAMAGED),
    };
    let length = if flags & CONTENT_SIZE != 0 { 10 } else { 2 };
    let (bytes, rest) = input.split_at_checked(length).ok_or(CUT)?;
    let (&checksum, rest) = rest.split_first().ok_or(CUT)?;
    if header == Lz4Header::Standard && checksum != header_checksum(bytes) {
        return Err(DAMAGED);
    }
    let content_bytes = bytes.last_chunk::<8>().map(|size| u64::from_le_bytes(*size));
    Ok((Descriptor { flags, block_bytes_max, content_bytes }, rest))
}

/// Decompresses one block of the frame that began at `start` of the output, and gives back what follows it.
fn block<'i>(
    descriptor: &Descriptor,
    size: u32,
    input: &'i [u8],
    output: &mut Output<'_>,
    start: usize,
) -> Result<&'i [u8], CompressionError> {
    let length = (size & !STORED) as usize;
    if length > descriptor.block_bytes_max {
        return Err(DAMAGED);
    }
    let (bytes, rest) = input.split_at_checked(length).ok_or(CUT)?;
    if size & STORED == 0 {
        compressed_block(descriptor, bytes, output, start)?;
    } else if !output.extend(bytes) {
        return Err(TOO_LARGE);
    }
    let checksum_bytes = if descriptor.has(BLOCK_CHECKSUM) { 4 } else { 0 };
    rest.get(checksum_bytes..).ok_or(CUT)
}

/// Decompresses one compressed block. How large it gets is not said anywhere, so room is made for a likely size
/// first and for more when that was not enough, up to what the frame, the codec and the cap allow.
fn compressed_block(
    descriptor: &Descriptor,
    bytes: &[u8],
    output: &mut Output<'_>,
    start: usize,
) -> Result<(), CompressionError> {
    let possible = descriptor.block_bytes_max.min(bytes.len().saturating_mul(EXPANSION_MAX));
    let allowed = possible.min(output.left());
    let mut room_bytes = allowed.min(bytes.len().saturating_mul(EXPANSION_LIKELY));
    loop {
        match try_block(descriptor, bytes, output, start, room_bytes) {
            Ok(written) => {
                output.advance(written);
                return Ok(());
            }
            Err(DecompressError::OutputTooSmall { .. }) if room_bytes < allowed => {
                room_bytes = allowed.min(room_bytes.saturating_mul(EXPANSION_LIKELY));
            }
            Err(DecompressError::OutputTooSmall { .. }) if allowed < possible => {
                return Err(TOO_LARGE);
            }
            Err(_) => return Err(DAMAGED),
        }
    }
}

/// Decompresses one block into at least `room_bytes` and says how many it took.
fn try_block(
    descriptor: &Descriptor,
    bytes: &[u8],
    output: &mut Output<'_>,
    start: usize,
    room_bytes: usize,
) -> Result<usize, DecompressError> {
    let (written, room) = output.written_and_room(room_bytes);
    let room_bytes = room.len().min(descriptor.block_bytes_max);
    let room = room.get_mut(..room_bytes).unwrap_or_default();
    if descriptor.has(INDEPENDENT_BLOCKS) {
        return decompress_into(bytes, room);
    }
    let window = start.max(written.len().saturating_sub(WINDOW_BYTES));
    decompress_into_with_dict(bytes, room, written.get(window..).unwrap_or_default())
}

/// Checks what stands after the last block, and gives back what follows the frame.
fn end_of_frame<'i>(
    descriptor: &Descriptor,
    input: &'i [u8],
    content_bytes: usize,
) -> Result<&'i [u8], CompressionError> {
    if descriptor.content_bytes.is_some_and(|claimed| claimed != content_bytes as u64) {
        return Err(DAMAGED);
    }
    let checksum_bytes = if descriptor.has(CONTENT_CHECKSUM) { 4 } else { 0 };
    input.get(checksum_bytes..).ok_or(CUT)
}

/// Appends `input` to `out` as one frame of independent blocks, as the Java client writes it.
pub(super) fn compress(
    table: &mut CompressTable,
    header: Lz4Header,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let start = out.len();
    let descriptor = [VERSION | INDEPENDENT_BLOCKS, BLOCK_64_KIB];
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&descriptor);
    let checksum = match header {
        Lz4Header::Standard => header_checksum(&descriptor),
        Lz4Header::MagicZero => header_checksum(out.get(start..).unwrap_or_default()),
    };
    out.push(checksum);
    for block in input.chunks(BLOCK_BYTES) {
        compress_block(table, block, out)?;
    }
    out.extend_from_slice(&[0; 4]);
    Ok(())
}

/// Appends one block: compressed, or as it is where that is no longer.
fn compress_block(
    table: &mut CompressTable,
    block: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let start = out.len();
    out.resize(start + 4 + get_maximum_output_size(block.len()), 0);
    let (size, room) =
        out.get_mut(start..).and_then(<[u8]>::split_first_chunk_mut::<4>).ok_or(TOO_LARGE)?;
    let mut length = compress_into_with_table(block, room, table).map_err(|_| TOO_LARGE)?;
    *size = (length as u32).to_le_bytes();
    if length >= block.len() {
        length = block.len();
        *size = (length as u32 | STORED).to_le_bytes();
        room.get_mut(..length).ok_or(TOO_LARGE)?.copy_from_slice(block);
    }
    out.truncate(start + 4 + length);
    Ok(())
}

/// The checksum byte of a descriptor: the second lowest byte of its xxHash-32.
fn header_checksum(descriptor: &[u8]) -> u8 {
    let [_, second, _, _] = xxhash32_short(descriptor).to_le_bytes();
    second
}

/// xxHash-32 with seed 0 of fewer than 16 bytes, which is all that a descriptor can be: the long form's four
/// lanes do not come into it. Source: the specification of xxHash, version 0.1.1.
fn xxhash32_short(bytes: &[u8]) -> u32 {
    const PRIME_1: u32 = 0x9E37_79B1;
    const PRIME_2: u32 = 0x85EB_CA77;
    const PRIME_3: u32 = 0xC2B2_AE3D;
    const PRIME_4: u32 = 0x27D4_EB2F;
    const PRIME_5: u32 = 0x1656_67B1;
    debug_assert!(bytes.len() < 16, "descriptors are short");

    let mut hash = PRIME_5.wrapping_add(bytes.len() as u32);
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIME_3));
        hash = hash.rotate_left(17).wrapping_mul(PRIME_4);
    }
    for &byte in tail {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(PRIME_5));
        hash = hash.rotate_left(11).wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 16)
}
