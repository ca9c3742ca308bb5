//! Where settings come from, and which of them counts.

use ksink_tests::batch;
use ksink_wire::ErrorCode;

use crate::process::{Ended, Setup};

/// Starts with a port of its own, produces two records, and stops.
fn run(flags: &[&str], variables: &[(&str, &str)]) -> Ended {
    let ksink = Setup::new(flags).env(variables).listen();
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["a", "b"]));
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    let ended = ksink.stop();
    ended.assert_code(0);
    ended
}

#[test]
fn a_server_can_be_told_everything_by_its_environment() {
    let variables = [
        ("KSINK_ADDR", "127.0.0.1:0"),
        ("KSINK_PORT_FILE", "port"),
        ("KSINK_ADVERTISED_ADDR", "kafka.example:9092"),
        ("KSINK_TOPICS", "orders,events-*"),
        ("KSINK_OUTPUT", "out"),
        ("KSINK_OUTPUT_FORMAT", "kcat"),
        ("KSINK_OUTPUT_FORMAT_STRING", "%t=%s;"),
        ("KSINK_EXIT_AFTER_RECORDS", "1"),
        ("KSINK_LOG_LEVEL", "error"),
    ];
    let ksink = Setup::new(&[]).env(&variables).start();
    let mut client = ksink.connect();
    assert_eq!(client.told_addr(), ("kafka.example".to_owned(), 9092));
    assert_eq!(client.name_topic("payments"), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    client.send_records("events-eu", -1, &batch(["x"]));
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    let ended = ksink.wait();
    ended.assert_code(0);
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.read("out"), "events-eu=x;");
}

#[test]
fn a_flag_wins_over_the_environment() {
    let variables = [("KSINK_OUTPUT_SEPARATOR", ";"), ("KSINK_OUTPUT", "elsewhere")];
    let ended = run(&["--output", "here"], &variables);
    assert_eq!(ended.read("here"), "a;b;");
    assert!(!ended.folder.path().join("elsewhere").exists());
}

#[test]
fn of_a_repeated_flag_the_last_one_counts() {
    let ended = run(&["--output-separator", ";", "--output-separator", ","], &[]);
    assert_eq!(ended.stdout_text(), "a,b,");
}

#[test]
fn a_switch_is_on_by_its_name_and_can_be_turned_off() {
    let check = |flags: &[&str], variables: &[(&str, &str)], separated| {
        let ended = run(flags, variables);
        let expected = if separated { "a\nb\n" } else { "ab" };
        assert_eq!(ended.stdout_text(), expected, "{flags:?} {variables:?}");
    };
    check(&["--no-separator"], &[], false);
    check(&["--no-separator=true"], &[], false);
    check(&["--no-separator=1"], &[], false);
    check(&["--no-separator=false"], &[], true);
    check(&[], &[("KSINK_NO_SEPARATOR", "true")], false);
    check(&[], &[("KSINK_NO_SEPARATOR", "0")], true);
    check(&["--no-separator=false"], &[("KSINK_NO_SEPARATOR", "1")], true);
}

#[test]
fn a_variable_that_makes_no_sense_is_a_matter_of_usage() {
    let ended = Setup::new(&[]).env(&[("KSINK_PARTITIONS", "many")]).run();
    ended.assert_code(2);
    assert!(ended.stderr.contains("'many'") && ended.stderr.lines().count() == 1);
}

#[test]
fn the_environment_of_a_server_is_no_matter_to_a_question() {
    let ended = Setup::new(&["json-schema"])
        .env(&[("KSINK_OUTPUT", "out"), ("KSINK_OUTPUT_JSON_TIMESTAMP", "ms")])
        .run();
    ended.assert_code(0);
    let schema: serde_json::Value = serde_json::from_str(ended.stdout_text()).expect("JSON");
    assert_eq!(schema["properties"]["timestamp"]["type"], "integer");
}
