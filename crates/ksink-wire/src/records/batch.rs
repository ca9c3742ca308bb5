//! The sealed batch of magic 2, Kafka's format since 0.11 (KIP-98).
//!
//! ```text
//!  0  base_offset            i64     21  attributes          i16
//!  8  batch_length           i32     23  last_offset_delta   i32
//! 12  partition_leader_epoch i32     27  base_timestamp      i64
//! 16  magic                  i8      35  max_timestamp       i64
//! 17  crc                    u32     43  producer_id         i64
//!                                    51  producer_epoch      i16
//!                                    53  base_sequence       i32
//!                                    57  records_count       i32
//!                                    61  records, compressed together
//! ```
//!
//! `batch_length` counts from byte 12 on, the CRC-32C covers everything from byte 21 on. So a broker can give a batch
//! its offset and its leader's epoch without touching what the producer signed.

use nom::{
    IResult,
    number::complete::{be_i8, be_i16, be_i32, be_i64, be_u32},
};

use super::{
    RecordError,
    walk::{Base, Records, Walk},
};
use crate::{
    compression::{Compression, CompressionError, Decompressor},
    crc::crc32c,
};

/// How many bytes precede the records.
pub(super) const HEADER_BYTES: usize = 61;
/// How many bytes precede what `batch_length` counts.
pub(super) const LENGTH_END: usize = 12;
/// Where the magic byte stands, in batches and in messages.
const MAGIC_AT: usize = 16;
/// Where the bytes begin that the CRC covers.
pub(super) const CRC_END: usize = 21;
/// The magic byte of a batch.
pub(super) const MAGIC: i8 = 2;

/// The attribute bits of a batch: 0 to 2 name the codec, 3 to 5 have the constants below, the others mean nothing that
/// is of use to clients and are ignored, as Kafka does. Source: KIP-98.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    /// The bit that says that the timestamps were given by the broker.
    pub const LOG_APPEND_TIME: i16 = 1 << 3;
    /// The bit of a batch that belongs to a transaction.
    pub const TRANSACTIONAL: i16 = 1 << 4;
    /// The bit of a batch that holds a marker of the broker's instead of records.
    pub const CONTROL: i16 = 1 << 5;

    /// How the records are compressed.
    ///
    /// # Errors
    /// For the bits 5 to 7, which name no codec.
    pub const fn compression(self) -> Result<Compression, CompressionError> {
        Compression::from_bits(self.0)
    }

    /// Whether all records have the time of their append, which is the batch's `max_timestamp`.
    pub const fn is_log_append_time(self) -> bool {
        self.0 & Self::LOG_APPEND_TIME != 0
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds a marker that ends a transaction. Producers must not send such.
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }
}

/// The magic byte of a batch or a message: 0 and 1 begin a message set, 2 a batch. `None` when there are too few
/// bytes to tell.
pub fn magic(input: &[u8]) -> Option<i8> {
    input.get(MAGIC_AT).map(|&byte| byte as i8)
}

/// A v2 record batch, borrowed and still sealed: a header of 61 bytes and the records, compressed together.
///
/// A batch holds up to 2,147,483,647 records in up to 2 GiB; servers allow far less (Kafka some 1 MiB by default).
/// Source: <https://kafka.apache.org/documentation/#recordbatch>, KIP-98.
#[derive(Clone, Copy, Debug)]
pub struct RecordBatch<'a> {
    /// The offset that the deltas count from; 0 in what a producer sends.
    pub base_offset: i64,
    /// The epoch of the partition's leader; -1 in what a producer sends.
    pub partition_leader_epoch: i32,
    /// The CRC-32C that the batch claims to have; see [`Self::verify_crc`].
    pub crc: u32,
    /// Codec, type of the timestamps, transactional and control bits.
    pub attributes: Attributes,
    /// The last record's offset, less the base offset. Compaction removes records and leaves this as it is.
    pub last_offset_delta: i32,
    /// What the records' timestamps are relative to, in milliseconds since the epoch.
    pub base_timestamp: i64,
    /// The highest timestamp in the batch, as the producer or the broker says.
    pub max_timestamp: i64,
    /// Who produced it; -1 when the producer is not idempotent.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// The sequence number of the first record.
    pub base_sequence: i32,
    /// How many records the batch claims to hold.
    pub records_count: i32,
    bytes: &'a [u8],
}

impl<'a> RecordBatch<'a> {
    /// How many bytes precede the records.
    pub const HEADER_BYTES: usize = HEADER_BYTES;

    /// Reads the header of the batch at the start of `input`, and gives back what follows the batch.
    ///
    /// The CRC is left to [`Self::verify_crc`], the records to [`Self::open`].
    ///
    /// # Errors
    /// When there is no whole batch of magic 2. Where that is so because `input` ends,
    /// [`RecordError::is_partial`] says so.
    pub fn parse(input: &'a [u8]) -> Result<(Self, &'a [u8]), RecordError> {
        if input.is_empty() {
            return Err(RecordError::Empty);
        }
        match magic(input).ok_or(RecordError::HeaderCut)? {
            MAGIC => {}
            magic => return Err(RecordError::Magic(magic)),
        }
        let (bytes, rest) = split_batch(input)?;
        match header(bytes) {
            Ok((_, batch)) => Ok((batch, rest)),
            Err(_) => Err(RecordError::HeaderCut),
        }
    }

    /// Reads the one batch that a produce request of version 3 or later holds for a partition.
    ///
    /// # Errors
    /// Those of [`Self::parse`], and [`RecordError::SecondBatch`] or [`RecordError::StrayBytes`] when anything
    /// follows the batch. (Kafka ignores fewer than twelve stray bytes, and a second batch that is cut short.)
    pub fn parse_single(input: &'a [u8]) -> Result<Self, RecordError> {
        let (batch, rest) = Self::parse(input)?;
        if rest.is_empty() {
            Ok(batch)
        } else if magic(rest).is_some_and(|magic| (0..=MAGIC).contains(&magic)) {
            Err(RecordError::SecondBatch)
        } else {
            Err(RecordError::StrayBytes(u32::try_from(rest.len()).unwrap_or(u32::MAX)))
        }
    }

    /// Compares the CRC with the bytes.
    ///
    /// # Errors
    /// [`RecordError::CrcMismatch`].
    pub fn verify_crc(&self) -> Result<(), RecordError> {
        if crc32c(self.bytes.get(CRC_END..).unwrap_or_default()) == self.crc {
            Ok(())
        } else {
            Err(RecordError::CrcMismatch)
        }
    }

    /// Checks what a producer may send, in Kafka's order: base offset, CRC, counts, attributes, producer.
    ///
    /// Kafka accepts a producer id without an epoch, and the transactional bit without a producer id; neither can be
    /// meant, so both are refused here. [`Records::check_produced`] is the same for the records.
    ///
    /// # Errors
    /// The one that names the first field that is wrong.
    pub fn check_produced(&self) -> Result<(), RecordError> {
        if self.base_offset != 0 {
            return Err(RecordError::BaseOffset);
        }
        self.verify_crc()?;
        if self.records_count <= 0 {
            return Err(RecordError::RecordsCount(self.records_count));
        }
        if self.last_offset_delta != self.records_count - 1 {
            return Err(RecordError::LastOffsetDelta(self.last_offset_delta));
        }
        if self.attributes.is_control() {
            return Err(RecordError::ControlBatch);
        }
        self.check_producer()
    }

    fn check_producer(&self) -> Result<(), RecordError> {
        if self.producer_id < 0 {
            return match self.attributes.is_transactional() {
                true => Err(RecordError::TransactionalWithoutProducer),
                false => Ok(()),
            };
        }
        if self.producer_epoch < 0 {
            return Err(RecordError::ProducerEpoch(self.producer_epoch));
        }
        if self.base_sequence < 0 {
            return Err(RecordError::BaseSequence(self.base_sequence));
        }
        Ok(())
    }

    /// Opens the batch: decompresses it where it is compressed, and walks once over the records.
    ///
    /// Records of an uncompressed batch borrow from the batch, and `out` is left alone. Others are decompressed into
    /// `out`, which loses what it held and never grows beyond `cap` bytes. Nothing is allocated once `out` and
    /// `decompressor` are warm.
    ///
    /// Where the attributes say so, all records have the time of their append; see [`Walk::with_create_times`].
    ///
    /// # Errors
    /// [`RecordError::Compression`], and the one that names the first record that is wrong. The CRC is not looked at.
    pub fn open<'s>(
        &self,
        decompressor: &mut Decompressor,
        out: &'s mut Vec<u8>,
        cap: usize,
    ) -> Result<Records<'s>, RecordError>
    where
        'a: 's,
    {
        let body = match self.attributes.compression()? {
            Compression::None => self.body(),
            codec => {
                decompressor.decompress(codec, self.body(), out, cap)?;
                out
            }
        };
        let count = u32::try_from(self.records_count)
            .map_err(|_| RecordError::RecordsCount(self.records_count))?;
        let append_time = self.attributes.is_log_append_time().then_some(self.max_timestamp);
        let base = Base { offset: self.base_offset, timestamp: self.base_timestamp, append_time };
        Ok(Records::restore(body, Walk::over(body, count, base)?))
    }

    /// All bytes of the batch, as they came.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of the records, compressed as the attributes say.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }
}

/// Splits the bytes of the first batch off.
fn split_batch(input: &[u8]) -> Result<(&[u8], &[u8]), RecordError> {
    let (_, length) = input
        .split_first_chunk::<LENGTH_END>()
        .and_then(|(head, _)| head.split_last_chunk::<4>())
        .ok_or(RecordError::HeaderCut)?;
    let length = i32::from_be_bytes(*length);
    let bytes = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(LENGTH_END))
        .filter(|&bytes| bytes >= HEADER_BYTES)
        .ok_or(RecordError::BatchLength(length))?;
    input.split_at_checked(bytes).ok_or(RecordError::BatchCut)
}

fn header(bytes: &[u8]) -> IResult<&[u8], RecordBatch<'_>, ()> {
    let (input, base_offset) = be_i64(bytes)?;
    let (input, _batch_length) = be_i32(input)?;
    let (input, partition_leader_epoch) = be_i32(input)?;
    let (input, _magic) = be_i8(input)?;
    let (input, crc) = be_u32(input)?;
    let (input, attributes) = be_i16(input)?;
    let (input, last_offset_delta) = be_i32(input)?;
    let (input, base_timestamp) = be_i64(input)?;
    let (input, max_timestamp) = be_i64(input)?;
    let (input, producer_id) = be_i64(input)?;
    let (input, producer_epoch) = be_i16(input)?;
    let (input, base_sequence) = be_i32(input)?;
    let (input, records_count) = be_i32(input)?;
    let batch = RecordBatch {
        base_offset,
        partition_leader_epoch,
        crc,
        attributes: Attributes(attributes),
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        records_count,
        bytes,
    };
    Ok((input, batch))
}
