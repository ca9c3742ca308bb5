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
    /// What the sink needs in order to find this point again. `None` withdraws the output: it was renamed or
    /// deleted, or nothing will ever be appended to it, and the server may forget it.
    pub bytes: Option<Bytes>,
}

impl Position {
    /// Where an output stands.
    pub fn at(output: impl Into<Arc<str>>, bytes: impl Into<Bytes>) -> Self {
        Self { output: output.into(), bytes: Some(bytes.into()) }
    }

    /// An output that need not be remembered any more.
    pub fn withdrawn(output: impl Into<Arc<str>>) -> Self {
        Self { output: output.into(), bytes: None }
    }
}
