//! What happened.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use ksink_wire::records::{Records, Walk, WalkStart};

/// The name of a topic, legal by Kafka's rules: 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
pub type Topic = Arc<str>;

/// Something that happened, which somebody must answer for.
#[derive(Clone, Debug)]
pub enum Event {
    /// Records to be kept.
    Records(RecordSet),
    /// The producer wants to commit: make the transaction's data safe, and say what a commit will do.
    Prepare(Arc<Transaction>),
    /// The commit is decided and can never be anything else: do what the intent says. It comes again until
    /// it is accepted, also after a restart.
    Commit(Decided),
    /// The transaction is aborted: none of its records may ever be seen. It comes again until it is
    /// accepted.
    Abort(Arc<Transaction>),
}

/// A transaction of one producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// The producer's transactional id: any text.
    pub id: Arc<str>,
    /// Tells it from every other transaction of this server's state, of whatever id: a serial is never used
    /// again.
    pub serial: u64,
}

/// A transaction whose commit is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Which one.
    pub transaction: Arc<Transaction>,
    /// What its sink said it would do.
    pub intent: Intent,
}

/// What a commit will do, in the sink's own words. The server keeps the bytes and never reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent(pub Bytes);

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
    /// The transaction that the records belong to, if any: they are to be seen once it is committed, and
    /// not before.
    pub transaction: Option<Arc<Transaction>>,
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

impl Numbering {
    /// How what follows `count` records is numbered.
    fn after(self, count: i64) -> Self {
        let sequence = (i64::from(self.base_sequence) + count) & i64::from(i32::MAX);
        let base_sequence = i32::try_from(sequence).expect("it was just masked");
        Self { base_sequence, ..self }
    }
}

impl RecordSet {
    /// A set of records that were walked already: `walk` is what was found in `body`. Nobody numbered it, and
    /// it is part of no transaction.
    pub fn new(
        topic: Topic,
        partition: i32,
        base_offset: i64,
        client: SocketAddr,
        body: Bytes,
        walk: Walk,
    ) -> Self {
        let walk = walk.numbered_from(base_offset);
        Self {
            topic,
            partition,
            base_offset,
            client,
            numbering: None,
            transaction: None,
            body,
            walk,
        }
    }

    /// The records, with the offsets that they were given.
    pub fn records(&self) -> Records<'_> {
        Records::restore(&self.body, self.walk)
    }

    /// What follows the first `count` records, which keep their offsets and numbers; `None` if nothing does.
    pub fn without_first(&self, count: usize) -> Option<Self> {
        let left = self.len().checked_sub(count).filter(|left| *left > 0)?;
        let start = WalkStart { count: u32::try_from(left).ok()?, ..self.walk.start() };
        let body = self.body.slice(self.records().bytes_of_first(count)..);
        // Walked once already: a part of what is whole is whole.
        let walk = Walk::again(&body, start).ok()?;
        let skipped = i64::try_from(count).ok()?;
        let base_offset = self.base_offset + skipped;
        let numbering = self.numbering.map(|numbering| numbering.after(skipped));
        let walk = walk.numbered_from(base_offset);
        Some(Self { base_offset, numbering, body, walk, ..self.clone() })
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
