//! Records that were walked once, so that iterating cannot fail.

use super::Record;

/// The records of a batch or a message set, walked once and found whole: iterating cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    body: &'a [u8],
    walk: Walk,
}

/// What a walk over a body of records found.
///
/// With the same body it gives the [`Records`] back without another walk; with any other body
/// iterating ends early, and never panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    count: u32,
    base_offset: i64,
    timestamp_max: i64,
    dense: bool,
}

impl<'a> Records<'a> {
    /// Puts a body and what its walk found together again.
    pub fn restore(body: &'a [u8], walk: Walk) -> Self {
        Self { body, walk }
    }

    /// The bytes that hold the records: uncompressed, without the header of the batch.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What the walk found, to be kept beside an owned copy of the body.
    pub fn walk(&self) -> Walk {
        self.walk
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.walk.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.walk.count == 0
    }

    /// The records in their order.
    pub fn iter(&self) -> Iter<'a> {
        Iter { _body: self.body }
    }
}

impl Walk {
    /// Counts offsets from `base_offset` on, one a record, whatever the batch says.
    pub fn numbered_from(self, base_offset: i64) -> Self {
        Self { base_offset, ..self }
    }

    /// How many records there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The highest timestamp of all records, in milliseconds since the epoch; -1 when none has one.
    pub fn timestamp_max(&self) -> i64 {
        self.timestamp_max
    }

    /// Whether the offsets were 0, 1, 2, ... from the base offset on, as a producer must send them.
    pub fn is_dense(&self) -> bool {
        self.dense
    }
}

/// Iterates over [`Records`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    _body: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        None
    }
}
