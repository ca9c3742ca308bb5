//! A listing for people.

use std::fmt::Write;

use ksink_sinks::inspect::{IntentReport, OutputReport, PlannedStep};

use super::listing::{Contents, LastRun, Listing, Output, Transaction};

/// Between columns.
const GAP: usize = 2;

pub(super) fn of(listing: &Listing) -> String {
    let mut out = String::new();
    let last_stop = match listing.last_stop {
        None => "there was none: nothing is remembered",
        Some(LastRun::Clean) => "clean",
        Some(LastRun::Unclean) => "not clean: the next start cuts what was not acknowledged",
        Some(LastRun::Rebooted) => "not clean, and the machine was started again since",
    };
    let mut head = vec![
        ["state".to_owned(), listing.state.clone()],
        ["journal".to_owned(), listing.journal.clone()],
        ["last stop".to_owned(), last_stop.to_owned()],
    ];
    let purpose = listing.contents.purpose.iter();
    head.extend(purpose.map(|(name, value)| [name.clone(), shown(value)]));
    rows(&mut out, &head);
    sections(&mut out, &listing.contents);
    if let Some(damage) = &listing.damage {
        let _ = write!(out, "\nDAMAGED: {damage}\n");
    }
    if let Some(behind) = &listing.behind_damage {
        out.push_str("\nBehind the damage this can be read, and nothing says that it is all:\n");
        sections(&mut out, behind);
    }
    out
}

fn sections(out: &mut String, contents: &Contents) {
    let offsets = contents.offsets.iter().map(|it| {
        let deleted = if it.exists { "" } else { "the topic is deleted" };
        [
            it.topic.to_string(),
            it.partition.to_string(),
            it.next_offset.to_string(),
            deleted.to_owned(),
        ]
    });
    section(out, "offsets", ["topic", "partition", "next offset", ""], offsets);
    let producers = contents.producers.iter().map(|it| {
        let or_none = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
        [
            it.producer_id.to_string(),
            it.epoch.to_string(),
            it.topic.to_string(),
            it.partition.to_string(),
            or_none(it.last_sequence.map(|it| it.to_string())),
            or_none(it.last_base_offset.map(|it| it.to_string())),
        ]
    });
    let columns =
        ["producer id", "epoch", "topic", "partition", "last sequence", "last batch's offset"];
    section(out, "producers", columns, producers);
    let columns = ["transactional id", "producer id", "epoch", "stage", "serial", ""];
    section(out, "transactions", columns, contents.transactions.iter().map(transaction));
    section(out, "outputs", ["name", "where it stands"], contents.outputs.iter().map(output));
}

fn transaction(it: &Transaction) -> [String; 6] {
    let partitions = it.partitions.iter().map(|(topic, partition)| format!("{topic}/{partition}"));
    let what = match &it.will {
        Some(will) => intent(will),
        None => partitions.collect::<Vec<_>>().join(" "),
    };
    [
        shown(&it.id),
        it.producer_id.to_string(),
        it.epoch.to_string(),
        it.stage.to_owned(),
        it.serial.map_or_else(|| "-".to_owned(), |serial| serial.to_string()),
        what,
    ]
}

/// What a commit that is decided will do: it cannot be aborted any more.
fn intent(will: &IntentReport) -> String {
    match will {
        IntentReport::Files { files } => {
            let file = |file: &ksink_sinks::inspect::PlannedFile| {
                let (from, to) = (shown(&file.temporary), shown(&file.name));
                let bytes = file.bytes;
                match file.by {
                    PlannedStep::Rename => format!("{from} ({bytes} bytes) becomes {to}"),
                    PlannedStep::Replace => format!("{from} ({bytes} bytes) replaces {to}"),
                    PlannedStep::Append => format!("{from} ({bytes} bytes) is added to {to}"),
                }
            };
            files.iter().map(file).collect::<Vec<_>>().join(", ")
        }
        IntentReport::HeldBack { bytes, records } => {
            format!("{records} records in {bytes} bytes are delivered")
        }
        IntentReport::Unknown => "something that this ksink does not know".to_owned(),
    }
}

fn output(it: &Output) -> [String; 2] {
    let stands = match &it.stands {
        OutputReport::File { bytes } => format!("{bytes} bytes are acknowledged"),
        OutputReport::Absent => "there is none yet".to_owned(),
        OutputReport::Temporary { serial, topic, bytes, records } => {
            format!("{records} records of {topic} in {bytes} bytes, transaction {serial}")
        }
        OutputReport::Leftover => "to be deleted: its records have their final name".to_owned(),
        OutputReport::Claim { name, id, topic } => {
            format!("{} belongs to {} and {topic}", shown(name), shown(id))
        }
        OutputReport::LastNumber { id, number } => {
            format!("the last transaction of {} has the number {number}", shown(id))
        }
        OutputReport::AppendsAt { serial, name, bytes } => {
            format!("transaction {serial} is added to {} behind {bytes} bytes", shown(name))
        }
        OutputReport::HeldBack { serial, bytes, records } => {
            format!("{records} records in {bytes} bytes are held back, transaction {serial}")
        }
        OutputReport::Delivered { serial, records } => {
            format!("{records} records are delivered, transaction {serial}")
        }
        OutputReport::Unknown => "something that this ksink does not know".to_owned(),
    };
    [shown(&it.name), stands]
}

fn section<const N: usize>(
    out: &mut String,
    title: &str,
    columns: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
) {
    let mut lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        let _ = write!(out, "\n{title}: none\n");
        return;
    }
    let _ = write!(out, "\n{title}\n");
    lines.insert(0, columns.map(str::to_owned));
    rows(out, &lines);
}

fn rows<const N: usize>(out: &mut String, lines: &[[String; N]]) {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0) + GAP).collect();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let text: String = cells.map(|(cell, &width)| format!("{cell:width$}")).collect();
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

/// Text that a client chose, in a form that does nothing to a terminal.
fn shown(text: &str) -> String {
    let is_plain = !text.is_empty() && !text.chars().any(|c| c.is_control() || c == '"');
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}
