//! The checks that a produce request must pass by itself, before anybody asks about topics or producers.
//!
//! They run on the connection's own time, outside of every lock: CRC, decompression and one walk over all
//! records. The order is Kafka's (`ReplicaManager`, `UnifiedLog`, `LogValidator`), and where Kafka drops
//! something in silence ksink refuses it (`docs/protocol.md`).

use std::{borrow::Cow, collections::HashSet, mem};

use bytes::Bytes;
use ksink_wire::{
    ErrorCode, Uuid,
    compression::Decompressor,
    messages::produce::{PartitionProduceData, ProduceRequest},
    records::{Compression, MessageSet, RecordBatch, RecordError, Records, Walk, magic},
};

use super::{produce::Refused, repeated::repeated, sequences::Numbered};
use crate::{Limits, time::Now};

/// The oldest Produce version whose records must be one v2 batch a partition.
const FIRST_BATCH_VERSION: i16 = 3;

/// The oldest Produce version that may carry zstd (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 7;

/// What a batch says that has no timestamp.
const NO_TIMESTAMP: i64 = -1;

/// How far ahead of our clock a timestamp may be: Kafka's `message.timestamp.after.max.ms`.
const TIMESTAMP_AHEAD_MS_MAX: i64 = 3_600_000;

/// A produce request whose batches were opened and judged one by one.
#[derive(Debug)]
pub struct Inspected {
    pub(super) acks: i16,
    /// Whose transaction the request is about.
    pub(super) transactional_id: Option<Box<str>>,
    /// Whether a batch says that it belongs to a transaction.
    pub(super) transactional: bool,
    pub(super) topics: Vec<InspectedTopic>,
}

impl Inspected {
    /// How many bytes the batches became that were compressed.
    pub fn decompressed_bytes(&self) -> usize {
        let batches = self.topics.iter().flat_map(|topic| &topic.partitions);
        batches
            .filter_map(|partition| partition.batch.as_ref().ok())
            .filter(|batch| batch.decompressed)
            .map(|batch| batch.body.len())
            .sum()
    }

    /// Changes what holds the bytes of those batches, and not the bytes.
    pub fn map_decompressed(&mut self, mut hold: impl FnMut(Bytes) -> Bytes) {
        let batches = self.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        for batch in batches.filter_map(|partition| partition.batch.as_mut().ok()) {
            if batch.decompressed {
                batch.body = hold(mem::take(&mut batch.body));
            }
        }
    }
}

/// The part of a request that is for one topic.
#[derive(Debug)]
pub(super) struct InspectedTopic {
    pub(super) topic: TopicRef,
    pub(super) partitions: Vec<InspectedPartition>,
}

/// How a request names a topic: by name up to version 12, by id from 13 on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum TopicRef {
    Name(Box<str>),
    Id(Uuid),
}

/// The part of a request that is for one partition.
#[derive(Debug)]
pub(super) struct InspectedPartition {
    pub(super) index: i32,
    pub(super) batch: Result<OpenBatch, Refused>,
}

/// A batch that was opened and walked.
#[derive(Debug)]
pub(super) struct OpenBatch {
    /// The uncompressed records; a slice of the request where it was not compressed.
    pub(super) body: Bytes,
    /// Whether the body is memory of its own, besides the request.
    decompressed: bool,
    pub(super) walk: Walk,
    /// Who numbered it, and how; `None` if the producer is not idempotent.
    pub(super) producer: Option<(i64, Numbered)>,
    /// Whether it belongs to the transaction of its producer.
    pub(super) transactional: bool,
}

/// Opens and judges every batch of a request. `frame` holds the bytes that the request borrows.
pub fn inspect(
    now: Now,
    version: i16,
    frame: &Bytes,
    request: &ProduceRequest<'_>,
    decompressor: &mut Decompressor,
    limits: &Limits,
) -> Inspected {
    let acks = request.acks;
    let mut inspector =
        Inspector { now, version, acks, frame, decompressor, limits, transactional: false };
    let mut topics: Vec<_> = request
        .topic_data
        .iter()
        .map(|topic| InspectedTopic {
            topic: match version {
                13.. => TopicRef::Id(topic.topic_id),
                _ => TopicRef::Name(topic.name.into()),
            },
            partitions: topic.partition_data.iter().map(|data| inspector.partition(data)).collect(),
        })
        .collect();
    refuse_repeated(&mut topics);
    let transactional_id = request.transactional_id.map(Box::from);
    Inspected { acks, transactional_id, transactional: inspector.transactional, topics }
}

struct Inspector<'i> {
    now: Now,
    version: i16,
    acks: i16,
    frame: &'i Bytes,
    decompressor: &'i mut Decompressor,
    limits: &'i Limits,
    /// Whether a batch says that it belongs to a transaction, be it refused or not.
    transactional: bool,
}

impl Inspector<'_> {
    fn partition(&mut self, data: &PartitionProduceData<'_>) -> InspectedPartition {
        let batch = match data.records {
            None | Some([]) => Err(Refused::new(ErrorCode::INVALID_RECORD, "no records")),
            Some(records) => self.records(records),
        };
        InspectedPartition { index: data.index, batch }
    }

    fn records(&mut self, records: &[u8]) -> Result<OpenBatch, Refused> {
        match magic(records) {
            Some(0 | 1) if self.version < FIRST_BATCH_VERSION => self.message_set(records),
            Some(0 | 1) => Err(Refused::new(
                ErrorCode::INVALID_RECORD,
                "message format v0 or v1 in a Produce request of version 3 or later",
            )),
            Some(_) | None => self.batch(records),
        }
    }

    fn batch(&mut self, records: &[u8]) -> Result<OpenBatch, Refused> {
        let (first, _) = RecordBatch::parse(records)?;
        self.transactional |= first.attributes.is_transactional();
        self.check_codec(&first)?;
        let batch = RecordBatch::parse_single(records)?;
        self.check_acks()?;
        if batch.base_offset != 0 {
            return Err(RecordError::BaseOffset.into());
        }
        self.check_size(batch.bytes())?;
        batch.check_produced()?;
        let mut out = Vec::new();
        let opened = batch.open(self.decompressor, &mut out, self.limits.decompressed_bytes_max)?;
        opened.check_produced()?;
        check_append_time(&batch)?;
        let (body, walk) = self.keep(opened)?;
        Ok(OpenBatch {
            decompressed: body.is_none(),
            body: body.unwrap_or_else(|| out.into()),
            walk,
            producer: producer_of(&batch, walk.count()),
            transactional: batch.attributes.is_transactional(),
        })
    }

    fn check_codec(&self, batch: &RecordBatch<'_>) -> Result<(), Refused> {
        match batch.attributes.compression() {
            Ok(Compression::Zstd) if self.version < FIRST_ZSTD_VERSION => Err(Refused::new(
                ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
                "zstd needs Produce version 7 or later",
            )),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Comes after the shape of a batch and before what it says, as in Kafka.
    fn check_acks(&self) -> Result<(), Refused> {
        match self.acks {
            -1..=1 => Ok(()),
            _ => Err(Refused::new(ErrorCode::INVALID_REQUIRED_ACKS, "acks must be -1, 0 or 1")),
        }
    }

    fn check_size(&self, bytes: &[u8]) -> Result<(), Refused> {
        let max = self.limits.message_bytes_max;
        if bytes.len() > max {
            let message =
                format!("{} bytes are more than the {max} that a batch may have", bytes.len());
            return Err(Refused::new(ErrorCode::MESSAGE_TOO_LARGE, message));
        }
        Ok(())
    }

    fn message_set(&mut self, records: &[u8]) -> Result<OpenBatch, Refused> {
        self.check_acks()?;
        self.check_size(records)?;
        let mut out = Vec::new();
        let cap = self.limits.decompressed_bytes_max;
        let opened = MessageSet::parse(records)?.open(self.decompressor, &mut out, cap)?;
        let (body, walk) = self.keep(opened)?;
        Ok(OpenBatch {
            decompressed: body.is_none(),
            body: body.unwrap_or_else(|| out.into()),
            walk,
            producer: None,
            transactional: false,
        })
    }

    /// What outlives the request: the walk, and the records where they lie in the request, which is then
    /// kept alive instead of being copied.
    fn keep(&self, opened: Records<'_>) -> Result<(Option<Bytes>, Walk), Refused> {
        // A producer may say "time of the append"; the time that it gave is kept all the same, as in Kafka.
        let walk = opened.walk().with_create_times();
        self.check_timestamps(Records::restore(opened.body(), walk))?;
        let frame = self.frame.as_ptr_range();
        let body = opened.body().as_ptr_range();
        let inside = frame.start <= body.start && body.end <= frame.end;
        Ok((inside.then(|| self.frame.slice_ref(opened.body())), walk))
    }

    fn check_timestamps(&self, records: Records<'_>) -> Result<(), Refused> {
        let latest = self.now.unix_ms.saturating_add(TIMESTAMP_AHEAD_MS_MAX);
        if records.walk().timestamp_max() <= latest {
            return Ok(());
        }
        let mut refused = Refused::new(
            ErrorCode::INVALID_TIMESTAMP,
            "a timestamp is more than an hour ahead of the server's clock",
        );
        refused.record_errors = (0..)
            .zip(records.iter())
            .filter(|(_, record)| record.timestamp > latest)
            .map(|(index, record)| {
                (index, format!("timestamp {} is too far ahead", record.timestamp))
            })
            .collect();
        Err(refused)
    }
}

/// A producer id of -1 is ordinary, whatever epoch and sequence come with it.
fn producer_of(batch: &RecordBatch<'_>, count: u32) -> Option<(i64, Numbered)> {
    let RecordBatch { producer_id, producer_epoch: epoch, base_sequence, .. } = *batch;
    (producer_id >= 0).then_some((producer_id, Numbered { epoch, base_sequence, count }))
}

/// A producer may say that the log's time of the append holds for its records, but not when it names none.
fn check_append_time(batch: &RecordBatch<'_>) -> Result<(), Refused> {
    if batch.attributes.is_log_append_time() && batch.max_timestamp == NO_TIMESTAMP {
        let message = "the batch has the time of its append, and that is -1";
        let mut refused = Refused::new(ErrorCode::INVALID_TIMESTAMP, message);
        let records = 0..batch.records_count;
        refused.record_errors = records.map(|index| (index, "no time".to_owned())).collect();
        return Err(refused);
    }
    Ok(())
}

/// A partition that a request names twice is refused twice: Kafka would keep one and lose the other.
fn refuse_repeated(topics: &mut [InspectedTopic]) {
    let named = topics.iter().flat_map(|InspectedTopic { topic, partitions }| {
        partitions.iter().map(move |partition| (topic, partition.index))
    });
    let repeated: HashSet<_> =
        repeated(named).into_iter().map(|(topic, index)| (topic.clone(), index)).collect();
    if repeated.is_empty() {
        return;
    }
    for InspectedTopic { topic, partitions } in topics {
        for partition in partitions {
            if repeated.contains(&(topic.clone(), partition.index)) {
                let message = "the partition is named more than once in one request";
                partition.batch = Err(Refused::new(ErrorCode::INVALID_RECORD, message));
            }
        }
    }
}

impl From<RecordError> for Refused {
    fn from(error: RecordError) -> Self {
        Self::new(error.error_code(), Cow::from(error.to_string()))
    }
}
