//! ConsumerGroupDescribe (key 69): the state and the members of groups of the new protocol (KIP-848).
//!
//! | version | change |
//! |---|---|
//! | 0 | flexible from the start |
//! | 1 | response: type of member (KIP-1099) |

use crate::{ErrorCode, Uuid};

message! {
    /// Asks about groups.
    pub struct ConsumerGroupDescribeRequest<'a> {
        /// Which groups.
        group_ids: Vec<&'a str>,
        /// Whether to fill `authorized_operations` of the response.
        include_authorized_operations: bool,
    }
}

message! {
    /// Says what is known of groups.
    pub struct ConsumerGroupDescribeResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// One for each that was asked for.
        groups: Vec<DescribedGroup<'a>>,
    }
}

message! {
    /// What is known of a group.
    pub struct DescribedGroup<'a> {
        /// Why nothing is.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// Which group.
        group_id: &'a str,
        /// Such as `Stable`.
        group_state: &'a str,
        /// Counts the changes of members and subscriptions.
        group_epoch: i32,
        /// The group epoch that the assignment is for.
        assignment_epoch: i32,
        /// Who assigns.
        assignor_name: &'a str,
        /// The members.
        members: Vec<Member<'a>>,
        /// What the client may do with the group, a bit each; the lowest number when it was not asked.
        authorized_operations: i32 = i32::MIN,
    }
}

message! {
    /// A member of a group.
    pub struct Member<'a> {
        /// Which member.
        member_id: &'a str,
        /// Of a static member.
        instance_id: Option<&'a str>,
        /// Where the member stands.
        rack_id: Option<&'a str>,
        /// Counts the member's assignments.
        member_epoch: i32,
        /// How its client calls itself.
        client_id: &'a str,
        /// Where its client is.
        client_host: &'a str,
        /// What it wants to read.
        subscribed_topic_names: Vec<&'a str>,
        /// What else it wants to read.
        subscribed_topic_regex: Option<&'a str>,
        /// What it has.
        assignment: Assignment<'a>,
        /// What it shall have.
        target_assignment: Assignment<'a>,
        /// 0 of the classic protocol, 1 of the new one; -1 when unknown.
        member_type: i8 = -1 => 1..,
    }
}

message! {
    /// What a member has or shall have.
    pub struct Assignment<'a> {
        /// By topic.
        topic_partitions: Vec<TopicPartitions<'a>>,
    }
}

message! {
    /// Partitions of a topic.
    pub struct TopicPartitions<'a> {
        /// Its id.
        topic_id: Uuid,
        /// Its name.
        topic_name: &'a str,
        /// Which partitions.
        partitions: Vec<i32>,
    }
}
