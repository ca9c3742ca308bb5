//! Writing fixed fields into a header that is there already.

/// Overwrites the bytes at `at`. The caller knows that they are there; where they are not, nothing happens.
#[inline(always)]
pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}
