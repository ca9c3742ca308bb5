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

/// A line of the table: a reason, and one of its patterns of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    reason: usize,
    steps: usize,
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

    /// The lines that excuse a difference in a transcript.
    pub(crate) fn lines_for(&self, transcript: &str, difference: &Difference) -> Vec<Line> {
        let step = format!("{transcript}: {}", difference.step);
        self.lines()
            .filter(|line| {
                let reason = &self.reasons[line.reason];
                reason.covers(difference) && matches(&reason.steps[line.steps], &step)
            })
            .collect()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line> {
        self.reasons.iter().enumerate().flat_map(|(index, reason)| {
            (0..reason.steps.len()).map(move |steps| Line { reason: index, steps })
        })
    }

    pub(crate) fn why(&self, line: Line) -> &str {
        &self.reasons[line.reason].why
    }

    pub(crate) fn steps(&self, line: Line) -> &str {
        &self.reasons[line.reason].steps[line.steps]
    }
}

impl Reason {
    fn covers(&self, difference: &Difference) -> bool {
        let says = |expected: &Option<String>, said: &str| {
            expected.as_deref().is_none_or(|expected| expected == said)
        };
        self.fields.iter().any(|pattern| matches(pattern, &difference.field))
            && says(&self.kafka, &difference.kafka)
            && says(&self.ksink, &difference.ksink)
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
        let check = |kafka: &str, field: &str, covered: usize| {
            let [step, field, kafka, ksink] = ["s", field, kafka, "87"].map(str::to_owned);
            let difference = Difference { step, field, kafka, ksink };
            assert_eq!(table.lines_for("t", &difference).len(), covered, "{difference:?}");
        };
        check("0", "x.error_code", 1);
        check("2", "x.error_code", 0);
        check("0", "x.offset", 0);
    }
}
