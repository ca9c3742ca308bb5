//! Building batches, whole ones and others.

use ksink_wire::{
    compression::{Compression, Compressor},
    records::{BatchBuilder, NewRecord},
};

/// Where the fields of a batch begin.
pub(crate) mod at {
    pub(crate) const BASE_OFFSET: usize = 0;
    pub(crate) const BATCH_LENGTH: usize = 8;
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const CRC: usize = 17;
    pub(crate) const ATTRIBUTES: usize = 21;
    pub(crate) const LAST_OFFSET_DELTA: usize = 23;
    pub(crate) const MAX_TIMESTAMP: usize = 35;
    pub(crate) const PRODUCER_ID: usize = 43;
    pub(crate) const RECORDS_COUNT: usize = 57;
    pub(crate) const RECORDS: usize = 61;
}

/// The description of a whole batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Producer id, epoch and base sequence.
    pub producer: (i64, i16, i32),
    /// The codec of the records.
    pub compression: Compression,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
    /// The timestamps of its records, in milliseconds since the epoch; one each.
    pub timestamps: &'a [i64],
    /// The value of each of its records.
    pub value: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Records of these timestamps, without a producer id.
    pub fn at(timestamps: &'a [i64]) -> Self {
        Self {
            producer: (-1, -1, -1),
            compression: Compression::None,
            transactional: false,
            timestamps,
            value: b"value",
        }
    }

    /// The batch as it goes over the wire.
    pub fn bytes(self) -> Vec<u8> {
        let (mut out, mut compressor) = (Vec::new(), Compressor::new());
        let (id, epoch, sequence) = self.producer;
        let mut builder = BatchBuilder::new(&mut out)
            .producer(id, epoch, sequence)
            .compression(self.compression, &mut compressor);
        if self.transactional {
            builder = builder.transactional();
        }
        for &timestamp in self.timestamps {
            let record = NewRecord { timestamp, value: Some(self.value), ..Default::default() };
            builder.push(&record).expect("a record far below 2 GiB");
        }
        builder.finish().expect("a batch far below 2 GiB");
        out
    }
}

/// A batch of two records that nothing is wrong with.
pub(crate) fn whole(now_ms: i64) -> Vec<u8> {
    Batch::at(&[now_ms, now_ms]).bytes()
}

/// Overwrites some bytes.
pub(crate) fn patch(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// Overwrites some bytes of a batch, and makes its CRC true again.
pub(crate) fn patch_and_seal(batch: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    seal(patch(batch, at, with))
}

/// A batch whose records are these bytes, under a true length and CRC, that says it holds `count`.
pub(crate) fn with_records(now_ms: i64, count: i32, records: &[u8]) -> Vec<u8> {
    let header = Batch::at(&[now_ms]).bytes()[..at::RECORDS].to_vec();
    let batch = [&header[..], records].concat();
    let batch_length = i32::try_from(batch.len() - 12).expect("a small batch");
    let batch = patch(batch, at::BATCH_LENGTH, &batch_length.to_be_bytes());
    let batch = patch(batch, at::LAST_OFFSET_DELTA, &count.wrapping_sub(1).to_be_bytes());
    patch_and_seal(batch, at::RECORDS_COUNT, &count.to_be_bytes())
}

/// Gives a batch the CRC that its bytes have now.
pub fn seal(batch: Vec<u8>) -> Vec<u8> {
    let crc = crc(0x82f6_3b78, &batch[at::ATTRIBUTES..]);
    patch(batch, at::CRC, &crc.to_be_bytes())
}

/// A CRC bit by bit, from the reversed polynomial: slow, and nobody else's code.
pub(crate) fn crc(polynomial: u32, bytes: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (polynomial & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(!0, byte)
}

/// Bytes written as hexadecimal digits, with spaces where they help.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits");
    digits.chunks_exact(2).map(byte).collect()
}
