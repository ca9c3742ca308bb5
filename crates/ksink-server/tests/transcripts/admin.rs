//! Topics that are created, changed and deleted, and what is told of them and of the cluster.

use ksink_server::Limits;
use ksink_wire::{
    ErrorCode, Response, Uuid,
    compression::Compression,
    messages::{
        create_partitions::{
            CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
        },
        create_topics::{
            CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
        },
        delete_topics::{DeleteTopicState, DeleteTopicsRequest},
        describe_cluster::DescribeClusterRequest,
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResource},
        metadata::MetadataRequest,
    },
};

use crate::harness::{Client, House, batch, batch_by, produce_request};

/// A topic as somebody wants it who leaves all to the server.
fn topic(name: &str) -> CreatableTopic<'_> {
    CreatableTopic { name, num_partitions: -1, replication_factor: -1, ..Default::default() }
}

fn config<'a>(name: &'a str, value: Option<&'a str>) -> CreatableTopicConfig<'a> {
    CreatableTopicConfig { name, value }
}

fn assignment(partition_index: i32, broker_ids: &[i32]) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment { partition_index, broker_ids: broker_ids.to_vec() }
}

/// Creates topics, and says what became of each.
fn create(
    house: &mut House,
    client: &mut Client,
    version: i16,
    topics: Vec<CreatableTopic<'_>>,
) -> Vec<(String, ErrorCode)> {
    client.send(house, version, CreateTopicsRequest { topics, ..Default::default() });
    client.hear(|response| {
        let Response::CreateTopics(response) = response else { panic!("{response:?}") };
        let told = response.topics.iter().map(|topic| {
            if version >= 1 {
                let is_refused = topic.error_code != ErrorCode::NONE;
                assert_eq!(topic.error_message.is_some(), is_refused, "{topic:?}");
            }
            (topic.name.to_owned(), topic.error_code)
        });
        told.collect()
    })
}

/// Wants one topic, and hears this code.
#[track_caller]
fn check_created(house: &mut House, topic: CreatableTopic<'_>, expected: ErrorCode) {
    let mut client = house.connect();
    for version in 0..=7 {
        let name = topic.name.to_owned();
        let answer = create(house, &mut client, version, vec![topic.clone()]);
        assert_eq!(answer, [(name, expected)], "version {version}: {topic:?}");
    }
}

/// Deletes a topic in the way of a version.
fn delete(house: &mut House, client: &mut Client, version: i16, name: &str) -> ErrorCode {
    let state = DeleteTopicState { name: Some(name), topic_id: Uuid::ZERO };
    let request =
        DeleteTopicsRequest { topics: vec![state], topic_names: vec![name], timeout_ms: 1_000 };
    client.send(house, version, request);
    hear_deleted(client, version)[0].2
}

fn hear_deleted(client: &mut Client, version: i16) -> Vec<(Option<String>, Uuid, ErrorCode)> {
    client.hear(|response| {
        let Response::DeleteTopics(response) = response else { panic!("{response:?}") };
        let told = response.responses.iter().map(|topic| {
            let is_refused = topic.error_code != ErrorCode::NONE;
            assert_eq!(topic.error_message.is_some(), is_refused && version >= 5, "{topic:?}");
            (topic.name.map(str::to_owned), topic.topic_id, topic.error_code)
        });
        told.collect()
    })
}

/// All topics: name, id, number of partitions.
fn topics(house: &mut House, client: &mut Client) -> Vec<(String, Uuid, usize)> {
    client.send(house, 12, MetadataRequest { topics: None, ..Default::default() });
    client.hear(|response| {
        let Response::Metadata(response) = response else { panic!("{response:?}") };
        let topics = response.topics.iter();
        topics
            .map(|topic| {
                let name = topic.name.expect("an existing topic has a name").to_owned();
                (name, topic.topic_id, topic.partitions.len())
            })
            .collect()
    })
}

#[test]
fn a_topic_is_created_with_the_partitions_that_were_asked_for() {
    for version in 0..=7 {
        let mut house = House::with(&[], 3, Limits::default());
        let mut client = house.connect();
        let wanted = vec![
            topic("default"),
            CreatableTopic { num_partitions: 5, replication_factor: 1, ..topic("five") },
            CreatableTopic {
                assignments: vec![assignment(1, &[1]), assignment(0, &[1])],
                ..topic("assigned")
            },
        ];
        let answer = create(&mut house, &mut client, version, wanted);
        assert!(answer.iter().all(|(_, code)| *code == ErrorCode::NONE), "{version}: {answer:?}");
        let there = topics(&mut house, &mut client);
        let there: Vec<_> = there.iter().map(|(name, _, count)| (&**name, *count)).collect();
        assert_eq!(there, [("default", 3), ("five", 5), ("assigned", 2)], "version {version}");
    }
}

#[test]
fn who_creates_a_topic_hears_what_it_became() {
    for version in 0..=7 {
        let mut house = House::new();
        let mut client = house.connect();
        let configs = vec![config("retention.ms", Some("5")), config("retention.ms", Some("7"))];
        let wanted = vec![CreatableTopic { num_partitions: 2, configs, ..topic("t") }];
        client.send(
            &mut house,
            version,
            CreateTopicsRequest { topics: wanted, ..Default::default() },
        );
        let id = client.hear(|response| {
            let Response::CreateTopics(response) = response else { panic!("{response:?}") };
            let topic = &response.topics[0];
            if version < 5 {
                return topic.topic_id;
            }
            assert_eq!((topic.num_partitions, topic.replication_factor), (2, 1));
            assert_eq!(topic.topic_config_error_code, ErrorCode::NONE);
            let configs = topic.configs.as_ref().expect("they are told");
            let told = |name| configs.iter().find(|config| config.name == name).expect(name);
            let retention = told("retention.ms");
            assert_eq!((retention.value, retention.config_source), (Some("7"), 1));
            let policy = told("cleanup.policy");
            assert_eq!((policy.value, policy.config_source), (Some("delete"), 5));
            topic.topic_id
        });
        let there = topics(&mut house, &mut client);
        assert_ne!(there[0].1, Uuid::ZERO);
        assert_eq!(id, if version >= 7 { there[0].1 } else { Uuid::ZERO }, "version {version}");
    }
}

#[test]
fn only_validating_answers_the_same_and_creates_nothing() {
    for version in 1..=7 {
        let mut house = House::new();
        let mut client = house.connect();
        let wanted = vec![
            topic("t"),
            CreatableTopic { replication_factor: 2, ..topic("copied") },
            topic("a/b"),
        ];
        let request = CreateTopicsRequest {
            topics: wanted.clone(),
            validate_only: true,
            ..Default::default()
        };
        client.send(&mut house, version, request);
        let validated: Vec<_> = client.hear(|response| {
            let Response::CreateTopics(response) = response else { panic!("{response:?}") };
            let topics = response.topics.iter();
            topics.map(|topic| (topic.name.to_owned(), topic.error_code)).collect()
        });
        assert!(topics(&mut house, &mut client).is_empty(), "version {version}");
        assert_eq!(validated, create(&mut house, &mut client, version, wanted));
        assert_eq!(topics(&mut house, &mut client).len(), 1);
    }
}

#[test]
fn one_broker_keeps_one_replica() {
    let mut house = House::new();
    for factor in [2, 3, 0, -2, i16::MIN, i16::MAX] {
        let wanted = CreatableTopic { replication_factor: factor, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::INVALID_REPLICATION_FACTOR);
    }
}

#[test]
fn a_topic_has_at_least_one_partition() {
    let mut house = House::new();
    for count in [0, -2, i32::MIN] {
        let wanted = CreatableTopic { num_partitions: count, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::INVALID_PARTITIONS);
    }
}

#[test]
fn a_topic_is_created_once() {
    let mut house = House::new();
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    check_created(&mut house, topic("t"), ErrorCode::TOPIC_ALREADY_EXISTS);
    client.name_topic(&mut house, "a.b");
    check_created(&mut house, topic("a.b"), ErrorCode::TOPIC_ALREADY_EXISTS);
}

#[test]
fn illegal_names_are_refused() {
    let mut house = House::new();
    for name in ["", ".", "..", "a/b", "a b", "naïve", &"x".repeat(250)] {
        check_created(&mut house, topic(name), ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
}

#[test]
fn names_that_differ_in_dots_and_underscores_alone_collide() {
    let mut house = House::new();
    let mut client = house.connect();
    create(&mut house, &mut client, 7, vec![topic("a.b_c")]);
    for name in ["a_b.c", "a.b.c", "a_b_c"] {
        check_created(&mut house, topic(name), ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let answer = create(&mut house, &mut client, 7, vec![topic("a.bXc"), topic("a.b_cc")]);
    assert!(answer.iter().all(|(_, code)| *code == ErrorCode::NONE), "{answer:?}");
    assert_eq!(delete(&mut house, &mut client, 6, "a.b_c"), ErrorCode::NONE);
    let answer = create(&mut house, &mut client, 7, vec![topic("a_b.c")]);
    assert_eq!(answer[0].1, ErrorCode::NONE, "the other one is gone");
}

#[test]
fn restricted_topics_cannot_be_created() {
    let mut house = House::with(&["orders", "events-*"], 1, Limits::default());
    check_created(&mut house, topic("payments"), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    check_created(&mut house, topic("orders"), ErrorCode::TOPIC_ALREADY_EXISTS);
    let mut client = house.connect();
    let answer = create(&mut house, &mut client, 7, vec![topic("events-eu")]);
    assert_eq!(answer[0].1, ErrorCode::NONE);
}

#[test]
fn a_topic_that_is_named_twice_is_refused_once() {
    for version in 0..=7 {
        let mut house = House::new();
        let mut client = house.connect();
        let wanted = vec![topic("twice"), topic("once"), topic("twice")];
        let answer = create(&mut house, &mut client, version, wanted);
        let expected = [("twice", ErrorCode::INVALID_REQUEST), ("once", ErrorCode::NONE)];
        assert_eq!(answer, expected.map(|(name, code)| (name.to_owned(), code)));
        assert_eq!(topics(&mut house, &mut client).len(), 1);
    }
}

#[test]
fn replicas_can_be_assigned_to_this_broker_alone() {
    let mut house = House::new();
    for assignments in [
        vec![assignment(0, &[2])],
        vec![assignment(0, &[])],
        vec![assignment(0, &[1, 1])],
        vec![assignment(0, &[1, 2])],
        vec![assignment(0, &[1]), assignment(0, &[1])],
        vec![assignment(1, &[1])],
        vec![assignment(0, &[1]), assignment(2, &[1])],
        vec![assignment(-1, &[1]), assignment(0, &[1])],
        vec![assignment(i32::MIN, &[i32::MIN])],
    ] {
        let wanted = CreatableTopic { assignments, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    for (num_partitions, replication_factor) in [(1, -1), (-1, 1), (0, 0)] {
        let assignments = vec![assignment(0, &[1])];
        let wanted =
            CreatableTopic { assignments, num_partitions, replication_factor, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::INVALID_REQUEST);
    }
}

#[test]
fn settings_that_kafka_would_refuse_are_refused() {
    let mut house = House::new();
    for (name, value) in [
        ("no.such.setting", Some("1")),
        ("", Some("1")),
        ("retention.ms", None),
        ("retention.ms", Some("soon")),
        ("cleanup.policy", Some("keep")),
    ] {
        let configs = vec![config("segment.ms", Some("1")), config(name, value)];
        let wanted = CreatableTopic { configs, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::INVALID_CONFIG);
    }
}

#[test]
fn there_is_room_for_so_many_topics_and_partitions() {
    let limits = Limits { topics_max: 2, partitions_max: 10, ..Limits::default() };
    let mut house = House::with(&[], 1, limits);
    for count in [11, 10_000, i32::MAX] {
        let wanted = CreatableTopic { num_partitions: count, ..topic("t") };
        check_created(&mut house, wanted, ErrorCode::POLICY_VIOLATION);
    }
    let mut client = house.connect();
    let many = CreatableTopic { num_partitions: 7, ..topic("many") };
    let answer = create(&mut house, &mut client, 7, vec![many, topic("a"), topic("b")]);
    let codes: Vec<_> = answer.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [ErrorCode::NONE, ErrorCode::NONE, ErrorCode::POLICY_VIOLATION]);
}

#[test]
fn a_request_for_too_many_partitions_is_refused_as_a_whole() {
    let mut house = House::new();
    let mut client = house.connect();
    let large = CreatableTopic { num_partitions: 10_000, ..topic("large") };
    let answer = create(&mut house, &mut client, 7, vec![topic("small"), large.clone()]);
    assert!(answer.iter().all(|(_, code)| *code == ErrorCode::POLICY_VIOLATION), "{answer:?}");
    let answer = create(&mut house, &mut client, 7, vec![large]);
    assert_eq!(answer[0].1, ErrorCode::NONE);
}

#[test]
fn a_deleted_topic_is_gone_until_it_is_named_again() {
    for version in 0..=6 {
        let mut house = House::new();
        let mut client = house.connect();
        create(&mut house, &mut client, 5, vec![topic("t"), topic("other")]);
        let before = topics(&mut house, &mut client);
        assert_eq!(delete(&mut house, &mut client, version, "t"), ErrorCode::NONE);
        assert_eq!(topics(&mut house, &mut client), before[1..], "version {version}");
        let again = delete(&mut house, &mut client, version, "t");
        assert_eq!(again, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "version {version}");
        client.name_topic(&mut house, "t");
        let after = topics(&mut house, &mut client);
        assert_eq!(&*after[1].0, "t");
        assert_ne!(after[1].1, before[0].1, "it is another topic");
    }
}

#[test]
fn a_topic_that_comes_again_goes_on_counting() {
    let mut house = House::new();
    let (mut client, mut admin) = (house.connect(), house.connect());
    client.produce(&mut house, 9, "t", &batch(&["a", "b"]));
    assert_eq!(delete(&mut house, &mut admin, 6, "t"), ErrorCode::NONE);
    client.produce(&mut house, 9, "t", &batch(&["c"]));
    // Both are on their way, and both land.
    let offsets: Vec<_> = house.sets().iter().map(|set| set.base_offset).collect();
    assert_eq!(offsets, [0, 2]);
}

#[test]
fn what_is_in_flight_when_its_topic_goes_is_still_acknowledged() {
    let mut house = House::new();
    let (mut producer, mut admin) = (house.connect(), house.connect());
    producer.produce(&mut house, 9, "t", &batch(&["a", "b"]));
    assert_eq!(delete(&mut house, &mut admin, 6, "t"), ErrorCode::NONE);
    producer.hears_nothing();
    house.accept_all(&mut producer);
    assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 0));
}

#[test]
fn a_topic_that_comes_again_accepts_any_first_sequence_as_a_new_one_does() {
    for (sequence, in_flight) in [(0, false), (1, false), (7, false), (0, true), (1, true)] {
        let mut house = House::new();
        let (mut producer, mut admin) = (house.connect(), house.connect());
        let numbered = |sequence| batch_by((7, 0, sequence), Compression::None, &["a"]);
        producer.produce(&mut house, 9, "t", &numbered(0));
        if !in_flight {
            house.accept_all(&mut producer);
        }
        assert_eq!(delete(&mut house, &mut admin, 6, "t"), ErrorCode::NONE);
        producer.produce(&mut house, 9, "t", &numbered(sequence));
        house.accept_all(&mut producer);
        assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 0));
        assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 1), "sequence {sequence}");
    }
}

#[test]
fn the_id_of_a_deleted_topic_is_unknown_to_producers() {
    let mut house = House::new();
    let mut client = house.connect();
    client.name_topic(&mut house, "t");
    let id = topics(&mut house, &mut client)[0].1;
    delete(&mut house, &mut client, 6, "t");
    client.name_topic(&mut house, "t");
    let records = batch(&["a"]);
    let mut request = produce_request("", 0, -1, &records);
    request.topic_data[0].topic_id = id;
    client.send(&mut house, 13, request);
    assert_eq!(client.hear_produced(), (ErrorCode::UNKNOWN_TOPIC_ID, -1));
}

#[test]
fn topics_are_deleted_by_id_from_version_6_on() {
    let mut house = House::new();
    let mut client = house.connect();
    create(&mut house, &mut client, 7, vec![topic("a"), topic("b")]);
    let there = topics(&mut house, &mut client);
    let (a, b) = (there[0].1, there[1].1);
    let mut ask = |named: &[(Option<&str>, Uuid)]| {
        let states = named
            .iter()
            .map(|(name, topic_id)| DeleteTopicState { name: *name, topic_id: *topic_id });
        let request = DeleteTopicsRequest { topics: states.collect(), ..Default::default() };
        client.send(&mut house, 6, request);
        hear_deleted(&mut client, 6)
    };
    let unknown = Uuid([7; 16]);
    assert_eq!(ask(&[(None, unknown)]), [(None, unknown, ErrorCode::UNKNOWN_TOPIC_ID)]);
    for nonsense in [(None, Uuid::ZERO), (Some("a"), a)] {
        assert_eq!(ask(&[nonsense])[0].2, ErrorCode::INVALID_REQUEST, "{nonsense:?}");
    }
    for twice in [[(None, a); 2], [(Some("a"), Uuid::ZERO); 2]] {
        let answer = ask(&twice);
        assert_eq!((answer.len(), answer[0].2), (1, ErrorCode::INVALID_REQUEST), "{twice:?}");
    }
    let answer = ask(&[(None, a), (Some("a"), Uuid::ZERO), (Some("b"), Uuid::ZERO)]);
    let expected = [
        (Some("a".to_owned()), a, ErrorCode::NONE),
        (Some("a".to_owned()), Uuid::ZERO, ErrorCode::INVALID_REQUEST),
        (Some("b".to_owned()), b, ErrorCode::NONE),
    ];
    assert_eq!(answer, expected, "by name and by id it is one topic, and it goes");
    assert!(topics(&mut house, &mut client).is_empty());
}

/// Wants more partitions, and hears these codes.
fn grow(
    house: &mut House,
    client: &mut Client,
    version: i16,
    request: CreatePartitionsRequest<'_>,
) -> Vec<(String, ErrorCode)> {
    client.send(house, version, request);
    client.hear(|response| {
        let Response::CreatePartitions(response) = response else { panic!("{response:?}") };
        let told = response.results.iter().map(|topic| {
            let is_refused = topic.error_code != ErrorCode::NONE;
            assert_eq!(topic.error_message.is_some(), is_refused, "{topic:?}");
            (topic.name.to_owned(), topic.error_code)
        });
        told.collect()
    })
}

fn to(name: &str, count: i32) -> CreatePartitionsTopic<'_> {
    CreatePartitionsTopic { name, count, assignments: None }
}

fn assigned<'a>(name: &'a str, count: i32, replicas: &[&[i32]]) -> CreatePartitionsTopic<'a> {
    let assignments = replicas
        .iter()
        .map(|broker_ids| CreatePartitionsAssignment { broker_ids: broker_ids.to_vec() });
    CreatePartitionsTopic { name, count, assignments: Some(assignments.collect()) }
}

#[test]
fn a_topic_gets_more_partitions_and_never_fewer() {
    for version in 0..=3 {
        let mut house = House::with(&[], 2, Limits { partitions_max: 10, ..Limits::default() });
        let mut client = house.connect();
        client.name_topic(&mut house, "t");
        let mut check = |topic: CreatePartitionsTopic<'_>, code| {
            let request =
                CreatePartitionsRequest { topics: vec![topic.clone()], ..Default::default() };
            let answer = grow(&mut house, &mut client, version, request);
            assert_eq!(answer, [(topic.name.to_owned(), code)], "version {version}: {topic:?}");
        };
        for count in [2, 1, 0, -1, i32::MIN] {
            check(to("t", count), ErrorCode::INVALID_PARTITIONS);
        }
        for count in [11, i32::MAX] {
            check(to("t", count), ErrorCode::POLICY_VIOLATION);
        }
        check(to("unknown", 3), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        check(to("a/b", 3), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        let wrong: [&[&[i32]]; 5] = [&[], &[&[1], &[1]], &[&[2]], &[&[]], &[&[1, 2]]];
        for replicas in wrong {
            check(assigned("t", 3, replicas), ErrorCode::INVALID_REPLICA_ASSIGNMENT);
        }
        check(assigned("t", 3, &[&[1]]), ErrorCode::NONE);
        check(to("t", 5), ErrorCode::NONE);
        assert_eq!(topics(&mut house, &mut client)[0].2, 5, "version {version}");
        client.send(&mut house, 9, produce_request("t", 4, -1, &batch(&["a"])));
        house.accept_all(&mut client);
        assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    }
}

#[test]
fn partitions_are_only_validated_or_refused_where_a_topic_is_named_twice() {
    for version in 0..=3 {
        let mut house = House::new();
        let mut client = house.connect();
        client.name_topic(&mut house, "t");
        let request = CreatePartitionsRequest {
            topics: vec![to("t", 3)],
            validate_only: true,
            ..Default::default()
        };
        let answer = grow(&mut house, &mut client, version, request);
        assert_eq!(answer[0].1, ErrorCode::NONE);
        let twice =
            CreatePartitionsRequest { topics: vec![to("t", 3), to("t", 4)], ..Default::default() };
        let answer = grow(&mut house, &mut client, version, twice);
        assert_eq!(answer, [("t".to_owned(), ErrorCode::INVALID_REQUEST)]);
        assert_eq!(topics(&mut house, &mut client)[0].2, 1, "version {version}");
    }
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// A setting as it is told: name, value, source, synonyms, documentation.
type Told = (String, String, i8, Vec<(String, i8)>, Option<String>);

fn describe(
    house: &mut House,
    client: &mut Client,
    version: i16,
    resources: &[(i8, &str)],
    keys: Option<Vec<&str>>,
) -> Vec<(ErrorCode, Vec<Told>)> {
    let resources = resources.iter().map(|(resource_type, resource_name)| {
        let configuration_keys = keys.clone();
        DescribeConfigsResource { resource_type: *resource_type, resource_name, configuration_keys }
    });
    let request = DescribeConfigsRequest {
        resources: resources.collect(),
        include_synonyms: version >= 1,
        include_documentation: version >= 3,
    };
    client.send(house, version, request);
    client.hear(|response| {
        let Response::DescribeConfigs(response) = response else { panic!("{response:?}") };
        let results = response.results.iter().map(|result| {
            assert_eq!(result.error_message.is_some(), result.error_code != ErrorCode::NONE);
            let configs = result.configs.iter().map(|config| {
                assert!(config.read_only && !config.is_sensitive);
                let synonyms = config.synonyms.iter();
                let source = match version {
                    // It says only whether the value is the default.
                    0 if config.is_default => 5,
                    _ => config.config_source,
                };
                (
                    config.name.to_owned(),
                    config.value.expect("every value is told").to_owned(),
                    source,
                    synonyms.map(|synonym| (synonym.name.to_owned(), synonym.source)).collect(),
                    config.documentation.map(str::to_owned),
                )
            });
            (result.error_code, configs.collect())
        });
        results.collect()
    })
}

#[test]
fn a_topic_tells_its_settings_and_where_they_come_from() {
    let limits = Limits { message_bytes_max: 2_000, ..Limits::default() };
    let mut house = House::with(&[], 1, limits);
    let mut client = house.connect();
    let configs = vec![config("cleanup.policy", Some("compact"))];
    create(&mut house, &mut client, 7, vec![CreatableTopic { configs, ..topic("t") }]);
    for version in 0..=4 {
        let mut check = |name: &str, value: &str, source: i8, synonyms: &[(&str, i8)]| {
            let keys = Some(vec![name, "no.such.setting", name]);
            let answer = describe(&mut house, &mut client, version, &[(TOPIC, "t")], keys);
            let [(ErrorCode::NONE, told)] = &*answer else { panic!("{answer:?}") };
            let [(told_name, told_value, told_source, told_synonyms, documentation)] = &**told
            else {
                panic!("{told:?}")
            };
            assert_eq!((&**told_name, &**told_value), (name, value), "version {version}");
            let heard = told_synonyms.iter().map(|(name, source)| (&**name, *source));
            match version {
                0 => assert_eq!(*told_source == 5, source == 5),
                _ => {
                    assert_eq!(*told_source, source, "version {version}: {name}");
                    assert_eq!(heard.collect::<Vec<_>>(), synonyms, "version {version}: {name}");
                }
            }
            assert_eq!(documentation.is_some(), version >= 3);
        };
        let policy = [("cleanup.policy", 1), ("log.cleanup.policy", 5)];
        check("cleanup.policy", "compact", 1, &policy);
        let size = [("message.max.bytes", 4), ("message.max.bytes", 5)];
        check("max.message.bytes", "2000", 4, &size);
        check("retention.ms", "-1", 4, &[("log.retention.ms", 4), ("log.retention.ms", 5)]);
        check("min.insync.replicas", "1", 5, &[("min.insync.replicas", 5)]);
        check("compression.type", "producer", 5, &[("compression.type", 5)]);
    }
}

#[test]
fn the_broker_tells_what_is_true_of_it() {
    let mut house = House::with(&[], 3, Limits::default());
    let mut client = house.connect();
    for version in 0..=4 {
        for keys in [None, Some(Vec::new())] {
            let answer = describe(&mut house, &mut client, version, &[(BROKER, "1")], keys);
            let [(ErrorCode::NONE, told)] = &*answer else { panic!("{answer:?}") };
            let value = |name: &str| {
                told.iter().find(|told| told.0 == name).map(|told| (&*told.1, told.2 == 5))
            };
            assert_eq!(value("num.partitions"), Some(("3", false)));
            assert_eq!(value("message.max.bytes"), Some(("1048588", true)));
            assert_eq!(value("node.id"), Some(("1", false)));
            assert_eq!(value("retention.ms"), None, "that is the name of a topic's setting");
        }
    }
    let defaults = describe(&mut house, &mut client, 4, &[(BROKER, "")], None);
    assert_eq!(defaults, [(ErrorCode::NONE, Vec::new())]);
}

#[test]
fn what_has_no_settings_is_refused_and_nothing_is_created() {
    let mut house = House::new();
    let mut client = house.connect();
    client.name_topic(&mut house, "twice");
    for version in 0..=4 {
        let asked = [
            (TOPIC, "unknown"),
            (TOPIC, "a/b"),
            (BROKER, "2"),
            (BROKER, "one"),
            (8, "1"),
            (16, "m"),
            (32, "g"),
            (0, ""),
            (-1, "x"),
            (TOPIC, "twice"),
            (TOPIC, "twice"),
        ];
        let answer = describe(&mut house, &mut client, version, &asked, None);
        assert!(answer.iter().all(|(_, configs)| configs.is_empty()));
        let codes: Vec<_> = answer.iter().map(|(code, _)| *code).collect();
        let mut expected = vec![ErrorCode::INVALID_REQUEST; 10];
        expected[0] = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        expected[1] = ErrorCode::INVALID_TOPIC_EXCEPTION;
        assert_eq!(codes, expected, "version {version}");
        assert_eq!(topics(&mut house, &mut client).len(), 1);
    }
}

#[test]
fn the_cluster_is_this_node_at_the_address_of_the_caller() {
    let mut house = House::new();
    let mut client = house.connect();
    for version in 0..=2 {
        for (asks, allowed) in [(false, i32::MIN), (true, 0b1_0101_0010_0000)] {
            let request = DescribeClusterRequest {
                include_cluster_authorized_operations: asks,
                endpoint_type: 1,
                include_fenced_brokers: version >= 2,
            };
            client.send(&mut house, version, request);
            client.hear(|response| {
                let Response::DescribeCluster(response) = response else { panic!("{response:?}") };
                assert_eq!(response.error_code, ErrorCode::NONE);
                assert_eq!((response.cluster_id, response.controller_id), ("the-cluster", 1));
                assert_eq!(response.cluster_authorized_operations, allowed);
                let [node] = &*response.brokers else { panic!("{response:?}") };
                assert_eq!((node.broker_id, node.host, node.port), (1, "192.0.2.1", 9092));
                assert!(!node.is_fenced);
            });
        }
    }
}

#[test]
fn whoever_looks_for_controllers_has_come_to_the_wrong_place() {
    let mut house = House::new();
    let mut client = house.connect();
    for version in 1..=2 {
        for (endpoint_type, code) in [
            (2, ErrorCode::MISMATCHED_ENDPOINT_TYPE),
            (0, ErrorCode::UNSUPPORTED_ENDPOINT_TYPE),
            (3, ErrorCode::UNSUPPORTED_ENDPOINT_TYPE),
        ] {
            client.send(
                &mut house,
                version,
                DescribeClusterRequest { endpoint_type, ..Default::default() },
            );
            client.hear(|response| {
                let Response::DescribeCluster(response) = response else { panic!("{response:?}") };
                assert_eq!(response.error_code, code);
                assert!(response.brokers.is_empty() && response.error_message.is_some());
            });
        }
    }
}
