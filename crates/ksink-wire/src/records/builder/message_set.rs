//! Writing message sets of magic 0 and 1.

use super::{BuildError, NewRecord, Summary};
use crate::{
    compression::{Compression, Compressor, Lz4Header},
    crc::crc32,
    records::{
        encode::{length, put},
        message::{CRC_BYTES_END, LOG_APPEND_TIME, SIZE_END},
        walk::NO_TIMESTAMP,
    },
};

/// Writes one message set to the end of a vector: messages one after the other, or one message that holds them
/// compressed.
#[derive(Debug)]
#[must_use = "a message set is whole once it is finished"]
pub struct MessageSetBuilder<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    magic: i8,
    compression: Option<(Compression, &'o mut Compressor)>,
    append_time: Option<i64>,
    base_offset: i64,
    records: i64,
    max_timestamp: i64,
}

impl<'o> MessageSetBuilder<'o> {
    /// A set of magic 0, Kafka's format up to 0.9: without timestamps.
    pub fn v0(out: &'o mut Vec<u8>) -> Self {
        Self::new(out, 0)
    }

    /// A set of magic 1, Kafka's format in 0.10 (KIP-31, KIP-32).
    pub fn v1(out: &'o mut Vec<u8>) -> Self {
        Self::new(out, 1)
    }

    fn new(out: &'o mut Vec<u8>, magic: i8) -> Self {
        Self {
            start: out.len(),
            out,
            magic,
            compression: None,
            append_time: None,
            base_offset: 0,
            records: 0,
            max_timestamp: NO_TIMESTAMP,
        }
    }

    /// Compresses the messages into the value of one message.
    pub fn compression(mut self, codec: Compression, compressor: &'o mut Compressor) -> Self {
        self.compression = Some((codec, compressor));
        self
    }

    /// The offset of the first message; 0 unless a broker gave another. To be called before the first `push`.
    pub fn base_offset(mut self, offset: i64) -> Self {
        self.base_offset = offset;
        self
    }

    /// The time of the append, in milliseconds since the epoch, which holds for all compressed messages of magic 1.
    pub fn log_append_time(mut self, timestamp: i64) -> Self {
        self.append_time = Some(timestamp);
        self
    }

    /// Adds a message; its offset is the next one.
    ///
    /// # Errors
    /// When the record has headers, or would be 2 GiB or more. The set is as it was then.
    pub fn push(&mut self, record: &NewRecord<'_>) -> Result<(), BuildError> {
        if !record.headers.is_empty() {
            return Err(BuildError::Headers);
        }
        // Compressed messages of magic 1 count their offsets from the first of them (KIP-31).
        let is_relative = self.magic > 0 && self.codec() != Compression::None;
        let offset = self.records + if is_relative { 0 } else { self.base_offset };
        put_message(self.out, offset, self.magic, 0, record)?;
        self.records += 1;
        if self.magic > 0 {
            self.max_timestamp = self.max_timestamp.max(record.timestamp);
        }
        Ok(())
    }

    /// Compresses the messages where that is wanted.
    ///
    /// # Errors
    /// When the set would be 2 GiB or more, or the codec is not part of this build or came after message sets; the
    /// set is taken off the vector then.
    pub fn finish(mut self) -> Result<Summary, BuildError> {
        let result = if self.records == 0 { Ok(()) } else { self.wrap() };
        let bytes = self.out.len() - self.start;
        match result.and_then(|()| length(bytes)) {
            Ok(_) => Ok(Summary {
                records: self.records as usize,
                bytes,
                max_timestamp: self.max_timestamp,
            }),
            Err(error) => {
                self.out.truncate(self.start);
                Err(error)
            }
        }
    }

    fn codec(&self) -> Compression {
        self.compression.as_ref().map_or(Compression::None, |(codec, _)| *codec)
    }

    /// Puts compressed messages into one that has the offset of the last of them.
    fn wrap(&mut self) -> Result<(), BuildError> {
        let Some((codec, compressor)) = &mut self.compression else { return Ok(()) };
        match codec {
            Compression::None => return Ok(()),
            Compression::Gzip | Compression::Snappy | Compression::Lz4 => {}
            Compression::Zstd => return Err(BuildError::CodecInMessageSet(*codec)),
        }
        let lz4_header = Lz4Header::of_magic(self.magic);
        compressor.compress_tail(*codec, lz4_header, self.out, self.start)?;
        let value = self.out.split_off(self.start);
        let mut attributes = codec.bits() as u8;
        if self.append_time.is_some() && self.magic > 0 {
            attributes |= LOG_APPEND_TIME;
        }
        let wrapper = NewRecord {
            timestamp: self.append_time.unwrap_or(self.max_timestamp),
            value: Some(&value),
            ..NewRecord::default()
        };
        let offset = self.base_offset + self.records - 1;
        put_message(self.out, offset, self.magic, attributes, &wrapper)
    }
}

/// Appends one message.
fn put_message(
    out: &mut Vec<u8>,
    offset: i64,
    magic: i8,
    attributes: u8,
    record: &NewRecord<'_>,
) -> Result<(), BuildError> {
    let (key_bytes, value_bytes) = (nullable_len(record.key)?, nullable_len(record.value)?);
    let start = out.len();
    out.extend_from_slice(&offset.to_be_bytes());
    // The size and the CRC, once they are known.
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&[magic as u8, attributes]);
    if magic > 0 {
        out.extend_from_slice(&record.timestamp.to_be_bytes());
    }
    out.extend_from_slice(&key_bytes.to_be_bytes());
    out.extend_from_slice(record.key.unwrap_or_default());
    out.extend_from_slice(&value_bytes.to_be_bytes());
    out.extend_from_slice(record.value.unwrap_or_default());
    seal_message(out, start)
}

/// Writes the size and the CRC of the message at `start`, or takes it off again when it is too large.
fn seal_message(out: &mut Vec<u8>, start: usize) -> Result<(), BuildError> {
    let Ok(size) = length(out.len() - start - SIZE_END) else {
        out.truncate(start);
        return Err(BuildError::TooLarge);
    };
    let message = out.get_mut(start..).unwrap_or_default();
    let crc = crc32(message.get(CRC_BYTES_END..).unwrap_or_default());
    put(message, 8, &size.to_be_bytes());
    put(message, 12, &crc.to_be_bytes());
    Ok(())
}

/// The length of a field as a message has it: -1 for null.
fn nullable_len(bytes: Option<&[u8]>) -> Result<i32, BuildError> {
    bytes.map_or(Ok(-1), |bytes| length(bytes.len()))
}
