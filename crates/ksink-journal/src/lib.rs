//! A journal: frames that outlive a crash, over a snapshot of what came before them.
//!
//! Whoever uses it appends what happened, syncs where that must survive the loss of power, and supplies a snapshot of it
//! all when the journal has grown. At the next start it gets the snapshot and the frames back: exactly a prefix of what
//! was appended, and at least what was synced. It knows nothing of Kafka, and frames and snapshots are bytes to it.
//!
//! | room | holds |
//! |---|---|
//! | `frame` | one frame as bytes |
//! | `replay` | a file's bytes as snapshot and frames, and what damage to them means |
//! | `generation` | one file: its name, its making, its end |
//! | `journal` | [`Journal`]: appending, syncing, starting over, closing |
//! | `syncer` | [`Syncer`]: syncing on another thread, and what is known to be synced |
//! | `open`, `read` | what a start does with what it finds; the same without a change |
//! | `error` | whose fault it is |
//!
//! # Files
//!
//! A journal is a folder with a `lock` and one file `journal.N`, its generation N. Starting over writes
//! `journal.N+1.new` whole, syncs it, renames it, syncs the folder, and then removes `journal.N`: whatever has a name without
//! `.new` was synced as far as its snapshot goes, so that damage there is damage, and never a crash. Other files in the
//! folder are left alone.
//!
//! # Layout, version 1
//!
//! All numbers are big-endian. A file begins with the magic `KSINKJNL`, the version as u32, and the CRC-32C of these 12
//! bytes as u32. Frames follow without a gap; behind them are the zeros of preallocation.
//!
//! ```text
//! length u32        bytes behind the checksum, 25 and more; so the zeros of preallocation are no frame
//! crc32c u32        of the length and of everything behind the checksum
//! type u8
//! generation u64    the file's own
//! sequence u64      one more than that of the frame before, also across generations
//! known synced u64  every frame up to this one was durable when this one was written
//! payload
//! ```
//!
//! | type | payload | where |
//! |---|---|---|
//! | 1 start | boot id | first |
//! | 2 snapshot | a part of the snapshot, at most 1 MiB | behind start |
//! | 3 snapshot end | 1, or 0 if there is no snapshot | behind the last part |
//! | 4 record | what was appended | behind snapshot end |
//! | 5 first record | length of the boot id as u8, boot id, what was appended | the first record of each opening |
//! | 6 stop | nothing | last, where the stop was clean |
//!
//! The boot id travels within the first record, so that no crash keeps the one without the other.
//!
//! # What is assumed of a disk
//!
//! A write that power loss interrupts may be there in any part, and later ones without earlier ones; what was durable
//! around it stays. A failed sync may have lost what it was to write, though it can still be read.
#![warn(missing_docs)]

mod error;
mod frame;
mod generation;
mod journal;
mod open;
mod read;
mod replay;
mod syncer;

pub use self::{
    error::{Damage, JournalError, OpenError},
    journal::{Journal, JournalOptions},
    open::{LastStop, Opened},
    read::{Contents, Lock},
    syncer::Syncer,
};

/// The longest payload of a frame, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;
