//! The differences that are meant: `differences.toml`, beside this file.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::compare::Difference;

const TABLE: &str = include_str!("differences.toml");

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deliberate {
    #[serde(rename = "difference")]
    reasons: Vec<Reason>,
}

/// Why some answers differ.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    pub why: String,
    /// Patterns of steps, as `transcript: step`; `*` stands for anything.
    steps: Vec<String>,
    /// Patterns of fields.
    #[serde(default = "any_error_code")]
    fields: Vec<String>,
    /// What Kafka says; anything where this is missing.
    kafka: Option<String>,
    /// What ksink says; anything where this is missing.
    ksink: Option<String>,
}

/// A pattern of the table: of which reason, and which of its patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    reason: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Steps(usize),
    Fields(usize),
}

fn any_error_code() -> Vec<String> {
    vec!["*error_code".to_owned()]
}

impl Deliberate {
    pub(crate) fn read() -> Result<Self> {
        Self::parse(TABLE).context("in xtask/src/oracle/differences.toml")
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let table: Self = toml::from_str(text)?;
        for reason in &table.reasons {
            ensure!(!reason.why.trim().is_empty(), "a difference without a reason: {reason:?}");
            ensure!(!reason.steps.is_empty(), "a reason for no step: {reason:?}");
        }
        Ok(table)
    }

    /// The reasons that excuse a difference in a transcript: the patterns of them that fit.
    pub(crate) fn patterns_for(&self, transcript: &str, difference: &Difference) -> Vec<Pattern> {
        let step = format!("{transcript}: {}", difference.step);
        let reasons = self.reasons.iter().enumerate();
        reasons
            .filter(|(_, reason)| reason.says(difference))
            .flat_map(|(index, reason)| reason.fitting(index, &step, &difference.field))
            .collect()
    }

    /// Every pattern of the table.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.reasons.iter().enumerate().flat_map(|(index, reason)| reason.patterns(index))
    }

    pub(crate) fn why(&self, pattern: Pattern) -> &str {
        &self.reasons[pattern.reason].why
    }

    pub(crate) fn text(&self, pattern: Pattern) -> &str {
        let reason = &self.reasons[pattern.reason];
        match pattern.place {
            Place::Steps(index) => &reason.steps[index],
            Place::Fields(index) => &reason.fields[index],
        }
    }
}

impl Reason {
    fn patterns(&self, reason: usize) -> impl Iterator<Item = Pattern> + use<> {
        let steps = (0..self.steps.len()).map(Place::Steps);
        let places = steps.chain((0..self.fields.len()).map(Place::Fields));
        places.map(move |place| Pattern { reason, place })
    }

    /// The patterns that fit, if some do for the step and some for the field.
    fn fitting(&self, reason: usize, step: &str, field: &str) -> Vec<Pattern> {
        let fitting = |patterns: &[String], text: &str, place: fn(usize) -> Place| {
            let places = (0..).zip(patterns).filter(|(_, pattern)| matches(pattern, text));
            places.map(|(index, _)| Pattern { reason, place: place(index) }).collect()
        };
        let steps: Vec<Pattern> = fitting(&self.steps, step, Place::Steps);
        let fields = fitting(&self.fields, field, Place::Fields);
        if steps.is_empty() || fields.is_empty() { Vec::new() } else { [steps, fields].concat() }
    }

    /// Whether both servers say what is meant.
    fn says(&self, difference: &Difference) -> bool {
        let is = |expected: &Option<String>, said: &str| {
            expected.as_deref().is_none_or(|expected| expected == said)
        };
        is(&self.kafka, &difference.kafka) && is(&self.ksink, &difference.ksink)
    }
}

/// Whether a text is the pattern, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((first, rest)) => text.strip_prefix(first).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_repository_can_be_read() {
        Deliberate::read().unwrap();
    }

    #[test]
    fn a_difference_needs_a_reason() {
        let table = |why: &str| format!("[[difference]]\nwhy = \"{why}\"\nsteps = [\"a: *\"]\n");
        assert!(Deliberate::parse(&table("because")).is_ok());
        assert!(Deliberate::parse(&table(" ")).is_err());
    }

    #[test]
    fn a_pattern_covers_any_characters_at_its_stars() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*error_code", "topics[a].error_code", true),
            ("*error_code", "error_codes", false),
            ("a: *, in *", "a: a record, in gzip", true),
            ("a: *, in *", "a: a record", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_reason_covers_the_values_that_it_names_and_no_others() {
        let table =
            "[[difference]]\nwhy = \"w\"\nsteps = [\"t: s\"]\nkafka = \"0\"\nksink = \"87\"";
        let table = Deliberate::parse(table).unwrap();
        let check = |kafka: &str, field: &str, covered: bool| {
            let [step, field, kafka, ksink] = ["s", field, kafka, "87"].map(str::to_owned);
            let difference = Difference { step, field, kafka, ksink };
            assert_eq!(!table.patterns_for("t", &difference).is_empty(), covered, "{difference:?}");
        };
        check("0", "x.error_code", true);
        check("2", "x.error_code", false);
        check("0", "x.offset", false);
    }
}
