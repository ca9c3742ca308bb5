//! Where decompressed bytes go: a caller's vector that never grows beyond a cap.

/// A vector that is filled from its start, up to a cap.
///
/// What the vector held before is overwritten and not cleared first: clearing would mean to fill it with
/// zeros again for every batch. It is cut to what was written at the end.
pub(super) struct Output<'o> {
    bytes: &'o mut Vec<u8>,
    filled: usize,
    cap: usize,
}

impl<'o> Output<'o> {
    pub(super) fn new(bytes: &'o mut Vec<u8>, cap: usize) -> Self {
        Self { bytes, filled: 0, cap }
    }

    /// Free space of at least `wanted` bytes, or of all that the cap leaves when that is less.
    pub(super) fn room(&mut self, wanted: usize) -> &mut [u8] {
        let needed = self.filled + wanted.min(self.cap - self.filled);
        if self.bytes.len() < needed {
            let grown = needed.max(self.filled.saturating_mul(2).min(self.cap));
            self.bytes.reserve_exact(grown - self.bytes.len());
            self.bytes.resize(grown, 0);
        }
        let end = self.bytes.len().min(self.cap);
        self.bytes.get_mut(self.filled..end).unwrap_or_default()
    }

    /// What was written so far, and free space as [`Self::room`] gives it.
    #[cfg(feature = "lz4")]
    pub(super) fn written_and_room(&mut self, wanted: usize) -> (&[u8], &mut [u8]) {
        self.room(wanted);
        let end = self.bytes.len().min(self.cap);
        let (written, free) = self.bytes.split_at_mut(self.filled);
        (written, free.get_mut(..end - self.filled).unwrap_or_default())
    }

    /// Counts `n` bytes at the start of the free space as written.
    pub(super) fn advance(&mut self, n: usize) {
        self.filled = (self.filled + n).min(self.cap).min(self.bytes.len());
    }

    /// Copies `bytes`, or says that they do not fit.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> bool {
        let Some(free) = self.room(bytes.len()).get_mut(..bytes.len()) else { return false };
        free.copy_from_slice(bytes);
        self.advance(bytes.len());
        true
    }

    /// How many bytes were written.
    #[cfg(any(feature = "gzip", feature = "lz4"))]
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// How many more the cap allows.
    #[cfg(any(feature = "lz4", feature = "snappy", feature = "zstd"))]
    pub(super) fn left(&self) -> usize {
        self.cap - self.filled
    }

    /// The bytes that were written from position `start` on.
    #[cfg(feature = "gzip")]
    pub(super) fn written_from(&self, start: usize) -> &[u8] {
        self.bytes.get(start..self.filled).unwrap_or_default()
    }

    /// Cuts the vector to what was written.
    pub(super) fn finish(self) {
        self.bytes.truncate(self.filled);
    }
}
