//! Records that were walked once, so that iterating cannot fail.

use super::{Record, RecordError, record::RawRecord};

/// What a timestamp is when there is none.
pub(super) const NO_TIMESTAMP: i64 = -1;

/// The records of a batch or a message set, walked once and found whole: iterating cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    body: &'a [u8],
    walk: Walk,
}

/// What a walk over a body of records found; some 50 bytes, whatever the body.
///
/// With the same body it gives the [`Records`] back without another walk; with any other body
/// iterating ends early, and never panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    count: u32,
    /// Whether the offset deltas are 0, 1, 2, ...
    dense: bool,
    /// Whether offsets are counted, whatever the deltas say.
    counted: bool,
    base_offset: i64,
    base_timestamp: i64,
    /// The highest of the records' own timestamps.
    timestamp_max: i64,
    /// What stands for all of the records' own timestamps, where there is one.
    append_time: Option<i64>,
}

/// What a walk has to know that the body of records does not say. With the body it is enough to walk again,
/// where the [`Walk`] itself was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkStart {
    /// How many records there are.
    pub count: u32,
    /// What the records' timestamps are relative to, in milliseconds since the epoch.
    pub base_timestamp: i64,
    /// What stands for all of the records' own timestamps, where there is one.
    pub append_time: Option<i64>,
}

impl<'a> Records<'a> {
    /// Puts a body and what its walk found together again.
    #[inline]
    pub fn restore(body: &'a [u8], walk: Walk) -> Self {
        Self { body, walk }
    }

    /// The bytes that hold the records: uncompressed, without the header of the batch.
    #[inline]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What the walk found, to be kept beside an owned copy of the body.
    #[inline]
    pub fn walk(&self) -> Walk {
        self.walk
    }

    /// How many records there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.walk.count as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.walk.count == 0
    }

    /// Checks what a producer may send: offset deltas of 0, 1, 2, ...
    ///
    /// (Kafka checks that only in compressed batches, and answers `UNKNOWN_SERVER_ERROR`.) The offsets in a message
    /// set that is produced mean nothing; do not ask there.
    ///
    /// # Errors
    /// [`RecordError::OffsetDeltas`].
    pub fn check_produced(&self) -> Result<(), RecordError> {
        if self.walk.dense { Ok(()) } else { Err(RecordError::OffsetDeltas) }
    }

    /// How many bytes of the body the first `count` records take.
    pub fn bytes_of_first(&self, count: usize) -> usize {
        let mut iter = self.iter();
        iter.by_ref().take(count).for_each(drop);
        self.body.len() - iter.rest.len()
    }

    /// The records in their order.
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter { rest: self.body, index: 0, walk: self.walk }
    }
}

impl<'a> IntoIterator for Records<'a> {
    type Item = Record<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Records<'a> {
    type Item = Record<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Walk {
    /// Walks over `count` records, checks all of them, and finds nothing after the last.
    pub(super) fn over(body: &[u8], count: u32, base: Base) -> Result<Self, RecordError> {
        let mut rest = body;
        let mut timestamp_max = NO_TIMESTAMP;
        let mut dense = true;
        for index in 0..count {
            if rest.is_empty() {
                return Err(RecordError::RecordsMissing(index));
            }
            let (record, after) = RawRecord::check(rest)
                .map_err(|(field, fault)| RecordError::Record { index, field, fault })?;
            rest = after;
            dense &= record.offset_delta == i64::from(index);
            timestamp_max = timestamp_max.max(base.timestamp.wrapping_add(record.timestamp_delta));
        }
        if !rest.is_empty() {
            let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            return Err(RecordError::BytesAfterRecords(left));
        }
        Ok(Self::found(count, dense, timestamp_max, base))
    }

    /// Walks again over a body whose walk was not kept. Offsets count from 0 until it is said where they
    /// [begin](Self::numbered_from).
    ///
    /// # Errors
    /// When the body holds something else than so many whole records.
    pub fn again(body: &[u8], start: WalkStart) -> Result<Self, RecordError> {
        let WalkStart { count, base_timestamp, append_time } = start;
        Self::over(body, count, Base { offset: 0, timestamp: base_timestamp, append_time })
    }

    /// What to keep beside a body in order to walk [`again`](Self::again).
    pub fn start(&self) -> WalkStart {
        let Self { count, base_timestamp, append_time, .. } = *self;
        WalkStart { count, base_timestamp, append_time }
    }

    /// What a walk would find in records that were checked in another way.
    pub(super) fn found(count: u32, dense: bool, timestamp_max: i64, base: Base) -> Self {
        let Base { offset: base_offset, timestamp: base_timestamp, append_time } = base;
        let counted = false;
        Self { count, dense, counted, base_offset, base_timestamp, timestamp_max, append_time }
    }

    /// Counts offsets from `base_offset` on, one a record, whatever the batch says.
    pub fn numbered_from(self, base_offset: i64) -> Self {
        Self { base_offset, counted: true, ..self }
    }

    /// Gives each record the time that its producer gave it, also where the attributes of the batch say that the time
    /// of the append holds for all of them.
    ///
    /// A broker that was told to keep create times ignores that bit in what a client produces, as Kafka does.
    pub fn with_create_times(self) -> Self {
        Self { append_time: None, ..self }
    }

    /// How many records there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The highest timestamp of all records, in milliseconds since the epoch; -1 when none has one.
    pub fn timestamp_max(&self) -> i64 {
        self.append_time.unwrap_or(self.timestamp_max)
    }

    /// Whether the offsets were 0, 1, 2, ... from the base offset on, as a producer must send them.
    pub fn is_dense(&self) -> bool {
        self.dense
    }
}

/// What the records' offsets and timestamps are relative to.
#[derive(Clone, Copy)]
pub(super) struct Base {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    /// The timestamp that stands for all of the records' own.
    pub(super) append_time: Option<i64>,
}

/// Iterates over [`Records`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
    index: u32,
    walk: Walk,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Record<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Record<'a>> {
        if self.index == self.walk.count {
            return None;
        }
        let Ok((record, rest)) = RawRecord::read(self.rest) else {
            // Only a body that is not the walk's own gets here.
            self.index = self.walk.count;
            return None;
        };
        self.rest = rest;
        let walk = &self.walk;
        let delta = if walk.counted { i64::from(self.index) } else { record.offset_delta };
        self.index += 1;
        Some(Record {
            offset: walk.base_offset.wrapping_add(delta),
            timestamp: match walk.append_time {
                Some(timestamp) => timestamp,
                None => walk.base_timestamp.wrapping_add(record.timestamp_delta),
            },
            key: record.key,
            value: record.value,
            headers: record.headers,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.walk.count - self.index) as usize;
        (left, Some(left))
    }
}
