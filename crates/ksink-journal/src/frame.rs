//! One frame as bytes. The layout is in the documentation of the crate.

use crate::PAYLOAD_BYTES_MAX;

/// Length and checksum.
const HEAD_BYTES: usize = 8;

/// Type and the three numbers: the least that a length says.
const NUMBERS_BYTES: usize = 25;

/// The most that a length says: what is put before a [first record](Kind::FirstRecord) is beyond the payload's limit.
const LENGTH_MAX: usize = NUMBERS_BYTES + PAYLOAD_BYTES_MAX + 1 + BOOT_ID_BYTES_MAX;

/// The longest boot id, in bytes.
pub(crate) const BOOT_ID_BYTES_MAX: usize = 255;

/// No journal gets here, so numbers below it can be counted on from.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;

/// What a file begins with: `magic, version u32, crc32c u32`.
pub(crate) const PROLOGUE_BYTES: usize = 16;

const MAGIC: &[u8; 8] = b"KSINKJNL";

/// The version of the layout that is written. There is no older one.
pub(crate) const VERSION: u32 = 1;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Start = 1,
    SnapshotPart = 2,
    SnapshotEnd = 3,
    Record = 4,
    FirstRecord = 5,
    Stop = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let kinds = [
            Self::Start,
            Self::SnapshotPart,
            Self::SnapshotEnd,
            Self::Record,
            Self::FirstRecord,
            Self::Stop,
        ];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The numbers that every frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) generation: u64,
    pub(crate) sequence: u64,
    /// The highest sequence that was known to be synced when this frame was written.
    pub(crate) known_synced: u64,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'b> {
    pub(crate) kind: Kind,
    pub(crate) numbers: Numbers,
    pub(crate) payload: &'b [u8],
}

/// Writes a frame; its payload is what `parts` are together.
pub(crate) fn encode(kind: Kind, numbers: Numbers, parts: &[&[u8]], into: &mut Vec<u8>) {
    let payload: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(NUMBERS_BYTES + payload).expect("payloads are bounded");
    let start = into.len();
    into.extend(length.to_be_bytes());
    into.extend([0; 4]);
    into.push(kind as u8);
    for number in [numbers.generation, numbers.sequence, numbers.known_synced] {
        into.extend(number.to_be_bytes());
    }
    parts.iter().for_each(|part| into.extend_from_slice(part));
    let sum = checksum(length, &into[start + HEAD_BYTES..]);
    into[start + 4..start + HEAD_BYTES].copy_from_slice(&sum.to_be_bytes());
}

impl<'b> Frame<'b> {
    /// The frame that `bytes` begin with, if it is whole, and what is behind it.
    pub(crate) fn decode(bytes: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let (length, rest) = number_u32(bytes)?;
        let (sum, rest) = number_u32(rest)?;
        let len = usize::try_from(length).ok()?;
        if !(NUMBERS_BYTES..=LENGTH_MAX).contains(&len) {
            return None;
        }
        let (body, behind) = rest.split_at_checked(len)?;
        if checksum(length, body) != sum {
            return None;
        }
        let (kind, rest) = body.split_first()?;
        let (generation, rest) = number_u64(rest)?;
        let (sequence, rest) = number_u64(rest)?;
        let (known_synced, payload) = number_u64(rest)?;
        let numbers = Numbers { generation, sequence, known_synced };
        let frame = Self { kind: Kind::of(*kind)?, numbers, payload };
        (sequence < NUMBER_MAX && known_synced < sequence).then_some((frame, behind))
    }

    /// Whether a frame of this generation may begin here: cheaper than to sum it up.
    pub(crate) fn may_begin(bytes: &[u8], generation: u64) -> bool {
        const AT: usize = HEAD_BYTES + 1;
        bytes.get(AT..AT + 8) == Some(&generation.to_be_bytes())
    }
}

/// What a file begins with.
pub(crate) fn prologue() -> [u8; PROLOGUE_BYTES] {
    prologue_of(VERSION)
}

pub(crate) fn prologue_of(version: u32) -> [u8; PROLOGUE_BYTES] {
    let mut bytes = [0; PROLOGUE_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&version.to_be_bytes());
    let sum = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The version of a file that begins so, and its frames; nothing if it is no journal.
pub(crate) fn version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (prologue, frames) = bytes.split_at_checked(PROLOGUE_BYTES)?;
    let (version, _) = number_u32(prologue.get(8..)?)?;
    (prologue == prologue_of(version)).then_some((version, frames))
}

fn checksum(length: u32, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_be_bytes()), body)
}

fn number_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn number_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Numbers = Numbers { generation: 3, sequence: 9, known_synced: 7 };

    fn encoded(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(Kind::Record, NUMBERS, &[payload], &mut bytes);
        bytes
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut bytes = encoded(b"what happened");
        bytes.extend(b"behind");
        let frame = Frame { kind: Kind::Record, numbers: NUMBERS, payload: b"what happened" };
        assert_eq!(Frame::decode(&bytes), Some((frame, &b"behind"[..])));
    }

    /// exactly-once, Journal: frames carry a generation, a sequence number and the number known synced.
    #[test]
    fn the_layout_is_the_documented_one() {
        let bytes = encoded(b"x");
        let numbers = [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(bytes[..4], [0, 0, 0, 26]);
        assert_eq!(bytes[8], 4);
        assert_eq!(bytes[9..33], numbers);
        assert_eq!(bytes[33..], *b"x");
    }

    /// exactly-once, Journal: the CRC covers length and type.
    #[test]
    fn a_change_of_any_bit_is_seen() {
        let bytes = encoded(b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            changed.extend([0; 64]);
            assert_eq!(Frame::decode(&changed), None, "bit {bit}");
        }
    }

    /// exactly-once, Journal: length 0 is invalid.
    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(Frame::decode(&[0; 100]), None);
    }

    /// Numbers that no journal writes are no frame: others count on from them.
    #[test]
    fn a_frame_knows_of_earlier_ones_only() {
        let is_frame = |sequence, known_synced| {
            let mut bytes = Vec::new();
            encode(Kind::Stop, Numbers { generation: 1, sequence, known_synced }, &[], &mut bytes);
            Frame::decode(&bytes).is_some()
        };
        assert!(is_frame(9, 8) && is_frame(NUMBER_MAX - 1, 0));
        assert!(!is_frame(9, 9) && !is_frame(NUMBER_MAX, 0) && !is_frame(u64::MAX, 0));
    }

    #[test]
    fn a_version_is_read_from_a_journal_only() {
        assert_eq!(version(&prologue()), Some((VERSION, &[][..])));
        assert_eq!(version(&prologue()[..15]), None);
        assert_eq!(version(&[0; 32]), None);
    }
}
