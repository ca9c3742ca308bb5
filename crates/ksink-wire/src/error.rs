//! Why bytes are not a Kafka message, and where.

use std::fmt;

use nom::error::{ErrorKind, ParseError};

/// Bytes that are not the message they should be.
///
/// Small and `Copy`: a hostile peer makes us build these as fast as it can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub reason: Reason,
    /// The innermost field that was being read, by the name it has in Kafka's schema;
    /// `_tagged_fields` is the section of tagged fields at the end of a structure.
    pub field: Option<&'static str>,
    /// How many bytes of the input were not read yet.
    pub remaining: usize,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The input ends inside of the field.
    Truncated,
    /// An array counts more elements than the input has bytes left.
    CountTooLarge,
    /// The field is null, which it may not be in this version.
    NullNotAllowed,
    /// A string is longer than the 32,767 bytes that Kafka allows.
    StringTooLong,
    /// A string is not UTF-8.
    NotUtf8,
    /// A variable-length integer does not end within five bytes, or is 2^32 or more.
    VarintTooLong,
    /// Tagged fields are not in strictly ascending order (KIP-482 asks for it).
    TagsUnordered,
    /// A known tagged field is shorter than its size says.
    TagSizeMismatch,
    /// The API does not have this version.
    UnsupportedVersion,
}

impl Reason {
    fn describe(self) -> &'static str {
        match self {
            Self::Truncated => "the bytes end inside of it",
            Self::CountTooLarge => "it counts more elements than there are bytes",
            Self::NullNotAllowed => "it is null, which this version does not allow",
            Self::StringTooLong => "the string is longer than 32767 bytes",
            Self::NotUtf8 => "the string is not UTF-8",
            Self::VarintTooLong => "the variable-length integer does not end in time",
            Self::TagsUnordered => "tagged fields are repeated or out of order",
            Self::TagSizeMismatch => "the tagged field is shorter than its size says",
            Self::UnsupportedVersion => "the API does not have this version",
        }
    }
}

impl DecodeError {
    pub(crate) fn new(reason: Reason, input: &[u8]) -> Self {
        Self { reason, field: None, remaining: input.len() }
    }

    /// Names the field, unless a field inside of it was named already.
    pub(crate) fn within(self, field: &'static str) -> Self {
        Self { field: self.field.or(Some(field)), ..self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field.unwrap_or("message");
        write!(
            f,
            "bad `{field}`, {} bytes before the end: {}",
            self.remaining,
            self.reason.describe()
        )
    }
}

impl std::error::Error for DecodeError {}

impl ParseError<&[u8]> for DecodeError {
    /// Of nom's own parsers only numbers and `take` are used, and those fail for one reason.
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self::new(Reason::Truncated, input)
    }

    fn append(_: &[u8], _: ErrorKind, inner: Self) -> Self {
        inner
    }
}

/// For `map_err`: names the field that was being read.
pub(crate) fn in_field(
    field: &'static str,
) -> impl FnOnce(nom::Err<DecodeError>) -> nom::Err<DecodeError> {
    move |error| error.map(|inner| inner.within(field))
}

/// The failure of a parser at `input`.
pub(crate) fn failure(reason: Reason, input: &[u8]) -> nom::Err<DecodeError> {
    nom::Err::Error(DecodeError::new(reason, input))
}

/// Leaves nom: our parsers see whole frames, so `Incomplete` is a truncated field like any other.
pub(crate) fn without_nom(error: nom::Err<DecodeError>) -> DecodeError {
    match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => error,
        nom::Err::Incomplete(_) => DecodeError::new(Reason::Truncated, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_field_is_the_one_that_is_named() {
        let error = DecodeError::new(Reason::Truncated, &[1, 2]).within("name").within("topics");
        assert_eq!(
            error.to_string(),
            "bad `name`, 2 bytes before the end: the bytes end inside of it"
        );
    }
}
