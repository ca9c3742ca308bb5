//! ConsumerGroupHeartbeat (key 68): join, stay in and leave a group of the new protocol (KIP-848).
//!
//! A member says a field again only when it has changed.
//!
//! | version | change |
//! |---|---|
//! | 0 | flexible from the start |
//! | 1 | regular expressions; the client chooses the member id (KIP-1082) |

use crate::{ErrorCode, Uuid, primitives::Nullable};

message! {
    /// A sign of life, and what the member wants and has.
    pub struct ConsumerGroupHeartbeatRequest<'a> {
        /// Which group.
        group_id: &'a str,
        /// Which member.
        member_id: &'a str,
        /// Counts the member's assignments; 0 joins, -1 leaves, -2 leaves as a static member that will come back.
        member_epoch: i32,
        /// Of a static member.
        instance_id: Option<&'a str>,
        /// Where the member stands.
        rack_id: Option<&'a str>,
        /// How long the member may take to give partitions back, in milliseconds; -1 when unchanged.
        rebalance_timeout_ms: i32 = -1,
        /// What the member wants to read; null when unchanged.
        subscribed_topic_names: Option<Vec<&'a str>>,
        /// What else the member wants to read; null when unchanged.
        subscribed_topic_regex: Option<&'a str> => 1..,
        /// Who shall assign; null when unchanged, or up to the server.
        server_assignor: Option<&'a str>,
        /// What the member has; null when unchanged.
        topic_partitions: Option<Vec<TopicPartitions>>,
    }
}

message! {
    /// Partitions of a topic.
    pub struct TopicPartitions {
        /// Which topic.
        topic_id: Uuid,
        /// Which partitions.
        partitions: Vec<i32>,
    }
}

message! {
    /// What the member shall have.
    pub struct ConsumerGroupHeartbeatResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why the member is none.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// Which member, where the server chose the id.
        member_id: Option<&'a str>,
        /// Counts the member's assignments.
        member_epoch: i32,
        /// When the next heartbeat is due, in milliseconds.
        heartbeat_interval_ms: i32,
        /// What the member shall have; null when unchanged.
        assignment: Option<Assignment>,
    }
}

message! {
    /// What a member shall have.
    pub struct Assignment {
        /// By topic.
        topic_partitions: Vec<TopicPartitions>,
    }
}

impl Nullable<'_> for Assignment {}
