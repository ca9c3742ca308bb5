//! The settings of a Kafka broker that say something true about ksink.

use super::{Broker, Kind, Setting, origins};
use crate::broker::NODE_ID;

/// A setting of brokers that is no default of topics.
#[derive(Debug)]
pub(super) struct BrokerSetting {
    pub(super) name: &'static str,
    kind: Kind,
    /// Kafka's.
    default: &'static str,
    value: fn(&Broker) -> String,
    documentation: &'static str,
}

impl BrokerSetting {
    pub(super) fn in_force<'a>(&'a self, broker: &'a Broker) -> Setting<'a> {
        let origins = origins(self.name, Some((self.value)(broker)), self.default);
        Setting { name: self.name, kind: &self.kind, documentation: self.documentation, origins }
    }
}

pub(super) const BROKER_SETTINGS: &[BrokerSetting] = &[
    BrokerSetting {
        name: "auto.create.topics.enable",
        kind: Kind::Boolean,
        default: "true",
        value: |_| "true".to_owned(),
        documentation: "Whether a topic that is named exists from then on.",
    },
    BrokerSetting {
        name: "broker.id",
        kind: Kind::Int { min: -1 },
        default: "-1",
        value: |_| NODE_ID.to_string(),
        documentation: "The number of this broker.",
    },
    BrokerSetting {
        name: "connections.max.idle.ms",
        kind: Kind::Long { min: -1 },
        default: "600000",
        value: |broker| broker.limits.idle_max.as_millis().to_string(),
        documentation: "How long a connection may be silent.",
    },
    BrokerSetting {
        name: "default.replication.factor",
        kind: Kind::Int { min: 1 },
        default: "1",
        value: |_| "1".to_owned(),
        documentation: "How many replicas a partition has unless its topic says so.",
    },
    BrokerSetting {
        name: "delete.topic.enable",
        kind: Kind::Boolean,
        default: "true",
        value: |_| "true".to_owned(),
        documentation: "Whether topics can be deleted.",
    },
    BrokerSetting {
        name: "max.connections",
        kind: Kind::Int { min: 0 },
        default: "2147483647",
        value: |broker| broker.limits.connections_max.to_string(),
        documentation: "How many connections may be open at once.",
    },
    BrokerSetting {
        name: "node.id",
        kind: Kind::Int { min: 0 },
        default: "-1",
        value: |_| NODE_ID.to_string(),
        documentation: "The number of this node.",
    },
    BrokerSetting {
        name: "num.partitions",
        kind: Kind::Int { min: 1 },
        default: "1",
        value: |broker| broker.config.partitions.to_string(),
        documentation: "How many partitions a topic has unless its creator says so.",
    },
    BrokerSetting {
        name: "socket.request.max.bytes",
        kind: Kind::Int { min: 1 },
        default: "104857600",
        value: |broker| broker.limits.frame_bytes_max.to_string(),
        documentation: "How large a request may be.",
    },
];
