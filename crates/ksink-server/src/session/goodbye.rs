//! Why a connection ends.

use std::time::Duration;

use ksink_wire::{ApiKey, DecodeError, ErrorCode, HeaderError, frame::FrameError};

/// Why a connection ends. The `Display` is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Goodbye {
    /// The client closed it.
    #[error("the client closed the connection")]
    Finished,
    /// Nothing came for too long.
    #[error("idle for too long")]
    Idle,
    /// A frame was begun and not finished in time.
    #[error("a frame took too long to arrive")]
    SlowFrame,
    /// An answer was not read in time.
    #[error("the client did not read its answers within {0:?}")]
    SlowReader(Duration),
    /// The server stops.
    #[error("the server stops")]
    Draining,
    /// A size prefix that cannot be served.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// A request header that cannot be read.
    #[error("bad request header: {0}")]
    Header(HeaderError),
    /// A request that is known and not served.
    #[error("{api:?} version {version} is not served here")]
    NotServed {
        /// Which API.
        api: ApiKey,
        /// In which version.
        version: i16,
    },
    /// A body that cannot be read.
    #[error("malformed {api:?} version {version} request: {error}")]
    Malformed {
        /// Which API.
        api: ApiKey,
        /// In which version.
        version: i16,
        /// Which field, and why.
        error: DecodeError,
    },
    /// A produce request with acks=0 was refused: closing is the only answer that it can get.
    #[error("a produce request with acks=0 was refused: {code:?} {reason}")]
    RefusedUnheard {
        /// What another client would have heard.
        code: ErrorCode,
        /// Why.
        reason: String,
    },
    /// What was asked for cannot be remembered at the moment.
    #[error("the journal cannot be written, so that whether the request was served is not certain")]
    NotRemembered,
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Failed(String),
}

impl Goodbye {
    /// Whether this is the ordinary end of a connection, which needs no attention.
    pub fn is_ordinary(&self) -> bool {
        match self {
            Self::Finished | Self::Idle | Self::Draining | Self::Failed(_) => true,
            Self::SlowFrame
            | Self::SlowReader(_)
            | Self::Frame(_)
            | Self::Header(_)
            | Self::NotServed { .. }
            | Self::Malformed { .. }
            | Self::NotRemembered
            | Self::RefusedUnheard { .. } => false,
        }
    }
}
