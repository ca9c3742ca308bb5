//! What a format string in kcat's manner asks for.
//!
//! | token | writes |
//! |---|---|
//! | `%t` `%p` `%o` | topic, partition, offset |
//! | `%k` `%s` | key and value as they are; nothing for null |
//! | `%K` `%S` | their lengths in bytes; -1 for null |
//! | `%R` | the value's length as a big-endian 32-bit number; -1 for null |
//! | `%T` | the timestamp in milliseconds since the epoch; -1 for none |
//! | `%h` | the headers: `name=value,name=value`, with `NULL` for a null value |
//! | `%%` | a percent sign |
//! | `\n` `\r` `\t` `\\` | newline, carriage return, tab, backslash |
//! | `\xNN` | the byte with this hexadecimal number |
//! | `\NNN` | the byte with this number: decimal, octal after a leading `0`, hexadecimal after `0x` |
//!
//! A backslash before anything else, or at the end, stands for itself; what follows is read as usual, so
//! that `\%s` is a backslash and the value, as in kcat.

use ksink_event::RecordSet;
use ksink_wire::records::{Headers, Record};

use super::kcat_parse::parse;
use crate::FormatError;

/// What a format string in kcat's manner asks for. There is no separator but what the string holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kcat {
    segments: Vec<Segment>,
}

/// A piece of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Key,
    KeyLen,
    Value,
    ValueLen,
    ValueLenBinary,
    Timestamp,
    Headers,
}

impl Kcat {
    /// Reads a format string.
    ///
    /// # Errors
    /// When it is empty, or holds a specifier or an escape that means nothing.
    pub fn new(format: &str) -> Result<Self, FormatError> {
        if format.is_empty() {
            return Err(FormatError::NoKcatFormat);
        }
        Ok(Self { segments: parse(format)? })
    }

    pub(super) fn write(&self, set: &RecordSet, record: &Record<'_>, out: &mut Vec<u8>) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(bytes) => out.extend_from_slice(bytes),
                Segment::Topic => out.extend_from_slice(set.topic.as_bytes()),
                Segment::Partition => write_number(set.partition.into(), out),
                Segment::Offset => write_number(record.offset, out),
                Segment::Key => out.extend_from_slice(record.key.unwrap_or_default()),
                Segment::KeyLen => write_number(len(record.key).into(), out),
                Segment::Value => out.extend_from_slice(record.value.unwrap_or_default()),
                Segment::ValueLen => write_number(len(record.value).into(), out),
                Segment::ValueLenBinary => out.extend_from_slice(&len(record.value).to_be_bytes()),
                Segment::Timestamp => write_number(record.timestamp, out),
                Segment::Headers => write_headers(record.headers, out),
            }
        }
    }
}

fn write_number(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A length as Kafka counts it: 32 bits, and -1 for null.
fn len(bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

fn write_headers(headers: Headers<'_>, out: &mut Vec<u8>) {
    for (at, header) in headers.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(header.key);
        out.push(b'=');
        out.extend_from_slice(header.value.unwrap_or(b"NULL"));
    }
}
