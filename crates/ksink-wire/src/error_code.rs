//! The error codes of the protocol.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_error_codes>. Whether a code is retriable is what
//! Kafka's Java client thinks of it; other clients differ in a few.

use std::fmt;

use crate::primitives::{Parsed, Version, Wire};

/// What went wrong, as a response says it. Any number can be one: servers may be newer than we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub i16);

/// Writes down the codes: number, name, whether a client may try again, and what it means.
macro_rules! error_codes {
    ($($code:literal $name:ident $retry:ident $message:literal)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!($message, " (", $code, ").")]
                pub const $name: Self = Self($code);
            )*

            /// Every code that this crate knows, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Kafka's name for it; `None` when this crate does not know the code.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// Whether the same request may succeed later, without a change by anybody. An unknown code is not
            /// known to.
            pub fn is_retriable(self) -> bool {
                match self {
                    $(Self::$name => error_codes!(@ $retry),)*
                    _ => false,
                }
            }

            /// What it means, in a few words.
            pub fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                    _ => "An error that this version does not know",
                }
            }
        }
    };
    (@ retry) => { true };
    (@ final) => { false };
}

error_codes! {
    -1 UNKNOWN_SERVER_ERROR final "The server failed in a way that has no code of its own"
    0 NONE final "No error"
    1 OFFSET_OUT_OF_RANGE final "The partition does not have that offset"
    2 CORRUPT_MESSAGE retry "The records are damaged: checksum or size is wrong"
    3 UNKNOWN_TOPIC_OR_PARTITION retry "There is no such topic or partition here"
    4 INVALID_FETCH_SIZE final "The size to fetch is not valid"
    5 LEADER_NOT_AVAILABLE retry "The partition has no leader at the moment"
    6 NOT_LEADER_OR_FOLLOWER retry "This broker does not have the partition"
    7 REQUEST_TIMED_OUT retry "The time for the request was over before it was done"
    8 BROKER_NOT_AVAILABLE final "The broker is not available"
    9 REPLICA_NOT_AVAILABLE retry "The replica is not available"
    10 MESSAGE_TOO_LARGE final "The records are larger than the server allows"
    11 STALE_CONTROLLER_EPOCH final "Another controller has taken over"
    12 OFFSET_METADATA_TOO_LARGE final "The text beside the committed offset is too long"
    13 NETWORK_EXCEPTION retry "The connection was lost before the answer came"
    14 COORDINATOR_LOAD_IN_PROGRESS retry "The coordinator is still loading its state"
    15 COORDINATOR_NOT_AVAILABLE retry "There is no coordinator at the moment"
    16 NOT_COORDINATOR retry "Another broker is the coordinator"
    17 INVALID_TOPIC_EXCEPTION final "The name is not one that a topic may have"
    18 RECORD_LIST_TOO_LARGE final "The batch is larger than a segment of the log"
    19 NOT_ENOUGH_REPLICAS retry "Too few replicas are in sync to take the records"
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND retry "The records are written, but to fewer replicas than required"
    21 INVALID_REQUIRED_ACKS final "The number of required acknowledgements is not valid"
    22 ILLEGAL_GENERATION final "The group has moved on to another generation"
    23 INCONSISTENT_GROUP_PROTOCOL final "The member shares no protocol with the rest of the group"
    24 INVALID_GROUP_ID final "The name is not one that a group may have"
    25 UNKNOWN_MEMBER_ID final "The group does not have that member"
    26 INVALID_SESSION_TIMEOUT final "The session timeout is outside of what the server allows"
    27 REBALANCE_IN_PROGRESS final "The group is rebalancing, so the member must join again"
    28 INVALID_COMMIT_OFFSET_SIZE final "The offset to commit is too large with its metadata"
    29 TOPIC_AUTHORIZATION_FAILED final "The client may not use this topic"
    30 GROUP_AUTHORIZATION_FAILED final "The client may not use this group"
    31 CLUSTER_AUTHORIZATION_FAILED final "The client may not do this to the cluster"
    32 INVALID_TIMESTAMP final "A timestamp is outside of what the topic accepts"
    33 UNSUPPORTED_SASL_MECHANISM final "The server does not offer that SASL mechanism"
    34 ILLEGAL_SASL_STATE final "The request does not fit the state of authentication"
    35 UNSUPPORTED_VERSION final "The server does not have that version of the API"
    36 TOPIC_ALREADY_EXISTS final "There is such a topic already"
    37 INVALID_PARTITIONS final "The number of partitions is not valid"
    38 INVALID_REPLICATION_FACTOR final "The replication factor is not valid here"
    39 INVALID_REPLICA_ASSIGNMENT final "The replicas cannot be placed like that"
    40 INVALID_CONFIG final "The configuration is not valid"
    41 NOT_CONTROLLER retry "Another node is the controller"
    42 INVALID_REQUEST final "The request can be read, but makes no sense"
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT final "The format of the stored messages does not allow it"
    44 POLICY_VIOLATION final "A policy of the server forbids it"
    45 OUT_OF_ORDER_SEQUENCE_NUMBER final "The producer's sequence number is not the next one"
    46 DUPLICATE_SEQUENCE_NUMBER final "The producer's sequence number was used before"
    47 INVALID_PRODUCER_EPOCH final "A newer producer with the same id has taken over"
    48 INVALID_TXN_STATE final "The transaction is not in a state for that"
    49 INVALID_PRODUCER_ID_MAPPING final "The producer id does not belong to the transactional id"
    50 INVALID_TRANSACTION_TIMEOUT final "The transaction timeout is longer than the server allows"
    51 CONCURRENT_TRANSACTIONS retry "The transaction before is still being ended"
    52 TRANSACTION_COORDINATOR_FENCED final "Another coordinator has taken over the transaction"
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED final "The client may not use this transactional id"
    54 SECURITY_DISABLED final "The server has no security features switched on"
    55 OPERATION_NOT_ATTEMPTED final "It was not tried, because another part of the request failed"
    56 KAFKA_STORAGE_ERROR retry "The server cannot write to its disk"
    57 LOG_DIR_NOT_FOUND final "The server does not have that log directory"
    58 SASL_AUTHENTICATION_FAILED final "Authentication failed"
    59 UNKNOWN_PRODUCER_ID final "The partition remembers nothing of the producer"
    60 REASSIGNMENT_IN_PROGRESS final "The partition is being moved"
    61 DELEGATION_TOKEN_AUTH_DISABLED final "Delegation tokens are switched off"
    62 DELEGATION_TOKEN_NOT_FOUND final "There is no such delegation token"
    63 DELEGATION_TOKEN_OWNER_MISMATCH final "The delegation token belongs to somebody else"
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED final "Delegation tokens cannot be asked for on this connection"
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED final "The client may not use this delegation token"
    66 DELEGATION_TOKEN_EXPIRED final "The delegation token has expired"
    67 INVALID_PRINCIPAL_TYPE final "The server does not know that type of principal"
    68 NON_EMPTY_GROUP final "The group still has members"
    69 GROUP_ID_NOT_FOUND final "There is no such group"
    70 FETCH_SESSION_ID_NOT_FOUND retry "There is no such fetch session"
    71 INVALID_FETCH_SESSION_EPOCH retry "The fetch session is at another epoch"
    72 LISTENER_NOT_FOUND retry "The leader has no listener like the one that was asked"
    73 TOPIC_DELETION_DISABLED final "Topics cannot be deleted here"
    74 FENCED_LEADER_EPOCH retry "The client's leader epoch is older than the broker's"
    75 UNKNOWN_LEADER_EPOCH retry "The client's leader epoch is newer than the broker's"
    76 UNSUPPORTED_COMPRESSION_TYPE final "The server cannot read records that are compressed like that"
    77 STALE_BROKER_EPOCH final "The broker has registered again since"
    78 OFFSET_NOT_AVAILABLE retry "A new leader does not know the end of its log yet"
    79 MEMBER_ID_REQUIRED final "The member must join again with the id that it was given"
    80 PREFERRED_LEADER_NOT_AVAILABLE retry "The preferred leader is not available"
    81 GROUP_MAX_SIZE_REACHED final "The group has as many members as it may have"
    82 FENCED_INSTANCE_ID final "Another member has taken over the static member id"
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE retry "No replica that could lead is available"
    84 ELECTION_NOT_NEEDED retry "The partition has the wanted leader already"
    85 NO_REASSIGNMENT_IN_PROGRESS final "The partition is not being moved"
    86 GROUP_SUBSCRIBED_TO_TOPIC final "The group still reads the topic"
    87 INVALID_RECORD final "A record or its batch breaks a rule of the server"
    88 UNSTABLE_OFFSET_COMMIT retry "A transaction is about to change the committed offset"
    89 THROTTLING_QUOTA_EXCEEDED retry "The client has used up its quota for now"
    90 PRODUCER_FENCED final "A newer producer with the same transactional id has taken over"
    91 RESOURCE_NOT_FOUND final "There is no such resource"
    92 DUPLICATE_RESOURCE final "The request names a resource twice"
    93 UNACCEPTABLE_CREDENTIAL final "The credential does not meet the requirements"
    94 INCONSISTENT_VOTER_SET final "The set of voters is another one"
    95 INVALID_UPDATE_VERSION final "The update does not have the version that follows"
    96 FEATURE_UPDATE_FAILED final "The features could not be changed"
    97 PRINCIPAL_DESERIALIZATION_FAILURE final "The forwarded principal cannot be read"
    98 SNAPSHOT_NOT_FOUND final "There is no such snapshot"
    99 POSITION_OUT_OF_RANGE final "The position is outside of the snapshot"
    100 UNKNOWN_TOPIC_ID retry "There is no topic with that id here"
    101 DUPLICATE_BROKER_REGISTRATION final "Another broker uses that id"
    102 BROKER_ID_NOT_REGISTERED final "The broker is not registered"
    103 INCONSISTENT_TOPIC_ID retry "The topic has another id in the log"
    104 INCONSISTENT_CLUSTER_ID final "The cluster has another id"
    105 TRANSACTIONAL_ID_NOT_FOUND final "There is no such transactional id"
    106 FETCH_SESSION_TOPIC_ID_ERROR retry "The fetch session mixes topics with and without ids"
    107 INELIGIBLE_REPLICA final "The replica may not be in sync now"
    108 NEW_LEADER_ELECTED final "A new leader was elected in the meantime"
    109 OFFSET_MOVED_TO_TIERED_STORAGE final "The offset is in tiered storage only"
    110 FENCED_MEMBER_EPOCH final "The group has moved the member on to another epoch"
    111 UNRELEASED_INSTANCE_ID final "A member that has not left yet holds the static member id"
    112 UNSUPPORTED_ASSIGNOR final "The group cannot use that assignor"
    113 STALE_MEMBER_EPOCH final "The member must first learn its new epoch"
    114 MISMATCHED_ENDPOINT_TYPE final "The request went to a broker instead of a controller, or the reverse"
    115 UNSUPPORTED_ENDPOINT_TYPE final "The server does not know that type of endpoint"
    116 UNKNOWN_CONTROLLER_ID final "There is no such controller"
    117 UNKNOWN_SUBSCRIPTION_ID final "The telemetry subscription has changed"
    118 TELEMETRY_TOO_LARGE final "The telemetry is larger than the server allows"
    119 INVALID_REGISTRATION final "The controller does not accept the registration"
    120 TRANSACTION_ABORTABLE final "The transaction must be aborted, and the producer can go on"
    121 INVALID_RECORD_STATE final "The record is not in a state for that acknowledgement"
    122 SHARE_SESSION_NOT_FOUND retry "There is no such share session"
    123 INVALID_SHARE_SESSION_EPOCH retry "The share session is at another epoch"
    124 FENCED_STATE_EPOCH final "The state of the share group is at a newer epoch"
    125 INVALID_VOTER_KEY final "The voter does not have that key"
    126 DUPLICATE_VOTER final "There is such a voter already"
    127 VOTER_NOT_FOUND final "There is no such voter"
    128 INVALID_REGULAR_EXPRESSION final "The regular expression is not valid"
    129 REBOOTSTRAP_REQUIRED final "The client must start again from its bootstrap servers"
    130 STREAMS_INVALID_TOPOLOGY final "The topology of the streams application is not valid"
    131 STREAMS_INVALID_TOPOLOGY_EPOCH final "The epoch of the topology is not valid"
    132 STREAMS_TOPOLOGY_FENCED final "The epoch of the topology is an old one"
    133 SHARE_SESSION_LIMIT_REACHED retry "The server has as many share sessions as it may have"
    134 GROUP_DELETION_FAILED final "The group could not be deleted"
    135 STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED final "The description of the topology could not be stored"
    136 CONTROLLER_ID_NOT_REGISTERED final "The controller is not registered"
}

impl ErrorCode {
    /// Whether this is no error.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl Wire<'_> for ErrorCode {
    fn decode(input: &[u8], version: Version) -> Parsed<'_, Self> {
        i16::decode(input, version).map(|(rest, code)| (rest, Self(code)))
    }

    fn encode(&self, out: &mut Vec<u8>, version: Version) {
        self.0.encode(out, version);
    }
}
