//! Changing fields of a sealed batch where it stands.
//!
//! What a broker decides (offset, leader's epoch) stands outside of the CRC, so that the producer's seal stays whole.
//! The producer's own fields stand inside of it, and changing them seals the batch anew.

use super::{
    RecordBatch, RecordError,
    batch::{CRC_END, LENGTH_END},
    encode::put,
};
use crate::crc::crc32c;

/// Sets the base offset of the batch at the start of `bytes`; its CRC does not change.
///
/// # Errors
/// Those of [`RecordBatch::parse`]; nothing is changed then.
pub fn set_base_offset(bytes: &mut [u8], offset: i64) -> Result<(), RecordError> {
    RecordBatch::parse(bytes)?;
    put(bytes, 0, &offset.to_be_bytes());
    Ok(())
}

/// Sets the partition leader's epoch of the batch at the start of `bytes`; its CRC does not change.
///
/// # Errors
/// Those of [`RecordBatch::parse`]; nothing is changed then.
pub fn set_partition_leader_epoch(bytes: &mut [u8], epoch: i32) -> Result<(), RecordError> {
    RecordBatch::parse(bytes)?;
    put(bytes, LENGTH_END, &epoch.to_be_bytes());
    Ok(())
}

/// Sets who produced the batch at the start of `bytes` and the sequence number of its first record, and computes the
/// CRC anew.
///
/// # Errors
/// Those of [`RecordBatch::parse`], and [`RecordError::CrcMismatch`]: a batch that is damaged must not get a CRC that
/// says otherwise. Nothing is changed then.
pub fn set_producer(
    bytes: &mut [u8],
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
) -> Result<(), RecordError> {
    let (batch, _) = RecordBatch::parse(bytes)?;
    batch.verify_crc()?;
    let batch_bytes = batch.bytes().len();
    put(bytes, 43, &producer_id.to_be_bytes());
    put(bytes, 51, &producer_epoch.to_be_bytes());
    put(bytes, 53, &base_sequence.to_be_bytes());
    let crc = crc32c(bytes.get(CRC_END..batch_bytes).unwrap_or_default());
    put(bytes, 17, &crc.to_be_bytes());
    Ok(())
}
