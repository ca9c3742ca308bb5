//! The settings that a topic of Kafka 4.3 has: `TopicConfig` and `LogConfig` of its source.

use super::{Broker, Kind};

/// A setting of topics.
#[derive(Debug)]
pub(super) struct TopicSetting {
    pub(super) name: &'static str,
    /// What brokers call the value of topics that have none of their own.
    pub(super) broker_name: Option<&'static str>,
    pub(super) kind: Kind,
    /// Kafka's.
    pub(super) default: &'static str,
    /// Ours, where it is not Kafka's.
    pub(super) value: fn(&Broker) -> Option<String>,
    pub(super) documentation: &'static str,
}

const fn setting(
    name: &'static str,
    broker_name: Option<&'static str>,
    kind: Kind,
    default: &'static str,
    documentation: &'static str,
) -> TopicSetting {
    TopicSetting { name, broker_name, kind, default, value: |_| None, documentation }
}

/// By name.
pub(super) const TOPIC_SETTINGS: &[TopicSetting] = &[
    setting(
        "cleanup.policy",
        Some("log.cleanup.policy"),
        Kind::SomeOf(&["delete", "compact"]),
        "delete",
        "What happens to old records: they are deleted, or only the last of each key is kept.",
    ),
    setting(
        "compression.gzip.level",
        Some("compression.gzip.level"),
        Kind::Int { min: -1 },
        "-1",
        "How hard gzip tries, from 1 to 9; -1 leaves it to gzip.",
    ),
    setting(
        "compression.lz4.level",
        Some("compression.lz4.level"),
        Kind::Int { min: 1 },
        "9",
        "How hard lz4 tries, from 1 to 17.",
    ),
    setting(
        "compression.type",
        Some("compression.type"),
        Kind::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "producer",
        "How records are compressed where they are kept.",
    ),
    setting(
        "compression.zstd.level",
        Some("compression.zstd.level"),
        Kind::Int { min: -131072 },
        "3",
        "How hard zstd tries, from -131072 to 22.",
    ),
    setting(
        "delete.retention.ms",
        Some("log.cleaner.delete.retention.ms"),
        Kind::Long { min: 0 },
        "86400000",
        "How long a compacted topic keeps the mark that a key was deleted.",
    ),
    setting(
        "file.delete.delay.ms",
        Some("log.segment.delete.delay.ms"),
        Kind::Long { min: 0 },
        "60000",
        "How long a deleted file stays on the disk.",
    ),
    setting(
        "flush.messages",
        Some("log.flush.interval.messages"),
        Kind::Long { min: 1 },
        "9223372036854775807",
        "After how many records they are synced to the disk.",
    ),
    setting(
        "flush.ms",
        None,
        Kind::Long { min: 0 },
        "9223372036854775807",
        "After how long records are synced to the disk.",
    ),
    setting(
        "follower.replication.throttled.replicas",
        None,
        Kind::Replicas,
        "",
        "Which followers copy no faster than they are allowed to.",
    ),
    setting(
        "index.interval.bytes",
        Some("log.index.interval.bytes"),
        Kind::Int { min: 0 },
        "4096",
        "How many bytes of records there are between two entries of the index.",
    ),
    setting(
        "leader.replication.throttled.replicas",
        None,
        Kind::Replicas,
        "",
        "Which leaders are copied from no faster than it is allowed.",
    ),
    setting(
        "local.retention.bytes",
        Some("log.local.retention.bytes"),
        Kind::Long { min: -2 },
        "-2",
        "How much of a tiered partition is kept locally; -2 as retention.bytes.",
    ),
    setting(
        "local.retention.ms",
        Some("log.local.retention.ms"),
        Kind::Long { min: -2 },
        "-2",
        "How long records of a tiered partition are kept locally; -2 as retention.ms.",
    ),
    setting(
        "max.compaction.lag.ms",
        Some("log.cleaner.max.compaction.lag.ms"),
        Kind::Long { min: 1 },
        "9223372036854775807",
        "How long a record may wait to be compacted.",
    ),
    TopicSetting {
        value: |broker| Some(broker.limits.message_bytes_max.to_string()),
        ..setting(
            "max.message.bytes",
            Some("message.max.bytes"),
            Kind::Int { min: 0 },
            "1048588",
            "How large a batch may be.",
        )
    },
    setting(
        "message.timestamp.after.max.ms",
        Some("log.message.timestamp.after.max.ms"),
        Kind::Long { min: 0 },
        "3600000",
        "How far the timestamp of a record may be ahead of the broker's clock.",
    ),
    setting(
        "message.timestamp.before.max.ms",
        Some("log.message.timestamp.before.max.ms"),
        Kind::Long { min: 0 },
        "9223372036854775807",
        "How far the timestamp of a record may be behind the broker's clock.",
    ),
    setting(
        "message.timestamp.type",
        Some("log.message.timestamp.type"),
        Kind::OneOf(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
        "Whose clock the timestamps of records are from.",
    ),
    setting(
        "min.cleanable.dirty.ratio",
        Some("log.cleaner.min.cleanable.ratio"),
        Kind::Ratio,
        "0.5",
        "How much of a log must be worth compacting.",
    ),
    setting(
        "min.compaction.lag.ms",
        Some("log.cleaner.min.compaction.lag.ms"),
        Kind::Long { min: 0 },
        "0",
        "How long a record is not compacted.",
    ),
    setting(
        "min.insync.replicas",
        Some("min.insync.replicas"),
        Kind::Int { min: 1 },
        "1",
        "How many replicas must have a record before it is acknowledged to all.",
    ),
    setting(
        "preallocate",
        Some("log.preallocate"),
        Kind::Boolean,
        "false",
        "Whether a file gets its full size when it is made.",
    ),
    setting(
        "remote.log.copy.disable",
        None,
        Kind::Boolean,
        "false",
        "Whether a tiered topic stops copying to remote storage.",
    ),
    setting(
        "remote.log.delete.on.disable",
        None,
        Kind::Boolean,
        "false",
        "Whether tiered data goes when tiering is switched off.",
    ),
    setting("remote.storage.enable", None, Kind::Boolean, "false", "Whether the topic is tiered."),
    setting(
        "retention.bytes",
        Some("log.retention.bytes"),
        Kind::Long { min: -1 },
        "-1",
        "How large a partition may grow before its oldest records are deleted; -1 without limit.",
    ),
    TopicSetting {
        value: |_| Some("-1".to_owned()),
        ..setting(
            "retention.ms",
            Some("log.retention.ms"),
            Kind::Long { min: -1 },
            "604800000",
            "How long records are kept; -1 for ever.",
        )
    },
    setting(
        "segment.bytes",
        Some("log.segment.bytes"),
        Kind::Int { min: 1048576 },
        "1073741824",
        "How large a file of the log grows.",
    ),
    setting(
        "segment.index.bytes",
        Some("log.index.size.max.bytes"),
        Kind::Int { min: 4 },
        "10485760",
        "How large an index grows.",
    ),
    setting(
        "segment.jitter.ms",
        Some("log.roll.jitter.ms"),
        Kind::Long { min: 0 },
        "0",
        "By how much the age of files varies.",
    ),
    setting(
        "segment.ms",
        Some("log.roll.ms"),
        Kind::Long { min: 1 },
        "604800000",
        "How old a file of the log grows.",
    ),
    setting(
        "unclean.leader.election.enable",
        Some("unclean.leader.election.enable"),
        Kind::Boolean,
        "false",
        "Whether a replica that is behind may lead when no other can.",
    ),
];
