//! What two servers answered differently.

use std::collections::{BTreeMap, BTreeSet};

use super::{answer::Answer, player::Step};

/// One thing that two servers said differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The step of the transcript.
    pub step: String,
    /// The path of the field; "answer" where one of them did not answer.
    pub field: String,
    pub kafka: String,
    pub ksink: String,
}

/// What stands where a server did not send a field.
const ABSENT: &str = "absent";

pub(crate) fn differences(theirs: &[Step], ours: &[Step]) -> Vec<Difference> {
    let mut found: Vec<Difference> =
        theirs.iter().zip(ours).flat_map(|(theirs, ours)| in_step(theirs, ours)).collect();
    if theirs.len() != ours.len() {
        let (kafka, ksink) = (theirs.len().to_string(), ours.len().to_string());
        let step = "the number of steps".to_owned();
        found.push(Difference { step, field: "answer".to_owned(), kafka, ksink });
    }
    found
}

fn in_step(theirs: &Step, ours: &Step) -> Vec<Difference> {
    let difference = |field: &str, kafka: String, ksink: String| Difference {
        step: theirs.name.clone(),
        field: field.to_owned(),
        kafka,
        ksink,
    };
    match (&theirs.answer, &ours.answer) {
        (Answer::Fields(theirs), Answer::Fields(ours)) => in_fields(theirs, ours)
            .map(|(field, kafka, ksink)| difference(field, kafka.to_owned(), ksink.to_owned()))
            .collect(),
        (theirs, ours) if theirs == ours => Vec::new(),
        (theirs, ours) => vec![difference("answer", theirs.kind(), ours.kind())],
    }
}

/// The fields that differ, and both values. Where codes differ, what stands beside them follows from that, and
/// is not compared.
fn in_fields<'a>(
    theirs: &'a BTreeMap<String, String>,
    ours: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let paths: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let value =
        |of: &'a BTreeMap<String, String>, path| of.get(path).map_or(ABSENT, String::as_str);
    let differing: Vec<(&str, &str, &str)> = paths
        .into_iter()
        .map(|path| (path.as_str(), value(theirs, path), value(ours, path)))
        .filter(|(_, theirs, ours)| theirs != ours)
        .collect();
    let judged: Vec<&str> =
        differing.iter().filter_map(|(path, ..)| path.strip_suffix("error_code")).collect();
    differing.into_iter().filter(move |(path, ..)| {
        path.ends_with("error_code") || !judged.iter().any(|place| path.starts_with(place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(fields: &[(&str, &str)]) -> Step {
        let fields = fields.iter().map(|(path, value)| ((*path).into(), (*value).into()));
        Step { name: "a step".into(), answer: Answer::Fields(fields.collect()) }
    }

    fn check(theirs: &Step, ours: &Step, expected: &[(&str, &str, &str)]) {
        let found = in_step(theirs, ours);
        let found: Vec<(&str, &str, &str)> =
            found.iter().map(|it| (&*it.field, &*it.kafka, &*it.ksink)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_field_that_one_of_them_lacks_differs() {
        let (theirs, ours) = (step(&[("a", "1"), ("b", "2")]), step(&[("a", "1"), ("c", "3")]));
        check(&theirs, &ours, &[("b", "2", ABSENT), ("c", ABSENT, "3")]);
        check(&theirs, &theirs, &[]);
    }

    #[test]
    fn what_follows_from_a_code_is_not_compared() {
        let theirs = step(&[("a[0].error_code", "0"), ("a[0].offset", "7"), ("a[1].offset", "1")]);
        let ours = step(&[("a[0].error_code", "87"), ("a[0].offset", "-1"), ("a[1].offset", "2")]);
        check(&theirs, &ours, &[("a[0].error_code", "0", "87"), ("a[1].offset", "1", "2")]);
    }

    #[test]
    fn a_closed_connection_is_no_answer() {
        let closed = Step { answer: Answer::Closed, ..step(&[]) };
        check(&step(&[]), &closed, &[("answer", "an answer", "closed")]);
        check(&closed, &closed, &[]);
    }

    #[test]
    fn a_step_that_is_missing_differs() {
        assert_eq!(differences(&[step(&[])], &[]).len(), 1);
    }
}
