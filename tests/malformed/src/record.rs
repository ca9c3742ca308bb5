//! Records that are cut, padded, or whose lengths lie, under a true CRC.

use ksink_wire::ErrorCode;

use crate::{
    Case,
    build::{hex, with_records},
};

/// Each is the records of a batch: how many the header counts, and their bytes.
///
/// A whole record of no key, no value and no headers is `0c 00 00 00 01 01 00`: length 6, attributes,
/// timestamp delta, offset delta, null, null, no headers. All numbers are zig-zag varints.
pub(crate) const RECORDS: &[(&str, i32, &str)] = &[
    ("a record without a length", 1, "80"),
    ("a record that lacks a byte", 1, "0e 00 00 00 01 01 00"),
    ("a record that ends before its attributes", 1, "00"),
    ("a record that ends before its timestamp", 1, "02 00"),
    ("a record that ends in its timestamp", 1, "04 00 80"),
    ("a record that ends before its offset", 1, "04 00 00"),
    ("a record that ends before its key", 1, "06 00 00 00"),
    ("a record that ends in its key", 1, "08 00 00 00 02"),
    ("a record that ends before its value", 1, "08 00 00 00 01"),
    ("a record that ends in its value", 1, "0a 00 00 00 01 02"),
    ("a record that ends before its header count", 1, "0a 00 00 00 01 01"),
    ("a record that ends before its header", 1, "0c 00 00 00 01 01 02"),
    ("a record that ends in the name of a header", 1, "0e 00 00 00 01 01 02 02"),
    ("a record that ends before the value of a header", 1, "10 00 00 00 01 01 02 02 6b"),
    ("a record that ends in the value of a header", 1, "12 00 00 00 01 01 02 02 6b 02"),
    ("a record of a negative length", 1, "01"),
    ("a key of length -2", 1, "0c 00 00 00 03 01 00"),
    ("a value of length -2", 1, "0c 00 00 00 01 03 00"),
    ("-1 headers", 1, "0c 00 00 00 01 01 01"),
    ("a header without a name", 1, "10 00 00 00 01 01 02 01 01"),
    ("a header value of length -2", 1, "12 00 00 00 01 01 02 02 6b 03"),
    ("a key longer than its record", 1, "0c 00 00 00 7e 01 00"),
    ("a value of 2^31-1 bytes", 1, "14 00 00 00 01 fe ff ff ff 0f 00"),
    ("2^31-1 headers", 1, "14 00 00 00 01 01 fe ff ff ff 0f"),
    ("a record length of too many bits", 1, "ff ff ff ff 7f 00 00 00 01 01 00"),
    ("a record length that never ends", 1, "ff ff ff ff ff ff ff ff ff ff ff ff"),
    ("a timestamp of too many bits", 1, "20 00 ff ff ff ff ff ff ff ff ff 7f 00 01 01 00"),
    ("an offset of too many bits", 1, "16 00 00 80 80 80 80 80 00 01 01 00"),
    ("a key length of too many bits", 1, "16 00 00 00 81 80 80 80 80 00 01 00"),
    ("a byte after the last header", 1, "0e 00 00 00 01 01 00 00"),
    ("a second record that is cut", 2, "0c 00 00 00 01 01 00  0c 00 00 02 01"),
    ("a second record that is missing", 2, "0c 00 00 00 01 01 00"),
    ("a second record that is not counted", 1, "0c 00 00 00 01 01 00  0c 00 00 02 01 01 00"),
    ("a stray byte after the records", 1, "0c 00 00 00 01 01 00  00"),
    ("two records with the same offset", 2, "0c 00 00 00 01 01 00  0c 00 00 00 01 01 00"),
    ("a first record with the offset 1", 1, "0c 00 00 02 01 01 00"),
    ("a negative offset", 1, "0c 00 00 01 01 01 00"),
    ("records in the wrong order", 2, "0c 00 00 02 01 01 00  0c 00 00 00 01 01 00"),
];

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    RECORDS
        .iter()
        .map(|(name, count, records)| {
            Case::of(*name, with_records(now_ms, *count, &hex(records)), ErrorCode::INVALID_RECORD)
        })
        .collect()
}
