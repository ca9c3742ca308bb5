//! Every sentence of `docs/exactly-once.md` that has a number, and every section without numbers, has a test that
//! names it: `/// exactly-once, Plain records 3: ...`.

use std::{collections::BTreeSet, fs};

use crate::{places, tidy};

/// What a doc comment says before the name of a sentence.
const MARK: &str = "/// exactly-once, ";

/// `Plain records 3` where a section has numbers, `Names` where it has none.
fn sentences(page: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let (title, text) = section.split_once('\n').unwrap_or((section, ""));
        let numbered = text.lines().filter_map(|line| line.split_once(". "));
        let numbers: Vec<u32> = numbered.filter_map(|(number, _)| number.parse().ok()).collect();
        match numbers.is_empty() {
            true => sentences.push(title.to_owned()),
            false => sentences.extend(numbers.iter().map(|number| format!("{title} {number}"))),
        }
    }
    sentences
}

/// What a line names. `Transactions 4, 5` names both.
fn named(line: &str) -> Option<&str> {
    let (_, named) = line.split_once(MARK)?;
    Some(named.split(':').next().unwrap_or(named))
}

fn names(named: &str, sentence: &str) -> bool {
    let Some(rest) = named.strip_prefix(section(sentence)) else { return false };
    match sentence.rsplit_once(' ').and_then(|(_, number)| number.parse::<u32>().ok()) {
        None => true,
        Some(number) => {
            let numbers = rest.split(|c: char| !c.is_ascii_digit());
            numbers.filter_map(|text| text.parse().ok()).any(|named: u32| named == number)
        }
    }
}

fn section(sentence: &str) -> &str {
    sentence.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end()
}

fn without_a_test(page: &str, lines: &BTreeSet<String>) -> Vec<String> {
    let has_test = |sentence: &String| lines.iter().any(|line| names(line, sentence));
    sentences(page).into_iter().filter(|sentence| !has_test(sentence)).collect()
}

#[test]
fn every_sentence_of_the_contract_has_a_test_that_names_it() {
    let page = fs::read_to_string(places::root().join("docs/exactly-once.md")).unwrap();
    let sources = tidy::rust_sources();
    let lines = sources.iter().flat_map(|text| text.lines());
    let lines = lines.filter_map(named).map(str::to_owned).collect();
    assert_eq!(without_a_test(&page, &lines), Vec::<String>::new());
}

#[test]
fn a_sentence_without_a_test_is_noticed() {
    let page = "# Title\n## Plain records\n1. First.\n2. Second.\n## Names\nText.\n";
    let check = |lines: &[&str], expected: &[&str]| {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(without_a_test(page, &lines), expected, "{lines:?}");
    };
    check(&[], &["Plain records 1", "Plain records 2", "Names"]);
    check(&["Plain records 1, 2", "Names"], &[]);
    check(&["Plain records 12"], &["Plain records 1", "Plain records 2", "Names"]);
}
