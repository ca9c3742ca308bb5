//! The file system as ksink needs it.
//!
//! What survives a crash is decided by details: whether a name is durable is another question than whether the bytes
//! behind it are, a rename may replace, a failed sync cannot be repeated. This crate asks for them by name.
//!
//! | room | holds |
//! |---|---|
//! | `disk` | [`Disk`] and [`DiskFile`], and what they are asked and answer |
//! | `real` | [`RealDisk`]: the file system of this machine |
//! | `whole` | what takes several calls: writing all, reading all, making a folder durable |
//! | `model` | `ModelDisk`: a file system in memory that crashes and fails on demand (feature `model`) |
//! | `fail_point` | [`fail_point`]: the places where a test may kill the process (feature `fail-points`) |
//! | `planted` | [`planted`]: the faults that tests must find out (feature `planted-faults`) |
//!
//! It knows nothing of records, journals or Kafka.
#![warn(missing_docs)]

mod disk;
mod fail_point;
#[cfg(feature = "model")]
mod model;
mod planted;
mod real;
mod whole;

#[cfg(feature = "model")]
pub use self::model::{Crash, Fault, ModelDisk, Twist, TwistedDisk};
#[cfg(feature = "planted-faults")]
pub use self::planted::plant;
pub use self::{
    disk::{Disk, DiskFile, Existing, Identity, Kind, Look, NamedBy, Open},
    fail_point::{FAIL_POINTS, fail_point},
    planted::{PLANTED_FAULTS, planted},
    real::{RealDisk, RealFile},
    whole::{append_all, read_to_end, sync_folders, write_all_at},
};
