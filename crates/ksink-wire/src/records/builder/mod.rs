//! Writing batches and message sets.

mod batch;

use std::{error::Error, fmt};

use super::Header;
use crate::compression::CompressionError;

pub use batch::{BatchBuilder, BatchSummary, EndMarker};

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

/// Why records cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A record or the whole would be 2 GiB or more, which the format cannot say.
    TooLarge,
    /// A message set has no place for headers.
    Headers,
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
            Self::Compression(error) => error.fmt(f),
        }
    }
}

impl Error for BuildError {}

/// A length as the format has it.
fn length(bytes: usize) -> Result<i32, BuildError> {
    i32::try_from(bytes).map_err(|_| BuildError::TooLarge)
}
