//! Kafka's primitive types, each read and written in exactly one place.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_types>, and KIP-482 for the compact forms and
//! tagged fields of flexible versions.

mod counted;

use nom::{
    IResult, Parser,
    number::complete::{be_f64, be_i8, be_i16, be_i32, be_i64, be_u8, be_u16},
};

pub use self::counted::{Counted, Prefix};
use crate::error::DecodeError;

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

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt;

    use super::*;
    use crate::error::Reason;

    pub(crate) const LEGACY: Version = Version { number: 0, flexible: false };
    pub(crate) const FLEXIBLE: Version = Version { number: 0, flexible: true };

    /// The bytes and the value are each other's.
    pub(crate) fn check<'a, T: Wire<'a> + PartialEq + fmt::Debug>(
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
    pub(crate) fn refuse<'a, T: Wire<'a> + fmt::Debug>(
        bytes: &'a [u8],
        version: Version,
        reason: Reason,
    ) {
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
}
