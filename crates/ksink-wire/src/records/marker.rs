//! The markers that end transactions (KIP-98).
//!
//! A broker writes one into each partition of a transaction: a control batch of one record, whose key says how the
//! transaction ended and whose value says who decided. Whose transaction it was says the batch around it. Readers
//! never show markers to the people who asked for records. Source: `ControlRecordType` and `EndTxnMarker.json` of
//! Apache Kafka.
//!
//! ```text
//! key    version i16, type i16: 0 abort, 1 commit; others are not about transactions
//! value  version i16, coordinator_epoch i32
//! ```

use super::{
    Record, RecordError,
    error::{Fault, Field},
};

/// The types of control records that are about transactions.
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// The end of a transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMarker {
    /// Whether the transaction was committed, or else aborted.
    pub committed: bool,
    /// The epoch of the coordinator that decided.
    pub coordinator_epoch: i32,
    /// When, in milliseconds since the epoch.
    pub timestamp: i64,
}

impl EndMarker {
    /// Reads the record of a batch whose attributes say [`is_control`](super::Attributes::is_control). `None` for
    /// a control record of another type, which a reader skips. Bytes that newer versions add are ignored.
    ///
    /// ```
    /// # use ksink_wire::{compression::Decompressor, records::{BatchBuilder, EndMarker, RecordBatch}};
    /// # let mut log = Vec::new();
    /// # let marker = EndMarker { committed: true, coordinator_epoch: 3, timestamp: 1_700_000_000_000 };
    /// # BatchBuilder::new(&mut log).producer(4000, 0, -1).finish_with_marker(marker)?;
    /// let (batch, _) = RecordBatch::parse(&log)?;
    /// assert!(batch.attributes.is_control());
    /// let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    /// for record in batch.open(&mut decompressor, &mut out, 1 << 20)? {
    ///     if let Some(marker) = EndMarker::read(&record)? {
    ///         println!("producer {}: committed {}", batch.producer_id, marker.committed);
    /// #       assert!(marker.committed);
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RecordError::Record`] for the key or the value, when it is null, too short or of a negative version.
    pub fn read(record: &Record<'_>) -> Result<Option<Self>, RecordError> {
        let kind = versioned::<2>(record.key, Field::Key)?;
        let committed = match i16::from_be_bytes(kind) {
            ABORT => false,
            COMMIT => true,
            _ => return Ok(None),
        };
        let epoch = versioned::<4>(record.value, Field::Value)?;
        let coordinator_epoch = i32::from_be_bytes(epoch);
        Ok(Some(Self { committed, coordinator_epoch, timestamp: record.timestamp }))
    }

    /// The key of the record that says this.
    pub(super) fn key(self) -> [u8; 4] {
        [0, 0, 0, u8::from(self.committed)]
    }

    /// The value of the record that says this.
    pub(super) fn value(self) -> [u8; 6] {
        let [a, b, c, d] = self.coordinator_epoch.to_be_bytes();
        [0, 0, a, b, c, d]
    }
}

/// Reads what follows the version that begins a key or a value. There is one record in the batch of a marker, so an
/// error is always about the first.
fn versioned<const N: usize>(bytes: Option<&[u8]>, field: Field) -> Result<[u8; N], RecordError> {
    let error = |fault| RecordError::Record { index: 0, field, fault };
    let cut = || error(Fault::Cut);
    let (version, rest) = bytes.and_then(<[u8]>::split_first_chunk::<2>).ok_or_else(cut)?;
    if i16::from_be_bytes(*version) < 0 {
        return Err(error(Fault::Negative));
    }
    rest.first_chunk().copied().ok_or_else(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: EndMarker = EndMarker { committed: true, coordinator_epoch: 3, timestamp: 7 };

    #[track_caller]
    fn check(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        expected: Result<Option<EndMarker>, (Field, Fault)>,
    ) {
        let record = Record {
            offset: 9,
            timestamp: 7,
            key,
            value,
            headers: super::super::Headers::default(),
        };
        let expected =
            expected.map_err(|(field, fault)| RecordError::Record { index: 0, field, fault });
        assert_eq!(EndMarker::read(&record), expected);
    }

    #[test]
    fn a_marker_is_read_as_it_is_written() {
        for committed in [false, true] {
            let marker = EndMarker { committed, ..COMMITTED };
            check(Some(&marker.key()), Some(&marker.value()), Ok(Some(marker)));
        }
    }

    #[test]
    fn what_a_newer_version_adds_is_ignored() {
        check(Some(&[0, 1, 0, 1, 9]), Some(&[0, 1, 0, 0, 0, 3, 9]), Ok(Some(COMMITTED)));
    }

    #[test]
    fn other_control_records_are_no_markers() {
        check(Some(&[0, 0, 0, 2]), None, Ok(None));
        check(Some(&[0, 0, 0xff, 0xff]), None, Ok(None));
    }

    #[test]
    fn a_marker_that_is_cut_names_the_field() {
        let cut = |field| Err((field, Fault::Cut));
        check(None, None, cut(Field::Key));
        check(Some(&[0]), None, cut(Field::Key));
        check(Some(&[0, 0, 0]), None, cut(Field::Key));
        check(Some(&[0, 0, 0, 0]), None, cut(Field::Value));
        check(Some(&[0, 0, 0, 0]), Some(&[0, 0, 0, 0, 0]), cut(Field::Value));
        check(Some(&[0xff, 0, 0, 0]), None, Err((Field::Key, Fault::Negative)));
        check(Some(&[0, 0, 0, 0]), Some(&[0x80; 6]), Err((Field::Value, Fault::Negative)));
    }
}
