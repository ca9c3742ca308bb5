//! One record and its headers.

use std::{fmt, str::Utf8Error};

use super::error::{Fault, Field, Part};
use crate::varint::{Leaf, nullable, sized, varint, varlong};

/// One record, borrowed from the batch that holds it. Key, value and headers are up to 2 GiB together.
///
/// Source: <https://kafka.apache.org/documentation/#record>, KIP-82 for the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The absolute offset: as the batch says, or counted from
    /// [`Walk::numbered_from`](super::Walk::numbered_from).
    pub offset: i64,
    /// Milliseconds since the epoch; -1 when the record has none.
    pub timestamp: i64,
    /// `None` is null, which is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// `None` is null (a tombstone), which is not the same as empty.
    pub value: Option<&'a [u8]>,
    /// In the order of the record, with repeats.
    pub headers: Headers<'a>,
}

/// The headers of a record, found whole already: iterating cannot fail.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u32,
}

/// One header. Kafka asks for no encoding of its name (KIP-82), so it is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name; may repeat within one record.
    pub key: &'a [u8],
    /// `None` is null, which is not the same as empty.
    pub value: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers in their order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let (mut rest, mut left) = (self.bytes, self.count);
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (header, after) = header(rest).ok()?;
            rest = after;
            Some(header)
        })
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers<'_> {}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Header<'a> {
    /// The name as text.
    ///
    /// # Errors
    /// When it is not UTF-8, which nothing obliges it to be.
    pub fn key_str(&self) -> Result<&'a str, Utf8Error> {
        std::str::from_utf8(self.key)
    }
}

/// A record as it stands in a batch, its offset and timestamp relative to the batch's.
pub(super) struct RawRecord<'a> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Headers<'a>,
}

impl<'a> RawRecord<'a> {
    /// Reads a record that nobody has looked at yet, and checks all of it.
    #[inline(always)]
    pub(super) fn check(input: &'a [u8]) -> Part<'a, Self> {
        let (record, rest) = Self::split(input, |input| {
            let (delta, rest) = varint(input)?;
            Ok((i64::from(delta), rest))
        })?;
        let mut end = record.headers.bytes;
        for _ in 0..record.headers.count {
            end = header(end)?.1;
        }
        if end.is_empty() { Ok((record, rest)) } else { Err((Field::End, Fault::Trailing)) }
    }

    /// Reads a record that was checked already; its headers are read when they are asked for.
    ///
    /// Records of message sets are written with offset deltas of 64 bits where they need that, so these are read here.
    #[inline(always)]
    pub(super) fn read(input: &'a [u8]) -> Part<'a, Self> {
        Self::split(input, varlong)
    }

    #[inline(always)]
    fn split(input: &'a [u8], offset_delta: impl Fn(&'a [u8]) -> Leaf<'a, i64>) -> Part<'a, Self> {
        let (body, rest) = sized(input).map_err(|flaw| flaw.of(Field::Length))?;
        let (_, body) = body.split_first().ok_or((Field::Attributes, Fault::Cut))?;
        let (timestamp_delta, body) =
            varlong(body).map_err(|flaw| flaw.of(Field::TimestampDelta))?;
        let (offset_delta, body) =
            offset_delta(body).map_err(|flaw| flaw.of(Field::OffsetDelta))?;
        let (key, body) = nullable(body).map_err(|flaw| flaw.of(Field::Key))?;
        let (value, body) = nullable(body).map_err(|flaw| flaw.of(Field::Value))?;
        let (count, bytes) = varint(body).map_err(|flaw| flaw.of(Field::HeaderCount))?;
        let count = u32::try_from(count).map_err(|_| (Field::HeaderCount, Fault::Negative))?;
        let headers = Headers { bytes, count };
        Ok((Self { timestamp_delta, offset_delta, key, value, headers }, rest))
    }
}

#[inline(always)]
fn header(input: &[u8]) -> Part<'_, Header<'_>> {
    let (key, rest) = sized(input).map_err(|flaw| flaw.of(Field::HeaderKey))?;
    let (value, rest) = nullable(rest).map_err(|flaw| flaw.of(Field::HeaderValue))?;
    Ok((Header { key, value }, rest))
}
