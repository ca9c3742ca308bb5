//! The two checksums of Kafka's records: CRC-32C over v2 batches, CRC-32 over the messages of v0 and v1.

/// CRC-32C (Castagnoli), as iSCSI uses it.
#[cfg(feature = "crc-fast")]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// CRC-32C (Castagnoli), as iSCSI uses it.
#[cfg(not(feature = "crc-fast"))]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// CRC-32, as zip and Ethernet use it.
#[cfg(feature = "crc-fast")]
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iso_hdlc(bytes)
}

/// CRC-32, as zip and Ethernet use it: a byte at a time, because nothing but old message sets needs it and a crate
/// for it would be one more in the smallest build.
#[cfg(not(feature = "crc-fast"))]
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        let index = (crc as u8 ^ byte) as usize;
        (crc >> 8) ^ CRC32_TABLE.get(index).copied().unwrap_or_default()
    })
}

/// What each value of a byte adds to a CRC-32, for the reversed polynomial 0xEDB88320.
#[cfg(not(feature = "crc-fast"))]
#[allow(clippy::indexing_slicing, reason = "the compiler does it, and would say if it were wrong")]
const CRC32_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::{crc32, crc32c};

    /// The check values of the catalogue of parametrised CRC algorithms.
    #[test]
    fn the_checksums_are_those_of_the_catalogue() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32(b""), 0);
    }
}
