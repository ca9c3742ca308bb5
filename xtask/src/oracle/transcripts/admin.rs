//! What `kafka-topics` and the admin calls of client libraries ask for.

use anyhow::Result;
use ksink_wire::messages::{
    create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic},
    create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
    delete_topics::{DeleteTopicState, DeleteTopicsRequest},
    describe_cluster::DescribeClusterRequest,
    describe_configs::{DescribeConfigsRequest, DescribeConfigsResource},
};

use crate::oracle::player::Player;

/// The types of resources that have settings.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

pub(crate) fn topics(player: &mut Player) -> Result<()> {
    for version in 2..=7 {
        let name = format!("topics-v{version}");
        let step = |what: &str| format!("{what} in version {version}");
        player.ask(step("a new topic"), version, create(vec![topic(&name, 2, 1)]))?;
        player.ask(step("a topic that there is"), version, create(vec![topic(&name, 2, 1)]))?;
    }
    let setting = |name, value| {
        let configs = vec![CreatableTopicConfig { name, value: Some(value) }];
        CreatableTopic { configs, ..topic("topics-setting", 1, 1) }
    };
    let long = "x".repeat(250);
    for (step, topics) in [
        ("the default number of partitions and replicas", vec![topic("topics-default", -1, -1)]),
        ("no partitions", vec![topic("topics-none", 0, 1)]),
        ("-2 partitions", vec![topic("topics-none", -2, 1)]),
        ("three replicas", vec![topic("topics-none", 1, 3)]),
        ("no replicas", vec![topic("topics-none", 1, 0)]),
        ("an illegal name", vec![topic("a/b", 1, 1)]),
        ("a long name", vec![topic(&long, 1, 1)]),
        ("no name", vec![topic("", 1, 1)]),
        ("a name with a dot", vec![topic("topics.dot", 1, 1)]),
        ("a name that collides", vec![topic("topics_dot", 1, 1)]),
        ("a topic named twice", vec![topic("topics-twice", 1, 1), topic("topics-twice", 1, 1)]),
        ("one right and one wrong", vec![topic("topics-right", 1, 1), topic("a/b", 1, 1)]),
        ("a setting", vec![setting("retention.ms", "1000")]),
        ("a setting that there is not", vec![setting("no.such.setting", "1")]),
        ("a setting with a wrong value", vec![setting("retention.ms", "soon")]),
        ("nothing", Vec::new()),
    ] {
        player.ask(step, 5, create(topics))?;
    }
    let only_asked =
        CreateTopicsRequest { validate_only: true, ..create(vec![topic("topics-not-yet", 1, 1)]) };
    player.ask("only asked whether", 5, only_asked)?;
    delete(player)
}

fn delete(player: &mut Player) -> Result<()> {
    for version in 1..=5 {
        let step = |what: &str| format!("{what} in version {version}");
        let name = format!("topics-v{}", version + 1);
        player.ask(step("deleting a topic"), version, delete_named(&[&name]))?;
        player.ask(step("deleting it again"), version, delete_named(&[&name]))?;
    }
    let by_name = |name| DeleteTopicsRequest {
        topics: vec![DeleteTopicState { name: Some(name), ..Default::default() }],
        timeout_ms: 10_000,
        ..Default::default()
    };
    player.ask("deleting a topic in version 6", 6, by_name("topics-v7"))?;
    player.ask("deleting a topic that there is not", 6, by_name("topics-never"))?;
    player.ask("deleting nothing", 5, delete_named(&[]))?;
    Ok(())
}

pub(crate) fn partitions(player: &mut Player) -> Result<()> {
    let name = player.topic("t")?;
    for (step, version, count) in [
        ("one more", 0, 5),
        ("one more again", 3, 6),
        ("as many as there are", 0, 6),
        ("as many as there are, once more", 3, 6),
        ("fewer", 3, 2),
        ("none", 3, 0),
        ("-1", 3, -1),
    ] {
        player.ask(step, version, grow(&name, count))?;
    }
    player.ask("a topic that there is not", 3, grow("partitions-never", 3))?;
    Ok(())
}

pub(crate) fn configs(player: &mut Player) -> Result<()> {
    let name = player.topic("t")?;
    for version in 1..=4 {
        let step = format!("one setting of a topic in version {version}");
        player.ask(step, version, describe(TOPIC, &name, &["retention.ms"]))?;
    }
    for (step, kind, name, keys) in [
        ("a setting that there is not", TOPIC, &*name, &["no.such.setting"][..]),
        ("a topic that there is not", TOPIC, "configs-never", &["retention.ms"]),
        ("an illegal topic", TOPIC, "a/b", &["retention.ms"]),
        ("a setting of the broker", BROKER, "1", &["message.max.bytes"]),
        ("another broker", BROKER, "7", &["message.max.bytes"]),
        ("a broker without a number", BROKER, "one", &["message.max.bytes"]),
        ("a type that there is not", 99, "1", &["message.max.bytes"]),
    ] {
        player.ask(step, 4, describe(kind, name, keys))?;
    }
    Ok(())
}

pub(crate) fn cluster(player: &mut Player) -> Result<()> {
    for version in 0..=2 {
        let step = format!("version {version}");
        player.ask(step, version, DescribeClusterRequest::default())?;
    }
    for endpoint_type in [2, 9] {
        let request = DescribeClusterRequest { endpoint_type, ..Default::default() };
        player.ask(format!("endpoints of type {endpoint_type}"), 1, request)?;
    }
    Ok(())
}

fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic<'_> {
    CreatableTopic { name, num_partitions, replication_factor, ..Default::default() }
}

fn create(topics: Vec<CreatableTopic<'_>>) -> CreateTopicsRequest<'_> {
    CreateTopicsRequest { topics, timeout_ms: 10_000, validate_only: false }
}

fn delete_named<'a>(names: &[&'a str]) -> DeleteTopicsRequest<'a> {
    DeleteTopicsRequest { topic_names: names.to_vec(), timeout_ms: 10_000, ..Default::default() }
}

fn grow(name: &str, count: i32) -> CreatePartitionsRequest<'_> {
    let topic = CreatePartitionsTopic { name, count, assignments: None };
    CreatePartitionsRequest { topics: vec![topic], timeout_ms: 10_000, validate_only: false }
}

fn describe<'a>(
    resource_type: i8,
    resource_name: &'a str,
    keys: &[&'a str],
) -> DescribeConfigsRequest<'a> {
    let configuration_keys = Some(keys.to_vec());
    let resource = DescribeConfigsResource { resource_type, resource_name, configuration_keys };
    DescribeConfigsRequest { resources: vec![resource], ..Default::default() }
}
