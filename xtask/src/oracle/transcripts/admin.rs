//! Topics that are created, given more partitions and deleted; settings; the cluster.

use anyhow::Result;
use ksink_wire::{
    Uuid,
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
    },
};

use crate::oracle::player::Player;

/// Only answers without an error tell the settings, of which each server has its own.
pub(crate) fn create(player: &mut Player) -> Result<()> {
    let known = player.topic("known.topic")?;
    let illegal = "x".repeat(250);
    for version in 2..=4 {
        let name = format!("create-{version}");
        let step = format!("a topic in version {version}");
        player.ask(step, version, one(CreatableTopic { num_partitions: 3, ..topic(&name) }))?;
    }
    player.ask("a topic with all that is said of it", 7, one(topic("create-7")))?;
    let colliding = known.replace('.', "_");
    for (step, name) in [
        ("a known topic", &*known),
        ("a topic that collides with a known one", &colliding),
        ("a topic of a slash", "a/b"),
        ("a topic of nothing", ""),
        ("a topic of 250 letters", &illegal),
    ] {
        player.ask(step, 7, one(topic(name)))?;
    }
    for factor in [2, 0, -2, i16::MAX] {
        let step = format!("a replication factor of {factor}");
        let wanted = CreatableTopic { replication_factor: factor, ..topic("create-never") };
        player.ask(step, 7, one(wanted))?;
    }
    for count in [0, -2, i32::MIN, 10_001, i32::MAX] {
        let wanted = CreatableTopic { num_partitions: count, ..topic("create-never") };
        player.ask(format!("{count} partitions"), 7, one(wanted))?;
    }
    let twice = CreateTopicsRequest {
        topics: vec![topic("create-twice"), topic("create-twice")],
        ..Default::default()
    };
    player.ask("a topic named twice", 7, twice)?;
    let validated = CreateTopicsRequest { validate_only: true, ..one(topic("create-later")) };
    player.ask("a topic that is only validated", 4, validated)?;
    player.ask("the same topic", 4, one(topic("create-later")))?;
    assignments(player)?;
    settings(player)
}

fn assignments(player: &mut Player) -> Result<()> {
    for (what, assignments) in [
        ("to another broker", vec![(0, vec![2])]),
        ("to no broker", vec![(0, vec![])]),
        ("twice to one broker", vec![(0, vec![1, 1])]),
        ("of one partition twice", vec![(0, vec![1]), (0, vec![1])]),
        ("without the first partition", vec![(1, vec![1])]),
        ("of partition -1", vec![(-1, vec![1])]),
    ] {
        let wanted = CreatableTopic { assignments: assigned(assignments), ..topic("create-never") };
        player.ask(format!("an assignment {what}"), 7, one(wanted))?;
    }
    for (num_partitions, replication_factor) in [(1, -1), (-1, 1)] {
        let wanted = CreatableTopic {
            num_partitions,
            replication_factor,
            assignments: assigned(vec![(0, vec![1])]),
            ..topic("create-never")
        };
        let step =
            format!("an assignment, {num_partitions} partitions, {replication_factor} replicas");
        player.ask(step, 7, one(wanted))?;
    }
    let wanted = CreatableTopic {
        assignments: assigned(vec![(1, vec![1]), (0, vec![1])]),
        ..topic("create-assigned")
    };
    player.ask("an assignment to this broker", 4, one(wanted))?;
    Ok(())
}

fn settings(player: &mut Player) -> Result<()> {
    for (name, value) in [
        ("no.such.setting", Some("1")),
        ("retention.ms", None),
        ("retention.ms", Some("soon")),
        ("retention.ms", Some("-2")),
        ("cleanup.policy", Some("keep")),
        ("compression.type", Some("br")),
        ("min.cleanable.dirty.ratio", Some("1.5")),
        ("segment.bytes", Some("13")),
        ("preallocate", Some("yes")),
        ("max.message.bytes", Some("2147483648")),
        ("leader.replication.throttled.replicas", Some("a:b")),
    ] {
        let configs = vec![CreatableTopicConfig { name, value }];
        let wanted = CreatableTopic { configs, ..topic("create-never") };
        player.ask(format!("the setting {name}={}", value.unwrap_or("null")), 7, one(wanted))?;
    }
    Ok(())
}

pub(crate) fn change(player: &mut Player) -> Result<()> {
    let known = player.topic("known")?;
    for (step, name, count) in [
        ("as many partitions as before", &*known, 4),
        ("fewer partitions", &known, 1),
        ("no partitions", &known, 0),
        ("less than no partitions", &known, i32::MIN),
        ("partitions of a topic that there is not", "partitions-never", 9),
        ("partitions of an illegal topic", "a/b", 9),
    ] {
        player.ask(step, 3, grow(name, count, None))?;
    }
    for (step, assignments) in [
        ("one assignment for two partitions", vec![vec![1]]),
        ("an assignment to another broker", vec![vec![1], vec![2]]),
        ("an assignment to no broker", vec![vec![1], vec![]]),
        ("an assignment to one broker twice", vec![vec![1], vec![1, 1]]),
    ] {
        player.ask(step, 3, grow(&known, 6, Some(assignments)))?;
    }
    let twice = CreatePartitionsRequest {
        topics: [grow(&known, 6, None).topics, grow(&known, 7, None).topics].concat(),
        ..grow(&known, 6, None)
    };
    player.ask("a topic named twice", 3, twice)?;
    let validated = CreatePartitionsRequest { validate_only: true, ..grow(&known, 9, None) };
    player.ask("partitions that are only validated", 3, validated)?;
    for version in 0..=3 {
        let step = format!("one partition more in version {version}");
        player.ask(step, version, grow(&known, 5 + i32::from(version), None))?;
    }
    Ok(())
}

pub(crate) fn delete(player: &mut Player) -> Result<()> {
    for version in 1..=5 {
        let name = player.topic(&format!("v{version}"))?;
        let request = DeleteTopicsRequest {
            topic_names: vec![&name],
            timeout_ms: 5_000,
            ..Default::default()
        };
        player.ask(format!("a topic in version {version}"), version, request.clone())?;
        player.ask(format!("a deleted topic in version {version}"), version, request)?;
    }
    let known = player.topic("known")?;
    let (some_id, no_id) = (Uuid([7; 16]), Uuid::ZERO);
    for (step, named) in [
        ("an unknown id", vec![(None, some_id)]),
        ("no name and no id", vec![(None, no_id)]),
        ("a name and an id", vec![(Some(&*known), some_id)]),
        ("an illegal name", vec![(Some("a/b"), no_id)]),
        ("a name twice", vec![(Some(&*known), no_id), (Some(&*known), no_id)]),
        ("an unknown id twice", vec![(None, some_id), (None, some_id)]),
        ("a known topic", vec![(Some(&*known), no_id)]),
    ] {
        let topics = named
            .iter()
            .map(|(name, topic_id)| DeleteTopicState { name: *name, topic_id: *topic_id });
        let request = DeleteTopicsRequest {
            topics: topics.collect(),
            timeout_ms: 5_000,
            ..Default::default()
        };
        player.ask(step, 6, request)?;
    }
    Ok(())
}

pub(crate) fn describe(player: &mut Player) -> Result<()> {
    let known = player.topic("known")?;
    for version in 1..=4 {
        for name in ["cleanup.policy", "min.insync.replicas", "max.message.bytes"] {
            let request = settings_of(2, &known, Some(vec![name]), version);
            player.ask(format!("{name} of a topic in version {version}"), version, request)?;
        }
    }
    for (step, resource_type, name) in [
        ("an unknown topic", 2, "describe-never"),
        ("an illegal topic", 2, "a/b"),
        ("another broker", 4, "2"),
        ("a broker that is no number", 4, "one"),
        ("all brokers", 4, ""),
        ("something else", 3, "x"),
        ("nothing", 0, "x"),
    ] {
        player.ask(format!("settings of {step}"), 4, settings_of(resource_type, name, None, 4))?;
    }
    let no_such = settings_of(2, &known, Some(vec!["no.such.setting"]), 4);
    player.ask("a setting that there is not", 4, no_such)?;
    for version in 0..=2 {
        let request = DescribeClusterRequest::default();
        player.ask(format!("the cluster in version {version}"), version, request)?;
    }
    for endpoint_type in [2, 0, 3] {
        let request = DescribeClusterRequest { endpoint_type, ..Default::default() };
        player.ask(format!("the cluster's endpoints of type {endpoint_type}"), 1, request)?;
    }
    Ok(())
}

fn topic(name: &str) -> CreatableTopic<'_> {
    CreatableTopic { name, num_partitions: -1, replication_factor: -1, ..Default::default() }
}

fn one(topic: CreatableTopic<'_>) -> CreateTopicsRequest<'_> {
    CreateTopicsRequest { topics: vec![topic], timeout_ms: 5_000, ..Default::default() }
}

fn assigned(assignments: Vec<(i32, Vec<i32>)>) -> Vec<CreatableReplicaAssignment> {
    let assignment =
        |(partition_index, broker_ids)| CreatableReplicaAssignment { partition_index, broker_ids };
    assignments.into_iter().map(assignment).collect()
}

fn grow(name: &str, count: i32, assignments: Option<Vec<Vec<i32>>>) -> CreatePartitionsRequest<'_> {
    let assigned =
        |all: Vec<_>| all.into_iter().map(|broker_ids| CreatePartitionsAssignment { broker_ids });
    let assignments = assignments.map(|all| assigned(all).collect());
    let topics = vec![CreatePartitionsTopic { name, count, assignments }];
    CreatePartitionsRequest { topics, timeout_ms: 5_000, ..Default::default() }
}

fn settings_of<'a>(
    resource_type: i8,
    resource_name: &'a str,
    configuration_keys: Option<Vec<&'a str>>,
    version: i16,
) -> DescribeConfigsRequest<'a> {
    let resource = DescribeConfigsResource { resource_type, resource_name, configuration_keys };
    DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: version >= 1,
        ..Default::default()
    }
}
