//! Writing batches and message sets.

mod batch;
mod message_set;

use std::{error::Error, fmt};

use super::Header;
use crate::compression::{Compression, CompressionError};

pub use batch::BatchBuilder;
pub use message_set::MessageSetBuilder;

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Milliseconds since the epoch; -1 for none.
    pub timestamp: i64,
    /// `None` is null, which is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// `None` is null, which is not the same as empty.
    pub value: Option<&'a [u8]>,
    /// In their order, with repeats. Message sets have none.
    pub headers: &'a [Header<'a>],
}

/// What a finished batch or message set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many records.
    pub records: usize,
    /// How many bytes it takes, headers included.
    pub bytes: usize,
    /// The highest timestamp of the records; -1 when there is none.
    pub max_timestamp: i64,
}

/// Why records cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A record or the whole would be 2 GiB or more, which the format cannot say.
    TooLarge,
    /// A message set has no place for headers.
    Headers,
    /// Message sets know gzip, snappy and lz4 only; zstd came after them (KIP-110).
    CodecInMessageSet(Compression),
    /// The records cannot be compressed.
    Compression(CompressionError),
}

impl From<CompressionError> for BuildError {
    fn from(error: CompressionError) -> Self {
        Self::Compression(error)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("records of 2 GiB or more cannot be written"),
            Self::Headers => f.write_str("a message set has no place for headers"),
            Self::CodecInMessageSet(codec) => {
                write!(f, "a message set cannot be compressed with {}", codec.name())
            }
            Self::Compression(error) => error.fmt(f),
        }
    }
}

impl Error for BuildError {}
