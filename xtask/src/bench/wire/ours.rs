//! ksink-wire's side of the race, and the floor under both.

use std::hint::black_box;

use anyhow::Result;
use ksink_wire::{
    compression::{Compressor, Decompressor},
    records::{BatchBuilder, BuildError, Compression, NewRecord, RecordBatch},
};

use crate::bench::{batches::Shape, race::Work};

/// More than any batch here decompresses to.
const DECOMPRESSED_BYTES_MAX: usize = 16 << 20;

/// Encodes the same records again and again.
pub(super) struct Encoder<'r> {
    codec: Compression,
    records: &'r [NewRecord<'r>],
    compressor: Compressor,
    out: Vec<u8>,
}

impl<'r> Encoder<'r> {
    pub(super) fn new(codec: Compression, records: &'r [NewRecord<'r>]) -> Self {
        Self { codec, records, compressor: Compressor::new(), out: Vec::new() }
    }

    pub(super) fn encode(&mut self) -> Result<&[u8], BuildError> {
        self.out.clear();
        let mut batch = BatchBuilder::new(&mut self.out);
        if self.codec != Compression::None {
            batch = batch.compression(self.codec, &mut self.compressor);
        }
        for record in self.records {
            batch.push(record)?;
        }
        batch.finish()?;
        Ok(&self.out)
    }
}

/// The least that must be done to read a batch: its CRC, and decompressing it or else one copy.
pub(super) fn decoding_floor(batch: &[u8]) -> Result<Work<'static>> {
    let codec = RecordBatch::parse_single(batch)?.attributes.compression()?;
    let sealed = batch.to_vec();
    if codec == Compression::None {
        return Ok(copying_floor(sealed));
    }
    let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    Ok(Box::new(move || {
        let batch = black_box(sealed.as_slice());
        let body = &batch[RecordBatch::HEADER_BYTES..];
        black_box(crc_fast::crc32_iscsi(batch));
        let _ = black_box(decompressor.decompress(codec, body, &mut out, DECOMPRESSED_BYTES_MAX));
    }))
}

/// The least that must be done to write a batch: compressing it or else one copy, and its CRC.
pub(super) fn encoding_floor(shape: &Shape) -> Result<Work<'static>> {
    let uncompressed = Shape { codec: Compression::None, ..*shape }.batch()?;
    if shape.codec == Compression::None {
        return Ok(copying_floor(uncompressed));
    }
    let (codec, mut compressor, mut out) = (shape.codec, Compressor::new(), Vec::new());
    Ok(Box::new(move || {
        let body = &black_box(uncompressed.as_slice())[RecordBatch::HEADER_BYTES..];
        out.clear();
        let _ = black_box(compressor.compress(codec, body, &mut out));
        black_box(crc_fast::crc32_iscsi(&out));
    }))
}

fn copying_floor(batch: Vec<u8>) -> Work<'static> {
    let mut copy = vec![0; batch.len()];
    Box::new(move || {
        let batch = black_box(batch.as_slice());
        black_box(crc_fast::crc32_iscsi(batch));
        black_box(&mut copy).copy_from_slice(batch);
    })
}
