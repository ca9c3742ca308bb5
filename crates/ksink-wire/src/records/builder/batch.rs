//! Writing v2 batches.

use super::{BuildError, NewRecord, Summary};
use crate::{
    compression::{Compression, Compressor, Lz4Header},
    crc::crc32c,
    records::{
        Attributes, EndMarker,
        batch::{CRC_END, HEADER_BYTES, LENGTH_END, MAGIC},
        encode::{Deltas, body_len, length, put, put_record},
        walk::NO_TIMESTAMP,
    },
    varint::varint_len,
};

/// Writes one batch to the end of a vector.
///
/// ```
/// use ksink_wire::records::{BatchBuilder, NewRecord};
///
/// let mut out = Vec::new();
/// let mut batch = BatchBuilder::new(&mut out).producer(4000, 0, 0);
/// batch.push(&NewRecord { timestamp: 1_700_000_000_000, value: Some(b"hello"), ..Default::default() })?;
/// let summary = batch.finish()?;
/// assert_eq!((summary.records, summary.bytes), (1, out.len()));
/// # Ok::<(), ksink_wire::records::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "a batch is whole once it is finished"]
pub struct BatchBuilder<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    compression: Option<(Compression, &'o mut Compressor)>,
    attributes: i16,
    base_offset: i64,
    leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    records: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl<'o> BatchBuilder<'o> {
    /// A batch as a producer without idempotence sends it: offset 0, no producer, uncompressed.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        out.resize(start + HEADER_BYTES, 0);
        Self {
            out,
            start,
            compression: None,
            attributes: 0,
            base_offset: 0,
            leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records: 0,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
        }
    }

    /// Compresses the records.
    pub fn compression(mut self, codec: Compression, compressor: &'o mut Compressor) -> Self {
        self.compression = Some((codec, compressor));
        self
    }

    /// The producer's id and epoch, and the sequence number of the first record.
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        (self.producer_id, self.producer_epoch) = (id, epoch);
        self.base_sequence = base_sequence;
        self
    }

    /// Makes the batch part of a transaction.
    pub fn transactional(mut self) -> Self {
        self.attributes |= Attributes::TRANSACTIONAL;
        self
    }

    /// Says that the batch's highest timestamp, the time of its append, holds for all of its records.
    pub fn log_append_time(mut self) -> Self {
        self.attributes |= Attributes::LOG_APPEND_TIME;
        self
    }

    /// The offset of the first record, as a broker gives it.
    pub fn base_offset(mut self, offset: i64) -> Self {
        self.base_offset = offset;
        self
    }

    /// The epoch of the partition's leader, as a broker gives it.
    pub fn leader_epoch(mut self, epoch: i32) -> Self {
        self.leader_epoch = epoch;
        self
    }

    /// Adds a record; its offset is the next one.
    ///
    /// # Errors
    /// When the record is 2 GiB or more. The batch is as it was then.
    pub fn push(&mut self, record: &NewRecord<'_>) -> Result<(), BuildError> {
        let first = self.records == 0;
        let base_timestamp = if first { record.timestamp } else { self.base_timestamp };
        let deltas = Deltas {
            timestamp: record.timestamp.wrapping_sub(base_timestamp),
            offset: self.records.into(),
        };
        let body_bytes = body_len(record, deltas)?;
        let records = self.records.checked_add(1).ok_or(BuildError::TooLarge)?;
        self.out.reserve(body_bytes as usize + varint_len(body_bytes));
        put_record(self.out, record, deltas, body_bytes);
        self.records = records;
        self.base_timestamp = base_timestamp;
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        Ok(())
    }

    /// Finishes a batch that holds nothing but the end of a transaction.
    ///
    /// # Errors
    /// Those of [`Self::finish`].
    pub fn finish_with_marker(mut self, marker: EndMarker) -> Result<Summary, BuildError> {
        self.attributes |= Attributes::CONTROL | Attributes::TRANSACTIONAL;
        let (key, value) = (marker.key(), marker.value());
        self.push(&NewRecord {
            timestamp: marker.timestamp,
            key: Some(&key),
            value: Some(&value),
            headers: &[],
        })?;
        self.finish()
    }

    /// Compresses the records where that is wanted, and seals the batch.
    ///
    /// # Errors
    /// When the batch would be 2 GiB or more, or the codec is not part of this build; the batch is taken off the
    /// vector then.
    pub fn finish(mut self) -> Result<Summary, BuildError> {
        let result = self.seal();
        if result.is_err() {
            self.out.truncate(self.start);
        }
        result
    }

    fn seal(&mut self) -> Result<Summary, BuildError> {
        if let Some((codec, compressor)) = &mut self.compression {
            let records_start = self.start + HEADER_BYTES;
            compressor.compress_tail(*codec, Lz4Header::Standard, self.out, records_start)?;
            self.attributes |= codec.bits();
        }
        let bytes = self.out.len() - self.start;
        let batch_length = length(bytes - LENGTH_END)?;
        let batch = self.out.get_mut(self.start..).unwrap_or_default();
        put(batch, 0, &self.base_offset.to_be_bytes());
        put(batch, 8, &batch_length.to_be_bytes());
        put(batch, 12, &self.leader_epoch.to_be_bytes());
        put(batch, 16, &MAGIC.to_be_bytes());
        put(batch, 21, &self.attributes.to_be_bytes());
        put(batch, 23, &(self.records - 1).to_be_bytes());
        put(batch, 27, &self.base_timestamp.to_be_bytes());
        put(batch, 35, &self.max_timestamp.to_be_bytes());
        put(batch, 43, &self.producer_id.to_be_bytes());
        put(batch, 51, &self.producer_epoch.to_be_bytes());
        put(batch, 53, &self.base_sequence.to_be_bytes());
        put(batch, 57, &self.records.to_be_bytes());
        let crc = crc32c(batch.get(CRC_END..).unwrap_or_default());
        put(batch, 17, &crc.to_be_bytes());
        let max_timestamp = self.max_timestamp;
        Ok(Summary { records: self.records as usize, bytes, max_timestamp })
    }
}
