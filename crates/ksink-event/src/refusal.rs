//! Why an event was not accepted.

use std::sync::Arc;

/// Why an event was not accepted, in the kinds that a producer can tell apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing was kept, and a retry may succeed.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// Which code the producer hears.
        fault: Fault,
        /// For the operator's log and, where the protocol has room, for the producer.
        reason: Arc<str>,
    },
    /// It may have been kept or not (producers hear REQUEST_TIMED_OUT, 7, and may retry).
    #[error("outcome unknown: {reason}")]
    Unknown {
        /// For the operator's log and, where the protocol has room, for the producer.
        reason: Arc<str>,
    },
    /// It will never be accepted (producers hear INVALID_RECORD, 87).
    #[error("rejected: {reason}")]
    Rejected {
        /// For the operator's log and, where the protocol has room, for the producer.
        reason: Arc<str>,
    },
    /// It is larger than the sink takes (producers hear MESSAGE_TOO_LARGE, 10).
    #[error("too large: {reason}")]
    TooLarge {
        /// For the operator's log and, where the protocol has room, for the producer.
        reason: Arc<str>,
    },
}

/// Where the fault lies that makes a sink unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// On this machine, such as a full disk (producers hear KAFKA_STORAGE_ERROR, 56).
    Local,
    /// Elsewhere, such as a server that does not answer (producers hear NOT_ENOUGH_REPLICAS, 19).
    Remote,
}

impl Refusal {
    /// A fault of this machine that may pass.
    pub fn local(reason: impl Into<Arc<str>>) -> Self {
        Self::Unavailable { fault: Fault::Local, reason: reason.into() }
    }

    /// A fault elsewhere that may pass.
    pub fn remote(reason: impl Into<Arc<str>>) -> Self {
        Self::Unavailable { fault: Fault::Remote, reason: reason.into() }
    }

    /// Nobody knows whether it was kept.
    pub fn unknown(reason: impl Into<Arc<str>>) -> Self {
        Self::Unknown { reason: reason.into() }
    }

    /// Refused for good.
    pub fn rejected(reason: impl Into<Arc<str>>) -> Self {
        Self::Rejected { reason: reason.into() }
    }

    /// Refused for good, for its size.
    pub fn too_large(reason: impl Into<Arc<str>>) -> Self {
        Self::TooLarge { reason: reason.into() }
    }

    /// What the operator reads.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unavailable { reason, .. }
            | Self::Unknown { reason }
            | Self::Rejected { reason }
            | Self::TooLarge { reason } => reason,
        }
    }
}
