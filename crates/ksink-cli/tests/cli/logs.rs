//! What operators read.

use std::{
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
};

use ksink_wire::ErrorCode;
use rustix::{
    fs::{Mode, OFlags, open},
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::process::Setup;

/// Bytes that close their connection, and the line that says why.
#[track_caller]
fn check(bytes: &[u8], says: &str) {
    let ksink = Setup::new(&[]).listen();
    let mut other = ksink.connect();
    let mut client = ksink.connect();
    client.send_bytes(bytes);
    assert!(client.hear_frame().is_none());
    assert_eq!(other.name_topic("t"), ErrorCode::NONE, "nobody else notices");
    let from = client.addr();
    let ended = ksink.stop();
    ended.assert_code(0);
    let warnings: Vec<_> = ended.stderr.lines().filter(|line| line.contains(" WARN ")).collect();
    let [line] = warnings[..] else { panic!("one line: {warnings:?}") };
    assert!(line.contains(&format!("connection closed client={from} reason={says}")), "{line}");
}

#[test]
fn a_malformed_frame_closes_its_own_connection_and_the_log_names_the_field() {
    // Metadata 1: one topic, whose name of ten bytes ends after two.
    let mut name = vec![0, 0, 0, 18, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff];
    name.extend([0, 0, 0, 1, 0, 10, b'a', b'b']);
    check(&name, "malformed Metadata version 1 request: bad `name`, 2 bytes before the end: ");
    // As many topics as only a liar has.
    let topics = [&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff][..], &[0x7f; 4]].concat();
    check(&topics, "malformed Metadata version 1 request: bad `topics`, ");
    check(
        &[0, 0, 0, 3, 0, 3, 0],
        "bad request header: not a request header: bad `request_api_version`",
    );
    check(&[0xff; 4], "bad frame: ");
    check(b"GET / HTTP/1.1\r\n\r\n", "bad frame: ");
}

#[test]
fn text_is_a_time_a_level_a_message_and_fields() {
    let ksink = Setup::new(&[]).listen();
    let addr = ksink.addr();
    let ended = ksink.stop();
    let lines: Vec<_> = ended.stderr.lines().collect();
    let [listens, try_it, stopping] = lines[..] else { panic!("{lines:?}") };
    let (time, rest) = listens.split_once(' ').expect("a time");
    assert!(time.contains('T') && time.ends_with('Z'), "{time}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(rest.trim(), format!("INFO ksink listens addr={addr} version=\"{version}\""));
    assert!(try_it.ends_with(&format!("kcat -P -b {addr} -t test")), "{try_it}");
    assert!(stopping.ends_with("INFO stopping: SIGTERM records=0"), "{stopping}");
}

#[test]
fn what_is_to_be_tried_works_with_the_flags_that_were_given() {
    let flags = ["--topics", "events-*", "--advertised-addr", "[::1]:9092"];
    let ended = Setup::new(&flags).listen().stop();
    assert!(ended.stderr.contains("kcat -P -b [::1]:9092 -t events-test\n"), "{}", ended.stderr);
}

#[test]
fn json_is_one_object_a_line() {
    let ksink = Setup::new(&["--log-format", "json"]).listen();
    let addr = ksink.addr();
    let ended = ksink.stop();
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["message"], "ksink listens");
    assert_eq!(lines[0]["addr"].as_str(), Some(addr.to_string().as_str()));
    assert!(lines[0]["timestamp"].is_string());
}

#[test]
fn a_level_leaves_out_what_matters_less() {
    let logged = |level| {
        let ksink = Setup::new(&["--log-level", level]).listen();
        assert_eq!(ksink.connect().name_topic("t"), ErrorCode::NONE);
        ksink.stop().stderr
    };
    assert_eq!(logged("warn"), "");
    assert!(logged("debug").contains("DEBUG connected client="));
}

#[test]
fn colours_are_for_terminals_and_only_where_nobody_minds() {
    assert!(on_a_terminal(&[]).contains('\u{1b}'));
    assert!(on_a_terminal(&[("NO_COLOR", "")]).contains('\u{1b}'));
    assert!(!on_a_terminal(&[("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!Setup::new(&[]).listen().stop().stderr.contains('\u{1b}'));
}

/// What ksink says to a terminal.
fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let end: OwnedFd = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its end");
    let ksink = Setup::new(&[]).env(variables).stderr(end).listen();
    ksink.signal(Signal::TERM);
    ksink.wait().assert_code(0);
    let (mut said, mut terminal) = (Vec::new(), std::fs::File::from(terminal));
    // Linux reports the other end's closing as an error, after everything was read.
    let _ = terminal.read_to_end(&mut said);
    String::from_utf8(said).expect("text")
}

#[test]
fn an_ipv4_client_of_a_dual_stack_server_is_named_by_its_ipv4_address() {
    let flags = ["--addr", ":0", "--port-file", "port", "--log-level", "debug"];
    let ksink = Setup::new(&flags).start();
    let addr: SocketAddr = (Ipv4Addr::LOCALHOST, ksink.port()).into();
    let mut client = ksink_tests::Client::connect(addr);
    assert_eq!(client.name_topic("t"), ErrorCode::NONE);
    let from = client.addr();
    let ended = ksink.stop();
    assert!(ended.stderr.contains(&format!("connected client={from}\n")), "{}", ended.stderr);
}
