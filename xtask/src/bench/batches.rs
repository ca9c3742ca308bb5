//! The batches and requests that everything is measured with: the same bytes in every run.

use anyhow::Result;
use ksink_wire::{
    Request,
    compression::Compressor,
    frame::put_request,
    messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    records::{BatchBuilder, Compression, Header, NewRecord},
};

/// The version of Produce in which requests are made: the newest that calls a topic by its name.
pub(super) const PRODUCE_VERSION: i16 = 12;

/// 2026-01-01T00:00:00Z, so that no clock finds a record to be ahead of it.
const FIRST_TIMESTAMP_MS: i64 = 1_767_225_600_000;

/// So many records share a millisecond.
const RECORDS_PER_MS: i64 = 3;

/// What fills a value up: text that compresses as the values of real topics do, two to four times.
const WORDS: [&str; 16] = [
    "checkout", "basket", "view", "search", "login", "click", "refund", "order", "paid", "mobile",
    "desktop", "retry", "north", "south", "daily", "trial",
];

/// What a batch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) records: usize,
    pub(super) value_bytes: usize,
    /// Whether records have a key of 16 bytes and two headers, of 32 and 16 bytes.
    pub(super) keyed: bool,
    pub(super) codec: Compression,
}

/// One record that owns its bytes.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) timestamp: i64,
    pub(super) key: Option<String>,
    pub(super) value: String,
    /// Names and values.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Shape {
    /// Records of nothing but a value.
    pub(super) const fn plain(records: usize, value_bytes: usize) -> Self {
        Self { records, value_bytes, keyed: false, codec: Compression::None }
    }

    /// Records with a key and two headers.
    pub(super) const fn keyed(records: usize, value_bytes: usize, codec: Compression) -> Self {
        Self { records, value_bytes, keyed: true, codec }
    }

    /// What tables call it: `1000 x 100 B, key + 2 headers, zstd`.
    pub(super) fn name(&self) -> String {
        let value = match self.value_bytes {
            bytes if bytes % 1024 == 0 => format!("{} KiB", bytes / 1024),
            bytes => format!("{bytes} B"),
        };
        let keyed = if self.keyed { ", key + 2 headers" } else { "" };
        let codec = match self.codec {
            Compression::None => String::new(),
            codec => format!(", {}", codec.name()),
        };
        format!("{} x {value}{keyed}{codec}", self.records)
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        (0..self.records).map(|index| self.sample(index, &mut dice)).collect()
    }

    fn sample(&self, index: usize, dice: &mut Dice) -> Sample {
        let user = dice.hex(16);
        let headers = match self.keyed {
            true => {
                vec![("trace-id", dice.hex(32)), ("content-type", "application/json".to_owned())]
            }
            false => Vec::new(),
        };
        Sample {
            timestamp: FIRST_TIMESTAMP_MS + index as i64 / RECORDS_PER_MS,
            value: dice.value(&user, self.value_bytes),
            key: self.keyed.then_some(user),
            headers,
        }
    }

    /// One v2 batch.
    pub(super) fn batch(&self) -> Result<Vec<u8>> {
        let samples = self.samples();
        let headers: Vec<_> = samples.iter().map(Sample::headers).collect();
        let mut compressor = Compressor::new();
        let mut out = Vec::new();
        let mut batch = BatchBuilder::new(&mut out).compression(self.codec, &mut compressor);
        for (sample, headers) in samples.iter().zip(&headers) {
            batch.push(&sample.record(headers))?;
        }
        batch.finish()?;
        Ok(out)
    }

    /// One produce request for one partition, ready to be sent.
    pub(super) fn request(&self, topic: &str) -> Result<Vec<u8>> {
        let batch = self.batch()?;
        let partition_data = vec![PartitionProduceData { index: 0, records: Some(&batch) }];
        let topic_data =
            vec![TopicProduceData { name: topic, partition_data, ..Default::default() }];
        let request =
            ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data, ..Default::default() };
        let mut out = Vec::new();
        put_request(&mut out, PRODUCE_VERSION, 0, Some(b"bench"), &Request::Produce(request));
        Ok(out)
    }
}

impl Sample {
    pub(super) fn headers(&self) -> Vec<Header<'_>> {
        self.headers
            .iter()
            .map(|(key, value)| Header { key: key.as_bytes(), value: Some(value.as_bytes()) })
            .collect()
    }

    /// The record to be written, with what [`Self::headers`] gave.
    pub(super) fn record<'s>(&'s self, headers: &'s [Header<'s>]) -> NewRecord<'s> {
        NewRecord {
            timestamp: self.timestamp,
            key: self.key.as_deref().map(str::as_bytes),
            value: Some(self.value.as_bytes()),
            headers,
        }
    }
}

/// Numbers without a pattern, and the same ones each time (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[(self.roll() >> 60) as usize])).collect()
    }

    /// A JSON object of `bytes` bytes, or as few as an object with a user takes.
    fn value(&mut self, user: &str, bytes: usize) -> String {
        let mut value =
            format!("{{\"user\":\"{user}\",\"amount\":{},\"note\":\"", self.roll() % 10_000);
        let end = "\"}";
        while value.len() + end.len() < bytes {
            value.push_str(WORDS[(self.roll() >> 60) as usize]);
            value.push(' ');
        }
        value.truncate(bytes.saturating_sub(end.len()));
        value + end
    }
}

#[cfg(test)]
mod tests {
    use ksink_wire::{compression::Decompressor, records::RecordBatch};

    use super::*;

    fn check(shape: Shape, name: &str) {
        assert_eq!(shape.name(), name);
        let bytes = shape.batch().unwrap();
        let batch = RecordBatch::parse_single(&bytes).unwrap();
        batch.check_produced().unwrap();
        let mut out = Vec::new();
        let records = batch.open(&mut Decompressor::new(), &mut out, 16 << 20).unwrap();
        assert_eq!(records.len(), shape.records);
        for record in records {
            assert_eq!(record.value.map(<[u8]>::len), Some(shape.value_bytes));
            assert_eq!(record.key.map(<[u8]>::len), shape.keyed.then_some(16));
            assert_eq!(record.headers.len(), if shape.keyed { 2 } else { 0 });
        }
    }

    #[test]
    fn a_batch_is_as_its_shape_says() {
        check(Shape::plain(1, 100), "1 x 100 B");
        check(Shape::plain(1000, 1024), "1000 x 1 KiB");
        let keyed = Shape::keyed(10, 100, Compression::Zstd);
        check(keyed, "10 x 100 B, key + 2 headers, zstd");
    }

    #[test]
    fn values_compress_as_those_of_real_topics_do() {
        let size = |codec| Shape::keyed(1000, 100, codec).batch().unwrap().len() as f64;
        for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
            let ratio = size(Compression::None) / size(codec);
            assert!((1.5..4.0).contains(&ratio), "{}: {ratio}", codec.name());
        }
    }
}
