//! Which APIs are served, in which versions, and who handles them: the one table that is advertised.

use std::ops::RangeInclusive;

use ksink_wire::{
    ApiKey, ErrorCode, HeaderError, Request,
    messages::api_versions::{ApiVersion, ApiVersionsResponse},
};

use super::{
    Asked, Broker, add_partitions_to_txn, api_versions, create_partitions, create_topics,
    delete_topics, describe_cluster, describe_configs, end_txn, fetch, find_coordinator,
    init_producer_id, list_offsets, metadata, sasl_authenticate, sasl_handshake,
};
use crate::session::{Goodbye, Head, Reply};

macro_rules! served {
    ($($api:ident $versions:expr => $handler:path;)*) => {
        /// What is served, sorted by key.
        pub(crate) const SERVED: &[(ApiKey, RangeInclusive<i16>)] = &[
            (ApiKey::Produce, 0..=13),
            $((ApiKey::$api, $versions),)*
        ];

        /// Hands a request to whoever serves it. Produce comes in by
        /// [`Broker::handle_produce`](super::Broker::handle_produce) instead.
        /// `None` if the reply comes later.
        pub(super) fn dispatch(
            broker: &mut Broker,
            asked: Asked,
            request: &Request<'_>,
        ) -> Option<Reply> {
            match request {
                $(Request::$api(body) => $handler(broker, asked, body).into(),)*
                _ => Some(Reply::Hangup(not_served(asked.head))),
            }
        }
    };
}

served! {
    Fetch              4..=12 => fetch::handle;
    ListOffsets        0..=8  => list_offsets::handle;
    Metadata           0..=13 => metadata::handle;
    FindCoordinator    0..=6  => find_coordinator::handle;
    SaslHandshake      0..=1  => sasl_handshake::handle;
    ApiVersions        0..=5  => api_versions::handle;
    CreateTopics       0..=7  => create_topics::handle;
    DeleteTopics       0..=6  => delete_topics::handle;
    InitProducerId     0..=5  => init_producer_id::handle;
    AddPartitionsToTxn 0..=3  => add_partitions_to_txn::handle;
    EndTxn             0..=5  => end_txn::handle;
    DescribeConfigs    0..=4  => describe_configs::handle;
    SaslAuthenticate   0..=2  => sasl_authenticate::handle;
    CreatePartitions   0..=3  => create_partitions::handle;
    DescribeCluster    0..=2  => describe_cluster::handle;
}

/// What a request hears while nothing can be remembered, if its answer must not be forgotten by a restart.
pub(super) fn if_not_remembered(head: Head, request: &Request<'_>) -> Option<Reply> {
    match request {
        Request::InitProducerId(_) => Some(init_producer_id::not_remembered(head)),
        Request::AddPartitionsToTxn(body) => {
            Some(add_partitions_to_txn::not_remembered(head, &body.v3_and_below_topics))
        }
        Request::EndTxn(_) => Some(end_txn::not_remembered(head)),
        // Whether it was done is not certain, which only a lost connection says.
        Request::CreateTopics(_) | Request::DeleteTopics(_) | Request::CreatePartitions(_) => {
            Some(Reply::Hangup(Goodbye::NotRemembered))
        }
        _ => None,
    }
}

/// Whether a request may come in at all. An unknown version of ApiVersions never gets here.
pub(crate) fn admit(api: ApiKey, version: i16) -> Result<(), Goodbye> {
    let served =
        SERVED.iter().any(|(served, versions)| *served == api && versions.contains(&version));
    served.then_some(()).ok_or(Goodbye::NotServed { api, version })
}

/// The answer to a header that cannot be read: none, unless the client asks for ApiVersions in a version
/// of the future, which is answered in version 0 (KIP-511).
pub(crate) fn answer_unreadable(error: HeaderError) -> Result<Vec<u8>, Goodbye> {
    match error {
        HeaderError::UnsupportedVersion {
            api_key: ApiKey::ApiVersions, correlation_id, ..
        } => {
            let head = Head { api: ApiKey::ApiVersions, version: 0, correlation_id };
            let response = ApiVersionsResponse {
                error_code: ErrorCode::UNSUPPORTED_VERSION,
                api_keys: advertised()
                    .filter(|api| api.api_key == ApiKey::ApiVersions.key())
                    .collect(),
                ..Default::default()
            };
            Ok(head.encode(response))
        }
        other => Err(Goodbye::Header(other)),
    }
}

/// The table as ApiVersions tells it.
pub(super) fn advertised() -> impl Iterator<Item = ApiVersion> {
    SERVED.iter().map(|(api, versions)| ApiVersion {
        api_key: api.key(),
        min_version: *versions.start(),
        max_version: *versions.end(),
    })
}

fn not_served(head: Head) -> Goodbye {
    Goodbye::NotServed { api: head.api, version: head.version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_can_be_decoded_and_is_sorted_by_key() {
        for (api, versions) in SERVED {
            let known = api.versions();
            assert!(versions.clone().all(|version| known.contains(version)), "{api:?}");
        }
        assert!(SERVED.is_sorted_by_key(|(api, _)| api.key()));
    }
}
