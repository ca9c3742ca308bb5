//! Zstandard frames (RFC 8878), with and without the size of their content, one after the other.

use zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, ResetDirective,
    compress_bound, get_frame_content_size, zstd_sys::ZSTD_ErrorCode,
};

use super::{Compression, CompressionError, output::Output};

const CUT: CompressionError = CompressionError::Cut(Compression::Zstd);
const DAMAGED: CompressionError = CompressionError::Damaged(Compression::Zstd);
const TOO_LARGE: CompressionError = CompressionError::TooLarge(Compression::Zstd);

/// The largest window that a frame may ask for: 8 MiB, which RFC 8878 asks every decoder to support. More than
/// that would let a few bytes claim as much memory as they like. (Levels 20 to 22 of zstd ask for more where they do
/// not know the size of what they compress.)
const WINDOW_LOG_MAX: u32 = 23;
/// Kafka's own default level, and zstd's.
const LEVEL: i32 = 3;
/// What zstd chooses at this level for an input whose size it is not told, as by Kafka's own producer. For a known
/// size of 256 KiB or less it would look for matches of 4 bytes, which is slower and gains little.
const MIN_MATCH: u32 = 5;
/// As [`MIN_MATCH`].
const HASH_LOG: u32 = 17;
/// How far the size that a frame claims is believed, per byte of it, when room is made at first.
const CLAIM_MAX: usize = 16;

/// Decompresses all frames of `input`, of which there must be at least one.
pub(super) fn decompress(
    slot: &mut Option<DCtx<'static>>,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    let context = match slot {
        Some(context) => context,
        None => slot.insert(decompression_context()?),
    };
    let result = decompress_frames(context, input, output);
    // A context that failed is not to be trusted with the next batch.
    if result.is_err() {
        *slot = None;
    }
    result
}

fn decompression_context() -> Result<DCtx<'static>, CompressionError> {
    let mut context = DCtx::try_create().ok_or(TOO_LARGE)?;
    context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(|_| DAMAGED)?;
    Ok(context)
}

fn decompress_frames(
    context: &mut DCtx<'static>,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    context.reset(ResetDirective::SessionOnly).map_err(|_| DAMAGED)?;
    let mut source = InBuffer::around(input);
    let mut wanted = first_room(input);
    loop {
        let room = output.room(wanted);
        let room_bytes = room.len();
        let mut target = OutBuffer::around(room);
        let read_before = source.pos();
        let hint = context.decompress_stream(&mut target, &mut source).map_err(error)?;
        let written = target.pos();
        output.advance(written);
        let all_read = source.pos() == input.len();
        if hint == 0 && all_read {
            return Ok(());
        }
        if written == room_bytes && output.left() == 0 && source.pos() == read_before {
            return Err(TOO_LARGE);
        }
        if all_read && written < room_bytes {
            return Err(CUT);
        }
        wanted = 1;
    }
}

/// What zstd's error means to us: too large a window is no damage.
fn error(code: ErrorCode) -> CompressionError {
    // The library gives its error numbers as negative sizes.
    let window_too_large = ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge as usize;
    if code.wrapping_neg() == window_too_large { TOO_LARGE } else { DAMAGED }
}

/// How much room to begin with: what the first frame claims, as far as that is believable. With all of it there
/// from the start, zstd decompresses in one pass and needs no window of its own.
fn first_room(input: &[u8]) -> usize {
    let believable = input.len().saturating_mul(CLAIM_MAX);
    let claimed = get_frame_content_size(input).ok().flatten();
    let claimed = claimed.and_then(|bytes| usize::try_from(bytes).ok());
    claimed.map_or(believable / 4, |bytes| bytes.min(believable)).max(1)
}

/// Appends `input` to `out` as one frame that says how long its content is.
pub(super) fn compress(
    slot: &mut Option<CCtx<'static>>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let context = match slot {
        Some(context) => context,
        None => slot.insert(compression_context()?),
    };
    let start = out.len();
    out.resize(start + compress_bound(input.len()), 0);
    let written = context
        .compress2(out.get_mut(start..).unwrap_or_default(), input)
        .map_err(|_| TOO_LARGE)?;
    out.truncate(start + written);
    Ok(())
}

fn compression_context() -> Result<CCtx<'static>, CompressionError> {
    let mut context = CCtx::try_create().ok_or(TOO_LARGE)?;
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::HashLog(HASH_LOG),
        CParameter::MinMatch(MIN_MATCH),
    ] {
        context.set_parameter(parameter).map_err(|_| DAMAGED)?;
    }
    Ok(context)
}
