//! What the task tells the person who started it.

use std::collections::BTreeSet;

use super::{
    compare::Difference,
    deliberate::{Deliberate, Line},
    transcripts::Transcript,
};

/// The differences of a run, judged.
pub(crate) struct Report<'d> {
    deliberate: &'d Deliberate,
    /// Whether every transcript was played, so that a reason without a difference is one too many.
    is_whole: bool,
    steps: usize,
    meant: Vec<(&'static str, Difference, Line)>,
    unexpected: Vec<(&'static str, Difference)>,
    used: BTreeSet<Line>,
}

impl<'d> Report<'d> {
    pub(crate) fn new(deliberate: &'d Deliberate, is_whole: bool) -> Self {
        Self {
            deliberate,
            is_whole,
            steps: 0,
            meant: Vec::new(),
            unexpected: Vec::new(),
            used: BTreeSet::new(),
        }
    }

    pub(crate) fn add(&mut self, transcript: &Transcript, steps: usize, found: Vec<Difference>) {
        self.steps += steps;
        let (meant, unexpected) = (self.meant.len(), self.unexpected.len());
        for difference in found {
            let lines = self.deliberate.lines_for(transcript.name, &difference);
            match lines.first() {
                Some(line) => self.meant.push((transcript.name, difference, *line)),
                None => self.unexpected.push((transcript.name, difference)),
            }
            self.used.extend(lines);
        }
        let (meant, unexpected) = (self.meant.len() - meant, self.unexpected.len() - unexpected);
        let name = transcript.name;
        println!("{name}: {steps} steps, {meant} differences that are meant, {unexpected} others");
    }

    pub(crate) fn is_fine(&self) -> bool {
        self.unexpected.is_empty() && self.stale().is_empty()
    }

    /// Lines of the table that excuse nothing any more.
    fn stale(&self) -> Vec<Line> {
        let is_unused = |line: &Line| self.is_whole && !self.used.contains(line);
        self.deliberate.lines().filter(is_unused).collect()
    }

    pub(crate) fn show(&self, all: bool) {
        if all {
            for (transcript, difference, line) in &self.meant {
                show("meant", transcript, difference);
                println!("    {}", self.deliberate.why(*line));
            }
        }
        for (transcript, difference) in &self.unexpected {
            show("UNEXPECTED", transcript, difference);
        }
        for line in self.stale() {
            let (steps, why) = (self.deliberate.steps(line), self.deliberate.why(line));
            println!("NO LONGER TRUE  {steps}\n    {why}");
        }
        let (meant, unexpected) = (self.meant.len(), self.unexpected.len());
        let (steps, stale) = (self.steps, self.stale().len());
        println!(
            "oracle: {steps} steps; {meant} differences that are meant, {unexpected} others, {stale} reasons too many"
        );
    }
}

fn show(judged: &str, transcript: &str, difference: &Difference) {
    let Difference { step, field, kafka, ksink } = difference;
    println!("{judged}  {transcript}: {step}\n    {field}: Kafka {kafka}, ksink {ksink}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::transcripts::TRANSCRIPTS;

    fn check(is_whole: bool, found: Vec<Difference>, is_fine: bool) {
        let table = "[[difference]]\nwhy = \"because\"\nsteps = [\"*: excused\"]\nfields = [\"f\"]";
        let deliberate = Deliberate::parse(table).expect("a table");
        let mut report = Report::new(&deliberate, is_whole);
        report.add(&TRANSCRIPTS[0], 1, found);
        assert_eq!(report.is_fine(), is_fine);
    }

    fn at(step: &str) -> Difference {
        let [step, field, kafka, ksink] = [step, "f", "1", "2"].map(str::to_owned);
        Difference { step, field, kafka, ksink }
    }

    #[test]
    fn a_difference_without_a_reason_fails() {
        check(true, vec![at("excused")], true);
        check(true, vec![at("excused"), at("another")], false);
    }

    #[test]
    fn a_reason_without_a_difference_fails_where_every_transcript_was_played() {
        check(true, Vec::new(), false);
        check(false, Vec::new(), true);
    }
}
