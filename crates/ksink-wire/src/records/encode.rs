//! Writing one record, as it stands in a batch, and fields into a header that is there already.

use super::builder::{BuildError, NewRecord};
use crate::varint::{put_varint, put_varlong, varint_len, varlong_len};

/// What a record says relative to its batch.
///
/// A batch has offset deltas of 32 bits; the records of message sets may need more once they are taken apart.
#[derive(Clone, Copy)]
pub(super) struct Deltas {
    pub(super) timestamp: i64,
    pub(super) offset: i64,
}

/// A length as the format has it.
#[inline(always)]
pub(super) fn length(bytes: usize) -> Result<i32, BuildError> {
    i32::try_from(bytes).map_err(|_| BuildError::TooLarge)
}

/// How many bytes [`put_record`] writes after the length that it begins with.
pub(super) fn body_len(record: &NewRecord<'_>, deltas: Deltas) -> Result<i32, BuildError> {
    let mut bytes = 1 + varlong_len(deltas.timestamp) + varlong_len(deltas.offset);
    bytes += nullable_len(record.key)? + nullable_len(record.value)?;
    bytes += varint_len(length(record.headers.len())?);
    for header in record.headers {
        bytes += nullable_len(Some(header.key))? + nullable_len(header.value)?;
    }
    length(bytes)
}

fn nullable_len(bytes: Option<&[u8]>) -> Result<usize, BuildError> {
    match bytes {
        Some(bytes) => Ok(varint_len(length(bytes.len())?) + bytes.len()),
        None => Ok(1),
    }
}

/// Appends a record whose [`body_len`] is known.
pub(super) fn put_record(
    out: &mut Vec<u8>,
    record: &NewRecord<'_>,
    deltas: Deltas,
    body_bytes: i32,
) {
    put_varint(out, body_bytes);
    // A record's attributes have no bits in use.
    out.push(0);
    put_varlong(out, deltas.timestamp);
    put_varlong(out, deltas.offset);
    put_nullable(out, record.key);
    put_nullable(out, record.value);
    put_varlong(out, record.headers.len() as i64);
    for header in record.headers {
        put_nullable(out, Some(header.key));
        put_nullable(out, header.value);
    }
}

#[inline(always)]
fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_varlong(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
        None => put_varint(out, -1),
    }
}

/// Overwrites the bytes at `at`. The caller knows that they are there; where they are not, nothing happens.
#[inline(always)]
pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}
