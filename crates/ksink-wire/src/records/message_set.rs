//! Message sets of magic 0 and 1, Kafka's formats before 0.11. Old producers still send them with Produce 0 to 2.
//!
//! A set is messages one after the other. A compressed set is one message whose value is the set, compressed. In
//! magic 0 the messages inside have absolute offsets; in magic 1 they are relative, and the outer message has the
//! offset of the last one (KIP-31).

use super::{
    NewRecord, Records,
    encode::{Deltas, body_len, put_record},
    error::RecordError,
    message::{LOG_APPEND_TIME, Message, split_message},
    walk::{Base, NO_TIMESTAMP, Walk},
};
use crate::{
    compression::{Compression, Decompressor, Lz4Header},
    varint::varint_len,
};

/// Whole messages of magic 0 or 1, borrowed and not looked into yet.
///
/// Source: KIP-31 and KIP-32, and for compressed sets `AbstractLegacyRecordBatch` of Apache Kafka.
#[derive(Clone, Copy, Debug)]
pub struct MessageSet<'a> {
    bytes: &'a [u8],
}

impl<'a> MessageSet<'a> {
    /// Takes `input` as one set, as a produce request up to version 2 holds it.
    ///
    /// # Errors
    /// When there is no message, or `input` is not whole messages to its end. Where that is so because it ends too
    /// early, [`RecordError::is_partial`] says so.
    pub fn parse(input: &'a [u8]) -> Result<Self, RecordError> {
        let mut rest = input;
        if rest.is_empty() {
            return Err(RecordError::Empty);
        }
        while !rest.is_empty() {
            rest = split_message(rest)?.1;
        }
        Ok(Self { bytes: input })
    }

    /// Takes the whole messages at the start of `input`, as a Fetch response holds them, and gives back the rest: a
    /// message that the broker has cut, a batch of magic 2, or nothing. [`Self::parse`] of a rest says what is wrong
    /// with it.
    pub fn split(input: &'a [u8]) -> (Self, &'a [u8]) {
        let mut rest = input;
        while let Ok((_, after)) = split_message(rest) {
            rest = after;
        }
        let (bytes, rest) = input.split_at(input.len() - rest.len());
        (Self { bytes }, rest)
    }

    /// The bytes of the set, as they came.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Opens the set: checks every message and its CRC, decompresses those that are compressed, and writes all of
    /// them as records into `out`, which loses what it held and never grows beyond `cap` bytes.
    ///
    /// Offsets are as the set says, which means nothing in a set that was produced: see [`Walk::numbered_from`].
    /// Messages of magic 0 have the timestamp -1.
    ///
    /// # Errors
    /// The one that names what is wrong. Compressed messages must have the magic of the message that holds them and
    /// must not be compressed again.
    pub fn open<'s>(
        &self,
        decompressor: &mut Decompressor,
        out: &'s mut Vec<u8>,
        cap: usize,
    ) -> Result<Records<'s>, RecordError> {
        out.clear();
        let mut inner = std::mem::take(&mut decompressor.inner);
        let mut flat = Flat::new(out, cap);
        let result = flat.push_all(self.bytes, decompressor, &mut inner);
        decompressor.inner = inner;
        result?;
        let walk = flat.walk();
        Ok(Records::restore(out, walk))
    }
}

/// Messages, written as the records of one batch.
struct Flat<'o> {
    out: &'o mut Vec<u8>,
    cap: usize,
    /// How many bytes may still come out of compressed messages.
    decompressed_left: usize,
    count: u32,
    base: Base,
    dense: bool,
    timestamp_max: i64,
}

impl<'o> Flat<'o> {
    fn new(out: &'o mut Vec<u8>, cap: usize) -> Self {
        Self {
            out,
            cap,
            decompressed_left: cap,
            count: 0,
            base: Base { offset: 0, timestamp: NO_TIMESTAMP, append_time: None },
            dense: true,
            timestamp_max: NO_TIMESTAMP,
        }
    }

    fn push_all(
        &mut self,
        set: &[u8],
        decompressor: &mut Decompressor,
        inner: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let mut rest = set;
        while !rest.is_empty() {
            let (message, after) = Message::read(rest, self.count)?;
            rest = after;
            match message.compression()? {
                Compression::None => self.push(&message, message.offset, message.timestamp)?,
                Compression::Zstd => {
                    return Err(RecordError::CodecInMessageSet(Compression::Zstd));
                }
                codec @ (Compression::Gzip | Compression::Snappy | Compression::Lz4) => {
                    let value = message.value.ok_or(RecordError::EmptyWrapper)?;
                    let lz4_header = Lz4Header::of_magic(message.magic);
                    let cap = self.decompressed_left;
                    decompressor.decompress_with(codec, lz4_header, value, inner, cap)?;
                    self.decompressed_left -= inner.len();
                    self.push_wrapped(&message, inner)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the messages that were compressed inside of another one.
    fn push_wrapped(&mut self, wrapper: &Message<'_>, set: &[u8]) -> Result<(), RecordError> {
        let base_offset = wrapped_base_offset(wrapper, set)?;
        let mut rest = set;
        while !rest.is_empty() {
            let (message, after) = Message::read(rest, self.count)?;
            rest = after;
            if message.magic != wrapper.magic {
                return Err(RecordError::MixedMagic(message.magic));
            }
            if message.compression()? != Compression::None {
                return Err(RecordError::NestedCompression);
            }
            let has_append_time = message.magic > 0 && wrapper.attributes & LOG_APPEND_TIME != 0;
            let timestamp = if has_append_time { wrapper.timestamp } else { message.timestamp };
            self.push(&message, base_offset.wrapping_add(message.offset), timestamp)?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        message: &Message<'_>,
        offset: i64,
        timestamp: i64,
    ) -> Result<(), RecordError> {
        if self.count == 0 {
            self.base = Base { offset, timestamp, append_time: None };
        }
        let deltas = Deltas {
            timestamp: timestamp.wrapping_sub(self.base.timestamp),
            offset: offset.wrapping_sub(self.base.offset),
        };
        let (key, value) = (message.key, message.value);
        let record = NewRecord { timestamp, key, value, headers: &[] };
        let body_bytes = body_len(&record, deltas).map_err(|_| RecordError::MessagesTooLarge)?;
        self.reserve(body_bytes as usize + varint_len(body_bytes))?;
        put_record(self.out, &record, deltas, body_bytes);
        self.dense &= deltas.offset == i64::from(self.count);
        self.timestamp_max = self.timestamp_max.max(timestamp);
        self.count += 1;
        Ok(())
    }

    /// Makes room for `bytes` more, within the cap.
    fn reserve(&mut self, bytes: usize) -> Result<(), RecordError> {
        let needed = self.out.len() + bytes;
        if needed > self.cap {
            return Err(RecordError::MessagesTooLarge);
        }
        if needed > self.out.capacity() {
            let grown = needed.max(self.out.capacity() * 2).min(self.cap);
            self.out.reserve_exact(grown - self.out.len());
        }
        Ok(())
    }

    fn walk(&self) -> Walk {
        Walk::found(self.count, self.dense, self.timestamp_max, self.base)
    }
}

/// What the offsets of compressed messages are relative to: in magic 0 they are absolute already. In magic 1 the
/// wrapper has the last one's, unless the set comes from a producer, which may leave it at 0. Whether the last one is
/// what its CRC says is looked at when its turn comes.
fn wrapped_base_offset(wrapper: &Message<'_>, set: &[u8]) -> Result<i64, RecordError> {
    let mut last = None;
    let mut rest = set;
    while !rest.is_empty() {
        let (message, after) = split_message(rest)?;
        (last, rest) = (message.first_chunk(), after);
    }
    let last = i64::from_be_bytes(*last.ok_or(RecordError::EmptyWrapper)?);
    let base_offset = wrapper.offset.wrapping_sub(last);
    Ok(if wrapper.magic > 0 && base_offset >= 0 { base_offset } else { 0 })
}
