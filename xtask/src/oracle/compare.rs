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

/// Something that nobody says.
const WRONG: &str = "999";

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

/// The differences that there would be if ksink said a code, an epoch or a producer id that nobody says, one at a
/// time.
pub(crate) fn planted(theirs: &[Step], ours: &[Step]) -> Vec<Difference> {
    let steps = theirs.iter().zip(ours);
    steps
        .flat_map(|(theirs, ours)| wrong(ours).flat_map(|wrong| in_step(theirs, &wrong)))
        .filter(|difference| difference.ksink == WRONG)
        .collect()
}

/// The step, once for each field of its answer that a fault may be planted in, with that one wrong.
fn wrong(step: &Step) -> impl Iterator<Item = Step> {
    let fields = match &step.answer {
        Answer::Fields(fields) => fields.keys().filter(|path| may_be_wrong(path)).collect(),
        Answer::Closed | Answer::Silence | Answer::Unreadable(_) => Vec::new(),
    };
    fields.into_iter().map(|path| {
        let mut wrong = step.clone();
        if let Answer::Fields(fields) = &mut wrong.answer {
            fields.insert(path.clone(), WRONG.to_owned());
        }
        wrong
    })
}

/// Whether a field is one that every producer goes by.
fn may_be_wrong(path: &str) -> bool {
    ["error_code", "producer_id", "producer_epoch"].iter().any(|field| path.ends_with(field))
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
            .into_iter()
            .map(|(field, kafka, ksink)| difference(&field, kafka, ksink))
            .collect(),
        (theirs, ours) if theirs == ours => Vec::new(),
        (theirs, ours) => vec![difference("answer", theirs.kind(), ours.kind())],
    }
}

/// A path, and what the two servers say there.
type Differing = (String, String, String);

/// The fields that differ, and both values; what follows from another difference is left out.
fn in_fields(theirs: &BTreeMap<String, String>, ours: &BTreeMap<String, String>) -> Vec<Differing> {
    let paths: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut found: Vec<Differing> =
        paths.into_iter().filter_map(|path| in_field(path, theirs, ours)).collect();
    // All fields of an element that one of them lacks say the same.
    found.dedup();
    leave_out_beside_codes(&mut found);
    leave_out_counts(&mut found);
    found
}

fn in_field(
    path: &str,
    theirs: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> Option<Differing> {
    match (theirs.get(path), ours.get(path)) {
        (their, our) if their == our => None,
        (Some(their), Some(our)) => Some((path.to_owned(), their.clone(), our.clone())),
        (Some(their), None) => {
            let (path, value) = outermost(path, their, ours);
            Some((path, value, ABSENT.to_owned()))
        }
        (None, our) => {
            let (path, value) = outermost(path, our?, theirs);
            Some((path, ABSENT.to_owned(), value))
        }
    }
}

/// What stands beside codes that differ follows from them.
fn leave_out_beside_codes(found: &mut Vec<Differing>) {
    let codes = found.iter().filter_map(|(path, ..)| path.strip_suffix("error_code"));
    let judged: Vec<String> = codes.map(str::to_owned).collect();
    found.retain(|(path, ..)| {
        path.ends_with("error_code") || !judged.iter().any(|place| path.starts_with(place))
    });
}

/// That counts differ follows from the elements that one of them lacks.
fn leave_out_counts(found: &mut Vec<Differing>) {
    let elements = found.iter().filter(|(path, ..)| path.ends_with(']'));
    let arrays = elements.filter_map(|(path, ..)| path.rsplit_once('['));
    let counts: Vec<String> = arrays.map(|(array, _)| format!("{array}.count")).collect();
    found.retain(|(path, ..)| !counts.contains(path));
}

/// The outermost array element around a field of which the other one sent nothing; or the field itself.
fn outermost(path: &str, value: &str, other: &BTreeMap<String, String>) -> (String, String) {
    let is_alone = |element: &&str| {
        let inside = format!("{element}.");
        !other.range(inside.clone()..).next().is_some_and(|(path, _)| path.starts_with(&inside))
    };
    match path.match_indices("].").map(|(at, _)| &path[..=at]).find(is_alone) {
        Some(element) => (element.to_owned(), "there".to_owned()),
        None => (path.to_owned(), value.to_owned()),
    }
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
    fn an_element_that_one_of_them_lacks_differs_once() {
        let theirs = step(&[("a.count", "1"), ("a[0].b", "1"), ("a[0].c[0].d", "1")]);
        let ours = step(&[("a.count", "0")]);
        check(&theirs, &ours, &[("a[0]", "there", ABSENT)]);
        check(&ours, &theirs, &[("a[0]", ABSENT, "there")]);
    }

    #[test]
    fn what_follows_from_a_code_is_not_compared() {
        let theirs = step(&[("a[0].error_code", "0"), ("a[0].offset", "7"), ("a[1].offset", "1")]);
        let ours = step(&[("a[0].error_code", "87"), ("a[0].offset", "-1"), ("a[1].offset", "2")]);
        check(&theirs, &ours, &[("a[0].error_code", "0", "87"), ("a[1].offset", "1", "2")]);
    }

    #[test]
    fn a_wrong_code_is_planted_in_the_place_of_each() {
        let codes = step(&[("a[0].error_code", "0"), ("a[1].error_code", "3"), ("b", "1")]);
        let steps = [codes];
        let planted = planted(&steps, &steps);
        let fields: Vec<&str> = planted.iter().map(|difference| &*difference.field).collect();
        assert_eq!(fields, ["a[0].error_code", "a[1].error_code"]);
    }

    #[test]
    fn a_wrong_producer_is_planted_too() {
        let step = step(&[("error_code", "0"), ("producer_epoch", "1"), ("producer_id", "new")]);
        let steps = [step];
        let planted = planted(&steps, &steps);
        let fields: Vec<&str> = planted.iter().map(|difference| &*difference.field).collect();
        assert_eq!(fields, ["error_code", "producer_epoch", "producer_id"]);
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
