//! Planted faults: a comparison that stays green on doctored evidence proves nothing.

mod lines;
#[cfg(test)]
mod tests;
mod transactions;
mod words;

use std::collections::BTreeMap;

use self::lines::Lines;
use super::{compare::Terms, evidence::Evidence, plan::Cell, transactions::script::Fate};

/// One way to spoil the evidence of a cell.
pub(crate) struct Fault {
    pub name: &'static str,
    plant: Plant,
    /// The cells in which it is one.
    matters: fn(&Cell, &Terms) -> bool,
}

/// Each gives nothing where the evidence offers no occasion for the fault.
enum Plant {
    /// Gives the lines of a topic with the fault in them.
    Lines(fn(Lines) -> Option<Lines>),
    Words(fn(&Cell, &mut Evidence) -> Option<()>),
}

pub(crate) const FAULTS: &[Fault] = &[
    landed("a record dropped", lines::drop_one),
    landed("a record twice", lines::repeat_one),
    Fault {
        matters: |_, terms| terms.ordered,
        ..landed("two records of a partition swapped", lines::swap_two)
    },
    landed("a bit of a value flipped", lines::flip_a_bit),
    landed("a null value made empty", lines::empty_a_null),
    landed("a repeated header collapsed", lines::collapse_headers),
    landed("a timestamp moved by an hour", lines::move_a_timestamp),
    Fault {
        // Aborted records leave out offsets, too.
        matters: |cell, _| !cell.fates().values().any(|fate| *fate == Fate::Aborted),
        ..landed("an offset left out", lines::leave_an_offset_out)
    },
    Fault {
        matters: |cell, _| cell.spread,
        ..landed("a partition left unused", lines::leave_a_partition_unused)
    },
    said("a refusal kept back", words::keep_a_refusal_back),
    said("another reason told", words::tell_another_reason),
    said("a delivered record refused", words::refuse_a_delivered_one),
    said("a refused record landed", words::let_a_refused_one_land),
    said("another code answered", words::answer_another_code),
    said("batches not numbered", words::number_no_batches),
    said("a connection spared", words::spare_a_connection),
    said("a post forgotten", words::forget_a_post),
    said("a post numbered otherwise", words::number_a_post_otherwise),
    said("an administrator who saw something else", words::see_something_else),
    said("an aborted record landed", transactions::let_an_aborted_one_land),
    said("a transaction torn", transactions::tear_a_transaction),
    said("two transactions mixed", transactions::mix_two_transactions),
    said("a transactional id left out", transactions::forget_the_id),
    said("a failure kept back", transactions::keep_a_failure_back),
    said("a failure for another reason", transactions::fail_otherwise),
    said("a step that failed", transactions::fail_a_step),
    said("a record seen before its commit", transactions::show_a_record_early),
    said("a record not seen after its commit", transactions::show_a_record_late),
    said("temporary files confused", transactions::confuse_temporary_files),
    said("a temporary file left", transactions::leave_a_temporary_file),
    said("ksink spared", transactions::spare_ksink),
    said("the other protocol spoken", transactions::speak_otherwise),
];

const fn landed(name: &'static str, plant: fn(Lines) -> Option<Lines>) -> Fault {
    Fault { name, plant: Plant::Lines(plant), matters: |_, _| true }
}

const fn said(name: &'static str, plant: fn(&Cell, &mut Evidence) -> Option<()>) -> Fault {
    Fault { name, plant: Plant::Words(plant), matters: |_, _| true }
}

impl Fault {
    /// The evidence with the fault in it.
    fn spoil(&self, cell: &Cell, evidence: &Evidence) -> Option<Evidence> {
        let mut spoilt = evidence.clone();
        match self.plant {
            Plant::Words(plant) => plant(cell, &mut spoilt)?,
            Plant::Lines(plant) => {
                let mut topics = spoilt.output.iter_mut();
                topics.find_map(|(_, lines)| {
                    *lines = plant(lines.clone())?;
                    Some(())
                })?;
            }
        }
        Some(spoilt)
    }
}

/// How often each fault was planted, and where it was not noticed.
#[derive(Default)]
pub(crate) struct Planted {
    pub times: BTreeMap<&'static str, u64>,
    pub unnoticed: Vec<String>,
}

impl Planted {
    /// Plants every fault that fits into the evidence of a green cell, one at a time.
    pub(crate) fn try_all(
        &mut self,
        client: &str,
        cell: &Cell,
        evidence: &Evidence,
        terms: &Terms,
    ) {
        for fault in FAULTS.iter().filter(|fault| (fault.matters)(cell, terms)) {
            let Some(spoilt) = fault.spoil(cell, evidence) else { continue };
            *self.times.entry(fault.name).or_default() += 1;
            if spoilt.check(cell, terms).is_empty() {
                self.unnoticed.push(format!("{client}, {}: {}", cell.name, fault.name));
            }
        }
    }

    pub(crate) fn never_tried(&self) -> impl Iterator<Item = &'static str> {
        FAULTS.iter().map(|fault| fault.name).filter(|name| !self.times.contains_key(name))
    }
}
