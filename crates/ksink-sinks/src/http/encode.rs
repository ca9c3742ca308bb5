//! Names and values of record headers as HTTP can carry them.
//!
//! Bytes that HTTP cannot carry become `%XX`, and so does a percent sign that would be taken for the start of
//! one. Everything else stays as it is, so that an ordinary header reads as its producer wrote it, and
//! decoding `%XX` gives back exactly what it was. (Except for the case of letters in names, which HTTP
//! does not keep.)

/// A record header's name as part of a header's name: a token (RFC 9110 section 5.6.2).
pub(super) fn encode_name(name: &[u8]) -> String {
    percent_encode(name, |_, byte| is_token(byte))
}

/// A record header's value as a header's value: visible ASCII, and spaces inside (RFC 9110 section 5.5).
pub(super) fn encode_value(value: &[u8]) -> String {
    let last = value.len().saturating_sub(1);
    percent_encode(value, |at, byte| match byte {
        // At the ends it would be taken for padding.
        b' ' => at != 0 && at != last,
        _ => byte.is_ascii_graphic(),
    })
}

/// What an encoded text stands for.
pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = hex_pair(tail).filter(|_| *byte == b'%');
        bytes.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

fn percent_encode(bytes: &[u8], is_plain: impl Fn(usize, u8) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let is_ambiguous = byte == b'%' && hex_pair(&bytes[at + 1..]).is_some();
        if is_plain(at, byte) && !is_ambiguous {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The byte that two hexadecimal digits at the start of `text` stand for.
fn hex_pair(text: &[u8]) -> Option<u8> {
    let [high, low, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_http_can_carry_stays() {
        for name in ["trace-id", "X_1.y", "100%", "%zz", ""] {
            assert_eq!(encode_name(name.as_bytes()), name);
        }
        for value in ["", "a", "a b", "{\"x\": [1, 2]}", "100 %", "%", "%4", "50%of"] {
            assert_eq!(encode_value(value.as_bytes()), value);
        }
    }

    #[test]
    fn what_http_cannot_carry_is_percent_encoded() {
        assert_eq!(encode_name(b"a b:c\r\n"), "a%20b%3Ac%0D%0A");
        assert_eq!(encode_name("é".as_bytes()), "%C3%A9");
        assert_eq!(encode_value(b"a\r\nX-Evil: 1"), "a%0D%0AX-Evil: 1");
        assert_eq!(encode_value(b" a "), "%20a%20");
        assert_eq!(encode_value(b"\t\0\xff\x7f"), "%09%00%FF%7F");
        assert_eq!(encode_value(b"%41 %zz"), "%2541 %zz");
    }

    /// Bytes among which those that need care are frequent.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), proptest::sample::select(&b"%%%4aF \r\n"[..])];
        proptest::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn any_name_is_a_header_name_and_reads_back(name in bytes()) {
            let encoded = encode_name(&name);
            let header = HeaderName::try_from(format!("x-{encoded}"));
            prop_assert!(header.is_ok());
            prop_assert_eq!(percent_decode(&encoded), name);
        }

        #[test]
        fn any_value_is_a_header_value_and_reads_back(value in bytes()) {
            let encoded = encode_value(&value);
            let header = HeaderValue::try_from(&encoded);
            prop_assert!(header.is_ok_and(|header| header.to_str().is_ok()));
            prop_assert_eq!(encoded.trim(), &encoded);
            prop_assert_eq!(percent_decode(&encoded), value);
        }
    }
}
