//! Names of files as text, which a path need not be.

use std::fmt::Write;

/// What a name begins with that stands for bytes which are no text. No path can hold it.
const ESCAPED: char = '\0';

/// The bytes as they are where they are text; otherwise NUL, and `%XX` for each byte that is not ASCII or `%`.
pub(super) fn of_bytes(path: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(path) {
        return text.to_owned();
    }
    let mut name = String::from(ESCAPED);
    for &byte in path {
        match byte {
            b'%' | 0x80.. => write!(name, "%{byte:02X}").expect("a string takes all"),
            _ => name.push(byte.into()),
        }
    }
    name
}

/// The bytes that a name was made of.
pub(super) fn to_bytes(name: &str) -> Vec<u8> {
    let Some(escaped) = name.strip_prefix(ESCAPED) else { return name.as_bytes().to_vec() };
    let mut path = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let number = behind.get(..2).filter(|_| byte == b'%').and_then(hex_byte);
        path.push(number.unwrap_or(byte));
        rest = if number.is_some() { &behind[2..] } else { behind };
    }
    path
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_the_path_itself_if_that_is_text() {
        for path in ["a/b.jsonl", "50%25", "\u{e9}\\"] {
            assert_eq!(of_bytes(path.as_bytes()), path);
        }
        assert_eq!(of_bytes(b"a%\xff"), "\0a%25%FF");
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_its_bytes(path in prop::collection::vec(1..=255_u8, 0..20)) {
            prop_assert_eq!(to_bytes(&of_bytes(&path)), path);
        }
    }
}
