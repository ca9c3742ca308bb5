//! Metadata: by name, by id, of all topics and of none.

use anyhow::Result;
use ksink_wire::{
    Response, Uuid,
    messages::metadata::{MetadataRequest, MetadataRequestTopic},
};

use crate::oracle::player::Player;

pub(crate) fn all_topics(player: &mut Player) -> Result<()> {
    player.topic("a")?;
    player.topic("b")?;
    for version in 0..=13 {
        // Version 0 has no null: there, none named means all.
        let topics = if version == 0 { Some(Vec::new()) } else { None };
        let request = MetadataRequest { topics, ..Default::default() };
        player.ask(format!("all topics in version {version}"), version, request)?;
    }
    for version in [1, 8, 12, 13] {
        let request = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
        player.ask(format!("no topics in version {version}"), version, request)?;
    }
    Ok(())
}

pub(crate) fn by_name(player: &mut Player) -> Result<()> {
    let topic = player.topic("known")?;
    for version in 0..=13 {
        player.ask(format!("a topic in version {version}"), version, named(&[&topic], false))?;
    }
    player.ask("a topic named twice", 12, named(&[&topic, &topic], false))?;
    let illegal = "x".repeat(250);
    for (what, name) in
        [("a slash", "a/b"), ("nothing", ""), ("a dot", "."), ("250 letters", &*illegal)]
    {
        for version in [1, 4, 12] {
            let step = format!("a topic of {what} in version {version}");
            player.ask(step, version, named(&[name], true))?;
        }
    }
    player.ask("a known and an illegal topic", 9, named(&[&topic, "a/b"], true))?;
    player.ask("a new topic that may not be created", 9, named(&["metadata-never"], false))?;
    player.ask("a new topic", 9, named(&["metadata-new"], true))?;
    let operations =
        MetadataRequest { include_topic_authorized_operations: true, ..named(&[&topic], false) };
    player.ask("what may be done with a topic", 9, operations)?;
    let cluster =
        MetadataRequest { include_cluster_authorized_operations: true, ..named(&[&topic], false) };
    player.ask("what may be done with the cluster", 9, cluster)?;
    Ok(())
}

pub(crate) fn by_id(player: &mut Player) -> Result<()> {
    let topic = player.topic("known")?;
    let topic_id =
        player.ask("the id", 12, named(&[&topic], false))?.read(|response| match response {
            Response::Metadata(response) => Some(response.topics[0].topic_id),
            _ => None,
        })?;
    for version in 10..=13 {
        let step = |what: &str| format!("{what} in version {version}");
        player.ask(step("a known id"), version, with_id(topic_id, None))?;
        player.ask(step("an unknown id"), version, with_id(Uuid([7; 16]), None))?;
    }
    for version in 12..=13 {
        let step = |what: &str| format!("{what} in version {version}");
        player.ask(step("no id and no name"), version, with_id(Uuid::ZERO, None))?;
        player.ask(step("an id and its name"), version, with_id(topic_id, Some(&topic)))?;
        player.ask(step("an id and another name"), version, with_id(topic_id, Some("other")))?;
    }
    Ok(())
}

fn named<'a>(names: &[&'a str], allow_auto_topic_creation: bool) -> MetadataRequest<'a> {
    let topics = names
        .iter()
        .map(|&name| MetadataRequestTopic { name: Some(name), ..Default::default() })
        .collect();
    MetadataRequest { topics: Some(topics), allow_auto_topic_creation, ..Default::default() }
}

fn with_id(topic_id: Uuid, name: Option<&str>) -> MetadataRequest<'_> {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id, name }]),
        allow_auto_topic_creation: false,
        ..Default::default()
    }
}
