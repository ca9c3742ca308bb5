//! Why a topic is not as a client wants it.

use ksink_event::Topic;
use ksink_wire::ErrorCode;

use crate::broker::settings::SettingError;

/// Why a topic is not created, changed, deleted or found. Its text is the response's `error_message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::broker) enum TopicError {
    #[error("a topic name is 1 to 249 characters of a-z, A-Z, 0-9, `.`, `_` and `-`")]
    IllegalName,
    #[error("the topics of this server are restricted, and this is none of them")]
    Restricted,
    #[error("there is such a topic already")]
    Exists,
    #[error("the name differs from that of the topic `{0}` in `.` and `_` alone")]
    Collides(Topic),
    #[error("there is no such topic")]
    Unknown,
    #[error("no topic has this id")]
    UnknownId,
    #[error("the request names the topic more than once")]
    NamedTwice,
    #[error("there is no room for another topic")]
    TooManyTopics,
    #[error("there is no room for that many partitions")]
    TooManyPartitions,
    #[error("a topic has at least one partition")]
    NoPartitions,
    #[error("the topic has {has} partitions, and {asked} would not be more")]
    NotMorePartitions { has: i32, asked: i32 },
    #[error("there is one broker, so that a partition has one replica")]
    ReplicationFactor,
    #[error("{0}")]
    Assignment(&'static str),
    #[error("{0}")]
    Nonsense(&'static str),
    #[error(transparent)]
    Setting(#[from] SettingError),
}

impl TopicError {
    pub(in crate::broker) fn code(&self) -> ErrorCode {
        match self {
            Self::IllegalName | Self::Collides(_) => ErrorCode::INVALID_TOPIC_EXCEPTION,
            Self::Restricted => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            Self::Exists => ErrorCode::TOPIC_ALREADY_EXISTS,
            Self::Unknown => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            Self::UnknownId => ErrorCode::UNKNOWN_TOPIC_ID,
            Self::NamedTwice | Self::Nonsense(_) => ErrorCode::INVALID_REQUEST,
            Self::TooManyTopics | Self::TooManyPartitions => ErrorCode::POLICY_VIOLATION,
            Self::NoPartitions | Self::NotMorePartitions { .. } => ErrorCode::INVALID_PARTITIONS,
            Self::ReplicationFactor => ErrorCode::INVALID_REPLICATION_FACTOR,
            Self::Assignment(_) => ErrorCode::INVALID_REPLICA_ASSIGNMENT,
            Self::Setting(_) => ErrorCode::INVALID_CONFIG,
        }
    }
}
