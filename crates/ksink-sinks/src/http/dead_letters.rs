//! Records that the server refused for good, kept in a file.
//!
//! One JSON object a line: `topic`, `partition`, `offset`, `timestamp` (milliseconds; -1 for none), `key` and
//! `value` (base64 or null), `headers` (a list of `[name, base64 or null]`, a name that is not UTF-8 as
//! `{"base64": ...}`), `client_addr`, `status` (null where the server gave none), `reason`, `attempts`,
//! `first_attempt`, `last_attempt`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use ksink_disk::{NamedBy, RealDisk};
use ksink_event::{RecordSet, Refusal};
use ksink_wire::records::Record;

use super::post::Undelivered;
use crate::{
    OpenError,
    append::AppendFile,
    complaints::Complaints,
    format::{plain_v4, write_base64, write_exact_headers, write_string},
};

/// So much of a topic's name goes into a log line.
const TOPIC_BYTES_LOGGED: usize = 128;

/// A file of records that the server refused for good.
#[derive(Debug)]
pub(super) struct DeadLetters {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: AppendFile,
    complaints: Complaints,
}

impl DeadLetters {
    /// Opens the file for appending, and creates it for its owner alone.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let file = AppendFile::open(&RealDisk, path, NamedBy::Operator)
            .map_err(|cause| OpenError { path: path.into(), cause })?;
        let open = Mutex::new(Open { file, complaints: Complaints::new(Instant::now()) });
        Ok(Self { path: path.into(), open })
    }

    /// Keeps a record, and why it had to be kept here.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is kept then.
    pub(super) fn keep(
        &self,
        set: &RecordSet,
        record: &Record<'_>,
        why: &Undelivered,
    ) -> Result<(), Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        append(&mut open.file, &line(set, record, why)).map_err(|error| {
            Refusal::local(format!("cannot write to {}: {error}", self.path.display()))
        })?;
        if let Some(unsaid) = open.complaints.next(Instant::now()) {
            let topic = set.topic.get(..TOPIC_BYTES_LOGGED).unwrap_or(&set.topic);
            let (partition, offset, reason) = (set.partition, record.offset, &why.reason);
            tracing::warn!(topic, partition, offset, %reason, unsaid, "record refused for good");
        }
        Ok(())
    }
}

/// Appends a whole line or nothing.
fn append(file: &mut AppendFile, line: &[u8]) -> io::Result<()> {
    // What an earlier failure left goes first.
    file.cut()?;
    let appended = file.append(line).and_then(|()| file.settle());
    if appended.is_err() {
        match file.is_cuttable() {
            true => file.cut()?,
            false => file.forget(),
        }
    }
    appended.map(drop)
}

fn line(set: &RecordSet, record: &Record<'_>, why: &Undelivered) -> Vec<u8> {
    let mut line = Vec::new();
    line.extend_from_slice(b"{\"topic\":");
    write_string(&set.topic, &mut line);
    let numbers = [
        ("partition", i64::from(set.partition)),
        ("offset", record.offset),
        ("timestamp", record.timestamp),
    ];
    for (name, number) in numbers {
        line.extend_from_slice(format!(",\"{name}\":{number}").as_bytes());
    }
    for (name, bytes) in [("key", record.key), ("value", record.value)] {
        line.extend_from_slice(format!(",\"{name}\":").as_bytes());
        match bytes {
            Some(bytes) => write_base64(bytes, &mut line),
            None => line.extend_from_slice(b"null"),
        }
    }
    line.extend_from_slice(b",\"headers\":");
    write_exact_headers(record.headers, &mut line);
    write_why(set, why, &mut line);
    line.extend_from_slice(b"}\n");
    line
}

fn write_why(set: &RecordSet, why: &Undelivered, line: &mut Vec<u8>) {
    let status = why.status.map_or_else(|| "null".to_owned(), |status| status.as_u16().to_string());
    let rest = format!(
        ",\"client_addr\":\"{}\",\"status\":{status},\"attempts\":{},\"first_attempt\":\"{:.3}\",\
         \"last_attempt\":\"{:.3}\",\"reason\":",
        plain_v4(set.client),
        why.attempts,
        why.first,
        why.last,
    );
    line.extend_from_slice(rest.as_bytes());
    write_string(&why.reason, line);
}
