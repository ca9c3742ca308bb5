//! What the task tells the person who started it.

use std::collections::BTreeSet;

use super::{
    compare::Difference,
    deliberate::{Deliberate, Pattern},
    transcripts::Transcript,
};

/// The differences of a run, judged.
pub(crate) struct Report<'d> {
    deliberate: &'d Deliberate,
    /// Whether every transcript was played, so that a reason without a difference is one too many.
    is_whole: bool,
    steps: usize,
    meant: Vec<(&'static str, Difference, Pattern)>,
    unexpected: Vec<(&'static str, Difference)>,
    used: BTreeSet<Pattern>,
    /// How many planted faults were found.
    planted: usize,
    /// Those that a reason excuses.
    missed: Vec<(&'static str, Difference)>,
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
            planted: 0,
            missed: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, transcript: &Transcript, steps: usize, found: Vec<Difference>) {
        self.steps += steps;
        let (meant, unexpected) = (self.meant.len(), self.unexpected.len());
        for difference in found {
            let patterns = self.deliberate.patterns_for(transcript.name, &difference);
            match patterns.first() {
                Some(pattern) => self.meant.push((transcript.name, difference, *pattern)),
                None => self.unexpected.push((transcript.name, difference)),
            }
            self.used.extend(patterns);
        }
        let (meant, unexpected) = (self.meant.len() - meant, self.unexpected.len() - unexpected);
        let name = transcript.name;
        println!("{name}: {steps} steps, {meant} differences that are meant, {unexpected} others");
    }

    /// Proves that the table excuses no code but those that it means: differences that were planted must not
    /// be excused.
    pub(crate) fn add_planted(&mut self, transcript: &Transcript, planted: Vec<Difference>) {
        for difference in planted {
            match self.deliberate.patterns_for(transcript.name, &difference).is_empty() {
                true => self.planted += 1,
                false => self.missed.push((transcript.name, difference)),
            }
        }
    }

    pub(crate) fn is_fine(&self) -> bool {
        self.unexpected.is_empty() && self.missed.is_empty() && self.unused().is_empty()
    }

    /// The patterns of the table that excuse nothing any more.
    fn unused(&self) -> Vec<Pattern> {
        let is_unused = |pattern: &Pattern| self.is_whole && !self.used.contains(pattern);
        self.deliberate.patterns().filter(is_unused).collect()
    }

    pub(crate) fn show(&self, all: bool) {
        if all {
            for (transcript, difference, pattern) in &self.meant {
                show("meant", transcript, difference);
                println!("    {}", self.deliberate.why(*pattern));
            }
        }
        for (transcript, difference) in &self.unexpected {
            show("UNEXPECTED", transcript, difference);
        }
        for (transcript, difference) in &self.missed {
            show("PLANTED AND EXCUSED", transcript, difference);
        }
        for pattern in self.unused() {
            let (text, why) = (self.deliberate.text(pattern), self.deliberate.why(pattern));
            println!("NO LONGER TRUE  {text}\n    {why}");
        }
        let (meant, unexpected) = (self.meant.len(), self.unexpected.len());
        let (steps, unused) = (self.steps, self.unused().len());
        println!(
            "oracle: {steps} steps, {meant} differences that are meant, {unexpected} others; \
             {unused} patterns without a difference, {} planted faults found, {} missed",
            self.planted,
            self.missed.len()
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
    fn a_reason_that_excuses_what_was_planted_fails() {
        let table = "[[difference]]\nwhy = \"because\"\nsteps = [\"*: excused\"]\nfields = [\"f\"]";
        let deliberate = Deliberate::parse(table).expect("a table");
        let mut report = Report::new(&deliberate, false);
        report.add_planted(&TRANSCRIPTS[0], vec![at("another")]);
        assert!(report.is_fine());
        report.add_planted(&TRANSCRIPTS[0], vec![at("excused")]);
        assert!(!report.is_fine());
    }

    #[test]
    fn a_reason_without_a_difference_fails_where_every_transcript_was_played() {
        check(true, Vec::new(), false);
        check(false, Vec::new(), true);
    }
}
