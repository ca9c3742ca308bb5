//! Why compressed bytes cannot be read, or bytes not be compressed.

use std::{error::Error, fmt};

use super::Compression;

/// Why compressed bytes cannot be read, or bytes not be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressionError {
    /// The attributes name a codec that does not exist (5 to 7).
    UnknownCodec(u8),
    /// The codec exists, and this build was made without it.
    Disabled(Compression),
    /// Decompressed, the bytes would be more than the cap allows; or zstd would need a window of more than 8 MiB.
    TooLarge(Compression),
    /// The compressed bytes end too early.
    Cut(Compression),
    /// The compressed bytes are not what the codec writes, or do not match their own checksum or length.
    Damaged(Compression),
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCodec(bits) => write!(f, "compression codec {bits} does not exist"),
            Self::Disabled(codec) => {
                write!(f, "compression codec {} is not part of this build", codec.name())
            }
            Self::TooLarge(codec) => {
                write!(f, "the {} data is larger than allowed once decompressed", codec.name())
            }
            Self::Cut(codec) => write!(f, "the {} data ends too early", codec.name()),
            Self::Damaged(codec) => write!(f, "the {} data is damaged", codec.name()),
        }
    }
}

impl Error for CompressionError {}
