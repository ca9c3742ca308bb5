//! Metadata (key 3): which brokers, topics and partitions there are, and who leads them.
//!
//! | version | change |
//! |---|---|
//! | 1 | null asks for all topics, empty for none (in version 0 empty asks for all); response: racks, controller, internal topics |
//! | 2 | response: cluster id |
//! | 3 | response: throttle time |
//! | 4 | whether a topic may be created (KIP-204) |
//! | 5 | response: offline replicas |
//! | 6 | throttling happens after the response was sent |
//! | 7 | response: leader epochs (KIP-320) |
//! | 8 | authorized operations (KIP-430) |
//! | 9 | flexible |
//! | 10 | topic ids (KIP-516); a request by id is meant to work from version 12 on |
//! | 11 | the cluster's authorized operations are gone (KIP-700) |
//! | 12 | topics by id alone |
//! | 13 | response: an error for the whole, to send clients back to their bootstrap servers (KIP-1102) |

use crate::{ErrorCode, Uuid};

message! {
    /// Asks about topics and the cluster.
    pub struct MetadataRequest<'a> {
        /// Null asks for all topics. In version 0, which has no null, empty does.
        topics: Option<Vec<MetadataRequestTopic<'a>>>; nullable 1..,
        /// Whether a topic that is named and does not exist may be created.
        allow_auto_topic_creation: bool = true => 4..,
        /// Whether to fill `cluster_authorized_operations` of the response.
        include_cluster_authorized_operations: bool => 8..=10,
        /// Whether to fill `topic_authorized_operations` of the response.
        include_topic_authorized_operations: bool => 8..,
    }
}

message! {
    /// A topic that is asked for, by id or by name.
    pub struct MetadataRequestTopic<'a> {
        /// Zero when the topic is asked for by name.
        topic_id: Uuid => 10..,
        /// Null when the topic is asked for by id.
        name: Option<&'a str>; nullable 10..,
    }
}

message! {
    /// Says what there is.
    pub struct MetadataResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 3..,
        /// Every broker that is alive.
        brokers: Vec<MetadataResponseBroker<'a>>,
        /// Random, and the same for as long as the cluster exists.
        cluster_id: Option<&'a str> => 2..,
        /// The node that changes topics; -1 when there is none.
        controller_id: i32 = -1 => 1..,
        /// What was asked for, or all.
        topics: Vec<MetadataResponseTopic<'a>>,
        /// What the client may do with the cluster, a bit each; the lowest number when it was not asked.
        cluster_authorized_operations: i32 = i32::MIN => 8..=10,
        /// REBOOTSTRAP_REQUIRED when the client should forget what it knows of the cluster.
        error_code: ErrorCode => 13..,
    }
}

message! {
    /// A broker, and where clients reach it.
    pub struct MetadataResponseBroker<'a> {
        /// Its number in the cluster.
        node_id: i32,
        /// A name or an address that means something to the client.
        host: &'a str,
        /// The TCP port.
        port: i32,
        /// Where it stands; null when nobody said.
        rack: Option<&'a str> => 1..,
    }
}

message! {
    /// A topic, or why there is none.
    pub struct MetadataResponseTopic<'a> {
        /// Why the topic cannot be used.
        error_code: ErrorCode,
        /// Null when it was asked for by an id that nobody knows.
        name: Option<&'a str>; nullable 12..,
        /// Zero when it was asked for by a name that nobody knows.
        topic_id: Uuid => 10..,
        /// Whether Kafka itself keeps things in it.
        is_internal: bool => 1..,
        /// The partitions; they may come in any order.
        partitions: Vec<MetadataResponsePartition>,
        /// What the client may do with the topic, a bit each; the lowest number when it was not asked.
        topic_authorized_operations: i32 = i32::MIN => 8..,
    }
}

message! {
    /// A partition, and who keeps it.
    pub struct MetadataResponsePartition {
        /// Why the partition cannot be used.
        error_code: ErrorCode,
        /// Its number in the topic, from 0.
        partition_index: i32,
        /// The node that takes its records; -1 when there is none.
        leader_id: i32,
        /// Grows with each change of the leader; clients ignore what is older than they know. -1 when unknown.
        leader_epoch: i32 = -1 => 7..,
        /// The nodes that keep it.
        replica_nodes: Vec<i32>,
        /// Those of them that keep up with the leader.
        isr_nodes: Vec<i32>,
        /// Those of them that are not there.
        offline_replicas: Vec<i32> => 5..,
    }
}
