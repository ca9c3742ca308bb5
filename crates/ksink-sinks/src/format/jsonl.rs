//! One JSON object a line.
//!
//! The fields, in this order: `topic`, `partition`, `offset`, `key`, `key_encoding`, `value`,
//! `value_encoding`, `headers`, `headers_raw`, `timestamp`, `client_addr`, `transactional_id`.
//!
//! - A key or value is text where it is UTF-8 and base64 where it is not; `*_encoding` says which. A null
//!   key is absent, a null value is `null`.
//! - `headers` shows what an object can: the last value of each name, where both are UTF-8. When that is
//!   not the whole truth, `headers_raw` holds all of them, in order and exactly. Either is absent when it
//!   would be empty.
//! - `timestamp` is absent where there is none, and so is `transactional_id`.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    str,
};

use ksink_event::RecordSet;
use ksink_wire::records::{Header, Headers, Record};

use super::{
    escape::{write_base64, write_string},
    timestamp::{JsonTimestamp, TimestampWriter},
};

/// One JSON object a line, as [`json_schema`](super::json_schema()) describes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jsonl {
    /// Writes keys in base64 also where they are UTF-8.
    pub base64_key: bool,
    /// Writes values in base64 also where they are UTF-8. A null value stays `null`.
    pub base64_value: bool,
    /// How timestamps are written.
    pub timestamp: JsonTimestamp,
}

impl Jsonl {
    /// Lines for the records of one set, with everything rendered that they share.
    pub(super) fn lines(&self, set: &RecordSet) -> Lines<'_> {
        let mut head = Vec::with_capacity(64);
        head.extend_from_slice(b"{\"topic\":");
        write_string(&set.topic, &mut head);
        head.extend_from_slice(b",\"partition\":");
        write_number(set.partition, &mut head);
        head.extend_from_slice(b",\"offset\":");
        let client = plain_v4(set.client);
        let mut tail = format!(",\"client_addr\":\"{client}\"").into_bytes();
        if let Some(transaction) = &set.transaction {
            tail.extend_from_slice(b",\"transactional_id\":");
            write_string(&transaction.id, &mut tail);
        }
        tail.extend_from_slice(b"}\n");
        Lines { options: self, head, tail, timestamps: TimestampWriter::new(self.timestamp) }
    }
}

/// Writes the lines of one set.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    options: &'a Jsonl,
    /// Everything before the offset.
    head: Vec<u8>,
    /// Everything behind the timestamp.
    tail: Vec<u8>,
    timestamps: TimestampWriter,
}

impl Lines<'_> {
    pub(super) fn write(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        write_number(record.offset, out);
        if let Some(key) = record.key {
            out.extend_from_slice(b",\"key\":");
            match write_bytes(key, self.options.base64_key, out) {
                Encoding::Utf8 => out.extend_from_slice(b",\"key_encoding\":\"utf-8\""),
                Encoding::Base64 => out.extend_from_slice(b",\"key_encoding\":\"base64\""),
            }
        }
        out.extend_from_slice(b",\"value\":");
        match write_value(record.value, self.options.base64_value, out) {
            Encoding::Utf8 => out.extend_from_slice(b",\"value_encoding\":\"utf-8\""),
            Encoding::Base64 => out.extend_from_slice(b",\"value_encoding\":\"base64\""),
        }
        if !record.headers.is_empty() {
            write_headers(record.headers, out);
        }
        self.write_timestamp(record.timestamp, out);
        out.extend_from_slice(&self.tail);
    }

    fn write_timestamp(&mut self, timestamp_ms: i64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(b",\"timestamp\":");
        if !self.timestamps.write(timestamp_ms, out) {
            out.truncate(start);
        }
    }
}

/// How bytes became a string.
enum Encoding {
    Utf8,
    Base64,
}

fn write_value(value: Option<&[u8]>, base64: bool, out: &mut Vec<u8>) -> Encoding {
    match value {
        Some(value) => write_bytes(value, base64, out),
        None => {
            out.extend_from_slice(b"null");
            Encoding::Utf8
        }
    }
}

fn write_bytes(bytes: &[u8], base64: bool, out: &mut Vec<u8>) -> Encoding {
    match str::from_utf8(bytes) {
        Ok(text) if !base64 => {
            write_string(text, out);
            Encoding::Utf8
        }
        _ => {
            write_base64(bytes, out);
            Encoding::Base64
        }
    }
}

fn write_headers(headers: Headers<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(b",\"headers\":{");
    let first = out.len();
    let last = LastOfName::find(headers);
    let mut whole_truth = true;
    for (at, header) in headers.iter().enumerate() {
        let Some((name, value)) = as_text(header).filter(|_| last.is_at(at, header.key)) else {
            whole_truth = false;
            continue;
        };
        if out.len() > first {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_string(value, out);
    }
    if out.len() > first {
        out.push(b'}');
    } else {
        out.truncate(start);
    }
    if !whole_truth {
        out.extend_from_slice(b",\"headers_raw\":");
        write_exact_headers(headers, out);
    }
}

fn as_text(header: Header<'_>) -> Option<(&str, &str)> {
    Some((str::from_utf8(header.key).ok()?, str::from_utf8(header.value?).ok()?))
}

/// All headers in their order, exactly: a list of `[name, base64 or null]`, a name that is not UTF-8 as
/// `{"base64": ...}`.
pub(crate) fn write_exact_headers(headers: Headers<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, header) in headers.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"[" } else { b",[" });
        match str::from_utf8(header.key) {
            Ok(name) => write_string(name, out),
            Err(_) => {
                out.extend_from_slice(b"{\"base64\":");
                write_base64(header.key, out);
                out.push(b'}');
            }
        }
        out.push(b',');
        match header.value {
            Some(value) => write_base64(value, out),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b']');
    }
    out.push(b']');
}

/// Which headers are the last of their name.
enum LastOfName<'a> {
    /// Few enough to look through what follows.
    Few(Headers<'a>),
    /// So many that looking through them for each would let a producer burn time.
    Many(HashMap<&'a [u8], usize>),
}

impl<'a> LastOfName<'a> {
    fn find(headers: Headers<'a>) -> Self {
        if headers.len() <= 16 {
            return Self::Few(headers);
        }
        Self::Many(headers.iter().enumerate().map(|(at, header)| (header.key, at)).collect())
    }

    fn is_at(&self, at: usize, name: &[u8]) -> bool {
        match self {
            Self::Few(headers) => headers.iter().skip(at + 1).all(|later| later.key != name),
            Self::Many(last) => last.get(name) == Some(&at),
        }
    }
}

fn write_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// An IPv4 client of a dual-stack listener as what it is, without `::ffff:`.
pub(crate) fn plain_v4(client: SocketAddr) -> SocketAddr {
    match client.ip().to_canonical() {
        v4 @ IpAddr::V4(_) => SocketAddr::new(v4, client.port()),
        IpAddr::V6(_) => client,
    }
}

#[cfg(test)]
mod tests;
