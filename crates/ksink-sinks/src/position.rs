//! How far a file got, as bytes that a server keeps.
//!
//! The first byte tells the kind. All numbers are big-endian.
//!
//! | kind | what follows |
//! |---|---|
//! | 1 | a plain file: device, inode, birth time in nanoseconds since the epoch (0 where unknown), length: `u64` each |
//! | 2 | nothing: no file has the name, and the next one is ours |
//! | from 16 on | the files of transactions |
//! | from 32 on | records of transactions that are held back |

use bytes::{BufMut, Bytes, BytesMut};
use ksink_disk::Identity;

/// The kind of a plain file's position.
const AT: u8 = 1;

/// The kind that says that there is no file.
const ABSENT: u8 = 2;

/// How far a plain file got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilePosition {
    /// Nothing has the name yet: a file that is found there, and is empty, is ours.
    Absent,
    /// Which file it is, and the length at which our own append ended.
    At { identity: Identity, length: u64 },
}

impl FilePosition {
    pub(crate) fn to_bytes(self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(33);
        match self {
            Self::Absent => bytes.put_u8(ABSENT),
            Self::At { identity, length } => {
                bytes.put_u8(AT);
                for number in [identity.device, identity.inode, identity.born_ns, length] {
                    bytes.put_u64(number);
                }
            }
        }
        bytes.freeze()
    }

    /// Whether both are positions of one file.
    pub(crate) fn is_of_same_file(self, other: Self) -> bool {
        match (self, other) {
            (Self::At { identity, .. }, Self::At { identity: other, .. }) => identity == other,
            (Self::Absent, _) | (_, Self::Absent) => false,
        }
    }

    /// Reads a position; `None` for one of another kind.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        match (kind, rest.as_chunks::<8>()) {
            (ABSENT, ([], [])) => Some(Self::Absent),
            (AT, (numbers, [])) => {
                let numbers: &[[u8; 8]; 4] = numbers.try_into().ok()?;
                let [device, inode, born_ns, length] = numbers.map(u64::from_be_bytes);
                Some(Self::At { identity: Identity { device, inode, born_ns }, length })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let identity = Identity { device: 1, inode: 2, born_ns: 3 };
        let at = FilePosition::At { identity, length: 4 };
        assert_eq!(at.to_bytes().len(), 33);
        for position in [FilePosition::Absent, at] {
            assert_eq!(FilePosition::parse(&position.to_bytes()), Some(position));
        }
    }

    #[test]
    fn positions_of_other_kinds_are_passed_over() {
        for bytes in [&[][..], &[0], &[16], &[2, 0], &[1; 32], &[1; 34], &[32; 33]] {
            assert_eq!(FilePosition::parse(bytes), None, "{bytes:?}");
        }
    }
}
