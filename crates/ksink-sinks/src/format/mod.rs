//! How a record becomes bytes.

mod binary;
mod error;
mod escape;
mod json_schema;
mod jsonl;
mod kcat;
mod kcat_parse;
mod timestamp;

use ksink_event::RecordSet;
use ksink_wire::records::{Iter, Record};

pub use binary::{Binary, Separator};
pub use error::FormatError;
pub use json_schema::json_schema;
pub use jsonl::Jsonl;
pub use kcat::Kcat;
pub use timestamp::JsonTimestamp;

pub(crate) use escape::{write_base64, write_string};
pub(crate) use jsonl::{plain_v4, write_exact_headers};

/// How a record becomes bytes.
#[derive(Clone, Debug)]
pub enum Format {
    /// The value and a separator.
    Binary(Binary),
    /// One JSON object a line, with everything that is known of the record.
    Jsonl(Jsonl),
    /// What a format string in kcat's manner asks for.
    Kcat(Kcat),
}

impl Default for Format {
    fn default() -> Self {
        Self::Binary(Binary::default())
    }
}

impl Format {
    /// Appends all records of a set to `out`. See [`render`](Self::render) for a bound on what that takes.
    pub fn write(&self, set: &RecordSet, out: &mut Vec<u8>) {
        self.render(set).fill(out, usize::MAX);
    }

    /// Formats a set piece by piece.
    pub fn render<'a>(&'a self, set: &'a RecordSet) -> Rendering<'a> {
        let records = set.records().iter();
        let writer = match self {
            Self::Binary(binary) => Writer::Binary(binary),
            Self::Jsonl(jsonl) => Writer::Jsonl(jsonl.lines(set)),
            Self::Kcat(kcat) => Writer::Kcat(kcat, set),
        };
        Rendering { records, writer }
    }

    /// What every record ends with; empty where that differs from record to record.
    pub fn ending(&self) -> &[u8] {
        match self {
            Self::Binary(binary) => binary.separator.as_bytes(),
            Self::Jsonl(_) => b"\n",
            Self::Kcat(kcat) => kcat.ending(),
        }
    }
}

/// A set on its way into bytes.
#[derive(Debug)]
pub struct Rendering<'a> {
    records: Iter<'a>,
    writer: Writer<'a>,
}

#[derive(Debug)]
enum Writer<'a> {
    Binary(&'a Binary),
    Jsonl(jsonl::Lines<'a>),
    Kcat(&'a Kcat, &'a RecordSet),
}

impl Rendering<'_> {
    /// Appends the next record. Tells whether there was one.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(record) = self.records.next() else { return false };
        match &mut self.writer {
            Writer::Binary(binary) => binary.write(&record, out),
            Writer::Jsonl(lines) => lines.write(&record, out),
            Writer::Kcat(kcat, set) => kcat.write(set, &record, out),
        }
        true
    }

    /// Appends whole records to `out` until it holds `full_at` bytes or more. Tells whether there may be
    /// more records.
    pub fn fill(&mut self, out: &mut Vec<u8>, full_at: usize) -> bool {
        let records = &mut self.records;
        // One loop a format, so that each is compiled for itself.
        match &mut self.writer {
            Writer::Binary(binary) => {
                fill(records, out, full_at, |record, out| binary.write(record, out))
            }
            Writer::Jsonl(lines) => {
                fill(records, out, full_at, |record, out| lines.write(record, out))
            }
            Writer::Kcat(kcat, set) => {
                fill(records, out, full_at, |record, out| kcat.write(set, record, out))
            }
        }
    }
}

fn fill(
    records: &mut Iter<'_>,
    out: &mut Vec<u8>,
    full_at: usize,
    mut write: impl FnMut(&Record<'_>, &mut Vec<u8>),
) -> bool {
    while out.len() < full_at {
        let Some(record) = records.next() else { return false };
        write(&record, out);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn a_set_in_pieces_is_the_set() {
        let set = values("t", &["one", "two", "three", "four"]);
        for format in [
            Format::default(),
            Format::Jsonl(Jsonl::default()),
            Format::Kcat(Kcat::new("%o %s;").unwrap()),
        ] {
            let mut whole = Vec::new();
            format.write(&set, &mut whole);

            let mut pieces = Vec::new();
            let mut rendering = format.render(&set);
            let mut more = true;
            while more {
                let mut piece = Vec::new();
                more = rendering.fill(&mut piece, 1);
                pieces.push(piece);
            }
            assert_eq!(pieces.len(), 5, "a record each, and the end");
            assert_eq!(pieces.concat(), whole);
        }
    }

    #[test]
    fn what_every_record_ends_with_is_known() {
        let kcat = |format| Format::Kcat(Kcat::new(format).unwrap());
        for (format, ending) in [
            (Format::default(), "\n"),
            (Format::Binary(Binary { separator: Separator::NONE }), ""),
            (Format::Jsonl(Jsonl::default()), "\n"),
            (kcat("%k: %s;\\n"), ";\n"),
            (kcat("%k: %s"), ""),
        ] {
            assert_eq!(format.ending(), ending.as_bytes(), "{format:?}");
            let mut written = Vec::new();
            format.write(&values("t", &["x"]), &mut written);
            assert!(written.ends_with(ending.as_bytes()));
        }
    }

    #[test]
    fn records_come_one_by_one_also_where_they_are_empty() {
        let set = values("t", &["", "a", ""]);
        let format = Format::Binary(Binary { separator: Separator::NONE });
        let mut rendering = format.render(&set);
        let mut next = || {
            let mut out = Vec::new();
            rendering.write_next(&mut out).then_some(out)
        };
        let records = [Some(vec![]), Some(b"a".to_vec()), Some(vec![]), None];
        assert_eq!([(); 4].map(|()| next()), records);
    }
}
