//! A place that the environment names ends the process, at the passage that it names.
#![cfg(feature = "fail-points")]

use std::{env, os::unix::process::ExitStatusExt, process::Command};

use ksink_disk::{FAIL_POINTS, fail_point};

/// How many passages a process of this test survives that is told `chosen`, of ten.
fn survived(chosen: Option<String>) -> Option<usize> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "ten_passages", "--ignored", "--nocapture"]);
    command.env_remove("KSINK_FAIL_POINT").envs(chosen.map(|chosen| ("KSINK_FAIL_POINT", chosen)));
    let output = command.output().unwrap();
    let killed = output.status.signal() == Some(9);
    let text = String::from_utf8(output.stderr).unwrap();
    killed.then(|| text.matches("passed").count())
}

#[test]
#[ignore = "the other tests run it, each in a process that may die"]
fn ten_passages() {
    for _ in 0..10 {
        fail_point(FAIL_POINTS[0]);
        eprintln!("passed");
    }
}

#[test]
fn the_process_ends_at_the_passage_that_was_chosen() {
    assert_eq!(survived(Some(format!("{}:1", FAIL_POINTS[0]))), Some(0));
    assert_eq!(survived(Some(format!("{}:7", FAIL_POINTS[0]))), Some(6));
}

#[test]
fn no_other_process_ends() {
    assert_eq!(survived(None), None);
    assert_eq!(survived(Some(format!("{}:1", FAIL_POINTS[1]))), None);
}
