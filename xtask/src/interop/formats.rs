//! The formats other than jsonl, filled by one real client and compared byte for byte.

use std::{fs, path::Path};

use super::plan::{Cell, Header, Record};

/// The client that fills them.
pub(crate) const CLIENT: &str = "confluent-kafka";

/// One output format, and what it makes of a record, in words of our own.
pub(crate) struct Format {
    pub name: &'static str,
    pub flags: &'static [&'static str],
    render: fn(usize, &Record) -> Vec<u8>,
}

pub(crate) const FORMATS: &[Format] = &[
    Format { name: "format-binary", flags: &["--output-format", "binary"], render: render_binary },
    Format {
        name: "format-kcat",
        flags: &[
            "--output-format",
            "kcat",
            "--output-format-string",
            r"%t[%p]@%o %K:%k %S:%s %R %T {%h} 100%%\n",
        ],
        render: render_kcat,
    },
];

impl Format {
    /// All into one partition, so that the file has one order.
    pub(crate) fn cell(&self) -> Cell {
        let record = |value: &[u8]| Record::new(self.name, value).partition(0);
        let records = vec![
            record(b"text").key("key").timestamp_ms(1_789_000_000_123),
            record(b"").key("").timestamp_ms(1),
            record(b"").null_value().key("deleted").timestamp_ms(2),
            record(&[0, 0xFF, 0xFE, b'\n', 0x80]).key([0xC3, 0x28]).timestamp_ms(3),
            record(b"headers").header("a", "1").null_header("b").header("a", "").timestamp_ms(4),
        ];
        Cell { name: self.name, acks: Some("all"), records, ..Cell::default() }
    }

    /// What is wrong with the file of the cell's topic, in sentences. A file with a planted fault must
    /// be wrong, too.
    pub(crate) fn check(&self, folder: &Path) -> Vec<String> {
        let file = folder.join(self.name);
        let written = match fs::read(&file) {
            Ok(written) => written,
            Err(error) => return vec![format!("cannot read {}: {error}", file.display())],
        };
        let expected: Vec<Vec<u8>> = self
            .cell()
            .records
            .iter()
            .enumerate()
            .map(|(n, record)| (self.render)(n, record))
            .collect();
        let mut differences = compare(&expected.concat(), &written);
        if differences.is_empty() {
            let unnoticed = spoil(&expected)
                .into_iter()
                .filter(|(_, bytes)| compare(&expected.concat(), bytes).is_empty());
            differences.extend(
                unnoticed.map(|(fault, _)| format!("a planted fault was not noticed: {fault}")),
            );
        }
        differences
    }
}

fn compare(expected: &[u8], written: &[u8]) -> Vec<String> {
    if expected == written {
        return Vec::new();
    }
    let place =
        expected.iter().zip(written).take_while(|(expected, written)| expected == written).count();
    let from = |bytes: &[u8]| {
        bytes[place..].iter().take(40).copied().collect::<Vec<u8>>().escape_ascii().to_string()
    };
    vec![format!(
        "differs at byte {place}: expected \"{}\", found \"{}\"",
        from(expected),
        from(written)
    )]
}

fn spoil(records: &[Vec<u8>]) -> [(&'static str, Vec<u8>); 4] {
    let [first, second, rest @ ..] = records else {
        panic!("a format is tried with several records")
    };
    let mut flipped = records.concat();
    flipped[0] ^= 1;
    [
        ("a record dropped", records[1..].concat()),
        ("a record twice", [first.clone(), records.concat()].concat()),
        ("two records swapped", [second.clone(), first.clone(), rest.concat()].concat()),
        ("a bit flipped", flipped),
    ]
}

/// The value, or nothing for null, and a line feed.
fn render_binary(_: usize, record: &Record) -> Vec<u8> {
    [record.value.as_deref().unwrap_or_default(), b"\n"].concat()
}

fn render_kcat(offset: usize, record: &Record) -> Vec<u8> {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(-1, |bytes| bytes.len() as i32);
    let (key, value) =
        (record.key.as_deref().unwrap_or_default(), record.value.as_deref().unwrap_or_default());
    let timestamp_ms = record.timestamp_ms.expect("every record of these cells has one");
    let headers: Vec<Vec<u8>> = record.headers.iter().map(render_header).collect();
    let mut line = format!("{}[0]@{offset} {}:", record.topic, length(&record.key)).into_bytes();
    line.extend([key, format!(" {}:", length(&record.value)).as_bytes(), value, b" "].concat());
    line.extend(length(&record.value).to_be_bytes());
    line.extend(format!(" {timestamp_ms} {{").into_bytes());
    line.extend(headers.join(&b","[..]));
    line.extend(b"} 100%\n");
    line
}

fn render_header(Header(name, value): &Header) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_deref().unwrap_or(b"NULL")].concat()
}
