//! Requests that real clients sent, against what they are known to have meant.

use ksink_wire::{
    ApiKey, Request, RequestHeader, Uuid,
    frame::{PREFIX_BYTES, put_request},
    messages::{api_versions::ApiVersionsRequest, init_producer_id::InitProducerIdRequest},
};

use crate::hex::hex;

const KCAT: &str = "kcat 1.7.1 (librdkafka 2.0.2)";
const JAVA: &str = "kafka-clients 4.4.0";

/// A line of the recording.
struct Captured {
    client: &'static str,
    api: &'static str,
    version: i16,
    frame: Vec<u8>,
}

fn captured() -> Vec<Captured> {
    include_str!("../data/captured-requests.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [client, api, version, digits] => Captured {
                client,
                api,
                version: version.parse().expect("a version"),
                frame: hex(digits),
            },
            _ => panic!("not four columns: {line}"),
        })
        .collect()
}

/// Reads the first request of this client to this API.
fn check(client: &str, api: ApiKey, check: impl Fn(RequestHeader<'_>, Request<'_>)) {
    let captured = captured();
    let found = captured.iter().find(|one| one.client == client && one.api == api.name());
    let (header, request) = decode(&found.expect("a recorded request").frame);
    assert_eq!(header.api_key, api);
    check(header, request);
}

fn decode(frame: &[u8]) -> (RequestHeader<'_>, Request<'_>) {
    let (header, body) = RequestHeader::decode(frame).expect("a header");
    let request = Request::decode(header.api_key, header.api_version, body).expect("a request");
    (header, request)
}

#[test]
fn what_clients_send_is_written_again_byte_for_byte() {
    for Captured { client, api, version, frame } in captured() {
        let (header, request) = decode(&frame);
        assert_eq!((header.api_key.name(), header.api_version), (api, version), "{client}");
        let mut written = Vec::new();
        put_request(&mut written, version, header.correlation_id, header.client_id, &request);
        let (prefix, content) = written.split_at(PREFIX_BYTES);
        assert_eq!(prefix, (frame.len() as i32).to_be_bytes(), "{client} {api} {version}");
        assert_eq!(content, frame, "{client} {api} {version}");
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
    let captured = captured();
    let clusters: Vec<_> = captured
        .iter()
        .filter(|one| one.client == JAVA)
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
