//! Sixteen-byte identities.

use std::fmt::{self, Write as _};

use nom::{Parser, number::complete::be_u128};

use crate::primitives::{Parsed, Version, Wire};

/// A topic id or another sixteen-byte identity; all zeroes where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// No identity.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is no identity.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

/// As Kafka's tools print it: URL-safe base64 without padding (RFC 4648 section 5), 22 characters.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for digit in 0..22u32 {
            let shifted = match digit {
                // The last digit holds the lowest two bits, and four bits of nothing.
                21 => bits << 4,
                _ => bits >> (122 - 6 * digit),
            };
            f.write_char(base64_digit((shifted & 0x3f) as u8))?;
        }
        Ok(())
    }
}

fn base64_digit(six: u8) -> char {
    char::from(match six {
        0..=25 => b'A' + six,
        26..=51 => b'a' + (six - 26),
        52..=61 => b'0' + (six - 52),
        62 => b'-',
        _ => b'_',
    })
}

impl<'a> Wire<'a> for Uuid {
    fn decode(input: &'a [u8], _: Version) -> Parsed<'a, Self> {
        be_u128.map(|bits| Self(bits.to_be_bytes())).parse(input)
    }

    fn encode(&self, out: &mut Vec<u8>, _: Version) {
        out.extend_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_kafkas_tools_show_them() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
        assert_eq!(
            Uuid([0xfb, 0xef, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]).to_string(),
            "----AAAAAAAAAAAAAAAAAQ"
        );
    }
}
