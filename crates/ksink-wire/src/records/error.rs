//! Why bytes are not records.

/// Why bytes are not a batch, a message set or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The CRC does not match the bytes.
    CrcMismatch,
}
