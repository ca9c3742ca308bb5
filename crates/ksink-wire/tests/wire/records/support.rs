//! Records that own their bytes, to write, to read and to compare.

use ksink_wire::{
    compression::{Compressor, Decompressor},
    records::{
        BatchBuilder, Compression, Header, MessageSet, MessageSetBuilder, NewRecord, Record,
        RecordBatch, RecordError, Records, Summary,
    },
};
use proptest::{collection::vec, option, prelude::*};

use crate::hex::hex;

/// More than any test writes.
pub(crate) const CAP: usize = 1 << 20;

pub(crate) type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<OwnedHeader>,
}

impl Owned {
    /// A record with a timestamp and a value, and no more.
    pub(crate) fn value(timestamp: i64, value: &[u8]) -> Self {
        Self { timestamp, key: None, value: Some(value.to_vec()), headers: Vec::new() }
    }

    /// Hands the record to a builder.
    pub(crate) fn with<T>(&self, write: impl FnOnce(&NewRecord<'_>) -> T) -> T {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(key, value)| Header { key, value: value.as_deref() })
            .collect();
        write(&NewRecord {
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
        })
    }
}

impl From<Record<'_>> for Owned {
    fn from(record: Record<'_>) -> Self {
        let headers = record.headers.iter();
        Self {
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

/// A batch of these records, with the defaults of a producer without idempotence.
pub(crate) fn batch(records: &[Owned], codec: Compression) -> Vec<u8> {
    let (mut out, mut compressor) = (Vec::new(), Compressor::new());
    let builder = BatchBuilder::new(&mut out).compression(codec, &mut compressor);
    finish(builder, records);
    out
}

/// Pushes the records and finishes the batch.
pub(crate) fn finish(mut builder: BatchBuilder<'_>, records: &[Owned]) -> Summary {
    for record in records {
        record.with(|record| builder.push(record)).expect("small records");
    }
    builder.finish().expect("a small batch")
}

/// What a reader makes of the bytes of exactly one batch: its records with their offsets.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(i64, Owned)>, RecordError> {
    let batch = RecordBatch::parse_single(bytes)?;
    batch.verify_crc()?;
    let mut out = Vec::new();
    let records = batch.open(&mut Decompressor::new(), &mut out, CAP)?;
    Ok(numbered(records))
}

/// A message set of these records, whose headers a set cannot hold and whose timestamps magic 0 cannot.
pub(crate) fn message_set(magic: i8, records: &[Owned], codec: Compression) -> Vec<u8> {
    let (mut out, mut compressor) = (Vec::new(), Compressor::new());
    let builder = match magic {
        0 => MessageSetBuilder::v0(&mut out),
        _ => MessageSetBuilder::v1(&mut out),
    };
    finish_set(builder.compression(codec, &mut compressor), records);
    out
}

/// Pushes the records without their headers and finishes the set.
pub(crate) fn finish_set(mut builder: MessageSetBuilder<'_>, records: &[Owned]) -> Summary {
    for record in records {
        let pushed = record.with(|record| builder.push(&NewRecord { headers: &[], ..*record }));
        pushed.expect("small records");
    }
    builder.finish().expect("a small set")
}

/// What a reader makes of a message set.
pub(crate) fn read_set(bytes: &[u8]) -> Result<Vec<(i64, Owned)>, RecordError> {
    let mut out = Vec::new();
    let set = MessageSet::parse(bytes)?;
    let records = set.open(&mut Decompressor::new(), &mut out, CAP)?;
    Ok(numbered(records))
}

pub(crate) fn numbered(records: Records<'_>) -> Vec<(i64, Owned)> {
    records.iter().map(|record| (record.offset, record.into())).collect()
}

/// The bytes with `field` written over what stands at `at`.
pub(crate) fn patched(mut bytes: Vec<u8>, at: usize, field: &[u8]) -> Vec<u8> {
    bytes.splice(at..at + field.len(), field.iter().copied());
    bytes
}

/// Gives a batch the CRC of what it is.
pub(crate) fn seal(bytes: Vec<u8>) -> Vec<u8> {
    let crc = RecordBatch::parse(&bytes).map(|(batch, _)| {
        // Byte by byte, from the polynomial.
        !batch.bytes().iter().skip(21).fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 * (crc & 1)))
        })
    });
    patched(bytes, 17, &crc.expect("a whole header").to_be_bytes())
}

/// A batch of two records.
pub(crate) fn whole() -> Vec<u8> {
    batch(&[Owned::value(1000, b"first"), Owned::value(2000, b"second")], Compression::None)
}

/// A batch whose records are these bytes, under a right CRC.
pub(crate) fn with_body(count: i32, body: &str) -> Vec<u8> {
    let header = batch(&[], Compression::None);
    let bytes = [header, hex(body)].concat();
    let batch_length = bytes.len() as i32 - 12;
    let bytes = patched(bytes, 8, &batch_length.to_be_bytes());
    let bytes = patched(bytes, 23, &(count - 1).to_be_bytes());
    seal(patched(bytes, 57, &count.to_be_bytes()))
}

/// A message without key, as bytes: everything by hand.
pub(crate) fn message(offset: i64, magic: u8, attributes: u8, value: Option<&[u8]>) -> Vec<u8> {
    let mut fields = vec![magic, attributes];
    if magic > 0 {
        fields.extend_from_slice(&5000_i64.to_be_bytes());
    }
    fields.extend_from_slice(&(-1_i32).to_be_bytes());
    let value_bytes = value.map_or(-1, |value| value.len() as i32);
    fields.extend_from_slice(&value_bytes.to_be_bytes());
    fields.extend_from_slice(value.unwrap_or_default());
    [
        &offset.to_be_bytes()[..],
        &(fields.len() as i32 + 4).to_be_bytes(),
        &crc32(&fields).to_be_bytes(),
        &fields,
    ]
    .concat()
}

/// CRC-32, bit by bit from the polynomial.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

pub(crate) fn compressed(codec: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new().compress(codec, bytes, &mut out).expect("a codec of this build");
    out
}

pub(crate) fn any_codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(Compression::ALL.to_vec())
}

/// The codecs that message sets know.
pub(crate) fn any_old_codec() -> impl Strategy<Value = Compression> {
    any_codec().prop_filter("newer than message sets", |codec| *codec != Compression::Zstd)
}

/// Bytes of every length class that the varints know, random or repetitive.
pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..80),
        2 => vec(any::<u8>(), 60..300),
        1 => (any::<u8>(), 0..20_000_usize).prop_map(|(byte, n)| vec![byte; n]),
    ]
}

pub(crate) fn any_record() -> impl Strategy<Value = Owned> {
    let timestamp = prop_oneof![Just(-1), 1_700_000_000_000..1_700_000_100_000_i64, any::<i64>(),];
    let headers = vec((vec(any::<u8>(), 0..20), option::of(vec(any::<u8>(), 0..40))), 0..4);
    (timestamp, option::of(any_bytes()), option::of(any_bytes()), headers)
        .prop_map(|(timestamp, key, value, headers)| Owned { timestamp, key, value, headers })
}

pub(crate) fn any_records() -> impl Strategy<Value = Vec<Owned>> {
    vec(any_record(), 1..20)
}
