//! What may come in, and how the rest is turned away.

use std::time::Duration;

use ksink_server::{Goodbye, Limits};
use ksink_wire::{
    ApiKey, ErrorCode, Response,
    frame::FrameError,
    messages::{
        api_versions::ApiVersionsRequest, sasl_authenticate::SaslAuthenticateRequest,
        sasl_handshake::SaslHandshakeRequest,
    },
};

use crate::harness::{House, batch, produce_request};

fn api_versions() -> ApiVersionsRequest<'static> {
    ApiVersionsRequest {
        client_software_name: "test",
        client_software_version: "1.0",
        ..Default::default()
    }
}

#[test]
fn what_is_advertised_is_sorted_and_holds_what_librdkafka_looks_for() {
    let mut house = House::new();
    let mut client = house.connect();
    for version in 0..=5 {
        client.send(&mut house, version, api_versions());
        client.hear(|response| {
            let Response::ApiVersions(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, ErrorCode::NONE);
            let range = |key| {
                let api = response.api_keys.iter().find(|api| api.api_key == key)?;
                Some((api.min_version, api.max_version))
            };
            assert_eq!(range(0), Some((0, 13)), "a higher minimum switches codecs off");
            assert_eq!(range(1), Some((4, 12)), "without Fetch there is no message format v2");
            assert_eq!(range(22), Some((0, 5)));
            assert_eq!((range(24), range(26)), (Some((0, 3)), Some((0, 5))));
            assert_eq!((range(25), range(28)), (None, None), "there are no consumer groups");
            let finalized = response.finalized_features.iter();
            let finalized: Vec<_> = finalized.map(|it| (it.name, it.max_version_level)).collect();
            let expected = [("transaction.version", 2)];
            assert_eq!(finalized, expected[..usize::from(version >= 3)], "version {version}");
            assert_eq!(response.supported_features.len(), usize::from(version >= 4));
            assert!(response.api_keys.is_sorted_by_key(|api| api.api_key));
        });
    }
}

#[test]
fn a_version_of_api_versions_from_the_future_is_answered_in_version_0() {
    let mut house = House::new();
    let mut client = house.connect();
    // Key 18, version 9, correlation id 7, and a rest that nobody can know.
    client.send_bytes(&mut house, b"\0\0\0\x0b\0\x12\0\x09\0\0\0\x07???");
    let frame = client.hear_frame().expect("an answer");
    assert_eq!(frame, b"\0\0\0\x07\0\x23\0\0\0\x01\0\x12\0\0\0\x05".as_slice());
    client.send(&mut house, 5, api_versions());
    client.hear(|response| assert!(matches!(response, Response::ApiVersions(_))));
}

#[test]
fn a_client_that_means_another_cluster_or_node_is_told_to_bootstrap_again() {
    let check = |cluster_id, node_id, expected| {
        let mut house = House::new();
        let mut client = house.connect();
        let request = ApiVersionsRequest { cluster_id, node_id, ..api_versions() };
        client.send(&mut house, 5, request);
        client.hear(|response| {
            let Response::ApiVersions(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, expected, "{cluster_id:?} {node_id}");
        });
    };
    check(None, -1, ErrorCode::NONE);
    check(Some("the-cluster"), 1, ErrorCode::NONE);
    check(Some("another"), 1, ErrorCode::REBOOTSTRAP_REQUIRED);
    check(Some("the-cluster"), 2, ErrorCode::REBOOTSTRAP_REQUIRED);
}

#[test]
fn a_malformed_software_name_is_an_invalid_request() {
    for (name, expected) in [
        ("ok-1.2", ErrorCode::NONE),
        ("", ErrorCode::INVALID_REQUEST),
        ("-x", ErrorCode::INVALID_REQUEST),
    ] {
        let mut house = House::new();
        let mut client = house.connect();
        let request = ApiVersionsRequest { client_software_name: name, ..api_versions() };
        client.send(&mut house, 3, request);
        client.hear(|response| {
            let Response::ApiVersions(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, expected, "{name:?}");
            let tells_features = response.finalized_features_epoch >= 0;
            assert_eq!(tells_features, expected.is_none(), "{name:?}");
        });
    }
}

#[test]
fn a_client_that_wants_to_authenticate_hears_that_nobody_asks_it_to() {
    let mut house = House::new();
    let mut client = house.connect();
    for version in 0..=1 {
        client.send(&mut house, version, SaslHandshakeRequest { mechanism: "PLAIN" });
        client.hear(|response| {
            let Response::SaslHandshake(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, ErrorCode::ILLEGAL_SASL_STATE);
        });
    }
    for version in 0..=2 {
        client.send(&mut house, version, SaslAuthenticateRequest { auth_bytes: b"\0user\0pass" });
        client.hear(|response| {
            let Response::SaslAuthenticate(response) = response else { panic!("{response:?}") };
            assert_eq!(response.error_code, ErrorCode::ILLEGAL_SASL_STATE);
        });
    }
    assert!(client.session.ended().is_none());
}

#[test]
fn frames_that_cannot_be_served_end_the_connection() {
    let check = |bytes: &[u8], expected: fn(&Goodbye) -> bool| {
        let mut house = House::new();
        let mut client = house.connect();
        client.send_bytes(&mut house, bytes);
        let ended = client.session.ended().expect("the connection ends");
        assert!(expected(ended), "{bytes:?}: {ended}");
        client.hears_nothing();
    };
    check(b"\xff\xff\xff\xff", |ended| matches!(ended, Goodbye::Frame(FrameError::Negative(-1))));
    check(b"\x7f\xff\xff\xff", |ended| {
        matches!(ended, Goodbye::Frame(FrameError::TooLarge { .. }))
    });
    check(b"\0\0\0\x02\0\0", |ended| matches!(ended, Goodbye::Header(_)));
    check(b"\0\0\0\x0a\x03\xe7\0\0\0\0\0\x07\0\0", |ended| {
        ended.to_string().contains("unknown API key 999")
    });
    check(b"\0\0\0\x0a\0\x03\0\x63\0\0\0\x07\0\0", |ended| matches!(ended, Goodbye::Header(_)));
    // Known, and not served: JoinGroup 0.
    check(b"\0\0\0\x0a\0\x0b\0\0\0\0\0\x07\0\0", |ended| {
        matches!(ended, Goodbye::NotServed { api: ApiKey::JoinGroup, version: 0 })
    });
}

#[test]
fn a_malformed_body_ends_the_connection_and_names_the_field() {
    let mut house = House::new();
    let mut client = house.connect();
    // Produce 7: a transactional id of 1000 bytes in a frame that ends there.
    client.send_bytes(&mut house, b"\0\0\0\x0c\0\0\0\x07\0\0\0\x07\0\0\x03\xe8");
    let ended = client.session.ended().expect("the connection ends");
    assert!(ended.to_string().contains("transactional_id"), "{ended}");
}

#[test]
fn what_came_before_a_malformed_request_is_still_answered() {
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 9, "t", &batch(&["kept"]));
    client.send_bytes(&mut house, b"\xff\xff\xff\xff");
    assert!(client.session.ended().is_none(), "an answer is still due");
    house.accept_all(&mut client);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    assert!(client.session.ended().is_some());
}

#[test]
fn a_frame_may_come_byte_by_byte_but_not_take_for_ever() {
    let mut house = House::new();
    let mut client = house.connect();
    let mut bytes = Vec::new();
    ksink_wire::frame::put_request(&mut bytes, 3, 1, None, &api_versions().into());
    for byte in &bytes {
        client.hears_nothing();
        client.send_bytes(&mut house, &[*byte]);
    }
    assert!(client.hear_frame().is_some());

    client.send_bytes(&mut house, &bytes[..6]);
    house.pass(Duration::from_secs(29));
    client.session.handle_timeout(house.now.instant);
    assert!(client.session.ended().is_none());
    house.pass(Duration::from_secs(1));
    client.session.handle_timeout(house.now.instant);
    assert_eq!(client.session.ended(), Some(&Goodbye::SlowFrame));
}

#[test]
fn an_idle_connection_ends_but_one_that_waits_for_us_does_not() {
    let mut house = House::new();
    let mut idle = house.connect();
    let mut waiting = house.connect();
    waiting.produce(&mut house, 9, "t", &batch(&["x"]));
    house.pass(Duration::from_secs(600));
    for client in [&mut idle, &mut waiting] {
        client.session.handle_timeout(house.now.instant);
    }
    assert_eq!(idle.session.ended(), Some(&Goodbye::Idle));
    assert!(waiting.session.ended().is_none());
}

#[test]
fn a_full_pipeline_takes_no_input_until_an_answer_leaves() {
    let limits = Limits { pipeline_requests_max: 2, ..Limits::default() };
    let mut house = House::with(&[], 1, limits);
    let mut client = house.connect();
    let records = batch(&["x"]);
    for _ in 0..3 {
        client.produce(&mut house, 9, "t", &records);
    }
    assert!(!client.session.wants_input());
    assert_eq!(house.sets().len(), 2, "the third waits in the buffer");
    house.accept_all(&mut client);
    assert!(client.session.wants_input());
    assert_eq!(house.sets().len(), 1);
}

#[test]
fn a_draining_session_answers_what_is_in_flight_and_takes_nothing_more() {
    let mut house = House::new();
    let mut client = house.connect();
    client.produce(&mut house, 9, "t", &batch(&["in flight"]));
    client.session.handle_drain();
    assert!(client.session.ended().is_none());
    client.send_unheard(&mut house, 9, produce_request("t", 0, -1, &batch(&["too late"])));
    assert_eq!(house.sets().len(), 1);
    house.accept_all(&mut client);
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    assert_eq!(client.session.ended(), Some(&Goodbye::Draining));
}

#[test]
fn a_draining_session_without_anything_in_flight_ends_at_once() {
    let mut house = House::new();
    let mut client = house.connect();
    client.session.handle_drain();
    assert_eq!(client.session.ended(), Some(&Goodbye::Draining));
}
