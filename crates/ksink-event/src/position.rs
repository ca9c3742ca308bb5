//! How far an output got.

use std::sync::Arc;

use bytes::Bytes;

/// How far one output got, in the sink's own words.
///
/// The server keeps the bytes and never reads them: for a file they might hold its identity and the
/// length at which the sink's own append ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The output's name, unique within the sink; a path, say.
    pub output: Arc<str>,
    /// What the sink needs in order to find this point again.
    pub bytes: Bytes,
}
