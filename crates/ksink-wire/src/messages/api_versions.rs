//! ApiVersions (key 18): which APIs and versions a server speaks. The first thing most clients ask.
//!
//! A client may ask in a version that the server does not have. The server then answers
//! UNSUPPORTED_VERSION in version 0, which every client can read, and names its versions of this API
//! (KIP-511). For the same reason the header of the response never has tagged fields.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: throttle time |
//! | 2 | throttling happens after the response was sent |
//! | 3 | flexible; the client's software (KIP-511); response: features (KIP-584) |
//! | 4 | response: a feature's lowest version may be 0 |
//! | 5 | which cluster and node the client means (KIP-1242) |

use crate::ErrorCode;

message! {
    /// Asks what the server speaks.
    pub struct ApiVersionsRequest<'a> {
        /// Which library the client is, such as `apache-kafka-java`.
        client_software_name: &'a str => 3..,
        /// Which version of that library.
        client_software_version: &'a str => 3..,
        /// The cluster that the client believes to talk to; null when it does not know yet.
        cluster_id: Option<&'a str> => 5..,
        /// The node that the client believes to talk to; -1 when it does not know yet.
        node_id: i32 = -1 => 5..,
    }
}

message! {
    /// Says what the server speaks.
    pub struct ApiVersionsResponse<'a> {
        /// UNSUPPORTED_VERSION comes in version 0, whatever was asked.
        error_code: ErrorCode,
        /// What can be asked. Clients rely on nothing that is not in it.
        api_keys: Vec<ApiVersion>,
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32 => 1..,
        /// The features that the server could have. Before version 4, those with a lowest version of 0 must
        /// be left out.
        #0 supported_features: Vec<SupportedFeatureKey<'a>> => 3..,
        /// Grows with each change of `finalized_features`; negative when that is unknown.
        #1 finalized_features_epoch: i64 = -1 => 3..,
        /// The features that the cluster has switched on.
        #2 finalized_features: Vec<FinalizedFeatureKey<'a>> => 3..,
        /// Whether a migration from ZooKeeper could start.
        #3 zk_migration_ready: bool => 3..,
    }
}

message! {
    /// The versions of one API.
    pub struct ApiVersion {
        /// The key; see [`ApiKey`](crate::ApiKey).
        api_key: i16,
        /// The lowest version.
        min_version: i16,
        /// The highest version.
        max_version: i16,
    }
}

message! {
    /// The versions that one feature could have.
    pub struct SupportedFeatureKey<'a> {
        /// The name, such as `transaction.version`.
        name: &'a str,
        /// The lowest version.
        min_version: i16,
        /// The highest version.
        max_version: i16,
    }
}

message! {
    /// The versions that one feature has in this cluster.
    pub struct FinalizedFeatureKey<'a> {
        /// The name, such as `transaction.version`.
        name: &'a str,
        /// The highest version.
        max_version_level: i16,
        /// The lowest version.
        min_version_level: i16,
    }
}

/// Whether a response is the refusal of an unknown version, and so in version 0.
///
/// The error code comes first in every version.
pub(crate) fn is_refusal(response: &[u8]) -> bool {
    response.starts_with(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes())
}
