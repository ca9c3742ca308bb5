//! Varints: seven bits a byte, lowest first (LEB128).
//!
//! Flexible messages have unsigned ones of up to 32 bits, for lengths and tags (KIP-482). Records have signed ones,
//! zig-zag, of 32 and 64 bits. Of these, one and two bytes are read in line, because nearly every length in a
//! record is that short; the rest is a call. Zeros at the high end are read as Kafka reads them, bits beyond the
//! type are an error.

use crate::{
    error::{Reason, failure},
    primitives::Parsed,
};

/// Why a varint, or what it measures, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The bytes end first.
    Cut,
    /// There are more bits than the type holds.
    TooLong,
    /// It is below what its meaning allows.
    Negative,
}

/// A value of a record and the bytes after it. Not nom's result, whose error the record loop would have to carry.
pub(crate) type Leaf<'a, T> = Result<(T, &'a [u8]), Flaw>;

/// Reads an unsigned number of up to 32 bits from a message.
pub(crate) fn uvarint(input: &[u8]) -> Parsed<'_, u32> {
    match long(input, u32::BITS) {
        Ok((bits, rest)) => Ok((rest, bits as u32)),
        Err(Flaw::Cut) => Err(failure(Reason::Truncated, &[])),
        Err(Flaw::TooLong | Flaw::Negative) => Err(failure(Reason::VarintTooLong, input)),
    }
}

/// Appends an unsigned number.
pub(crate) fn put_uvarint(out: &mut Vec<u8>, value: u32) {
    put_long(out, value.into());
}

/// Reads an `i32` from a record.
#[inline(always)]
pub(crate) fn varint(input: &[u8]) -> Leaf<'_, i32> {
    match *input {
        [a, ref rest @ ..] if a < 0x80 => Ok((unzigzag(u32::from(a)), rest)),
        [a, b, ref rest @ ..] if b < 0x80 => {
            Ok((unzigzag(u32::from(a & 0x7f) | u32::from(b) << 7), rest))
        }
        _ => long_varint(input),
    }
}

/// Reads an `i64` from a record.
#[inline(always)]
pub(crate) fn varlong(input: &[u8]) -> Leaf<'_, i64> {
    match *input {
        [a, ref rest @ ..] if a < 0x80 => Ok((unzigzag(u32::from(a)).into(), rest)),
        [a, b, ref rest @ ..] if b < 0x80 => {
            Ok((unzigzag(u32::from(a & 0x7f) | u32::from(b) << 7).into(), rest))
        }
        _ => long_varlong(input),
    }
}

/// Reads a length of 0 or more and that many bytes.
#[inline(always)]
pub(crate) fn sized(input: &[u8]) -> Leaf<'_, &[u8]> {
    let (length, rest) = varint(input)?;
    let length = usize::try_from(length).map_err(|_| Flaw::Negative)?;
    rest.split_at_checked(length).ok_or(Flaw::Cut)
}

/// Reads a length of 0 or more and that many bytes, or -1 for null.
#[inline(always)]
pub(crate) fn nullable(input: &[u8]) -> Leaf<'_, Option<&[u8]>> {
    let (length, rest) = varint(input)?;
    if length == -1 {
        return Ok((None, rest));
    }
    let length = usize::try_from(length).map_err(|_| Flaw::Negative)?;
    let (bytes, rest) = rest.split_at_checked(length).ok_or(Flaw::Cut)?;
    Ok((Some(bytes), rest))
}

#[cold]
#[inline(never)]
fn long_varint(input: &[u8]) -> Leaf<'_, i32> {
    let (bits, rest) = long(input, u32::BITS)?;
    Ok((unzigzag(bits as u32), rest))
}

#[cold]
#[inline(never)]
fn long_varlong(input: &[u8]) -> Leaf<'_, i64> {
    let (bits, rest) = long(input, u64::BITS)?;
    Ok(((bits >> 1) as i64 ^ -((bits & 1) as i64), rest))
}

/// Reads up to `width` bits.
fn long(input: &[u8], width: u32) -> Leaf<'_, u64> {
    let mut bits = 0;
    let mut shift = 0;
    let mut rest = input;
    while shift < width {
        let (&byte, after) = rest.split_first().ok_or(Flaw::Cut)?;
        rest = after;
        let seven = u64::from(byte & 0x7f);
        if width - shift < 7 && seven >> (width - shift) != 0 {
            return Err(Flaw::TooLong);
        }
        bits |= seven << shift;
        if byte < 0x80 {
            return Ok((bits, rest));
        }
        shift += 7;
    }
    Err(Flaw::TooLong)
}

#[inline(always)]
fn unzigzag(bits: u32) -> i32 {
    (bits >> 1) as i32 ^ -((bits & 1) as i32)
}

/// How many bytes [`put_varint`] writes.
#[inline(always)]
pub(crate) fn varint_len(value: i32) -> usize {
    varlong_len(value.into())
}

/// How many bytes [`put_varlong`] writes.
#[inline(always)]
pub(crate) fn varlong_len(value: i64) -> usize {
    // One byte per seven bits that are in use, and one for 0.
    let bits_used = u64::BITS - (zigzag(value) | 1).leading_zeros();
    bits_used.div_ceil(7) as usize
}

/// Appends an `i32`.
#[inline(always)]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: i32) {
    put_varlong(out, value.into());
}

/// Appends an `i64`. Zig-zag gives a small value the same bytes in either width.
#[inline(always)]
pub(crate) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    put_long(out, zigzag(value));
}

/// Appends up to 64 bits.
#[inline(always)]
fn put_long(out: &mut Vec<u8>, mut bits: u64) {
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

#[inline(always)]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<i32, Flaw>) {
        assert_eq!(varint(bytes).map(|(value, _)| value), expected);
    }

    #[test]
    fn known_varints_are_read() {
        check(&[0x00], Ok(0));
        check(&[0x01], Ok(-1));
        check(&[0x02], Ok(1));
        check(&[0x7f], Ok(-64));
        check(&[0x80, 0x01], Ok(64));
        check(&[0xfe, 0xff, 0xff, 0xff, 0x0f], Ok(i32::MAX));
        check(&[0xff, 0xff, 0xff, 0xff, 0x0f], Ok(i32::MIN));
    }

    #[test]
    fn zeros_at_the_high_end_are_read_up_to_five_bytes() {
        check(&[0x82, 0x80, 0x80, 0x80, 0x00], Ok(1));
        check(&[0x82, 0x80, 0x80, 0x80, 0x80, 0x00], Err(Flaw::TooLong));
    }

    #[test]
    fn a_varint_that_does_not_end_or_does_not_fit_is_an_error() {
        check(&[], Err(Flaw::Cut));
        check(&[0x80], Err(Flaw::Cut));
        check(&[0xff, 0xff, 0xff, 0xff], Err(Flaw::Cut));
        check(&[0xff, 0xff, 0xff, 0xff, 0x1f], Err(Flaw::TooLong));
        check(&[0xff; 11], Err(Flaw::TooLong));
        assert_eq!(varlong(&[0xff; 11]), Err(Flaw::TooLong));
        let eleven_bits_too_many = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(varlong(&eleven_bits_too_many), Err(Flaw::TooLong));
    }

    #[test]
    fn unsigned_varints_end_within_five_bytes() {
        assert_eq!(uvarint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok((&[][..], u32::MAX)));
        assert_eq!(uvarint(&[0x80, 0x00]), Ok((&[][..], 0)));
        assert_eq!(uvarint(&[0x80]), Err(failure(Reason::Truncated, &[])));
        for bad in [&[0xff, 0xff, 0xff, 0xff, 0x10][..], &[0x80; 6]] {
            assert_eq!(uvarint(bad), Err(failure(Reason::VarintTooLong, bad)));
        }
    }

    #[test]
    fn lengths_below_their_meaning_are_errors() {
        assert_eq!(nullable(&[0x01]), Ok((None, &[][..])));
        assert_eq!(nullable(&[0x03]), Err(Flaw::Negative));
        assert_eq!(sized(&[0x01]), Err(Flaw::Negative));
        assert_eq!(sized(&[0x04, 1]), Err(Flaw::Cut));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, rest: Vec<u8>) {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varlong_len(value));
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(varlong(&bytes), Ok((value, &rest[..])));
        }

        #[test]
        fn what_is_written_unsigned_is_read(value: u32, rest: Vec<u8>) {
            let mut bytes = Vec::new();
            put_uvarint(&mut bytes, value);
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(uvarint(&bytes), Ok((&rest[..], value)));
        }

        #[test]
        fn an_i32_has_the_same_bytes_in_either_width(value: i32) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            prop_assert_eq!(varint(&bytes), Ok((value, &[][..])));
            prop_assert_eq!(varlong(&bytes), Ok((i64::from(value), &[][..])));
        }
    }
}
