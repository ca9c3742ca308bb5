//! Record batches (v2) and message sets (v0, v1), presented through one record type.

mod batch;
mod builder;
mod error;
mod header;
mod record;
mod varint;
mod walk;

pub use batch::{Attributes, RecordBatch, magic};
pub use builder::{BatchBuilder, BatchSummary, BuildError, EndMarker, NewRecord};
pub use error::{Fault, Field, RecordError};
pub use record::{Header, Headers, Record};
pub use walk::{Iter, Records, Walk};

pub use crate::compression::Compression;
