//! The error codes against `data/kafka-errors.tsv`.

use ksink_wire::ErrorCode;

#[test]
fn every_error_code_is_the_one_of_kafka() {
    let theirs: Vec<_> = include_str!("../../data/kafka-errors.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let ours: Vec<_> = ErrorCode::ALL.iter().copied().map(line).collect();
    assert_eq!(ours, theirs);
}

fn line(code: ErrorCode) -> String {
    let retriable = if code.is_retriable() { "yes" } else { "no" };
    format!("{}\t{}\t{retriable}", code.0, code.name().expect("a known code"))
}

#[test]
fn a_code_that_nobody_knows_yet_is_kept() {
    let unknown = ErrorCode(9999);
    assert_eq!(unknown.name(), None);
    assert!(!unknown.is_retriable());
    assert_eq!(unknown.to_string(), "error 9999");
}
