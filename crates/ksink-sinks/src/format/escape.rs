//! JSON strings.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Appends a JSON string. Only what JSON asks for is escaped (RFC 8259 section 7): quotes, backslashes and
/// control characters.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, tail) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((special, tail)) = tail.split_first() else { break };
        write_escape(*special, out);
        rest = tail;
    }
    out.push(b'"');
}

/// Appends bytes as a JSON string in base64, in the standard alphabet and padded.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).expect("four characters for each three bytes");
    out.push(b'"');
}

/// How many bytes at the start need no escape.
fn plain_len(bytes: &[u8]) -> usize {
    // Whole chunks first: without a branch inside, the compiler tests one with a few vector instructions.
    let (chunks, _) = bytes.as_chunks::<16>();
    let is_plain =
        |chunk: &&[u8; 16]| !chunk.iter().fold(false, |any, byte| any | is_special(*byte));
    let plain = chunks.iter().take_while(is_plain).count() * 16;
    let rest = &bytes[plain..];
    plain + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let [high, low] =
                [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        write_string(text, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn only_what_json_asks_for_is_escaped() {
        check("", r#""""#);
        check(r#"a"b\c"#, r#""a\"b\\c""#);
        check("\n\r\t\u{8}\u{c}", r#""\n\r\t\b\f""#);
        check("\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\"");
        check("<&>\u{2028}é𝄞", "\"<&>\u{2028}é𝄞\"");
    }

    #[test]
    fn what_is_special_is_found_anywhere_in_a_long_text() {
        for at in 0..40 {
            let plain = "x".repeat(at);
            let rest = "y".repeat(40 - at);
            check(&format!("{plain}\"{rest}"), &format!("\"{plain}\\\"{rest}\""));
        }
    }

    proptest! {
        #[test]
        fn a_string_reads_back(text in r#"(.|["\\\x00-\x1f]){0,80}"#) {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn base64_reads_back(bytes: Vec<u8>) {
            let mut out = b"before".to_vec();
            write_base64(&bytes, &mut out);
            let text: String = serde_json::from_slice(out.strip_prefix(b"before").unwrap()).unwrap();
            prop_assert_eq!(STANDARD.decode(text).unwrap(), bytes);
        }
    }
}
