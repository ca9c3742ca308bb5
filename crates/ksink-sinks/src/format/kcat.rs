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

    pub(super) fn ending(&self) -> &[u8] {
        match self.segments.last() {
            Some(Segment::Literal(bytes)) => bytes,
            Some(_) | None => &[],
        }
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

#[cfg(test)]
mod tests {
    use ksink_wire::records::{Header, NewRecord};

    use super::*;
    use crate::{Format, testing::record_set};

    const EMPTY: NewRecord<'_> = NewRecord { timestamp: -1, key: None, value: None, headers: &[] };

    /// What a format makes of one record at offset 7 of topic `t`.
    #[track_caller]
    fn check(format: &str, record: &NewRecord<'_>, expected: &[u8]) {
        let mut out = Vec::new();
        let format = Format::Kcat(Kcat::new(format).unwrap());
        format.write(&record_set("t", 7, &[*record]), &mut out);
        assert_eq!(out, expected, "{}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn every_field_can_be_asked_for() {
        let headers = [
            Header { key: b"n", value: Some(b"v") },
            Header { key: b"null", value: None },
            Header { key: b"", value: Some(b"") },
            Header { key: b"n", value: Some(b"\xff") },
        ];
        let record = NewRecord {
            timestamp: 1_795_253_400_000,
            key: Some(b"key"),
            value: Some(b"value\xfe"),
            headers: &headers,
        };
        check(
            r"%t [%p] at %o: key %K bytes: %k, msg %S bytes: %s, %T, 100%%, %h\n",
            &record,
            b"t [0] at 7: key 3 bytes: key, msg 6 bytes: value\xfe, 1795253400000, 100%, \
              n=v,null=NULL,=,n=\xff\n",
        );
        check("%R%s", &record, b"\x00\x00\x00\x06value\xfe");
    }

    #[test]
    fn null_has_the_length_minus_one() {
        check("%K,%S,%T,[%k%s%h],", &EMPTY, b"-1,-1,-1,[],");
        check("%R", &EMPTY, b"\xff\xff\xff\xff");
    }

    #[test]
    fn empty_is_not_null() {
        let record = NewRecord { key: Some(b""), value: Some(b""), ..EMPTY };
        check("%K,%S,[%k%s]", &record, b"0,0,[]");
        check("%R", &record, b"\x00\x00\x00\x00");
    }

    #[test]
    fn a_format_string_is_needed() {
        let refused = Kcat::new("").unwrap_err();
        assert_eq!(refused, FormatError::NoKcatFormat);
        assert_eq!(refused.to_string(), "kcat format requires a format string");
    }

    #[test]
    fn nothing_separates_records_but_what_the_format_says() {
        let set = record_set("t", 41, &[EMPTY, EMPTY]);
        let mut out = Vec::new();
        Format::Kcat(Kcat::new("<%o>").unwrap()).write(&set, &mut out);
        assert_eq!(out, b"<41><42>");
    }
}
