//! Values that stand after their length: strings, bytes and arrays.
//!
//! Null and the length are one idea in Kafka, so each of these has a form for null as well.

use nom::{
    Parser,
    bytes::complete::take,
    multi::count,
    number::complete::{be_i16, be_i32},
};

use super::{Nullable, Parsed, Version, Wire, some};
use crate::{
    error::{Reason, failure},
    varint::{put_uvarint, uvarint},
};

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

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{FLEXIBLE, LEGACY, check, refuse},
        *,
    };

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
}
