//! Where ksink's records go.
//!
//! | room | holds |
//! |---|---|
//! | [`pump`](mod@pump) | carries deliveries to a sink: one flush answers a group |
//! | `sink` | [`Sink`]: what a place for records promises |
//! | `file`, `path` | files, one or one a topic, appended to |
//! | `stdout` | standard output |
//! | `http` | a server that takes one POST a record |
//! | `null` | nowhere |
//! | `transactional` | [`TransactionalFiles`]: one file a transaction |
//! | `held_back` | [`HeldBack`]: transactions for any of these |
//! | `output`, `append` | what file and stdout share: one open output, and cutting back what failed |
//! | [`inspect`](mod@inspect) | what a state says of all these, for people |
//! | `position` | how far a file got, as bytes that a server keeps |
//! | [`format`](mod@format) | how a record becomes bytes: binary, jsonl, kcat |
//!
//! A sink knows outputs and bytes. It knows no Kafka request and no journal: what happened, and the duty
//! to answer for it, reaches it through `ksink-event`.
#![warn(missing_docs)]

mod append;
mod complaints;
mod file;
pub mod format;
mod held_back;
mod http;
pub mod inspect;
mod null;
mod output;
mod path;
mod position;
pub mod pump;
#[cfg(test)]
mod rig;
mod sink;
mod stdout;
#[cfg(test)]
mod testing;
mod transactional;

pub use file::{FileOptions, FileSink, OpenError};
pub use format::{Format, FormatError};
pub use held_back::{HeldBack, HeldBackOptions};
pub use http::{
    HttpOpenError, HttpOptions, HttpRetries, HttpSink, HttpTarget, TargetError, Tls, TlsError,
    TlsIdentity, TlsOptions,
};
pub use null::NullSink;
pub use path::{PathPattern, PatternError, TransactionName, TransactionPattern};
pub use pump::{Progress, PumpEnd, PumpLimits, PumpOptions, pump};
pub use sink::{
    Committed, Failure, Flushed, OutputId, Prepared, RecoverError, Sink, TransactionalSink, Undone,
};
pub use stdout::StdoutSink;
pub use transactional::{TransactionalFiles, TransactionalOptions, TxnExisting};
