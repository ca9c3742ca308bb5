//! Record batches (v2) and message sets (v0, v1), presented through one record type.
//!
//! [`magic`] tells the two apart. [`RecordBatch::open`] and [`MessageSet::open`] check every byte once and give
//! [`Records`], over which iterating cannot fail.
//!
//! ```
//! use ksink_wire::{
//!     compression::Decompressor,
//!     records::{BatchBuilder, NewRecord, RecordBatch},
//! };
//!
//! let mut bytes = Vec::new();
//! let mut builder = BatchBuilder::new(&mut bytes);
//! builder.push(&NewRecord { key: Some(b"k"), value: Some(b"v"), ..Default::default() })?;
//! builder.finish()?;
//!
//! // One decompressor and one vector serve any number of batches.
//! let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
//! let (batch, rest) = RecordBatch::parse(&bytes)?;
//! batch.verify_crc()?;
//! let records = batch.open(&mut decompressor, &mut out, 1 << 20)?;
//! for record in records {
//!     assert_eq!((record.offset, record.key, record.value), (0, Some(&b"k"[..]), Some(&b"v"[..])));
//! }
//! assert!(rest.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod builder;
mod encode;
mod error;
mod marker;
mod message;
mod message_set;
mod patch;
mod record;
mod walk;

pub use batch::{Attributes, RecordBatch, magic};
pub use builder::{BatchBuilder, BuildError, MessageSetBuilder, NewRecord, Summary};
pub use error::{Fault, Field, RecordError};
pub use marker::EndMarker;
pub use message_set::MessageSet;
pub use patch::{set_base_offset, set_partition_leader_epoch, set_producer};
pub use record::{Header, Headers, Record};
pub use walk::{Iter, Records, Walk, WalkStart};

pub use crate::compression::Compression;
