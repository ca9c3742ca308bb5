//! Kafka's primitive types, each read and written in exactly one place.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_types>, and KIP-482 for the compact forms and
//! tagged fields of flexible versions.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    multi::count,
    number::complete::{be_f64, be_i8, be_i16, be_i32, be_i64, be_u8, be_u16},
};

use crate::error::{DecodeError, Reason, failure};

/// What a parser gives: the bytes after the value, and the value.
pub type Parsed<'a, T> = IResult<&'a [u8], T, DecodeError>;

/// The version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The number, as in the request header.
    pub number: i16,
    /// Whether the version is flexible (KIP-482): compact lengths, and a section of tagged fields after
    /// every structure. [`ApiKey::version`](crate::ApiKey::version) knows.
    pub flexible: bool,
}

/// A value whose wire form may depend on the version of the message around it.
pub trait Wire<'a>: Sized {
    /// Reads the value from the front of `input`, borrowing from it.
    ///
    /// Memory is reserved for what the input holds, not for what it claims to hold.
    fn decode(input: &'a [u8], version: Version) -> Parsed<'a, Self>;

    /// Appends the value.
    ///
    /// What the version has no place for is left out. Null where the version does not allow it is
    /// written as empty; a string of more than 32,767 bytes is cut there, between two characters.
    ///
    /// # Panics
    /// When an array or a byte string is too large for any frame (2 GiB).
    fn encode(&self, out: &mut Vec<u8>, version: Version);
}

/// A value that has a form for null; the `Option` of it is on the wire too.
///
/// The provided methods are those of a structure: a byte before it, negative for null and 1 otherwise
/// (KIP-893).
pub trait Nullable<'a>: Wire<'a> + Default {
    /// Reads the value, or null.
    fn decode_nullable(input: &'a [u8], version: Version) -> Parsed<'a, Option<Self>> {
        match be_i8(input)? {
            (rest, marker) if marker < 0 => Ok((rest, None)),
            (rest, _) => some(Self::decode(rest, version)),
        }
    }

    /// Appends the value, or null.
    fn encode_nullable(value: Option<&Self>, out: &mut Vec<u8>, version: Version) {
        let marker: i8 = if value.is_some() { 1 } else { -1 };
        marker.encode(out, version);
        if let Some(value) = value {
            value.encode(out, version);
        }
    }
}

impl<'a, T: Nullable<'a>> Wire<'a> for Option<T> {
    fn decode(input: &'a [u8], version: Version) -> Parsed<'a, Self> {
        T::decode_nullable(input, version)
    }

    fn encode(&self, out: &mut Vec<u8>, version: Version) {
        T::encode_nullable(self.as_ref(), out, version);
    }
}

/// Reads a value that only some versions allow to be null.
pub(crate) fn decode_maybe_null<'a, T: Nullable<'a>>(
    input: &'a [u8],
    version: Version,
    allowed: bool,
) -> Parsed<'a, Option<T>> {
    if allowed { T::decode_nullable(input, version) } else { some(T::decode(input, version)) }
}

/// Appends a value that only some versions allow to be null; the others say empty.
pub(crate) fn encode_maybe_null<'a, T: Nullable<'a>>(
    value: &Option<T>,
    out: &mut Vec<u8>,
    version: Version,
    allowed: bool,
) {
    match value {
        _ if allowed => T::encode_nullable(value.as_ref(), out, version),
        Some(value) => value.encode(out, version),
        None => T::default().encode(out, version),
    }
}

fn some<T>(parsed: Parsed<'_, T>) -> Parsed<'_, Option<T>> {
    parsed.map(|(rest, value)| (rest, Some(value)))
}

/// Numbers are big-endian and the same in every version.
macro_rules! big_endian {
    ($($number:ty => $parser:ident),* $(,)?) => {$(
        impl Wire<'_> for $number {
            fn decode(input: &[u8], _: Version) -> Parsed<'_, Self> {
                $parser(input)
            }

            fn encode(&self, out: &mut Vec<u8>, _: Version) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

big_endian! { i8 => be_i8, i16 => be_i16, i32 => be_i32, i64 => be_i64, u16 => be_u16, f64 => be_f64 }

/// Any byte but 0 is true, as Kafka reads it.
impl Wire<'_> for bool {
    fn decode(input: &[u8], _: Version) -> Parsed<'_, Self> {
        be_u8.map(|byte| byte != 0).parse(input)
    }

    fn encode(&self, out: &mut Vec<u8>, _: Version) {
        out.push(u8::from(*self));
    }
}

/// A value that Kafka writes after its length, and can therefore also write as null.
pub trait Counted<'a>: Sized + Default {
    /// How wide the length is where the version is not flexible.
    const PREFIX: Prefix;
    /// The length that goes before the value.
    fn count(&self) -> usize;
    /// Reads the value after its length.
    fn decode_items(input: &'a [u8], count: usize, version: Version) -> Parsed<'a, Self>;
    /// Appends the value after its length, which was `count`.
    fn encode_items(&self, out: &mut Vec<u8>, version: Version);
}

/// The width of a length, before flexible versions made it a varint of the length plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Two bytes, for strings.
    I16,
    /// Four bytes, for bytes and arrays.
    I32,
}

impl<'a, T: Counted<'a>> Wire<'a> for T {
    fn decode(input: &'a [u8], version: Version) -> Parsed<'a, Self> {
        match T::decode_nullable(input, version)? {
            (rest, Some(value)) => Ok((rest, value)),
            (_, None) => Err(failure(Reason::NullNotAllowed, input)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>, version: Version) {
        T::encode_nullable(Some(self), out, version);
    }
}

impl<'a, T: Counted<'a>> Nullable<'a> for T {
    fn decode_nullable(input: &'a [u8], version: Version) -> Parsed<'a, Option<Self>> {
        match T::PREFIX.decode(input, version)? {
            (rest, None) => Ok((rest, None)),
            (rest, Some(count)) => some(T::decode_items(rest, count, version)),
        }
    }

    fn encode_nullable(value: Option<&Self>, out: &mut Vec<u8>, version: Version) {
        T::PREFIX.encode(value.map(Counted::count), out, version);
        if let Some(value) = value {
            value.encode_items(out, version);
        }
    }
}

impl Prefix {
    /// Reads a length; every negative one is null, as Kafka reads it.
    fn decode(self, input: &[u8], version: Version) -> Parsed<'_, Option<usize>> {
        let (rest, length) = match self {
            _ if version.flexible => {
                uvarint.map(|plus_one| plus_one.cast_signed().wrapping_sub(1)).parse(input)?
            }
            Self::I16 => be_i16.map(i32::from).parse(input)?,
            Self::I32 => be_i32(input)?,
        };
        Ok((rest, usize::try_from(length).ok()))
    }

    fn encode(self, count: Option<usize>, out: &mut Vec<u8>, version: Version) {
        let length = count.map(|count| i32::try_from(count).expect("a frame is under 2 GiB"));
        match (self, length) {
            (_, None) if version.flexible => put_uvarint(out, 0),
            (_, Some(length)) if version.flexible => put_uvarint(out, length.cast_unsigned() + 1),
            (Self::I16, length) => {
                let length =
                    length.map_or(-1, |length| i16::try_from(length).expect("strings are cut"));
                length.encode(out, version);
            }
            (Self::I32, length) => length.unwrap_or(-1).encode(out, version),
        }
    }
}

/// What Kafka allows a string to have, also where the length is a varint.
const STRING_BYTES_MAX: usize = i16::MAX as usize;

impl<'a> Counted<'a> for &'a str {
    const PREFIX: Prefix = Prefix::I16;

    fn count(&self) -> usize {
        cut(self).len()
    }

    fn decode_items(input: &'a [u8], count: usize, _: Version) -> Parsed<'a, Self> {
        if count > STRING_BYTES_MAX {
            return Err(failure(Reason::StringTooLong, input));
        }
        let (rest, bytes) = take(count)(input)?;
        let text = str::from_utf8(bytes).map_err(|_| failure(Reason::NotUtf8, input))?;
        Ok((rest, text))
    }

    fn encode_items(&self, out: &mut Vec<u8>, _: Version) {
        out.extend_from_slice(cut(self).as_bytes());
    }
}

/// As much of the text as a string may have, in whole characters.
fn cut(text: &str) -> &str {
    (0..=text.len().min(STRING_BYTES_MAX)).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

impl<'a> Counted<'a> for &'a [u8] {
    const PREFIX: Prefix = Prefix::I32;

    fn count(&self) -> usize {
        self.len()
    }

    fn decode_items(input: &'a [u8], count: usize, _: Version) -> Parsed<'a, Self> {
        take(count)(input)
    }

    fn encode_items(&self, out: &mut Vec<u8>, _: Version) {
        out.extend_from_slice(self);
    }
}

impl<'a, T: Wire<'a>> Counted<'a> for Vec<T> {
    const PREFIX: Prefix = Prefix::I32;

    fn count(&self) -> usize {
        self.len()
    }

    /// Every element takes at least one byte, so a count beyond the input is a lie. An honest count is
    /// still not trusted with much memory: nom reserves at most 64 KiB before elements arrive.
    fn decode_items(input: &'a [u8], items: usize, version: Version) -> Parsed<'a, Self> {
        if items > input.len() {
            return Err(failure(Reason::CountTooLarge, input));
        }
        count(|item| T::decode(item, version), items).parse(input)
    }

    fn encode_items(&self, out: &mut Vec<u8>, version: Version) {
        self.iter().for_each(|item| item.encode(out, version));
    }
}

/// Reads an unsigned LEB128 number of at most five bytes.
pub(crate) fn uvarint(input: &[u8]) -> Parsed<'_, u32> {
    let mut value = 0u64;
    let mut rest = input;
    for shift in (0..35).step_by(7) {
        let (after, byte) = be_u8(rest)?;
        rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let value = u32::try_from(value).map_err(|_| failure(Reason::VarintTooLong, input))?;
            return Ok((rest, value));
        }
    }
    Err(failure(Reason::VarintTooLong, input))
}

/// Appends an unsigned LEB128 number.
pub(crate) fn put_uvarint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    const LEGACY: Version = Version { number: 0, flexible: false };
    const FLEXIBLE: Version = Version { number: 0, flexible: true };

    /// The bytes and the value are each other's.
    fn check<'a, T: Wire<'a> + PartialEq + fmt::Debug>(
        bytes: &'a [u8],
        version: Version,
        value: T,
    ) {
        let mut out = Vec::new();
        value.encode(&mut out, version);
        assert_eq!(out, bytes);
        assert_eq!(T::decode(bytes, version), Ok((&[][..], value)));
    }

    /// The bytes are not a value, for this reason.
    fn refuse<'a, T: Wire<'a> + fmt::Debug>(bytes: &'a [u8], version: Version, reason: Reason) {
        let error = T::decode(bytes, version).expect_err("not a value");
        assert_eq!(crate::error::without_nom(error).reason, reason, "{bytes:?}");
    }

    #[test]
    fn numbers_are_big_endian() {
        check(&[0xff], LEGACY, -1i8);
        check(&[1, 2], LEGACY, 0x102i16);
        check(&[0xff, 0xfe], LEGACY, 0xfffeu16);
        check(&[0, 0, 1, 0], FLEXIBLE, 256);
        check(&[0x80, 0, 0, 0, 0, 0, 0, 0], FLEXIBLE, i64::MIN);
        check(&[0x3f, 0xf8, 0, 0, 0, 0, 0, 0], LEGACY, 1.5f64);
        refuse::<i32>(&[0, 0, 1], LEGACY, Reason::Truncated);
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        check(&[1], LEGACY, true);
        check(&[0], LEGACY, false);
        assert_eq!(bool::decode(&[0x80], LEGACY), Ok((&[][..], true)));
    }

    #[test]
    fn strings_bytes_and_arrays_have_lengths_of_their_own_width() {
        check(&[0, 2, b'h', b'i'], LEGACY, "hi");
        check(&[0, 0, 0, 2, b'h', b'i'], LEGACY, &b"hi"[..]);
        check(&[0, 0, 0, 2, 0, 7, 0, 8], LEGACY, vec![7i16, 8]);
    }

    #[test]
    fn compact_lengths_are_one_more_than_they_say() {
        check(&[3, b'h', b'i'], FLEXIBLE, "hi");
        check(&[1], FLEXIBLE, &b""[..]);
        check(&[3, 0, 7, 0, 8], FLEXIBLE, vec![7i16, 8]);
    }

    #[test]
    fn null_is_not_empty() {
        check(&[0xff, 0xff], LEGACY, None::<&str>);
        check(&[0, 0], LEGACY, Some(""));
        check(&[0xff; 4], LEGACY, None::<Vec<i32>>);
        check(&[0], FLEXIBLE, None::<&[u8]>);
        check(&[1], FLEXIBLE, Some(&b""[..]));
    }

    #[test]
    fn any_negative_length_is_null() {
        assert_eq!(Option::<&str>::decode(&[0x80, 0], LEGACY), Ok((&[][..], None)));
        assert_eq!(Option::<&[u8]>::decode(&[0xff, 0xff, 0xff, 0], LEGACY), Ok((&[][..], None)));
        let beyond_int32 = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Option::<&[u8]>::decode(&beyond_int32, FLEXIBLE), Ok((&[][..], None)));
    }

    #[test]
    fn null_is_refused_where_it_may_not_be() {
        refuse::<&str>(&[0xff, 0xff], LEGACY, Reason::NullNotAllowed);
        refuse::<Vec<i32>>(&[0], FLEXIBLE, Reason::NullNotAllowed);
    }

    #[test]
    fn a_count_beyond_the_input_is_refused_before_anything_is_read() {
        refuse::<Vec<i8>>(&[0x7f, 0xff, 0xff, 0xff, 1], LEGACY, Reason::CountTooLarge);
        refuse::<Vec<i8>>(&[0xff, 0xff, 0xff, 0xff, 0x07, 1], FLEXIBLE, Reason::CountTooLarge);
    }

    #[test]
    fn a_string_must_be_utf8() {
        refuse::<&str>(&[0, 1, 0xff], LEGACY, Reason::NotUtf8);
    }

    #[test]
    fn a_compact_string_is_no_longer_than_any_other() {
        let mut out = Vec::new();
        put_uvarint(&mut out, 32_768 + 1);
        out.resize(out.len() + 32_768, b'x');
        refuse::<&str>(&out, FLEXIBLE, Reason::StringTooLong);
    }

    #[test]
    fn a_string_that_is_too_long_is_cut_between_characters() {
        let long = "é".repeat(20_000);
        for version in [LEGACY, FLEXIBLE] {
            let mut out = Vec::new();
            long.as_str().encode(&mut out, version);
            let (rest, text) = <&str>::decode(&out, version).expect("a string that was cut");
            assert!(rest.is_empty());
            assert_eq!(text, &long[..32_766]);
        }
    }

    #[test]
    fn a_varint_ends_within_five_bytes() {
        assert_eq!(uvarint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok((&[][..], u32::MAX)));
        assert_eq!(uvarint(&[0x80, 0x00]), Ok((&[][..], 0)));
        for bad in [&[0xff, 0xff, 0xff, 0xff, 0x10][..], &[0x80; 6]] {
            assert_eq!(uvarint(bad), Err(failure(Reason::VarintTooLong, bad)));
        }
    }
}
