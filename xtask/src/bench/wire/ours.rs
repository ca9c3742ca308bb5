//! ksink-wire's side of the race, and the floor under both.

use std::hint::black_box;

use anyhow::Result;
use ksink_wire::{
    compression::{Compressor, Decompressor},
    records::{BatchBuilder, BuildError, Compression, NewRecord, RecordBatch},
};

use crate::bench::batches::Shape;

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

/// The least that must be done with a batch: its CRC, and the codec or, where there is none, one copy.
pub(super) struct Floor {
    sealed: Vec<u8>,
    copy: Vec<u8>,
    codec: Codec,
}

enum Codec {
    None,
    Decompress { codec: Compression, decompressor: Decompressor, body: Vec<u8> },
    Compress { codec: Compression, compressor: Compressor, body: Vec<u8> },
}

impl Floor {
    pub(super) fn of_decoding(batch: &[u8]) -> Result<Self> {
        let parsed = RecordBatch::parse_single(batch)?;
        let codec = match parsed.attributes.compression()? {
            Compression::None => Codec::None,
            codec => Codec::Decompress {
                codec,
                decompressor: Decompressor::new(),
                body: parsed.body().to_vec(),
            },
        };
        Ok(Self { sealed: batch.to_vec(), copy: vec![0; batch.len()], codec })
    }

    pub(super) fn of_encoding(shape: &Shape) -> Result<Self> {
        let uncompressed = Shape { codec: Compression::None, ..*shape }.batch()?;
        let body = RecordBatch::parse_single(&uncompressed)?.body().to_vec();
        let codec = match shape.codec {
            Compression::None => Codec::None,
            codec => Codec::Compress { codec, compressor: Compressor::new(), body },
        };
        let sealed = shape.batch()?;
        Ok(Self { copy: vec![0; sealed.len()], sealed, codec })
    }

    pub(super) fn run(&mut self) {
        black_box(crc_fast::crc32_iscsi(black_box(&self.sealed)));
        let Self { sealed, copy, codec } = self;
        match codec {
            Codec::None => black_box(copy).copy_from_slice(black_box(sealed)),
            Codec::Decompress { codec, decompressor, body } => {
                let body = black_box(body.as_slice());
                let _ =
                    black_box(decompressor.decompress(*codec, body, copy, DECOMPRESSED_BYTES_MAX));
            }
            Codec::Compress { codec, compressor, body } => {
                copy.clear();
                let _ = black_box(compressor.compress(*codec, black_box(body.as_slice()), copy));
            }
        }
    }
}
