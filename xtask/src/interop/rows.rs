//! The rows of the matrix: what is tried with every client.

use super::plan::{Cell, Record};

/// The partitions that each topic has.
pub(crate) const PARTITIONS: i32 = 4;

/// The name of the row whose size `--count` sets.
pub(crate) const VOLUME: &str = "volume";

/// One row: its name is that of its cells, and the start of its topics' names.
pub(crate) struct Row {
    pub name: &'static str,
    pub shows: &'static str,
    build: fn(Cell, usize) -> Cell,
}

impl Row {
    /// What a client has to send for this row; `count` is the size of the large one.
    pub(crate) fn cell(&self, count: usize) -> Cell {
        let blank = Cell { name: self.name, acks: None, compression: None, records: Vec::new() };
        (self.build)(blank, count)
    }
}

pub(crate) const ROWS: &[Row] = &[
    Row { name: "plain", shows: "values alone", build: plain },
    Row { name: "keys", shows: "a key, an empty key, no key", build: keys },
    Row { name: "null-value", shows: "a null value, an empty value", build: null_value },
    Row { name: "binary", shows: "a key and a value of any bytes", build: binary },
    Row { name: "headers", shows: "several headers, in order", build: headers },
    Row { name: "headers-repeated", shows: "a header name twice", build: headers_repeated },
    Row { name: "headers-binary", shows: "header values of any bytes", build: headers_binary },
    Row { name: "headers-null", shows: "a null header, an empty header", build: headers_null },
    Row {
        name: "timestamps",
        shows: "timestamps to the millisecond, in any order",
        build: timestamps,
    },
    Row {
        name: "timestamp-zero",
        shows: "the timestamp 0, which is not the absence of one",
        build: timestamp_zero,
    },
    Row { name: "partitions", shows: "records to the partition that was named", build: partitions },
    Row { name: "codec-none", shows: "no compression", build: |cell, _| codec(cell, "none") },
    Row { name: "codec-gzip", shows: "gzip", build: |cell, _| codec(cell, "gzip") },
    Row { name: "codec-snappy", shows: "snappy", build: |cell, _| codec(cell, "snappy") },
    Row { name: "codec-lz4", shows: "lz4", build: |cell, _| codec(cell, "lz4") },
    Row { name: "codec-zstd", shows: "zstd", build: |cell, _| codec(cell, "zstd") },
    Row { name: "acks-0", shows: "no acknowledgement", build: |cell, _| acks(cell, "0") },
    Row { name: "acks-1", shows: "acknowledged by the leader", build: |cell, _| acks(cell, "1") },
    Row { name: "acks-all", shows: "acknowledged by all", build: |cell, _| acks(cell, "all") },
    Row { name: VOLUME, shows: "many records over 3 topics and 4 partitions", build: volume },
];

fn plain(cell: Cell, _: usize) -> Cell {
    let records =
        (0..100).map(|n| Record::new(cell.name, format!("plain {n}: \"ä\" <&> \\ 本"))).collect();
    Cell { records, ..cell }
}

fn keys(cell: Cell, _: usize) -> Cell {
    let records = (0..30).map(|n| {
        let record = Record::new(cell.name, format!("value {n}"));
        match n % 3 {
            0 => record.key(format!("key {n}")),
            1 => record.key(""),
            _ => record,
        }
    });
    Cell { records: records.collect(), ..cell }
}

fn null_value(cell: Cell, _: usize) -> Cell {
    let record = |key: &str| Record::new(cell.name, "").key(key);
    let records = vec![
        record("deleted").null_value(),
        record("empty"),
        Record::new(cell.name, "the word null: null").key("text"),
        Record::new(cell.name, "").null_value(),
        record("deleted again").null_value(),
    ];
    Cell { records, ..cell }
}

fn binary(cell: Cell, _: usize) -> Cell {
    let every_byte: Vec<u8> = (0..=255).collect();
    let records = vec![
        Record::new(cell.name, every_byte.clone()).key(every_byte),
        Record::new(cell.name, [0, 0xFF, 0xFE, 0x80, 1]).key([0xC3, 0x28]),
        Record::new(cell.name, [0]).key([0]),
        Record::new(cell.name, "\r\n\t").key("\n"),
    ];
    Cell { records, ..cell }
}

fn headers(cell: Cell, _: usize) -> Cell {
    let records = (0..10).map(|n| {
        let record = Record::new(cell.name, format!("value {n}"));
        record
            .header("z", "last in the alphabet")
            .header("a", format!("{n}"))
            .header("quoted", "\"<&>\\\" ä")
    });
    Cell { records: records.collect(), ..cell }
}

fn headers_repeated(cell: Cell, _: usize) -> Cell {
    let records = (0..5).map(|n| {
        let record = Record::new(cell.name, format!("value {n}"));
        record
            .header("via", "first")
            .header("between", "other")
            .header("via", format!("second {n}"))
    });
    Cell { records: records.collect(), ..cell }
}

fn headers_binary(cell: Cell, _: usize) -> Cell {
    let every_byte: Vec<u8> = (0..=255).collect();
    let records = vec![
        Record::new(cell.name, "one").header("bytes", every_byte),
        Record::new(cell.name, "two").header("text", "text").header("bytes", [0xFF, 0xFE]),
        Record::new(cell.name, "three").header("zero", [0]),
    ];
    Cell { records, ..cell }
}

fn headers_null(cell: Cell, _: usize) -> Cell {
    let records = vec![
        Record::new(cell.name, "one").null_header("null"),
        Record::new(cell.name, "two").header("empty", ""),
        Record::new(cell.name, "three")
            .null_header("both")
            .header("both", "")
            .header("text", "text"),
    ];
    Cell { records, ..cell }
}

fn timestamps(cell: Cell, _: usize) -> Cell {
    let instants =
        [1_789_000_000_123, 1, 999, 951_782_400_000, 1_000_000_000_000, 1_789_000_000_122];
    let records = instants
        .iter()
        .map(|ms| Record::new(cell.name, format!("at {ms}")).timestamp_ms(*ms))
        .collect();
    Cell { records, ..cell }
}

fn timestamp_zero(cell: Cell, _: usize) -> Cell {
    Cell { records: vec![Record::new(cell.name, "at 0").timestamp_ms(0)], ..cell }
}

fn partitions(cell: Cell, _: usize) -> Cell {
    let turns = (0..PARTITIONS).cycle().take(40).enumerate();
    let records = turns
        .map(|(n, partition)| Record::new(cell.name, format!("value {n}")).partition(partition))
        .collect();
    Cell { records, ..cell }
}

fn codec(cell: Cell, codec: &'static str) -> Cell {
    let compressible = "the same words again and again, ".repeat(4);
    let records = (0..200)
        .map(|n| Record::new(cell.name, format!("{compressible}{n}")).key(format!("{}", n % 7)));
    Cell { compression: Some(codec), records: records.collect(), ..cell }
}

fn acks(cell: Cell, acks: &'static str) -> Cell {
    let records = (0..50).map(|n| Record::new(cell.name, format!("value {n}"))).collect();
    Cell { acks: Some(acks), records, ..cell }
}

/// Keys, so that every partitioner uses every partition.
fn volume(cell: Cell, count: usize) -> Cell {
    let records = (0..count).map(|n| {
        let topic = format!("{}.{}", cell.name, n % 3);
        Record::new(&topic, format!("value {n} of {count}")).key(format!("key {}", n % 101))
    });
    Cell { records: records.collect(), ..cell }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{super::compare::identity, *};

    #[test]
    fn no_two_records_of_a_cell_are_alike() {
        for row in ROWS {
            let records = row.cell(1_000).records;
            let distinct: HashSet<_> = records.iter().map(identity).collect();
            assert_eq!(distinct.len(), records.len(), "{}", row.name);
        }
    }

    #[test]
    fn every_topic_belongs_to_one_row() {
        let mut owners = HashMap::new();
        for row in ROWS {
            for record in row.cell(1_000).records {
                assert_eq!(*owners.entry(record.topic).or_insert(row.name), row.name);
            }
        }
    }
}
