//! The rows of the matrix: what is tried with every client.

use super::{
    admin::Admin,
    http,
    plan::{Cell, Record},
    refusal::Refusal,
    setting::{self, Setting},
    transactions,
};

/// The partitions that each topic has.
pub(crate) const PARTITIONS: i32 = 4;

/// The name of the row whose size `--count` sets.
pub(crate) const VOLUME: &str = "volume";

/// One row: its name is that of its cells, and the start of its topics' names.
pub(crate) struct Row {
    pub name: &'static str,
    pub shows: &'static str,
    pub setting: &'static Setting,
    pub build: fn(Cell, usize) -> Cell,
}

impl Row {
    /// All rows, in the order of the report.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        ROWS.iter().chain(transactions::rows::ROWS)
    }

    /// What a client has to send for this row; `count` is the size of the large one.
    pub(crate) fn cell(&self, count: usize) -> Cell {
        (self.build)(Cell { name: self.name, ..Cell::default() }, count)
    }
}

const ROWS: &[Row] = &[
    open("plain", "values alone", plain),
    open("keys", "a key, an empty key, no key", keys),
    open("null-value", "a null value, an empty value", null_value),
    open("binary", "a key and a value of any bytes", binary),
    open("headers", "several headers, in order", headers),
    open("headers-repeated", "a header name twice", headers_repeated),
    open("headers-binary", "header values of any bytes", headers_binary),
    open("headers-null", "a null header, an empty header", headers_null),
    open("timestamps", "timestamps to the millisecond, in any order", timestamps),
    open("timestamp-zero", "the timestamp 0, which is not the absence of one", timestamp_zero),
    open("partitions", "records to the partition that was named", partitions),
    open(
        "more-partitions",
        "every partition, as the client's partitioner chooses",
        more_partitions,
    ),
    open("codec-none", "no compression", |cell, _| codec(cell, "none")),
    open("codec-gzip", "gzip", |cell, _| codec(cell, "gzip")),
    open("codec-snappy", "snappy", |cell, _| codec(cell, "snappy")),
    open("codec-lz4", "lz4", |cell, _| codec(cell, "lz4")),
    open("codec-zstd", "zstd", |cell, _| codec(cell, "zstd")),
    open("acks-0", "no acknowledgement", |cell, _| acks(cell, "0")),
    open("acks-1", "acknowledged by the leader", |cell, _| acks(cell, "1")),
    open("acks-all", "acknowledged by all", |cell, _| acks(cell, "all")),
    open("idempotent", "batches that are numbered, and must be on the wire", idempotent),
    open(
        "duplicates-after-reconnect",
        "acknowledgements cut off, twice: numbered batches are sent again, and land once",
        duplicates_after_reconnect,
    ),
    open(VOLUME, "many records over 3 topics and 4 partitions", volume),
    open("illegal-topic", "a topic that no broker would have is refused, code 17", illegal_topic),
    open("admin", "a topic is created, described, given more partitions and deleted", admin),
    strict("restricted-topic", "a topic outside of --topics is refused, code 29", restricted_topic),
    strict(
        "oversize",
        "a record over --max-message-bytes is refused, code 10; others are not",
        oversize,
    ),
    http("http", "a post for each record, with all that it has", http_records),
    http(
        "http-fails-twice",
        "a server that fails twice for each record, and then takes it",
        |cell, _| Cell { http: http::Answer::FailsTwice, ..http_records(cell, 0) },
    ),
    http(
        "http-dlq",
        "a server that refuses each record: all are among the dead letters",
        |cell, _| Cell { http: http::Answer::Refuses, ..http_records(cell, 0) },
    ),
];

const fn open(name: &'static str, shows: &'static str, build: fn(Cell, usize) -> Cell) -> Row {
    Row { name, shows, setting: &Setting::OPEN, build }
}

const fn strict(name: &'static str, shows: &'static str, build: fn(Cell, usize) -> Cell) -> Row {
    Row { name, shows, setting: &Setting::STRICT, build }
}

const fn http(name: &'static str, shows: &'static str, build: fn(Cell, usize) -> Cell) -> Row {
    Row { name, shows, setting: &Setting::HTTP, build }
}

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

/// Keys, so that every partitioner uses every partition; and records without, which it may put
/// where it likes.
fn more_partitions(cell: Cell, _: usize) -> Cell {
    let records = (0..200).map(|n| {
        let record = Record::new(cell.name, format!("value {n}"));
        if n % 4 == 0 { record } else { record.key(format!("key {n}")) }
    });
    Cell { records: records.collect(), spread: true, ..cell }
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

fn idempotent(cell: Cell, _: usize) -> Cell {
    let records =
        (0..100).map(|n| Record::new(cell.name, format!("value {n}")).key(format!("{}", n % 7)));
    Cell { idempotent: Some(true), records: records.collect(), ..cell }
}

fn duplicates_after_reconnect(cell: Cell, count: usize) -> Cell {
    Cell { cuts: 2, ..idempotent(cell, count) }
}

/// Keys, so that every partitioner uses every partition.
fn volume(cell: Cell, count: usize) -> Cell {
    const MANY: usize = 1_000;
    let records = (0..count).map(|n| {
        let topic = format!("{}.{}", cell.name, n % 3);
        Record::new(&topic, format!("value {n} of {count}")).key(format!("key {}", n % 101))
    });
    Cell { records: records.collect(), spread: count >= MANY, ..cell }
}

/// More partitions than topics have here by default, so that they are not taken for it.
fn admin(cell: Cell, _: usize) -> Cell {
    let admin = Admin {
        topic: cell.name,
        partitions: PARTITIONS + 1,
        more_partitions: PARTITIONS + 3,
        retention_ms: "3600000",
    };
    Cell { admin: Some(admin), ..cell }
}

/// The name says nothing that a report of it could be mistaken for.
fn illegal_topic(cell: Cell, _: usize) -> Cell {
    let record = Record::new("not a name", "value").refused(Refusal::IllegalTopic);
    Cell { records: vec![record], one_by_one: true, ..cell }
}

fn restricted_topic(cell: Cell, _: usize) -> Cell {
    let record = Record::new(cell.name, "value").refused(Refusal::RestrictedTopic);
    Cell { records: vec![record], one_by_one: true, ..cell }
}

/// The large one is noise, so that it is large after compression, too; but text, for clients that read
/// lines. Without an acknowledgement, the default of some, nobody would hear of the refusal.
fn oversize(cell: Cell, _: usize) -> Cell {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[(state >> 26) as usize]
    });
    let large: Vec<u8> = noise.take(3 * setting::MESSAGE_BYTES_MAX).collect();
    let records = vec![
        Record::new(cell.name, "before"),
        Record::new(cell.name, large).refused(Refusal::TooLarge),
        Record::new(cell.name, "after"),
    ];
    Cell { acks: Some("all"), records, one_by_one: true, ..cell }
}

fn http_records(cell: Cell, _: usize) -> Cell {
    let mut records: Vec<Record> = (0..20)
        .map(|n| Record::new(cell.name, format!("value {n}")).key(format!("{}", n % 7)))
        .collect();
    records.extend([
        Record::new(cell.name, "").null_value().key("deleted"),
        Record::new(cell.name, "").key(""),
        Record::new(cell.name, "stamped").timestamp_ms(1_789_000_000_123),
        Record::new(cell.name, "headers")
            .header("via", "first")
            .header("a", "1")
            .header("via", "second"),
    ]);
    Cell { records, ..cell }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{super::compare::identity, *};

    #[test]
    fn no_two_records_of_a_cell_are_alike() {
        for row in Row::all() {
            let records = row.cell(1_000).records;
            let distinct: HashSet<_> = records.iter().map(identity).collect();
            assert_eq!(distinct.len(), records.len(), "{}", row.name);
        }
    }

    #[test]
    fn every_topic_belongs_to_one_row() {
        let mut owners = HashMap::new();
        for row in Row::all() {
            for record in row.cell(1_000).records {
                assert_eq!(*owners.entry(record.topic).or_insert(row.name), row.name);
            }
        }
    }
}
