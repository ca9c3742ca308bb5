//! Which APIs there are, in which versions, and what travels in them.

use std::{fmt, ops::RangeToInclusive};

use crate::{
    error::{DecodeError, Reason, without_nom},
    messages::{
        add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse},
        add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse},
        api_versions::{self, ApiVersionsRequest, ApiVersionsResponse},
        consumer_group_describe::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse},
        consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse},
        create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse},
        create_topics::{CreateTopicsRequest, CreateTopicsResponse},
        delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse},
        delete_records::{DeleteRecordsRequest, DeleteRecordsResponse},
        delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse},
        describe_cluster::{DescribeClusterRequest, DescribeClusterResponse},
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse},
        describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse},
        describe_producers::{DescribeProducersRequest, DescribeProducersResponse},
        describe_topic_partitions::{
            DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
        },
        describe_transactions::{DescribeTransactionsRequest, DescribeTransactionsResponse},
        end_txn::{EndTxnRequest, EndTxnResponse},
        fetch::{FetchRequest, FetchResponse},
        find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse},
        heartbeat::{HeartbeatRequest, HeartbeatResponse},
        incremental_alter_configs::{
            IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        },
        init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
        join_group::{JoinGroupRequest, JoinGroupResponse},
        leave_group::{LeaveGroupRequest, LeaveGroupResponse},
        list_groups::{ListGroupsRequest, ListGroupsResponse},
        list_offsets::{ListOffsetsRequest, ListOffsetsResponse},
        list_transactions::{ListTransactionsRequest, ListTransactionsResponse},
        metadata::{MetadataRequest, MetadataResponse},
        offset_commit::{OffsetCommitRequest, OffsetCommitResponse},
        offset_fetch::{OffsetFetchRequest, OffsetFetchResponse},
        offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse},
        produce::{ProduceRequest, ProduceResponse},
        sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse},
        sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse},
        sync_group::{SyncGroupRequest, SyncGroupResponse},
        txn_offset_commit::{TxnOffsetCommitRequest, TxnOffsetCommitResponse},
    },
    primitives::{Version, Wire},
    schema::{Describe, Kind, Versions},
};

/// For an API without a flexible version.
const NEVER: RangeToInclusive<i16> = ..=-1;

/// Writes down the APIs: `Name = key, versions, which of them are flexible: Request => Response`.
macro_rules! apis {
    ($(
        $api:ident = $key:literal, $versions:expr, flexible $flexible:expr
            => $request:ty, $response:ty;
    )*) => {
        /// What a request asks for: the key in its header.
        ///
        /// Each says the versions that this crate reads and writes, and which of them are flexible.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        #[non_exhaustive]
        pub enum ApiKey {
            $(
                #[doc = concat!("Key ", $key, ", versions `", stringify!($versions), "`, flexible: `",
                    stringify!($flexible), "`.")]
                $api = $key,
            )*
        }

        impl ApiKey {
            /// Every API that this crate knows, by key.
            pub const ALL: &'static [Self] = &[$(Self::$api,)*];

            /// The API with this key.
            pub fn from_key(key: i16) -> Option<Self> {
                match key {
                    $($key => Some(Self::$api),)*
                    _ => None,
                }
            }

            /// Kafka's name for it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$api => stringify!($api),)*
                }
            }

            /// The versions that this crate reads and writes.
            pub fn versions(self) -> Versions {
                match self {
                    $(Self::$api => Versions::from($versions),)*
                }
            }

            /// The version with this number, if the API has it.
            pub fn version(self, number: i16) -> Option<Version> {
                let flexible = match self {
                    $(Self::$api => ($flexible).contains(&number),)*
                };
                self.versions().contains(number).then_some(Version { number, flexible })
            }
        }

        apis! { @messages Request, "request", $($api $request),* }
        apis! { @messages Response, "response", $($api $response),* }
    };

    (@messages $name:ident, $side:literal, $($api:ident $message:ty),*) => {
        #[doc = concat!("The ", $side, " of any API, borrowed from the bytes it came in.")]
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name<'a> {
            $(
                #[doc = concat!("The ", $side, " of [`ApiKey::", stringify!($api), "`].")]
                $api($message),
            )*
        }

        impl<'a> $name<'a> {
            #[doc = concat!("The API that the ", $side, " belongs to.")]
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }

            /// Appends the body.
            ///
            /// # Panics
            /// When the API does not have the version, or the body is too large for any frame (2 GiB).
            pub fn encode(&self, out: &mut Vec<u8>, version: i16) {
                let version = self.api().version(version).expect("a version that the API has");
                match self {
                    $(Self::$api(message) => message.encode(out, version),)*
                }
            }

            /// The table of the body, as data.
            pub fn kind(api: ApiKey) -> Kind {
                match api {
                    $(ApiKey::$api => <$message>::kind(),)*
                }
            }

            fn decode_body(api: ApiKey, version: i16, body: &'a [u8]) -> Result<Self, DecodeError> {
                let Some(version) = api.version(version) else {
                    return Err(DecodeError::new(Reason::UnsupportedVersion, body));
                };
                let parsed = match api {
                    $(ApiKey::$api => Wire::decode(body, version).map(|(_, message)| Self::$api(message)),)*
                };
                parsed.map_err(without_nom)
            }
        }

        $(
            impl<'a> From<$message> for $name<'a> {
                fn from(message: $message) -> Self {
                    Self::$api(message)
                }
            }
        )*
    };
}

apis! {
    Produce = 0, 0..=13, flexible 9.. => ProduceRequest<'a>, ProduceResponse<'a>;
    Fetch = 1, 0..=18, flexible 12.. => FetchRequest<'a>, FetchResponse<'a>;
    ListOffsets = 2, 0..=11, flexible 6.. => ListOffsetsRequest<'a>, ListOffsetsResponse<'a>;
    Metadata = 3, 0..=13, flexible 9.. => MetadataRequest<'a>, MetadataResponse<'a>;
    OffsetCommit = 8, 0..=10, flexible 8.. => OffsetCommitRequest<'a>, OffsetCommitResponse<'a>;
    OffsetFetch = 9, 0..=10, flexible 6.. => OffsetFetchRequest<'a>, OffsetFetchResponse<'a>;
    FindCoordinator = 10, 0..=6, flexible 3.. => FindCoordinatorRequest<'a>, FindCoordinatorResponse<'a>;
    JoinGroup = 11, 0..=9, flexible 6.. => JoinGroupRequest<'a>, JoinGroupResponse<'a>;
    Heartbeat = 12, 0..=4, flexible 4.. => HeartbeatRequest<'a>, HeartbeatResponse;
    LeaveGroup = 13, 0..=5, flexible 4.. => LeaveGroupRequest<'a>, LeaveGroupResponse<'a>;
    SyncGroup = 14, 0..=5, flexible 4.. => SyncGroupRequest<'a>, SyncGroupResponse<'a>;
    DescribeGroups = 15, 0..=6, flexible 5.. => DescribeGroupsRequest<'a>, DescribeGroupsResponse<'a>;
    ListGroups = 16, 0..=5, flexible 3.. => ListGroupsRequest<'a>, ListGroupsResponse<'a>;
    SaslHandshake = 17, 0..=1, flexible NEVER => SaslHandshakeRequest<'a>, SaslHandshakeResponse<'a>;
    ApiVersions = 18, 0..=5, flexible 3.. => ApiVersionsRequest<'a>, ApiVersionsResponse<'a>;
    CreateTopics = 19, 0..=7, flexible 5.. => CreateTopicsRequest<'a>, CreateTopicsResponse<'a>;
    DeleteTopics = 20, 0..=6, flexible 4.. => DeleteTopicsRequest<'a>, DeleteTopicsResponse<'a>;
    DeleteRecords = 21, 0..=2, flexible 2.. => DeleteRecordsRequest<'a>, DeleteRecordsResponse<'a>;
    InitProducerId = 22, 0..=5, flexible 2.. => InitProducerIdRequest<'a>, InitProducerIdResponse;
    OffsetForLeaderEpoch = 23, 0..=4, flexible 4.. => OffsetForLeaderEpochRequest<'a>, OffsetForLeaderEpochResponse<'a>;
    AddPartitionsToTxn = 24, 0..=5, flexible 3.. => AddPartitionsToTxnRequest<'a>, AddPartitionsToTxnResponse<'a>;
    AddOffsetsToTxn = 25, 0..=4, flexible 3.. => AddOffsetsToTxnRequest<'a>, AddOffsetsToTxnResponse;
    EndTxn = 26, 0..=5, flexible 3.. => EndTxnRequest<'a>, EndTxnResponse;
    TxnOffsetCommit = 28, 0..=6, flexible 3.. => TxnOffsetCommitRequest<'a>, TxnOffsetCommitResponse<'a>;
    DescribeConfigs = 32, 0..=4, flexible 4.. => DescribeConfigsRequest<'a>, DescribeConfigsResponse<'a>;
    SaslAuthenticate = 36, 0..=2, flexible 2.. => SaslAuthenticateRequest<'a>, SaslAuthenticateResponse<'a>;
    CreatePartitions = 37, 0..=3, flexible 2.. => CreatePartitionsRequest<'a>, CreatePartitionsResponse<'a>;
    DeleteGroups = 42, 0..=3, flexible 2.. => DeleteGroupsRequest<'a>, DeleteGroupsResponse<'a>;
    IncrementalAlterConfigs = 44, 0..=1, flexible 1.. => IncrementalAlterConfigsRequest<'a>, IncrementalAlterConfigsResponse<'a>;
    DescribeCluster = 60, 0..=2, flexible 0.. => DescribeClusterRequest, DescribeClusterResponse<'a>;
    DescribeProducers = 61, 0..=0, flexible 0.. => DescribeProducersRequest<'a>, DescribeProducersResponse<'a>;
    DescribeTransactions = 65, 0..=0, flexible 0.. => DescribeTransactionsRequest<'a>, DescribeTransactionsResponse<'a>;
    ListTransactions = 66, 0..=2, flexible 0.. => ListTransactionsRequest<'a>, ListTransactionsResponse<'a>;
    ConsumerGroupHeartbeat = 68, 0..=1, flexible 0.. => ConsumerGroupHeartbeatRequest<'a>, ConsumerGroupHeartbeatResponse<'a>;
    ConsumerGroupDescribe = 69, 0..=1, flexible 0.. => ConsumerGroupDescribeRequest<'a>, ConsumerGroupDescribeResponse<'a>;
    DescribeTopicPartitions = 75, 0..=0, flexible 0.. => DescribeTopicPartitionsRequest<'a>, DescribeTopicPartitionsResponse<'a>;
}

impl ApiKey {
    /// The key, as in the request header.
    pub fn key(self) -> i16 {
        self as i16
    }

    /// The first version that is flexible (KIP-482); `None` where none is.
    pub fn first_flexible(self) -> Option<i16> {
        let Versions { first, last } = self.versions();
        (first..=last).find(|number| self.version(*number).is_some_and(|version| version.flexible))
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'a> Request<'a> {
    /// Reads the body of a request: what follows its header. Bytes after the body are ignored, as Kafka does.
    ///
    /// # Errors
    /// When the bytes are not such a request, or the API does not have the version.
    pub fn decode(api: ApiKey, version: i16, body: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_body(api, version, body)
    }
}

impl<'a> Response<'a> {
    /// Reads the body of a response: what follows its header. Bytes after the body are ignored, as Kafka does.
    ///
    /// `version` is the one that was asked in. A server that does not have that version of ApiVersions
    /// says so in version 0 (KIP-511); such an answer is read as what it is.
    ///
    /// # Errors
    /// When the bytes are not such a response, or the API does not have the version.
    pub fn decode(api: ApiKey, version: i16, body: &'a [u8]) -> Result<Self, DecodeError> {
        match api {
            ApiKey::ApiVersions if api_versions::is_refusal(body) => {
                Self::decode_body(api, 0, body)
            }
            _ => Self::decode_body(api, version, body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, messages::metadata::MetadataRequestTopic};

    #[test]
    fn a_refused_version_of_api_versions_is_read_in_version_0() {
        let refusal = ApiVersionsResponse {
            error_code: ErrorCode::UNSUPPORTED_VERSION,
            api_keys: vec![api_versions::ApiVersion {
                api_key: 18,
                min_version: 0,
                max_version: 5,
            }],
            ..ApiVersionsResponse::default()
        };
        let mut body = Vec::new();
        Response::from(refusal.clone()).encode(&mut body, 0);
        let read = Response::decode(ApiKey::ApiVersions, 5, &body);
        assert_eq!(read, Ok(Response::ApiVersions(refusal)));
    }

    #[test]
    fn a_version_that_there_is_not_is_no_message() {
        let error = Request::decode(ApiKey::Produce, 14, &[]).expect_err("there is no version 14");
        assert_eq!(error.reason, Reason::UnsupportedVersion);
    }

    #[test]
    fn null_is_refused_in_the_versions_that_do_not_have_it() {
        let null_topics = [0xff; 4];
        let error = Request::decode(ApiKey::Metadata, 0, &null_topics).expect_err("null");
        assert_eq!((error.reason, error.field), (Reason::NullNotAllowed, Some("topics")));
        let all_topics = MetadataRequest { topics: None, ..MetadataRequest::default() };
        assert_eq!(Request::decode(ApiKey::Metadata, 1, &null_topics), Ok(all_topics.into()));
    }

    #[test]
    fn null_is_written_as_empty_in_the_versions_that_do_not_have_it() {
        let mut body = Vec::new();
        Request::from(MetadataRequest::default()).encode(&mut body, 0);
        assert_eq!(body, [0; 4]);
    }

    #[test]
    fn the_innermost_field_is_named() {
        let request = Request::from(MetadataRequest {
            topics: Some(vec![MetadataRequestTopic { name: Some("events"), ..Default::default() }]),
            ..MetadataRequest::default()
        });
        let mut body = Vec::new();
        request.encode(&mut body, 12);
        let error = Request::decode(ApiKey::Metadata, 12, &body[..20]).expect_err("a cut message");
        assert_eq!((error.reason, error.field), (Reason::Truncated, Some("name")));
    }
}
