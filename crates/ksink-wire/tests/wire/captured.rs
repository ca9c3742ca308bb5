//! What real clients and Apache Kafka said to each other, against what it is known to have meant.

use ksink_wire::{
    ApiKey, ErrorCode, Request, RequestHeader, Response, ResponseHeader, Uuid,
    compression::Decompressor,
    frame::{PREFIX_BYTES, put_request, put_response},
    messages::{
        api_versions::{ApiVersion, ApiVersionsRequest},
        init_producer_id::InitProducerIdRequest,
    },
    records::{EndMarker, RecordBatch},
};

use crate::hex::hex;

const KCAT: &str = "kcat 1.7.1 (librdkafka 2.0.2)";
const JAVA: &str = "kafka-clients 4.4.0";

/// A line of a recording.
pub(crate) struct Captured {
    /// Who sent it.
    pub(crate) source: &'static str,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) frame: Vec<u8>,
}

pub(crate) fn captured_requests() -> Vec<Captured> {
    read(include_str!("../data/captured-requests.tsv"))
}

pub(crate) fn captured_responses() -> Vec<Captured> {
    read(include_str!("../data/captured-responses.tsv"))
}

fn read(text: &'static str) -> Vec<Captured> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [source, api, version, digits] => Captured {
                source,
                api: named(api),
                version: version.parse().expect("a version"),
                frame: hex(digits),
            },
            _ => panic!("not four columns: {line}"),
        })
        .collect()
}

fn named(name: &str) -> ApiKey {
    let found = ApiKey::ALL.iter().find(|api| api.name() == name);
    *found.unwrap_or_else(|| panic!("no API: {name}"))
}

/// Reads the first request of this client to this API.
fn check(client: &str, api: ApiKey, check: impl Fn(RequestHeader<'_>, Request<'_>)) {
    let captured = captured_requests();
    let found = captured.iter().find(|one| one.source == client && one.api == api);
    let (header, request) = decode(&found.expect("a recorded request").frame);
    assert_eq!(header.api_key, api);
    check(header, request);
}

fn decode(frame: &[u8]) -> (RequestHeader<'_>, Request<'_>) {
    let (header, body) = RequestHeader::decode(frame).expect("a header");
    let request = Request::decode(header.api_key, header.api_version, body).expect("a request");
    (header, request)
}

/// Reads Kafka's response to this API in this version.
fn check_response(api: ApiKey, version: i16, check: impl Fn(Response<'_>)) {
    let captured = captured_responses();
    let found = captured.iter().find(|one| one.api == api && one.version == version);
    check(decode_response(found.expect("a recorded response")).1);
}

fn decode_response(captured: &Captured) -> (ResponseHeader, Response<'_>) {
    let Captured { api, version, ref frame, .. } = *captured;
    let (header, body) = ResponseHeader::decode(api, version, frame).expect("a header");
    (header, Response::decode(api, version, body).expect("a response"))
}

/// The frame is what stands in the recording, with its length before it.
fn check_written(written: &[u8], captured: &Captured) {
    let Captured { source, api, version, frame } = captured;
    let (prefix, content) = written.split_at(PREFIX_BYTES);
    assert_eq!(prefix, (frame.len() as i32).to_be_bytes(), "{source} {api} {version}");
    assert_eq!(content, frame, "{source} {api} {version}");
}

/// Kafka 4.3.1 does not have ApiVersions 5, and says so in version 0.
fn is_refusal(response: &Response<'_>) -> bool {
    matches!(response, Response::ApiVersions(it) if it.error_code == ErrorCode::UNSUPPORTED_VERSION)
}

#[test]
fn every_api_was_heard_in_both_directions() {
    for (captured, side) in [(captured_requests(), "request"), (captured_responses(), "response")] {
        for api in ApiKey::ALL {
            assert!(captured.iter().any(|one| one.api == *api), "no {side} of {api}");
        }
    }
}

#[test]
fn what_clients_send_is_written_again_byte_for_byte() {
    for captured in captured_requests() {
        let (header, request) = decode(&captured.frame);
        assert_eq!((header.api_key, header.api_version), (captured.api, captured.version));
        let mut written = Vec::new();
        put_request(
            &mut written,
            header.api_version,
            header.correlation_id,
            header.client_id,
            &request,
        );
        check_written(&written, &captured);
    }
}

#[test]
fn what_kafka_answers_is_written_again_byte_for_byte() {
    for captured in captured_responses() {
        let (header, response) = decode_response(&captured);
        let mut written = Vec::new();
        let written_in = if is_refusal(&response) { 0 } else { captured.version };
        put_response(&mut written, written_in, header.correlation_id, &response);
        check_written(&written, &captured);
    }
}

#[test]
fn librdkafka_says_who_it_is() {
    check(KCAT, ApiKey::ApiVersions, |header, request| {
        assert_eq!(header.client_id, Some(&b"rdkafka"[..]));
        let expected = ApiVersionsRequest {
            client_software_name: "librdkafka",
            client_software_version: "2.0.2",
            ..ApiVersionsRequest::default()
        };
        assert_eq!(request, expected.into());
    });
}

#[test]
fn librdkafka_names_its_topic() {
    check(KCAT, ApiKey::Metadata, |_, request| {
        let Request::Metadata(request) = request else { panic!("not Metadata: {request:?}") };
        let names: Vec<_> = request.topics.iter().flatten().map(|topic| topic.name).collect();
        assert_eq!(names, [Some("events")]);
        assert!(request.allow_auto_topic_creation);
    });
}

#[test]
fn librdkafka_produces_to_a_topic_by_name() {
    check(KCAT, ApiKey::Produce, |_, request| {
        let Request::Produce(request) = request else { panic!("not Produce: {request:?}") };
        assert_eq!(
            (request.transactional_id, request.acks, request.timeout_ms),
            (None, -1, 30_000)
        );
        let [topic] = &request.topic_data[..] else { panic!("not one topic: {request:?}") };
        assert_eq!((topic.name, topic.topic_id), ("events", Uuid::ZERO));
        let [partition] = &topic.partition_data[..] else { panic!("not one partition: {topic:?}") };
        assert_eq!(partition.index, 0);
        assert!(partition.records.is_some_and(|records| records.ends_with(b"key\x0ahello\0")));
    });
}

#[test]
fn the_java_client_says_which_cluster_it_means_once_it_knows() {
    let captured = captured_requests();
    let clusters: Vec<_> = captured
        .iter()
        .filter(|one| one.source == JAVA)
        .filter_map(|one| match decode(&one.frame).1 {
            Request::ApiVersions(request) => Some((request.cluster_id, request.node_id)),
            _ => None,
        })
        .collect();
    assert_eq!(clusters, [(None, -1), (Some("cluster"), 1)]);
}

#[test]
fn the_java_client_asks_for_a_producer_id_of_its_own_accord() {
    check(JAVA, ApiKey::InitProducerId, |_, request| {
        let expected = InitProducerIdRequest {
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        assert_eq!(request, expected.into());
    });
}

#[test]
fn the_java_client_produces_to_a_topic_by_id() {
    check(JAVA, ApiKey::Produce, |_, request| {
        let Request::Produce(request) = request else { panic!("not Produce: {request:?}") };
        let [topic] = &request.topic_data[..] else { panic!("not one topic: {request:?}") };
        let id = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!((topic.name, topic.topic_id), ("", Uuid(id)));
    });
}

#[test]
fn librdkafka_logs_in_with_plain() {
    check(KCAT, ApiKey::SaslHandshake, |_, request| {
        let Request::SaslHandshake(request) = request else { panic!("not it: {request:?}") };
        assert_eq!(request.mechanism, "PLAIN");
    });
    check(KCAT, ApiKey::SaslAuthenticate, |_, request| {
        let Request::SaslAuthenticate(request) = request else { panic!("not it: {request:?}") };
        assert_eq!(request.auth_bytes, b"\0app\0password");
    });
}

#[cfg(feature = "gzip")]
#[test]
fn sarama_produces_message_sets_to_old_brokers() {
    use ksink_wire::records::MessageSet;

    for (version, timestamped) in [(0, false), (2, true)] {
        let captured = captured_requests();
        let mut requests = captured.iter().filter(|one| one.source == "sarama 1.61.1");
        let found = requests.find(|one| (one.api, one.version) == (ApiKey::Produce, version));
        let (_, request) = decode(&found.expect("a recorded request").frame);
        let Request::Produce(request) = request else { panic!("not Produce: {request:?}") };
        let data = &request.topic_data[0].partition_data[0];
        let set = MessageSet::parse(data.records.expect("records")).expect("whole messages");
        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        let records = set.open(&mut decompressor, &mut out, 1000).expect("whole messages");
        let record = records.iter().next().expect("one record");
        assert_eq!(record.key, Some(&b"key"[..]));
        assert!(record.value.is_some_and(|value| value.starts_with(b"hello hello")));
        assert_eq!(record.timestamp != -1, timestamped);
    }
}

#[test]
fn the_java_client_commits_offsets_in_a_transaction() {
    check(JAVA, ApiKey::TxnOffsetCommit, |_, request| {
        let Request::TxnOffsetCommit(request) = request else { panic!("not it: {request:?}") };
        assert_eq!((request.transactional_id, request.group_id), ("txn-j44", "group-txn-j44"));
        let partition = &request.topics[0].partitions[0];
        assert_eq!(partition.committed_offset, 3);
        assert_eq!(partition.committed_metadata, Some("here"));
    });
}

#[test]
fn kafka_says_what_it_speaks_and_which_transaction_protocol() {
    check_response(ApiKey::ApiVersions, 4, |response| {
        let Response::ApiVersions(response) = response else { panic!("not it: {response:?}") };
        let produce = ApiVersion { api_key: 0, min_version: 0, max_version: 13 };
        assert_eq!(response.api_keys.first(), Some(&produce));
        let features = &response.finalized_features;
        let transactions = features.iter().find(|feature| feature.name == "transaction.version");
        assert_eq!(transactions.map(|feature| feature.max_version_level), Some(2));
    });
}

#[test]
fn kafka_refuses_a_version_of_api_versions_in_version_0() {
    check_response(ApiKey::ApiVersions, 5, |response| {
        let Response::ApiVersions(response) = response else { panic!("not it: {response:?}") };
        assert_eq!(response.error_code, ErrorCode::UNSUPPORTED_VERSION);
        let known = ApiVersion { api_key: 18, min_version: 0, max_version: 4 };
        assert_eq!(response.api_keys, [known]);
    });
}

#[test]
fn kafka_knows_of_an_open_transaction() {
    check_response(ApiKey::DescribeTransactions, 0, |response| {
        let Response::DescribeTransactions(response) = response else { panic!("not it") };
        let [state] = &response.transaction_states[..] else { panic!("not one: {response:?}") };
        assert_eq!((state.transactional_id, state.transaction_state), ("txn-j44", "Ongoing"));
        assert_eq!(
            (state.topics[0].topic, &state.topics[0].partitions[..]),
            ("events-j44", &[0][..])
        );
    });
}

#[test]
fn a_fetch_from_kafka_holds_transactions_and_their_ends() {
    check_response(ApiKey::Fetch, 18, |response| {
        let Response::Fetch(response) = response else { panic!("not Fetch: {response:?}") };
        let partition = &response.responses[0].partitions[0];
        assert_eq!((partition.high_watermark, partition.last_stable_offset), (21, 21));

        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        let mut rest = partition.records.expect("records");
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (batch, after) = RecordBatch::parse(rest).expect("whole batches");
            rest = after;
            assert_eq!(batch.verify_crc(), Ok(()));
            assert!(batch.attributes.is_transactional());
            for record in batch.open(&mut decompressor, &mut out, 1000).expect("whole records") {
                let is_control = batch.attributes.is_control();
                let end = is_control.then(|| EndMarker::read(&record).expect("a marker"));
                found.push((record.offset, end.flatten().map(|end| end.committed)));
            }
        }
        assert_eq!(
            found,
            [(16, Some(true)), (17, None), (18, Some(false)), (19, None), (20, Some(false))]
        );
    });
}
