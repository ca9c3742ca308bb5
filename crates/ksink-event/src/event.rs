//! What a producer did.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use ksink_wire::records::{Records, Walk};

/// The name of a topic, legal by Kafka's rules: 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
pub type Topic = Arc<str>;

/// Something a producer did.
///
/// `exactly-once` needs three more: prepare, commit and abort. They come with transactions; a `match`
/// with a catch-all arm that refuses is ready for them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Records to be kept.
    Records(RecordSet),
}

/// One record batch, checked, opened and numbered, bound for one partition.
#[derive(Clone, Debug)]
pub struct RecordSet {
    /// The topic that the records were produced to.
    pub topic: Topic,
    /// The partition, from 0.
    pub partition: i32,
    /// The offset of the first record; the others follow it one by one.
    pub base_offset: i64,
    /// The address of the producer's end of the connection.
    pub client: SocketAddr,
    /// How an idempotent producer numbered it.
    pub numbering: Option<Numbering>,
    /// The records' bytes, uncompressed.
    body: Bytes,
    walk: Walk,
}

/// How an idempotent producer numbered a batch (KIP-98). It is the same each time that the batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The producer.
    pub producer_id: i64,
    /// Which of the producer's lives.
    pub epoch: i16,
    /// The number of the first record, counted per producer and partition; the others follow it one by
    /// one, and 0 follows the highest number.
    pub base_sequence: i32,
}

impl RecordSet {
    /// A set of records that were walked already: `walk` is what was found in `body`. Nobody numbered it.
    pub fn new(
        topic: Topic,
        partition: i32,
        base_offset: i64,
        client: SocketAddr,
        body: Bytes,
        walk: Walk,
    ) -> Self {
        let walk = walk.numbered_from(base_offset);
        Self { topic, partition, base_offset, client, numbering: None, body, walk }
    }

    /// The records, with the offsets that they were given.
    pub fn records(&self) -> Records<'_> {
        Records::restore(&self.body, self.walk)
    }

    /// How many records there are; never 0.
    pub fn len(&self) -> usize {
        self.walk.count() as usize
    }

    /// Whether there are none, which a server never delivers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the records take, uncompressed.
    pub fn bytes_len(&self) -> usize {
        self.body.len()
    }
}
