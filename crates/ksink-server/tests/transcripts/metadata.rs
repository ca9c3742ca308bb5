//! Which topics there are, and where.

use ksink_server::Limits;
use ksink_wire::{
    ErrorCode, Response, Uuid,
    messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse},
};

use crate::harness::{Client, House, batch, produce_request};

fn ask(
    house: &mut House,
    client: &mut Client,
    version: i16,
    topics: Option<Vec<MetadataRequestTopic<'_>>>,
) -> Vec<(Option<String>, ErrorCode, Uuid, usize)> {
    let request =
        MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
    client.send(house, version, request);
    client.hear(|response| {
        let Response::Metadata(response) = response else { panic!("{response:?}") };
        check_node(&response);
        let topics = response.topics.iter();
        topics
            .map(|topic| {
                let name = topic.name.map(str::to_owned);
                (name, topic.error_code, topic.topic_id, topic.partitions.len())
            })
            .collect()
    })
}

/// A client is told the address that it connected to.
fn check_node(response: &MetadataResponse<'_>) {
    let node = &response.brokers[0];
    assert_eq!((node.node_id, node.host, node.port), (1, "192.0.2.1", 9092));
}

fn named(name: &str) -> MetadataRequestTopic<'_> {
    MetadataRequestTopic { name: Some(name), ..Default::default() }
}

fn names(house: &mut House, client: &mut Client, version: i16) -> Vec<String> {
    let all = if version == 0 { Some(Vec::new()) } else { None };
    let topics = ask(house, client, version, all);
    topics.into_iter().filter_map(|(name, ..)| name).collect()
}

#[test]
fn a_topic_exists_once_it_was_named_whatever_the_auto_creation_flag_says() {
    for version in 0..=13 {
        let mut house = House::with(&[], 3, Limits::default());
        let mut client = house.connect();
        assert!(names(&mut house, &mut client, version).is_empty());
        let answer = ask(&mut house, &mut client, version, Some(vec![named("orders")]));
        assert_eq!(answer[0].1, ErrorCode::NONE, "version {version}");
        assert_eq!(answer[0].3, 3, "version {version}");
        assert_eq!(names(&mut house, &mut client, version), ["orders"], "version {version}");
    }
}

#[test]
fn from_version_1_on_the_empty_list_asks_for_no_topic() {
    let mut house = House::new();
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    assert!(ask(&mut house, &mut client, 1, Some(Vec::new())).is_empty());
    assert_eq!(ask(&mut house, &mut client, 0, Some(Vec::new())).len(), 1);
}

#[test]
fn a_topic_that_was_produced_to_is_among_all_topics() {
    let mut house = House::new();
    let mut client = house.connect();
    client.send(&mut house, 7, produce_request("unannounced", 0, 1, &batch(&["x"])));
    assert_eq!(house.sets()[0].topic.as_ref(), "unannounced");
    house.accept_all(&mut client);
    client.hear(|_| ());
    assert_eq!(names(&mut house, &mut client, 8), ["unannounced"]);
}

#[test]
fn a_topic_is_found_by_its_id_from_version_12_on() {
    let mut house = House::new();
    let mut client = house.connect();
    let id = ask(&mut house, &mut client, 12, Some(vec![named("t")]))[0].2;
    assert_ne!(id, Uuid::ZERO);
    let by_id = |id| Some(vec![MetadataRequestTopic { topic_id: id, name: None }]);
    let found = ask(&mut house, &mut client, 12, by_id(id));
    assert_eq!(found[0], (Some("t".to_owned()), ErrorCode::NONE, id, 1));
    let unknown = Uuid([7; 16]);
    let found = ask(&mut house, &mut client, 13, by_id(unknown));
    assert_eq!(found[0], (None, ErrorCode::UNKNOWN_TOPIC_ID, unknown, 0));
    let too_early = ask(&mut house, &mut client, 10, by_id(id));
    assert_eq!((too_early[0].1, too_early[0].2), (ErrorCode::INVALID_REQUEST, id));
    let misnamed = MetadataRequestTopic { topic_id: id, name: Some("other") };
    let found = ask(&mut house, &mut client, 12, Some(vec![misnamed]));
    assert_eq!(found[0].0.as_deref(), Some("t"), "the id makes the name superfluous");
}

#[test]
fn illegal_and_restricted_topics_are_refused_by_name() {
    let mut house = House::with(&["orders", "events-*"], 1, Limits::default());
    let mut client = house.connect();
    assert_eq!(names(&mut house, &mut client, 5), ["orders"]);
    let asked = ["orders", "events-eu", "payments", "a/b"].map(named).to_vec();
    let answer = ask(&mut house, &mut client, 9, Some(asked));
    let codes: Vec<_> = answer.iter().map(|(_, code, ..)| *code).collect();
    let expected = [
        ErrorCode::NONE,
        ErrorCode::NONE,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::INVALID_TOPIC_EXCEPTION,
    ];
    assert_eq!(codes, expected);
    assert!(answer[2..].iter().all(|(_, _, id, partitions)| (*id, *partitions) == (Uuid::ZERO, 0)));
    assert_eq!(names(&mut house, &mut client, 9), ["orders", "events-eu"]);
}
