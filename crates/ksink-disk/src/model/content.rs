//! What files and folders hold: as it is seen, and as a power cut leaves it.

use std::{collections::BTreeMap, ffi::OsString};

use super::dice::Dice;

/// What is written as one, at offsets that are multiples of it.
const SECTOR_BYTES: usize = 512;

/// The bytes of a file.
#[derive(Debug, Default)]
pub(super) struct FileContent {
    pub(super) seen: Vec<u8>,
    durable: Vec<u8>,
    /// What is seen and not durable, in order.
    pending: Vec<Change>,
}

/// A change of a file.
#[derive(Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
    Lengthen(usize),
}

impl FileContent {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.pending.drain(..).for_each(|change| change.apply(&mut self.durable));
    }

    /// A sync that failed: nobody will write these changes any more.
    pub(super) fn fail_sync(&mut self) {
        self.pending.clear();
    }

    pub(super) fn cut_power(&mut self, dice: &mut Dice) {
        for change in self.pending.drain(..) {
            match dice.below(4) {
                0 => {}
                1 => change.apply_torn(&mut self.durable, dice),
                _ => change.apply(&mut self.durable),
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::SetLen(len) => content.resize(*len, 0),
            Self::Lengthen(len) => content.resize(content.len().max(*len), 0),
        }
    }

    /// Applies a part: the beginning, or some of the sectors. There is no part of a length.
    fn apply_torn(&self, content: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Write { offset, bytes } = self else { return };
        if dice.coin() {
            return write(content, *offset, &bytes[..dice.below(bytes.len())]);
        }
        let mut at = 0;
        while at < bytes.len() {
            let sector_end = (offset + at) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
            let end = bytes.len().min(sector_end - offset);
            if dice.coin() {
                write(content, offset + at, &bytes[at..end]);
            }
            at = end;
        }
    }
}

/// Writes; a gap before it is filled with zeros.
fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// The names in a folder, and the inodes that have them.
#[derive(Debug, Default)]
pub(super) struct FolderContent {
    pub(super) seen: BTreeMap<OsString, u64>,
    durable: BTreeMap<OsString, u64>,
    /// What is seen and not durable, in order. What a rename does within one folder is done as one.
    pending: Vec<Entries>,
}

/// Names and what they mean from now on.
pub(super) type Entries = Vec<(OsString, Option<u64>)>;

impl FolderContent {
    pub(super) fn change(&mut self, entries: Entries) {
        apply(&entries, &mut self.seen);
        self.pending.push(entries);
    }

    pub(super) fn sync(&mut self) {
        self.pending.drain(..).for_each(|entries| apply(&entries, &mut self.durable));
    }

    pub(super) fn cut_power(&mut self, dice: &mut Dice) {
        for entries in self.pending.drain(..) {
            if dice.coin() {
                apply(&entries, &mut self.durable);
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

fn apply(entries: &Entries, names: &mut BTreeMap<OsString, u64>) {
    for (name, inode) in entries {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}
