//! The side of `kafka-protocol`, used as its documentation shows.
//!
//! It is given sound batches only: on hostile ones it takes memory until the process dies.

use std::hint::black_box;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    indexmap::IndexMap,
    protocol::StrBytes,
    records::{
        self as peer, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
        TimestampType,
    },
};
use ksink_wire::records::Compression;

use crate::bench::{batches::Sample, walk::Sum};

/// Decodes a batch and visits every field.
pub(super) fn walk(batch: &[u8]) -> Result<Sum> {
    walk_bytes(&Bytes::copy_from_slice(batch))
}

/// The same, for a race.
pub(super) fn decode_work(batch: &[u8]) -> impl FnMut() + Send + use<> {
    let batch = Bytes::copy_from_slice(batch);
    move || {
        let _ = black_box(walk_bytes(black_box(&batch)));
    }
}

fn walk_bytes(batch: &Bytes) -> Result<Sum> {
    let decoded = RecordBatchDecoder::decode(&mut batch.clone())?;
    let mut sum = Sum::default();
    for record in &decoded.records {
        sum.number(record.offset);
        sum.number(record.timestamp);
        sum.bytes(record.key.as_deref());
        sum.bytes(record.value.as_deref());
        for (key, value) in &record.headers {
            sum.bytes(Some(key.as_bytes()));
            sum.bytes(value.as_deref());
        }
    }
    Ok(sum)
}

/// Encodes the same records again and again.
pub(super) struct PeerEncoder {
    records: Vec<Record>,
    options: RecordEncodeOptions,
    out: BytesMut,
}

impl PeerEncoder {
    pub(super) fn new(codec: Compression, samples: &[Sample]) -> Self {
        let records =
            samples.iter().zip(0..).map(|(sample, index)| record(sample, index)).collect();
        let options = RecordEncodeOptions { version: 2, compression: compression(codec) };
        Self { records, options, out: BytesMut::new() }
    }

    pub(super) fn encode(&mut self) -> Result<&[u8]> {
        self.out.clear();
        RecordBatchEncoder::encode(&mut self.out, &self.records, &self.options)?;
        Ok(&self.out)
    }
}

fn record(sample: &Sample, index: i32) -> Record {
    let bytes = |text: &String| Bytes::copy_from_slice(text.as_bytes());
    let headers = sample.headers.iter();
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: index.into(),
        // The batch starts at sequence 0: sequences count as offsets do, or each record becomes a batch of its own.
        sequence: index,
        timestamp: sample.timestamp,
        key: sample.key.as_ref().map(bytes),
        value: Some(bytes(&sample.value)),
        headers: headers
            .map(|(key, value)| (StrBytes::from_static_str(key), Some(bytes(value))))
            .collect::<IndexMap<_, _>>(),
    }
}

fn compression(codec: Compression) -> peer::Compression {
    match codec {
        Compression::None => peer::Compression::None,
        Compression::Gzip => peer::Compression::Gzip,
        Compression::Snappy => peer::Compression::Snappy,
        Compression::Lz4 => peer::Compression::Lz4,
        Compression::Zstd => peer::Compression::Zstd,
    }
}
