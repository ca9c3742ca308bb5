//! Which names topics may have: Kafka's rule, and the patterns of `--topics`.

use std::str::FromStr;

/// The longest legal topic name, in bytes (Kafka's `Topic.MAX_NAME_LENGTH`).
const NAME_BYTES_MAX: usize = 249;

/// A name or a pattern of `--topics`: `*` stands for any number of characters.
///
/// A pattern without `*` is the name of a topic that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern(String);

/// Why a text is no pattern of topics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no topic name or pattern: 1 to 249 characters of a-z, A-Z, 0-9, `.`, `_`, `-` and, in a pattern, `*`"
)]
pub struct TopicPatternError(String);

impl TopicPattern {
    /// The topic that it names, if it is no pattern.
    pub(in crate::broker) fn name(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&*self.0)
    }

    /// Whether a topic name matches: the pieces between the stars appear in order, the first at the
    /// start and the last at the end.
    pub(in crate::broker) fn matches(&self, name: &str) -> bool {
        let Some((first, others)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
        for piece in middle.split('*') {
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }
}

impl FromStr for TopicPattern {
    type Err = TopicPatternError;

    fn from_str(text: &str) -> Result<Self, TopicPatternError> {
        let legal = match text.contains('*') {
            true => {
                text.len() <= NAME_BYTES_MAX && text.bytes().all(|b| b == b'*' || is_name_byte(b))
            }
            false => is_legal(text),
        };
        legal.then(|| Self(text.to_owned())).ok_or_else(|| TopicPatternError(text.to_owned()))
    }
}

/// Whether Kafka allows this name (`Topic.validate`).
pub(in crate::broker) fn is_legal(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_no_topic_can_match_is_an_error() {
        for text in ["", "a b", "ev/*", "..", "é*"] {
            assert!(text.parse::<TopicPattern>().is_err(), "{text}");
        }
    }
}
