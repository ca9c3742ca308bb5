//! What a state remembers of transactions' files.
//!
//! A position's first byte tells its kind; what follows is in postcard's encoding.
//!
//! | kind | called by | what it says |
//! |---|---|---|
//! | 16 | the temporary file | whose it is, its topic, which file it is, and how much of it is accepted |
//! | 17 | the temporary file | no file has the name, and the next one is this transaction's |
//! | 18 | the temporary file | which file it is; it was appended to the final one, and is to be deleted |
//! | 19 | `//claim/` and a final name | which transactional id and topic it belongs to |
//! | 20 | `//seq/` and a transactional id | the number of its last committed transaction |
//! | 21 | `//base/`, a serial and a final name | where a commit appends, if not where its intent says |

use bytes::Bytes;
use ksink_disk::Identity;
use ksink_event::Position;
use serde::{Deserialize, Serialize};

const TEMPORARY: u8 = 16;
const ABSENT: u8 = 17;
const LEFTOVER: u8 = 18;
const CLAIM: u8 = 19;
const SEQ: u8 = 20;
const BASE: u8 = 21;

/// No file's name begins so: they lie below a folder.
const CLAIMS: &str = "//claim/";
const SEQS: &str = "//seq/";
const BASES: &str = "//base/";

/// Which file it is, whatever it is called now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Which {
    pub(crate) inode: u64,
    /// Nanoseconds since the epoch; 0 where the file system keeps none.
    pub(crate) born_ns: u64,
}

impl From<Identity> for Which {
    /// The device is left out: its number lasts for one boot, and a name does not change the device it is on.
    fn from(identity: Identity) -> Self {
        Self { inode: identity.inode, born_ns: identity.born_ns }
    }
}

/// A temporary file, as far as it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Temporary {
    pub(crate) serial: u64,
    /// The number that its transaction will have if it is committed.
    pub(crate) seq: u64,
    pub(crate) which: Which,
    pub(crate) len: u64,
    pub(crate) records: u64,
}

/// Whom a name belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) topic: String,
}

/// Where a commit appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) which: Which,
    pub(crate) len: u64,
}

/// What a position says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Temporary { name: String, topic: String, it: Temporary },
    Absent { name: String, serial: u64 },
    Leftover { name: String, which: Which },
    Claim { name: String, claim: Claim },
    Seq { id: String, seq: u64 },
    Base { serial: u64, name: String, base: Base },
}

impl Said {
    /// Reads a position, if it is one of these.
    pub(crate) fn read(position: &Position) -> Option<Self> {
        let (&kind, rest) = position.bytes.as_ref()?.split_first()?;
        let output = &*position.output;
        let name = output.to_owned();
        match kind {
            TEMPORARY => {
                let (topic, it) = postcard::from_bytes(rest).ok()?;
                Some(Self::Temporary { name, topic, it })
            }
            ABSENT => Some(Self::Absent { name, serial: postcard::from_bytes(rest).ok()? }),
            LEFTOVER => Some(Self::Leftover { name, which: postcard::from_bytes(rest).ok()? }),
            CLAIM => {
                let name = output.strip_prefix(CLAIMS)?.to_owned();
                Some(Self::Claim { name, claim: postcard::from_bytes(rest).ok()? })
            }
            SEQ => {
                let id = output.strip_prefix(SEQS)?.to_owned();
                Some(Self::Seq { id, seq: postcard::from_bytes(rest).ok()? })
            }
            BASE => {
                let (serial, name) = output.strip_prefix(BASES)?.split_once('/')?;
                let (serial, name) = (serial.parse().ok()?, name.to_owned());
                Some(Self::Base { serial, name, base: postcard::from_bytes(rest).ok()? })
            }
            _ => None,
        }
    }

    /// The position that says so.
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Temporary { name, topic, it } => at(name, TEMPORARY, &(topic, it)),
            Self::Absent { name, serial } => at(name, ABSENT, serial),
            Self::Leftover { name, which } => at(name, LEFTOVER, which),
            Self::Claim { name, claim } => at(&format!("{CLAIMS}{name}"), CLAIM, claim),
            Self::Seq { id, seq } => at(&seq_name(id), SEQ, seq),
            Self::Base { serial, name, base } => at(&base_name(*serial, name), BASE, base),
        }
    }
}

/// What the number of an id's last committed transaction is called.
pub(crate) fn seq_name(id: &str) -> String {
    format!("{SEQS}{id}")
}

/// What the place is called where a commit appends.
pub(crate) fn base_name(serial: u64, name: &str) -> String {
    format!("{BASES}{serial}/{name}")
}

fn at(name: &str, kind: u8, content: &impl Serialize) -> Position {
    let bytes = postcard::to_extend(content, vec![kind]).expect("a vector takes all");
    Position::at(name, Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let which = Which { inode: 1, born_ns: 2 };
        let it = Temporary { serial: 3, seq: 4, which, len: 5, records: 6 };
        let claim = Claim { id: "x/y".to_owned(), topic: "t".to_owned() };
        let name = || "a/b.tmp".to_owned();
        for said in [
            Said::Temporary { name: name(), topic: "t".to_owned(), it },
            Said::Absent { name: name(), serial: 7 },
            Said::Leftover { name: name(), which },
            Said::Claim { name: name(), claim },
            Said::Seq { id: "x/y".to_owned(), seq: 8 },
            Said::Base { serial: 9, name: name(), base: Base { which, len: 10 } },
        ] {
            assert_eq!(Said::read(&said.position()), Some(said));
        }
    }

    #[test]
    fn positions_of_other_kinds_are_passed_over() {
        for bytes in [&[][..], &[1; 33], &[2], &[32, 0, 0], &[16], &[17]] {
            let position = Position::at("x", bytes.to_vec());
            assert_eq!(Said::read(&position), None, "{bytes:?}");
        }
    }
}
