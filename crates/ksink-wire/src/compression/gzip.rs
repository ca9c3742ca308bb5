//! gzip (RFC 1952): members one after the other, each a header, a deflate stream and a trailer.
//!
//! The members are taken apart here and not by the inflater, because an inflater that is reset reads bare
//! deflate streams only, and making a new one a batch would allocate.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Compression, CompressionError, output::Output};
use crate::crc::crc32;

const CUT: CompressionError = CompressionError::Cut(Compression::Gzip);
const DAMAGED: CompressionError = CompressionError::Damaged(Compression::Gzip);
const TOO_LARGE: CompressionError = CompressionError::TooLarge(Compression::Gzip);

// Flag bits of a member's header.
const HAS_HEADER_CRC: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Decompresses all members of `input`.
pub(super) fn decompress(
    inflater: &mut Option<Decompress>,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    let inflater = inflater.get_or_insert_with(|| Decompress::new(false));
    let mut rest = member(inflater, input, output)?;
    while !rest.is_empty() {
        rest = member(inflater, rest, output)?;
    }
    Ok(())
}

/// Decompresses one member and gives back what follows it.
fn member<'i>(
    inflater: &mut Decompress,
    input: &'i [u8],
    output: &mut Output<'_>,
) -> Result<&'i [u8], CompressionError> {
    let stream = skip_header(input)?;
    let start = output.len();
    let rest = inflate(inflater, stream, output)?;
    let content = output.written_from(start);
    let (trailer, rest) = rest.split_first_chunk::<8>().ok_or(CUT)?;
    let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
    // The length is kept modulo 2^32.
    let length_matches = u32::from_le_bytes([l0, l1, l2, l3]) == content.len() as u32;
    if length_matches && u32::from_le_bytes([c0, c1, c2, c3]) == crc32(content) {
        Ok(rest)
    } else {
        Err(DAMAGED)
    }
}

/// Steps over the header of a member: magic, method, flags, time, two more bytes, and what the flags announce.
fn skip_header(input: &[u8]) -> Result<&[u8], CompressionError> {
    let (fixed, mut rest) = input.split_first_chunk::<10>().ok_or(CUT)?;
    let [0x1f, 0x8b, 8, flags, ..] = *fixed else { return Err(DAMAGED) };
    if flags & RESERVED != 0 {
        return Err(DAMAGED);
    }
    if flags & HAS_EXTRA != 0 {
        let (length, extra) = rest.split_first_chunk::<2>().ok_or(CUT)?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..).ok_or(CUT)?;
    }
    if flags & HAS_NAME != 0 {
        rest = skip_terminated(rest)?;
    }
    if flags & HAS_COMMENT != 0 {
        rest = skip_terminated(rest)?;
    }
    if flags & HAS_HEADER_CRC != 0 {
        rest = rest.get(2..).ok_or(CUT)?;
    }
    Ok(rest)
}

/// Steps over text that ends with a zero byte.
fn skip_terminated(input: &[u8]) -> Result<&[u8], CompressionError> {
    let end = input.iter().position(|&byte| byte == 0).ok_or(CUT)?;
    input.get(end + 1..).ok_or(CUT)
}

/// Inflates one deflate stream and gives back what follows it.
fn inflate<'i>(
    inflater: &mut Decompress,
    stream: &'i [u8],
    output: &mut Output<'_>,
) -> Result<&'i [u8], CompressionError> {
    inflater.reset(false);
    let mut rest = stream;
    let mut wanted = rest.len().saturating_mul(4).max(1);
    loop {
        let room = output.room(wanted);
        let is_full = room.is_empty();
        let (read_before, written_before) = (inflater.total_in(), inflater.total_out());
        let status =
            inflater.decompress(rest, room, FlushDecompress::Finish).map_err(|_| DAMAGED)?;
        let read = (inflater.total_in() - read_before) as usize;
        let written = (inflater.total_out() - written_before) as usize;
        rest = rest.get(read..).unwrap_or_default();
        output.advance(written);
        match status {
            Status::StreamEnd => return Ok(rest),
            Status::Ok | Status::BufError if read == 0 && written == 0 => {
                return Err(if is_full { TOO_LARGE } else { CUT });
            }
            Status::Ok | Status::BufError => wanted = 1,
        }
    }
}

/// Appends `input` to `out` as one member.
pub(super) fn compress(
    deflater: &mut Option<flate2::Compress>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let deflater = deflater
        .get_or_insert_with(|| flate2::Compress::new(flate2::Compression::default(), false));
    // Method deflate, no flags, no time, and 255: the system is not known.
    out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    deflate(deflater, input, out)?;
    out.extend_from_slice(&crc32(input).to_le_bytes());
    // The length is kept modulo 2^32.
    out.extend_from_slice(&(input.len() as u32).to_le_bytes());
    Ok(())
}

fn deflate(
    deflater: &mut flate2::Compress,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    deflater.reset();
    let mut rest = input;
    loop {
        out.reserve(rest.len() / 2 + 64);
        let read_before = deflater.total_in();
        let status =
            deflater.compress_vec(rest, out, flate2::FlushCompress::Finish).map_err(|_| DAMAGED)?;
        let read = (deflater.total_in() - read_before) as usize;
        rest = rest.get(read..).unwrap_or_default();
        if status == Status::StreamEnd {
            return Ok(());
        }
    }
}
