//! The malformed-input matrix: everything that a producer may get wrong, by name, with the code that it must
//! hear.
//!
//! One table, for two judges: the transcripts of the server check that ksink answers with these codes and
//! delivers nothing, and `cargo xtask oracle` plays the same cases at Apache Kafka.

#![warn(missing_docs)]

mod batch;
mod build;
mod compressed;
mod frame;
mod message_set;
mod producer;
mod record;
mod request;

use ksink_wire::{
    ErrorCode,
    messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
};

pub use build::{Batch, seal};
pub use frame::{FrameCase, frames};

/// How many partitions the topic of a case has.
pub const PARTITIONS: i32 = 2;

/// A produce request of which nothing may be delivered.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is wrong, in words.
    pub name: String,
    /// The version of the Produce request.
    pub version: i16,
    /// How many acknowledgements are asked for.
    pub acks: i16,
    /// The transaction that the request says it belongs to.
    pub transactional_id: Option<&'static str>,
    /// A topic that belongs to the fault; otherwise any topic with [`PARTITIONS`] partitions will do.
    pub topic: Option<&'static str>,
    /// Batches for partition 0 that come first, a request each, and must be accepted.
    pub before: Vec<Vec<u8>>,
    /// The partitions that the request names, and their records.
    pub partitions: Vec<(i32, Option<Vec<u8>>)>,
    /// What each of them must hear.
    pub code: ErrorCode,
    /// The base offset in the answer: -1 unless the request repeats one that was accepted.
    pub base_offset: i64,
}

/// Faults of a request by itself. `now_ms` is the time that the server believes in, in milliseconds since the
/// epoch.
pub fn cases(now_ms: i64) -> Vec<Case> {
    [
        request::cases(now_ms),
        batch::cases(now_ms),
        record::cases(now_ms),
        compressed::cases(now_ms),
        message_set::cases(now_ms),
    ]
    .concat()
}

/// Faults of a request after others: batches that do not continue the sequence of their producer.
pub fn sequence_cases(now_ms: i64) -> Vec<Case> {
    producer::cases(now_ms)
}

impl Case {
    /// Records for partition 0, in a version that names topics.
    fn of(name: impl Into<String>, records: impl Into<Vec<u8>>, code: ErrorCode) -> Self {
        Self {
            name: name.into(),
            version: 9,
            acks: -1,
            transactional_id: None,
            topic: None,
            before: Vec::new(),
            partitions: vec![(0, Some(records.into()))],
            code,
            base_offset: -1,
        }
    }

    fn version(self, version: i16) -> Self {
        Self { version, ..self }
    }

    fn acks(self, acks: i16) -> Self {
        Self { acks, ..self }
    }

    fn topic(self, topic: &'static str) -> Self {
        Self { topic: Some(topic), ..self }
    }

    fn partitions(self, partitions: Vec<(i32, Option<Vec<u8>>)>) -> Self {
        Self { partitions, ..self }
    }

    fn partition(mut self, index: i32) -> Self {
        for partition in &mut self.partitions {
            partition.0 = index;
        }
        self
    }

    fn after(self, before: Vec<Vec<u8>>) -> Self {
        Self { before, ..self }
    }

    /// The request, for this topic unless the fault needs another.
    pub fn request<'a>(&'a self, topic: &'a str) -> ProduceRequest<'a> {
        let partitions =
            self.partitions.iter().map(|(index, records)| (*index, records.as_deref()));
        let topic = self.topic.unwrap_or(topic);
        let transactional_id = self.transactional_id;
        ProduceRequest { transactional_id, ..produce(topic, self.acks, partitions) }
    }

    /// The requests that come before it.
    pub fn requests_before<'a>(
        &'a self,
        topic: &'a str,
    ) -> impl Iterator<Item = ProduceRequest<'a>> + use<'a> {
        self.before.iter().map(move |records| produce(topic, -1, [(0, Some(&records[..]))]))
    }
}

/// A produce request for partitions of one topic.
pub fn produce<'a>(
    topic: &'a str,
    acks: i16,
    partitions: impl IntoIterator<Item = (i32, Option<&'a [u8]>)>,
) -> ProduceRequest<'a> {
    let partition_data = partitions
        .into_iter()
        .map(|(index, records)| PartitionProduceData { index, records })
        .collect();
    let topic = TopicProduceData { name: topic, partition_data, ..Default::default() };
    ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        let cases = cases(0).into_iter().chain(sequence_cases(0)).map(|case| case.name);
        for name in cases.chain(frames().into_iter().map(|case| case.name.to_owned())) {
            assert!(names.insert(name.clone()), "{name}");
        }
    }
}
