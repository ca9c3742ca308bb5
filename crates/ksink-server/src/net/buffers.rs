//! Buffers of large requests, to be used again: fresh memory costs more than what is done with it.

use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// What is kept at most, by all connections together.
const SPARE_BYTES_MAX: usize = 4 << 20;

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    spare: Mutex<Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    buffers: Vec<BytesMut>,
    bytes: usize,
}

impl Buffers {
    /// An empty buffer with room for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> BytesMut {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one that came back is the one that the cache still knows.
        let Some(at) = spare.buffers.iter().rposition(|buffer| buffer.capacity() >= bytes) else {
            return BytesMut::with_capacity(bytes);
        };
        let buffer = spare.buffers.remove(at);
        spare.bytes -= buffer.capacity();
        buffer
    }

    /// Takes a buffer back, unless others still read in it or enough are kept.
    pub(super) fn give_back(&self, bytes: Bytes) {
        let Ok(mut buffer) = bytes.try_into_mut() else { return };
        buffer.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.bytes + buffer.capacity() <= SPARE_BYTES_MAX {
            spare.bytes += buffer.capacity();
            spare.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_nobody_reads_in_it() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(100_000);
        let place = buffer.as_ptr();
        buffer.extend_from_slice(b"request");
        let request = buffer.freeze();
        let reader = request.slice(2..);
        buffers.give_back(request);
        assert_ne!(buffers.take(100_000).as_ptr(), place, "somebody reads in it");
        buffers.give_back(reader);
        assert!(buffers.take(50_000).capacity() >= 50_000);
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let buffers = Buffers::default();
        for _ in 0..10 {
            buffers.give_back(BytesMut::with_capacity(1 << 20).freeze());
        }
        let spare = buffers.spare.lock().expect("nobody panicked");
        assert!(spare.bytes <= SPARE_BYTES_MAX);
    }
}
