//! The same records, written by us and read by the crate `kafka-protocol`, and the other way round.
//!
//! It is given nothing but bytes that we accepted: it aborts on hostile counts. It keeps one header of a name, and
//! names must be text. It writes no message sets.

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;
use kafka_protocol::{
    protocol::StrBytes,
    records::{
        Compression as TheirCompression, Record as TheirRecord, RecordBatchDecoder,
        RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};
use ksink_wire::records::{BatchBuilder, Compression};
use proptest::{collection::vec, option, prelude::*};

use super::support::{Owned, any_bytes, any_codec, batch, finish, read};
use crate::cases::cases;

fn theirs(codec: Compression) -> TheirCompression {
    match codec {
        Compression::None => TheirCompression::None,
        Compression::Gzip => TheirCompression::Gzip,
        Compression::Snappy => TheirCompression::Snappy,
        Compression::Lz4 => TheirCompression::Lz4,
        Compression::Zstd => TheirCompression::Zstd,
    }
}

/// What they read from bytes that we read first.
fn they_read(bytes: Vec<u8>) -> Vec<(i64, Owned)> {
    let set = RecordBatchDecoder::decode(&mut Bytes::from(bytes)).expect("bytes that we accept");
    set.records.into_iter().map(|record| (record.offset, ours(record))).collect()
}

fn ours(record: TheirRecord) -> Owned {
    let owned = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.to_vec());
    Owned {
        timestamp: record.timestamp,
        key: owned(record.key),
        value: owned(record.value),
        headers: record
            .headers
            .into_iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), owned(value)))
            .collect(),
    }
}

fn they_write(records: &[Owned], codec: Compression) -> Vec<u8> {
    let records: Vec<_> = (0..).zip(records).map(|(n, record)| their_record(n, record)).collect();
    let options = RecordEncodeOptions { version: 2, compression: theirs(codec) };
    let mut out = BytesMut::new();
    RecordBatchEncoder::encode(&mut out, &records, &options).expect("small records");
    out.to_vec()
}

fn their_record(offset: i32, record: &Owned) -> TheirRecord {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.clone().map(Bytes::from);
    let name = |key: &[u8]| {
        StrBytes::from_string(String::from_utf8(key.to_vec()).expect("names are text here"))
    };
    let headers: IndexMap<_, _> =
        record.headers.iter().map(|(key, value)| (name(key), bytes(value))).collect();
    TheirRecord {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: offset.into(),
        sequence: offset,
        timestamp: record.timestamp,
        key: bytes(&record.key),
        value: bytes(&record.value),
        headers,
    }
}

/// Records that they can express: names are text and stand once.
fn any_records() -> impl Strategy<Value = Vec<Owned>> {
    let value = || option::of(any_bytes());
    let headers =
        prop::collection::btree_map("[a-z]{0,12}", option::of(vec(any::<u8>(), 0..40)), 0..4);
    let record = (1_700_000_000_000..1_700_000_100_000_i64, value(), value(), headers).prop_map(
        |(timestamp, key, value, headers)| Owned {
            timestamp,
            key,
            value,
            headers: headers.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect(),
        },
    );
    vec(record, 1..20)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn they_read_our_batches(records in any_records(), codec in any_codec()) {
        let bytes = batch(&records, codec);
        let numbered: Vec<_> = (0..).zip(records).collect();
        prop_assert_eq!(read(&bytes), Ok(numbered.clone()));
        prop_assert_eq!(they_read(bytes), numbered);
    }

    #[test]
    fn we_read_their_batches(records in any_records(), codec in any_codec()) {
        let bytes = they_write(&records, codec);
        prop_assert_eq!(read(&bytes), Ok((0..).zip(records).collect::<Vec<_>>()));
    }

    /// Where the first record is the earliest: they count timestamps from the earliest, the Java client and we from
    /// the first.
    #[test]
    fn uncompressed_batches_are_the_same_bytes(mut records in any_records()) {
        records.sort_by_key(|record| record.timestamp);
        let mut ours = Vec::new();
        finish(BatchBuilder::new(&mut ours).producer(-1, -1, 0), &records);
        prop_assert_eq!(ours, they_write(&records, Compression::None));
    }
}
