//! Faults in what was said: by the client of its records, and on the wire.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;

use super::{
    super::{evidence::Evidence, plan::Cell},
    lines::{renumbered, replace},
};

pub(super) fn keep_a_refusal_back(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    evidence.refused.pop_first().map(drop)
}

pub(super) fn tell_another_reason(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let mut report = evidence.refused.first_entry()?;
    report.insert("UNKNOWN_SERVER_ERROR".to_owned());
    Some(())
}

pub(super) fn refuse_a_delivered_one(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let delivered = cell.records.iter().position(|record| record.refusal.is_none())?;
    evidence.refused.insert(delivered, "MESSAGE_TOO_LARGE".to_owned());
    Some(())
}

/// Beside another one of its topic, whose line it borrows.
pub(super) fn let_a_refused_one_land(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let refused = cell.records.iter().find(|record| record.refusal.is_some())?;
    let value = BASE64_STANDARD.encode(refused.value.as_ref()?);
    let lines = evidence.output.get_mut(&refused.topic)?;
    lines.push(replace(lines.first()?, "value", &json!(value))?);
    *lines = renumbered(std::mem::take(lines));
    Some(())
}

pub(super) fn answer_another_code(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    cell.records.iter().find(|record| record.refusal.is_some())?;
    let topic = evidence.heard.topics.values_mut().find(|topic| !topic.codes.is_empty())?;
    topic.codes = [-1].into();
    Some(())
}

pub(super) fn number_no_batches(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    cell.idempotent.filter(|asked| *asked)?;
    let topic = evidence.heard.topics.values_mut().next()?;
    let unnumbered = std::mem::take(&mut topic.manners).into_iter();
    topic.manners = unnumbered
        .map(|mut manner| {
            manner.idempotent = false;
            manner
        })
        .collect();
    Some(())
}

pub(super) fn spare_a_connection(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let topic = evidence.heard.topics.values_mut().find(|topic| topic.cut > 0)?;
    topic.cut -= 1;
    Some(())
}

pub(super) fn forget_a_post(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let posts = evidence.posts.as_mut()?.values_mut().next()?;
    posts.pop().map(drop)
}

pub(super) fn number_a_post_otherwise(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let post = evidence.posts.as_mut()?.values_mut().next()?.first_mut()?;
    let (_, offset) = post.head.iter_mut().find(|(name, _)| name == "x-kafka-offset")?;
    offset.insert(0, '1');
    Some(())
}

pub(super) fn see_something_else(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    evidence.seen.first_entry()?.insert(json!("something else"));
    Some(())
}
