//! Reading compressed bytes with contexts that are made once and used again.

use std::fmt;

use super::{Compression, CompressionError, Lz4Header, output::Output};

/// Decompresses with any codec, into a vector of the caller's, never beyond a cap.
///
/// The contexts of the codecs are made when they are first needed and kept: one `Decompressor` a thread
/// decompresses without allocating once it is warm. A context of gzip takes some 50 KiB, one of zstd 150 KiB
/// and up to 8 MiB more for what a frame's window asks.
#[derive(Default)]
pub struct Decompressor {
    #[cfg(feature = "gzip")]
    gzip: Option<flate2::Decompress>,
    #[cfg(feature = "snappy")]
    snappy: snap::raw::Decoder,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd_safe::DCtx<'static>>,
    /// Where the compressed half of a message set is decompressed to, before its records are copied out.
    pub(crate) inner: Vec<u8>,
}

impl Decompressor {
    /// A decompressor without any context yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decompresses all of `input` into `out`, replacing what `out` held; `out` never grows beyond `cap` bytes.
    ///
    /// # Errors
    /// See [`CompressionError`]; `out` is empty then. The checksums of gzip members and of the lz4 and zstd
    /// frames' headers are compared, and so is zstd's own over the content. Those that an lz4 frame may hold over
    /// its blocks and its content are not: they take longer than decompressing does, and the bytes stand under the
    /// CRC of their batch already.
    pub fn decompress(
        &mut self,
        codec: Compression,
        input: &[u8],
        out: &mut Vec<u8>,
        cap: usize,
    ) -> Result<(), CompressionError> {
        self.decompress_with(codec, Lz4Header::Standard, input, out, cap)
    }

    pub(crate) fn decompress_with(
        &mut self,
        codec: Compression,
        lz4_header: Lz4Header,
        input: &[u8],
        out: &mut Vec<u8>,
        cap: usize,
    ) -> Result<(), CompressionError> {
        let mut output = Output::new(out, cap);
        let result = self.run(codec, lz4_header, input, &mut output);
        output.finish();
        if result.is_err() {
            out.clear();
        }
        result
    }

    #[allow(clippy::needless_pass_by_ref_mut, reason = "a codec whose feature is on needs it")]
    fn run(
        &mut self,
        codec: Compression,
        lz4_header: Lz4Header,
        input: &[u8],
        output: &mut Output<'_>,
    ) -> Result<(), CompressionError> {
        // Only lz4 looks at it.
        let _ = lz4_header;
        match codec {
            Compression::None if output.extend(input) => Ok(()),
            Compression::None => Err(CompressionError::TooLarge(codec)),
            #[cfg(feature = "gzip")]
            Compression::Gzip => super::gzip::decompress(&mut self.gzip, input, output),
            #[cfg(feature = "snappy")]
            Compression::Snappy => super::snappy::decompress(&mut self.snappy, input, output),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => super::lz4::decompress(lz4_header, input, output),
            #[cfg(feature = "zstd")]
            Compression::Zstd => super::zstd::decompress(&mut self.zstd, input, output),
            #[allow(unreachable_patterns, reason = "reached where a codec's feature is off")]
            off => Err(CompressionError::Disabled(off)),
        }
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}
