//! Why bytes are not records.

use std::{error::Error, fmt};

use crate::{
    ErrorCode,
    compression::{Compression, CompressionError},
    varint::Flaw,
};

/// Why bytes are not a batch, a message set or a record, or are none that a producer may send.
///
/// Eight bytes, so that the record loop can pass it in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// There are no bytes where a batch or a message is expected.
    Empty,
    /// The bytes end inside the header of a batch.
    HeaderCut,
    /// The batch length is less than the rest of a header takes (49 bytes).
    BatchLength(i32),
    /// The batch length is more than the bytes that follow it.
    BatchCut,
    /// The magic byte is not the one that is expected here.
    Magic(i8),
    /// The CRC-32C of the batch does not match its bytes.
    CrcMismatch,
    /// A second batch follows where exactly one is allowed.
    SecondBatch,
    /// Bytes that begin no batch follow the batch; this many.
    StrayBytes(u32),

    /// A produced batch must have the base offset 0.
    BaseOffset,
    /// A produced batch must have at least one record, and no batch fewer than none.
    RecordsCount(i32),
    /// The last offset delta of a produced batch must be its record count less one.
    LastOffsetDelta(i32),
    /// Producers must not send control batches.
    ControlBatch,
    /// A batch with a producer id must have an epoch of 0 or more.
    ProducerEpoch(i16),
    /// A batch with a producer id must have a base sequence of 0 or more.
    BaseSequence(i32),
    /// A transactional batch must have a producer id.
    TransactionalWithoutProducer,

    /// The records cannot be decompressed.
    Compression(CompressionError),
    /// Message sets know gzip, snappy and lz4 only; zstd came after them (KIP-110).
    CodecInMessageSet(Compression),

    /// A record cannot be read.
    Record {
        /// Which one, counted from 0.
        index: u32,
        /// The field that is wrong.
        field: Field,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The header counts more records than there are; this many were found.
    RecordsMissing(u32),
    /// Bytes follow the last record; this many.
    BytesAfterRecords(u32),
    /// The offset deltas of a produced batch must be 0, 1, 2, ...
    OffsetDeltas,

    /// The last message of a set is not whole.
    MessageCut,
    /// The size of a message is less than its fixed fields take.
    MessageSize(i32),
    /// The CRC-32 of a message does not match its bytes; which one, counted from 0.
    MessageCrc(u32),
    /// A message that holds compressed messages has a null value, or none in it.
    EmptyWrapper,
    /// A message inside of compressed ones is compressed again.
    NestedCompression,
    /// Compressed messages have another magic than the message that holds them.
    MixedMagic(i8),
    /// The messages, taken apart, are more bytes than allowed.
    MessagesTooLarge,
}

/// A field of a record (v2) or of a message (v0, v1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The length of a record.
    Length,
    /// The attributes.
    Attributes,
    /// The timestamp, relative to the batch's.
    TimestampDelta,
    /// The offset, relative to the batch's.
    OffsetDelta,
    /// The key.
    Key,
    /// The value.
    Value,
    /// How many headers there are.
    HeaderCount,
    /// The name of a header.
    HeaderKey,
    /// The value of a header.
    HeaderValue,
    /// What follows the last field.
    End,
}

/// What is wrong with a [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end inside of it.
    Cut,
    /// It is a varint with more bits than its type holds.
    TooLong,
    /// It is, or has, a length, a count or a version below what is allowed there.
    Negative,
    /// There are bytes where there should be none.
    Trailing,
}

/// A value and the bytes after it, or the field that is wrong and how.
pub(super) type Part<'a, T> = Result<(T, &'a [u8]), (Field, Fault)>;

impl RecordError {
    /// The error code that tells a producer, as a running Kafka 4.3.1 answers it.
    ///
    /// A checksum that does not match and a length that no batch can have are
    /// [`CORRUPT_MESSAGE`](ErrorCode::CORRUPT_MESSAGE): the bytes may have been damaged under way, and sending them
    /// again can help. A codec that is not known or not built in is
    /// [`UNSUPPORTED_COMPRESSION_TYPE`](ErrorCode::UNSUPPORTED_COMPRESSION_TYPE), more decompressed bytes than
    /// allowed [`MESSAGE_TOO_LARGE`](ErrorCode::MESSAGE_TOO_LARGE). All else is
    /// [`INVALID_RECORD`](ErrorCode::INVALID_RECORD), also for compressed bytes that are damaged (Kafka answers
    /// UNKNOWN_SERVER_ERROR): the checksum says that the producer made them so.
    pub const fn error_code(self) -> ErrorCode {
        match self {
            Self::BatchLength(_)
            | Self::CrcMismatch
            | Self::MessageSize(_)
            | Self::MessageCrc(_) => ErrorCode::CORRUPT_MESSAGE,
            Self::Magic(0 | 1) => ErrorCode::INVALID_RECORD,
            Self::Magic(_) => ErrorCode::CORRUPT_MESSAGE,
            Self::MessagesTooLarge | Self::Compression(CompressionError::TooLarge(_)) => {
                ErrorCode::MESSAGE_TOO_LARGE
            }
            Self::CodecInMessageSet(_)
            | Self::Compression(
                CompressionError::UnknownCodec(_) | CompressionError::Disabled(_),
            ) => ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
            Self::Compression(CompressionError::Cut(_) | CompressionError::Damaged(_))
            | Self::Empty
            | Self::HeaderCut
            | Self::BatchCut
            | Self::SecondBatch
            | Self::StrayBytes(_)
            | Self::BaseOffset
            | Self::RecordsCount(_)
            | Self::LastOffsetDelta(_)
            | Self::ControlBatch
            | Self::ProducerEpoch(_)
            | Self::BaseSequence(_)
            | Self::TransactionalWithoutProducer
            | Self::Record { .. }
            | Self::RecordsMissing(_)
            | Self::BytesAfterRecords(_)
            | Self::OffsetDeltas
            | Self::MessageCut
            | Self::EmptyWrapper
            | Self::NestedCompression
            | Self::MixedMagic(_) => ErrorCode::INVALID_RECORD,
        }
    }

    /// Whether the bytes are the beginning of something that may be whole, as at the end of a Fetch response, whose
    /// last batch a broker may cut anywhere.
    pub const fn is_partial(self) -> bool {
        matches!(self, Self::Empty | Self::HeaderCut | Self::BatchCut | Self::MessageCut)
    }
}

impl Flaw {
    /// Says where the flaw is.
    #[inline(always)]
    pub(super) fn of(self, field: Field) -> (Field, Fault) {
        let fault = match self {
            Self::Cut => Fault::Cut,
            Self::TooLong => Fault::TooLong,
            Self::Negative => Fault::Negative,
        };
        (field, fault)
    }
}

impl From<CompressionError> for RecordError {
    fn from(error: CompressionError) -> Self {
        Self::Compression(error)
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("records: there are none"),
            Self::HeaderCut => f.write_str("batch header: ends too early"),
            Self::BatchLength(length) => {
                write!(f, "batch_length: {length} is less than a header takes")
            }
            Self::BatchCut => f.write_str("batch_length: more than the bytes that there are"),
            Self::Magic(magic) => write!(f, "magic: {magic} is not allowed here"),
            Self::CrcMismatch => f.write_str("crc: does not match the bytes of the batch"),
            Self::SecondBatch => f.write_str("records: a second batch, where one is allowed"),
            Self::StrayBytes(n) => write!(f, "records: {n} stray bytes after the batch"),
            Self::BaseOffset => f.write_str("base_offset: must be 0 when produced"),
            Self::RecordsCount(count) => write!(f, "records_count: {count} is too few"),
            Self::LastOffsetDelta(delta) => {
                write!(f, "last_offset_delta: {delta} is not the record count less one")
            }
            Self::ControlBatch => {
                f.write_str("attributes: a producer must not send a control batch")
            }
            Self::ProducerEpoch(epoch) => {
                write!(f, "producer_epoch: {epoch}, beside a producer id")
            }
            Self::BaseSequence(sequence) => {
                write!(f, "base_sequence: {sequence}, beside a producer id")
            }
            Self::TransactionalWithoutProducer => {
                f.write_str("producer_id: a transactional batch has none")
            }
            Self::Compression(error) => write!(f, "records: {error}"),
            Self::CodecInMessageSet(codec) => {
                write!(f, "attributes: {} is not allowed in a message set", codec.name())
            }
            Self::Record { index, field, fault } => write!(f, "record {index}: {field} {fault}"),
            Self::RecordsMissing(found) => {
                write!(f, "records_count: more than the {found} records that there are")
            }
            Self::BytesAfterRecords(n) => {
                write!(f, "records_count: {n} bytes follow the last record")
            }
            Self::OffsetDeltas => f.write_str("offset_delta: not 0, 1, 2, ... in order"),
            Self::MessageCut => f.write_str("message_size: more than the bytes that there are"),
            Self::MessageSize(size) => {
                write!(f, "message_size: {size} is less than a message takes")
            }
            Self::MessageCrc(index) => {
                write!(f, "message {index}: crc does not match the bytes of the message")
            }
            Self::EmptyWrapper => f.write_str("value: a compressed message holds no messages"),
            Self::NestedCompression => {
                f.write_str("attributes: compressed inside of a compressed message")
            }
            Self::MixedMagic(magic) => {
                write!(f, "magic: {magic}, inside of a message with another one")
            }
            Self::MessagesTooLarge => f.write_str("messages: larger than allowed"),
        }
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Compression(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "length",
            Self::Attributes => "attributes",
            Self::TimestampDelta => "timestamp_delta",
            Self::OffsetDelta => "offset_delta",
            Self::Key => "key",
            Self::Value => "value",
            Self::HeaderCount => "header count",
            Self::HeaderKey => "header key",
            Self::HeaderValue => "header value",
            Self::End => "end",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "ends too early",
            Self::TooLong => "has too many bits",
            Self::Negative => "has a number below what is allowed",
            Self::Trailing => "is followed by more bytes",
        })
    }
}
