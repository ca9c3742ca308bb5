//! How a batch was produced, as its request said it.

use std::fmt;

use ksink_wire::{
    compression::Compression, messages::produce::PartitionProduceData, records::RecordBatch,
};

use super::plan::Cell;

/// How one batch was produced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Manner {
    pub version: i16,
    pub acks: i16,
    /// None where it was not a record batch but one of the older message sets.
    pub compression: Option<Compression>,
    pub idempotent: bool,
    pub transactional: bool,
}

impl Manner {
    pub(crate) fn of(version: i16, acks: i16, data: &PartitionProduceData<'_>) -> Self {
        let batch = data.records.and_then(|records| RecordBatch::parse_single(records).ok());
        Self {
            version,
            acks,
            compression: batch.and_then(|batch| batch.attributes.compression().ok()),
            idempotent: batch.is_some_and(|batch| batch.producer_id >= 0),
            transactional: batch.is_some_and(|batch| batch.attributes.is_transactional()),
        }
    }

    /// Whether a cell asks for this. Every client here is new enough for record batches; a message set
    /// is a fallback.
    pub(crate) fn fits(&self, cell: &Cell) -> bool {
        let Some(compression) = self.compression else { return false };
        cell.acks.is_none_or(|asked| asked == acks_name(self.acks))
            && cell.compression.is_none_or(|asked| asked == compression_name(compression))
            && cell.idempotent.is_none_or(|asked| asked == self.idempotent)
            && cell.script.is_some() == self.transactional
    }
}

fn acks_name(acks: i16) -> String {
    if acks == -1 { "all".to_owned() } else { acks.to_string() }
}

fn compression_name(compression: Compression) -> String {
    format!("{compression:?}").to_lowercase()
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.compression.map_or_else(|| "message set".to_owned(), compression_name);
        let idempotent = match (self.transactional, self.idempotent) {
            (true, _) => "transactional",
            (false, true) => "idempotent",
            (false, false) => "not idempotent",
        };
        let acks = acks_name(self.acks);
        write!(f, "Produce {}, acks {acks}, compression {form}, {idempotent}", self.version)
    }
}

#[cfg(test)]
impl Manner {
    /// The manner in which a cell asks to be produced.
    pub(crate) fn as_asked(cell: &Cell) -> Self {
        use Compression::{Gzip, Lz4, Snappy, Zstd};
        let mut codecs = [Gzip, Snappy, Lz4, Zstd].into_iter();
        let codec = codecs.find(|codec| cell.compression == Some(&*compression_name(*codec)));
        Self {
            version: 9,
            acks: cell.acks.and_then(|acks| acks.parse().ok()).unwrap_or(-1),
            compression: Some(codec.unwrap_or(Compression::None)),
            idempotent: cell.idempotent.unwrap_or(true),
            transactional: cell.script.is_some(),
        }
    }
}
