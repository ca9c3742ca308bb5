//! The value as it came, and a separator.

use ksink_wire::records::Record;

use crate::FormatError;

/// The value as it came, followed by a separator. A null value is nothing but the separator.
#[derive(Clone, Debug, Default)]
pub struct Binary {
    /// What follows each value.
    pub separator: Separator,
}

/// What follows each value; a newline by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Separator(Vec<u8>);

impl Default for Separator {
    fn default() -> Self {
        Self(vec![b'\n'])
    }
}

impl Separator {
    /// No separator at all.
    pub const NONE: Self = Self(Vec::new());

    /// A text with the escapes `\n`, `\r`, `\t`, `\0` and `\\`. A backslash before anything else, or at the
    /// end, stands for itself.
    pub fn from_text(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [byte, tail @ ..] = rest {
            let (byte, tail) = match (byte, tail) {
                (b'\\', [b'n', tail @ ..]) => (b'\n', tail),
                (b'\\', [b'r', tail @ ..]) => (b'\r', tail),
                (b'\\', [b't', tail @ ..]) => (b'\t', tail),
                (b'\\', [b'0', tail @ ..]) => (0, tail),
                (b'\\', [b'\\', tail @ ..]) => (b'\\', tail),
                _ => (*byte, tail),
            };
            bytes.push(byte);
            rest = tail;
        }
        Self(bytes)
    }

    /// Bytes as pairs of hexadecimal digits.
    ///
    /// # Errors
    /// When there is something else in it, or half a byte.
    pub fn from_hex(hex: &str) -> Result<Self, FormatError> {
        let digits = hex.chars().enumerate().map(hex_digit).collect::<Result<Vec<u8>, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(FormatError::OddHex);
        }
        Ok(Self(pairs.iter().map(|[high, low]| high << 4 | low).collect()))
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn hex_digit((at, digit): (usize, char)) -> Result<u8, FormatError> {
    let value = digit.to_digit(16).and_then(|value| u8::try_from(value).ok());
    value.ok_or(FormatError::InvalidHexDigit { digit, at })
}

impl Binary {
    pub(super) fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(record.value.unwrap_or_default());
        out.extend_from_slice(&self.separator.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, testing};

    #[track_caller]
    fn check(separator: Separator, expected: &[u8]) {
        let null = ksink_wire::records::NewRecord { value: None, ..testing::of_value(b"") };
        let records = [
            testing::of_value(b"a"),
            null,
            testing::of_value(b""),
            testing::of_value(b"\x00\xff\n"),
        ];
        let mut out = b"before ".to_vec();
        Format::Binary(Binary { separator })
            .write(&testing::record_set("t", 0, &records), &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn each_value_is_followed_by_the_separator() {
        check(Separator::default(), b"before a\n\n\n\x00\xff\n\n");
        check(Separator::from_text("--"), b"before a------\x00\xff\n--");
        check(Separator::NONE, b"before a\x00\xff\n");
    }

    #[test]
    fn text_may_hold_escapes() {
        for (text, bytes) in [
            (r"\n", &b"\n"[..]),
            (r"\r\n", b"\r\n"),
            (r"\t|\0", b"\t|\0"),
            (r"a\\n", br"a\n"),
            (r"\q", br"\q"),
            (r"\", br"\"),
            (r"\\\", br"\\"),
            ("é", "é".as_bytes()),
            ("", b""),
        ] {
            assert_eq!(Separator::from_text(text), Separator(bytes.to_vec()), "{text}");
        }
    }

    #[test]
    fn hex_is_pairs_of_digits() {
        assert_eq!(Separator::from_hex("0aFf00"), Ok(Separator(vec![10, 255, 0])));
        assert_eq!(Separator::from_hex(""), Ok(Separator::NONE));
        assert_eq!(Separator::from_hex("0a0"), Err(FormatError::OddHex));
        for (hex, digit, at) in [("0g", 'g', 1), ("0x0a", 'x', 1), ("é0", 'é', 0), ("+1", '+', 0)]
        {
            assert_eq!(Separator::from_hex(hex), Err(FormatError::InvalidHexDigit { digit, at }));
        }
    }

    #[test]
    fn a_newline_is_the_default() {
        assert_eq!(Separator::default(), Separator::from_text(r"\n"));
    }
}
