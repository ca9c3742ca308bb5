//! The codecs that record batches and message sets are compressed with.
//!
//! Each codec is a cargo feature (`gzip`, `snappy`, `lz4`, `zstd`); one that is off is named by
//! [`CompressionError::Disabled`]. What a [`Decompressor`] writes is capped while it is written, and
//! no size that the compressed bytes merely claim is ever believed.

mod compressor;
mod decompressor;
mod error;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
mod output;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

pub use compressor::{Compressor, SnappyFraming};
pub use decompressor::Decompressor;
pub use error::CompressionError;

/// How a batch or a message is compressed: the lowest three bits of its attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// One or more gzip members (RFC 1952).
    Gzip,
    /// A snappy block, alone or in the frame that xerial's snappy-java invented.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames (RFC 8878), since Kafka 2.1 (KIP-110).
    Zstd,
}

impl Compression {
    /// All codecs, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Reads the codec from attribute bits, of which only the lowest three count.
    ///
    /// # Errors
    /// 5, 6 and 7 name no codec: [`CompressionError::UnknownCodec`].
    pub const fn from_bits(attributes: i16) -> Result<Self, CompressionError> {
        match attributes & 0b111 {
            0 => Ok(Self::None),
            1 => Ok(Self::Gzip),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Lz4),
            4 => Ok(Self::Zstd),
            unknown => Err(CompressionError::UnknownCodec(unknown as u8)),
        }
    }

    /// The codec's number in attribute bits.
    pub const fn bits(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The codec's name in the `compression.type` of a Kafka configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Whether this build can compress and decompress with it.
    pub const fn is_enabled(self) -> bool {
        match self {
            Self::None => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Snappy => cfg!(feature = "snappy"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }
}

/// Whether the header of an lz4 frame has its checksum where the specification says.
///
/// Kafka's first lz4 clients computed it over the magic number as well, and message sets of magic 0 keep
/// that error for good (KAFKA-3160).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lz4Header {
    /// As the specification of the frame says: everywhere but in message sets of magic 0.
    Standard,
    /// Message sets of magic 0: the checksum is written wrong and read as if it were right.
    MagicZero,
}

impl Lz4Header {
    /// What message sets of this magic have.
    pub(crate) const fn of_magic(magic: i8) -> Self {
        if magic == 0 { Self::MagicZero } else { Self::Standard }
    }
}

#[cfg(all(
    test,
    not(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))
))]
mod tests {
    use super::{Compression, CompressionError, Compressor, Decompressor};

    #[test]
    fn a_codec_that_is_off_says_so() {
        let mut out = Vec::new();
        for codec in Compression::ALL.into_iter().filter(|codec| !codec.is_enabled()) {
            let off = Err(CompressionError::Disabled(codec));
            assert_eq!(Decompressor::new().decompress(codec, b"bytes", &mut out, 100), off);
            assert_eq!(Compressor::new().compress(codec, b"bytes", &mut out), off);
        }
    }
}
