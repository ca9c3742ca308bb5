//! Compressing bytes with contexts that are made once and used again.

use std::fmt;

use super::{Compression, CompressionError, Lz4Header};

/// How snappy blocks are framed; both are in use, and readers tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnappyFraming {
    /// One bare block: librdkafka, franz-go.
    Raw,
    /// xerial's frame with chunks of 32 KiB: the Java client, sarama, kafka-go, aiokafka.
    #[default]
    Xerial,
}

/// Compresses with any codec at the level that Kafka's clients use by default.
///
/// The contexts of the codecs are made when they are first needed, and kept.
#[derive(Default)]
pub struct Compressor {
    /// How snappy blocks are framed; xerial's frame by default, as in Kafka's own client.
    pub snappy_framing: SnappyFraming,
    #[cfg(feature = "gzip")]
    gzip: Option<flate2::Compress>,
    #[cfg(feature = "snappy")]
    snappy: Option<snap::raw::Encoder>,
    #[cfg(feature = "lz4")]
    lz4: lz4_flex::block::CompressTable,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd_safe::CCtx<'static>>,
    /// Where bytes stand while they are compressed into the place that they had.
    scratch: Vec<u8>,
}

impl Compressor {
    /// A compressor without any context yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `input`, compressed, to `out`.
    ///
    /// # Errors
    /// [`CompressionError::Disabled`] for a codec that is not part of this build, and
    /// [`CompressionError::TooLarge`] for an input of 4 GiB or more; `out` may end in a part of it then.
    pub fn compress(
        &mut self,
        codec: Compression,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        self.compress_with(codec, Lz4Header::Standard, input, out)
    }

    /// Compresses what `out` holds from `start` on, in place.
    pub(crate) fn compress_tail(
        &mut self,
        codec: Compression,
        lz4_header: Lz4Header,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CompressionError> {
        if codec == Compression::None {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend_from_slice(out.get(start..).unwrap_or_default());
        out.truncate(start);
        let result = self.compress_with(codec, lz4_header, &scratch, out);
        self.scratch = scratch;
        result
    }

    #[allow(clippy::needless_pass_by_ref_mut, reason = "a codec whose feature is on needs it")]
    fn compress_with(
        &mut self,
        codec: Compression,
        lz4_header: Lz4Header,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        // Only lz4 looks at it.
        let _ = lz4_header;
        match codec {
            Compression::None => {
                out.extend_from_slice(input);
                Ok(())
            }
            #[cfg(feature = "gzip")]
            Compression::Gzip => super::gzip::compress(&mut self.gzip, input, out),
            #[cfg(feature = "snappy")]
            Compression::Snappy => {
                super::snappy::compress(&mut self.snappy, self.snappy_framing, input, out)
            }
            #[cfg(feature = "lz4")]
            Compression::Lz4 => super::lz4::compress(&mut self.lz4, lz4_header, input, out),
            #[cfg(feature = "zstd")]
            Compression::Zstd => super::zstd::compress(&mut self.zstd, input, out),
            #[allow(unreachable_patterns, reason = "reached where a codec's feature is off")]
            off => Err(CompressionError::Disabled(off)),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("snappy_framing", &self.snappy_framing)
            .finish_non_exhaustive()
    }
}
