//! One message of magic 0 or 1, and how it stands in a set.
//!
//! ```text
//!  0  offset     i64
//!  8  size       i32, of what follows
//! 12  crc        u32, CRC-32 of what follows
//! 16  magic      i8
//! 17  attributes i8: codec, and in magic 1 the type of the timestamp
//! 18  timestamp  i64, magic 1 only (KIP-32)
//!     key        i32 length, -1 for null, and bytes
//!     value      i32 length, -1 for null, and bytes
//! ```

use nom::{
    IResult,
    number::complete::{be_i8, be_i32, be_i64, be_u8, be_u32},
};

use super::{
    error::{Fault, Field, Part, RecordError},
    walk::NO_TIMESTAMP,
};
use crate::{compression::Compression, crc::crc32};

/// How many bytes precede what the size of a message counts.
pub(super) const SIZE_END: usize = 12;
/// How many bytes precede what the CRC of a message covers.
pub(super) const CRC_BYTES_END: usize = 16;
/// The attribute bit that says that the outer timestamp holds for all messages inside.
pub(super) const LOG_APPEND_TIME: u8 = 1 << 3;

/// One message, taken apart.
pub(super) struct Message<'a> {
    pub(super) offset: i64,
    pub(super) magic: i8,
    pub(super) attributes: u8,
    pub(super) timestamp: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads the message at the start of `input`, and gives back what follows. `index` is for the error.
    pub(super) fn read(input: &'a [u8], index: u32) -> Result<(Self, &'a [u8]), RecordError> {
        let (bytes, rest) = split_message(input)?;
        let (fields, head) = Head::read(bytes).map_err(|_| RecordError::MessageCut)?;
        if crc32(bytes.get(CRC_BYTES_END..).unwrap_or_default()) != head.crc {
            return Err(RecordError::MessageCrc(index));
        }
        let error = |(field, fault)| RecordError::Record { index, field, fault };
        let (key, fields) = nullable(fields, Field::Key).map_err(error)?;
        let (value, fields) = nullable(fields, Field::Value).map_err(error)?;
        if !fields.is_empty() {
            return Err(error((Field::End, Fault::Trailing)));
        }
        let Head { offset, magic, attributes, timestamp, .. } = head;
        Ok((Self { offset, magic, attributes, timestamp, key, value }, rest))
    }

    pub(super) fn compression(&self) -> Result<Compression, RecordError> {
        Ok(Compression::from_bits(self.attributes.into())?)
    }
}

/// The fixed fields of a message.
struct Head {
    offset: i64,
    crc: u32,
    magic: i8,
    attributes: u8,
    timestamp: i64,
}

impl Head {
    fn read(input: &[u8]) -> IResult<&[u8], Self, ()> {
        let (input, offset) = be_i64(input)?;
        let (input, _size) = be_i32(input)?;
        let (input, crc) = be_u32(input)?;
        let (input, magic) = be_i8(input)?;
        let (input, attributes) = be_u8(input)?;
        let (input, timestamp) = if magic == 0 { (input, NO_TIMESTAMP) } else { be_i64(input)? };
        Ok((input, Self { offset, crc, magic, attributes, timestamp }))
    }
}

/// Splits the bytes of the first message off.
pub(super) fn split_message(input: &[u8]) -> Result<(&[u8], &[u8]), RecordError> {
    // The fixed fields and two lengths, counted as the size counts them.
    let size_min = match super::magic(input).ok_or(RecordError::MessageCut)? {
        0 => 14,
        1 => 22,
        magic => return Err(RecordError::Magic(magic)),
    };
    let (_, size) = input
        .split_first_chunk::<SIZE_END>()
        .and_then(|(head, _)| head.split_last_chunk::<4>())
        .ok_or(RecordError::MessageCut)?;
    let size = i32::from_be_bytes(*size);
    let bytes = usize::try_from(size)
        .ok()
        .filter(|&size| size >= size_min)
        .and_then(|size| size.checked_add(SIZE_END))
        .ok_or(RecordError::MessageSize(size))?;
    input.split_at_checked(bytes).ok_or(RecordError::MessageCut)
}

/// Reads a length, -1 for null, and that many bytes.
fn nullable(input: &[u8], field: Field) -> Part<'_, Option<&[u8]>> {
    let (length, rest) = input.split_first_chunk::<4>().ok_or((field, Fault::Cut))?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        return Ok((None, rest));
    }
    let length = usize::try_from(length).map_err(|_| (field, Fault::Negative))?;
    let (bytes, rest) = rest.split_at_checked(length).ok_or((field, Fault::Cut))?;
    Ok((Some(bytes), rest))
}
