//! Text that others choose, as part of a path: one component, and no two texts the same.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// So much of a text that is too long stays readable.
const READABLE_BYTES: usize = 120;

/// So much of its SHA-256 stands for the rest.
const DIGEST_BYTES: usize = 16;

/// The names that Windows keeps for devices, whatever follows behind a dot.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// A topic's name: what is legal in a topic stays, except for a leading dot, which would hide the file.
/// Everything else becomes `%XX`; since `%` is not legal, no two topics meet.
pub(super) fn of_topic(topic: &str) -> String {
    percent_encoded(topic.as_bytes())
}

/// Any text, in at most `bytes_max` bytes, never empty, and a name that other systems can keep too.
///
/// What is legal in a topic stays; a leading or trailing dot, the dot of an ending `.tmp` and the first letter
/// of a device's name on Windows do not, and nothing else does: all that becomes `%XX`. What is too long then
/// becomes its first 120 bytes, `~`, and 32 digits of its SHA-256. No text is empty: that one becomes `%`.
pub(super) fn of_text(text: &[u8], bytes_max: usize) -> String {
    let mut segment = without_reserved_names(percent_encoded(text));
    if segment.len() > bytes_max {
        segment.truncate(READABLE_BYTES);
        segment.push('~');
        for byte in &Sha256::digest(text)[..DIGEST_BYTES] {
            write!(segment, "{byte:02x}").expect("a string takes all");
        }
    }
    segment
}

/// Whether a segment may hold this byte.
pub(super) fn may_hold(byte: u8) -> bool {
    stays(byte) || matches!(byte, b'.' | b'%' | b'~')
}

/// The dot of an ending `.tmp` encoded: what ends so is a transaction that runs.
pub(super) fn without_temporary_ending(mut segment: String) -> String {
    let dot = segment.len().saturating_sub(4);
    if segment.get(dot..).is_some_and(|end| end.eq_ignore_ascii_case(".tmp")) {
        encode_at(&mut segment, dot);
    }
    segment
}

fn percent_encoded(text: &[u8]) -> String {
    let mut segment = String::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'.' if at > 0 => segment.push('.'),
            _ if stays(byte) => segment.push(byte.into()),
            _ => push_encoded(&mut segment, byte),
        }
    }
    segment
}

fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn without_reserved_names(mut segment: String) -> String {
    if segment.is_empty() {
        segment.push('%');
    }
    if segment.ends_with('.') {
        let last = segment.len() - 1;
        encode_at(&mut segment, last);
    }
    if names_a_device(&segment) {
        encode_at(&mut segment, 0);
    }
    without_temporary_ending(segment)
}

fn names_a_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_numbered = |device: &&str| {
        let number = stem.strip_prefix(*device);
        number.is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']))
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(is_numbered)
}

/// Encodes one byte of what is ASCII.
fn encode_at(segment: &mut String, at: usize) {
    let mut encoded = String::new();
    push_encoded(&mut encoded, segment.as_bytes()[at]);
    segment.replace_range(at..=at, &encoded);
}

fn push_encoded(segment: &mut String, byte: u8) {
    write!(segment, "%{byte:02X}").expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, segment: &str) {
        assert_eq!(of_text(text.as_bytes(), 180), segment);
    }

    #[test]
    fn what_is_legal_everywhere_stays() {
        check("my-txn_1.x", "my-txn_1.x");
    }

    #[test]
    fn what_would_leave_the_folder_or_hide_the_file_is_encoded() {
        check("a/b", "a%2Fb");
        check("..", "%2E%2E");
        check(".hidden", "%2Ehidden");
        check("\0\n", "%00%0A");
    }

    #[test]
    fn what_file_systems_normalize_is_encoded() {
        check("\u{e9}", "%C3%A9");
        check("e\u{301}", "e%CC%81");
    }

    #[test]
    fn names_that_other_systems_cannot_keep_are_encoded() {
        check("con", "%63on");
        check("NUL.txt", "%4EUL.txt");
        check("com7", "%63om7");
        check("com10", "com10");
        check("console", "console");
        check("dot.", "dot%2E");
        check("space ", "space%20");
        check("", "%");
    }

    #[test]
    fn what_looks_like_a_running_transaction_is_encoded() {
        check("x.tmp", "x%2Etmp");
        check("x.TMP", "x%2ETMP");
        check("tmp", "tmp");
    }

    #[test]
    fn what_is_too_long_keeps_its_beginning_and_a_digest() {
        let segment = of_text("x".repeat(181).as_bytes(), 180);
        assert_eq!(segment.len(), 120 + 1 + 32);
        assert!(segment.starts_with(&"x".repeat(120)) && segment.as_bytes()[120] == b'~');
        assert_eq!(of_text("x".repeat(180).as_bytes(), 180), "x".repeat(180));
    }

    /// Texts that are likely to meet.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[.aA%~/]{0,4}",
            "(con|CON|nul|com1)[.x]{0,2}",
            "[%2Ea]{0,6}(.tmp)?",
            ".{0,12}",
            "x{178,183}y?"
        ]
    }

    proptest! {
        #[test]
        fn no_two_texts_become_one(a in text(), b in text()) {
            let segment = |text: &str| of_text(text.as_bytes(), 180);
            prop_assert_eq!(a == b, segment(&a) == segment(&b));
        }

        #[test]
        fn a_text_is_one_short_component_of_few_letters(text in text()) {
            let segment = of_text(text.as_bytes(), 180);
            prop_assert!((1..=180).contains(&segment.len()));
            prop_assert!(segment.bytes().all(may_hold));
            prop_assert!(!segment.starts_with('.') && !segment.ends_with('.'));
            prop_assert!(!segment.to_ascii_lowercase().ends_with(".tmp"));
        }
    }
}
