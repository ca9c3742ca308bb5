//! Faults of transactions: in what landed of them, in what the client said, and in what a reader saw meanwhile.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{
    super::{
        evidence::Evidence,
        landed::Landed,
        plan::Cell,
        transactions::{heard::End, script::Fate},
    },
    lines::{renumbered, replace},
};

/// Beside another one of its topic, whose line it borrows.
pub(super) fn let_an_aborted_one_land(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let fates = cell.fates();
    let (place, _) = fates.iter().find(|(_, fate)| **fate == Fate::Aborted)?;
    let record = &cell.records[*place];
    let base64 = |bytes: &Option<Vec<u8>>| -> Option<Value> {
        Some(json!(BASE64_STANDARD.encode(bytes.as_ref()?)))
    };
    let lines = evidence.output.get_mut(&record.topic)?;
    let line = replace(lines.first()?, "value", &base64(&record.value)?)?;
    lines.insert(0, replace(&line, "key", &base64(&record.key)?)?);
    *lines = renumbered(std::mem::take(lines));
    Some(())
}

/// The second half of a committed transaction is missing, in all of its topics.
pub(super) fn tear_a_transaction(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let last = cell.fates().values().filter_map(number).max()?;
    let places: Vec<usize> = cell
        .fates()
        .into_iter()
        .filter(|(_, fate)| number(fate) == Some(last))
        .map(|(place, _)| place)
        .collect();
    let missing = &places[places.len() / 2..];
    for lines in evidence.output.values_mut() {
        lines.retain(|line| !place(cell, line).is_some_and(|place| missing.contains(&place)));
        *lines = renumbered(std::mem::take(lines));
    }
    Some(())
}

/// The last record of one behind the first of the next one, in another partition.
pub(super) fn mix_two_transactions(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let fates = cell.script.as_ref()?.fates();
    let about = |line: &String| {
        let landed = Landed::parse(line).ok()?;
        Some((number(fates.get(&place(cell, line)?)?)?, landed.partition))
    };
    let lines = evidence.output.values_mut().next()?;
    let border = lines.windows(2).position(|pair| match (about(&pair[0]), about(&pair[1])) {
        (Some(first), Some(second)) => first.0 != second.0 && first.1 != second.1,
        _ => false,
    })?;
    lines.swap(border, border + 1);
    Some(())
}

pub(super) fn forget_the_id(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let line = evidence.output.values_mut().flatten().next()?;
    let id = Landed::parse(line).ok()?.transactional_id?;
    *line = line.replacen(&format!(",\"transactional_id\":\"{id}\""), "", 1);
    Some(())
}

pub(super) fn keep_a_failure_back(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    evidence.failed.pop_first().map(drop)
}

pub(super) fn fail_otherwise(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    evidence.failed.first_entry()?.insert("UNKNOWN_SERVER_ERROR".to_owned());
    Some(())
}

pub(super) fn fail_a_step(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let steps = &cell.script.as_ref()?.steps;
    let place = steps.iter().position(|planned| planned.fails.is_none())?;
    evidence.failed.insert(place, "PRODUCER_FENCED".to_owned());
    Some(())
}

pub(super) fn show_a_record_early(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    commit(cell, evidence)?.before.visible += 1;
    Some(())
}

pub(super) fn show_a_record_late(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    commit(cell, evidence)?.after.visible -= 1;
    Some(())
}

/// Where there are none, there is one; and the other way round.
pub(super) fn confuse_temporary_files(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    let before = &mut commit(cell, evidence)?.before;
    before.temporary = usize::from(before.temporary == 0);
    Some(())
}

pub(super) fn leave_a_temporary_file(cell: &Cell, evidence: &mut Evidence) -> Option<()> {
    commit(cell, evidence)?.after.temporary += 1;
    Some(())
}

pub(super) fn spare_ksink(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let heard = evidence.heard.transactions.values_mut().find(|heard| heard.killed > 0)?;
    heard.killed -= 1;
    Some(())
}

/// A version of the other protocol.
pub(super) fn speak_otherwise(_: &Cell, evidence: &mut Evidence) -> Option<()> {
    let heard = evidence.heard.transactions.values_mut().next()?;
    let end = heard.ends.first_mut()?;
    end.version = 9 - end.version;
    Some(())
}

/// The first commit that succeeded, where a reader's sight is judged and nothing was asked twice.
fn commit<'e>(cell: &Cell, evidence: &'e mut Evidence) -> Option<&'e mut End> {
    let heard = evidence.heard.transactions.values_mut().next()?;
    let first = heard.ends.iter_mut().find(|end| end.code != Some(0) || end.committed)?;
    (cell.kills.is_empty() && first.code == Some(0)).then_some(first)
}

fn number(fate: &Fate) -> Option<usize> {
    match fate {
        Fate::Committed { number, .. } => Some(*number),
        Fate::Aborted => None,
    }
}

/// Which record of the plan a line holds.
fn place(cell: &Cell, line: &str) -> Option<usize> {
    let landed = Landed::parse(line).ok()?;
    cell.records
        .iter()
        .position(|record| record.topic == landed.topic && record.value == landed.value)
}
