//! ApiVersions (key 18): what is served here. The first thing that nearly every client asks.
//!
//! **Versions** 0-5; a version of the future is answered in version 0 with error 35 (KIP-511).
//!
//! **Behaviour**
//! - The keys are sorted, because some clients take them by position.
//! - Version 5 (KIP-1242) may name the cluster and the node that the client means; another one is told to
//!   bootstrap again (REBOOTSTRAP_REQUIRED, 129).
//! - The feature `transaction.version` is 2 (KIP-890), so that clients which know it use the newer protocol.
//! - A client software name or version that is malformed is INVALID_REQUEST (42), as in Kafka.

use ksink_wire::{
    ErrorCode,
    messages::api_versions::{
        ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
    },
};

use super::{Asked, Broker, NODE_ID, apis};
use crate::session::Reply;

/// Which protocol transactions follow.
const FEATURE: &str = "transaction.version";

/// The newer one, in which every end raises the epoch and Produce adds partitions.
const FEATURE_VERSION: i16 = 2;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &ApiVersionsRequest<'_>) -> Reply {
    let error = judge(broker, asked.head.version, request);
    let response = ApiVersionsResponse {
        error_code: error.unwrap_or(ErrorCode::NONE),
        api_keys: match error {
            None => apis::advertised().collect(),
            Some(_) => Vec::new(),
        },
        supported_features: supported(asked.head.version, error),
        finalized_features_epoch: if error.is_none() { 0 } else { -1 },
        finalized_features: finalized(error),
        ..Default::default()
    };
    asked.head.reply(response)
}

/// A lowest version of 0 must be left out before version 4: older clients fail on it (KAFKA-17011).
fn supported(version: i16, error: Option<ErrorCode>) -> Vec<SupportedFeatureKey<'static>> {
    let feature =
        SupportedFeatureKey { name: FEATURE, min_version: 0, max_version: FEATURE_VERSION };
    match error {
        None if version >= 4 => vec![feature],
        None | Some(_) => Vec::new(),
    }
}

fn finalized(error: Option<ErrorCode>) -> Vec<FinalizedFeatureKey<'static>> {
    let feature = FinalizedFeatureKey {
        name: FEATURE,
        max_version_level: FEATURE_VERSION,
        min_version_level: FEATURE_VERSION,
    };
    match error {
        None => vec![feature],
        Some(_) => Vec::new(),
    }
}

fn judge(broker: &Broker, version: i16, request: &ApiVersionsRequest<'_>) -> Option<ErrorCode> {
    let named = [request.client_software_name, request.client_software_version];
    if version >= 3 && !named.into_iter().all(is_software_name) {
        return Some(ErrorCode::INVALID_REQUEST);
    }
    let other_cluster =
        request.cluster_id.is_some_and(|cluster| *cluster != *broker.config.cluster_id);
    let other_node = !matches!(request.node_id, -1 | NODE_ID);
    (other_cluster || other_node).then_some(ErrorCode::REBOOTSTRAP_REQUIRED)
}

/// Kafka's rule: `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (`ApiVersionsRequest.java`).
fn is_software_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().copied().all(inner)
}
