//! Records that are posted to a server, and servers that do not want them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use ksink_tests::{Client, batch};
use ksink_wire::{ErrorCode, records::set_producer};

use crate::{
    process::{Setup, wait_for},
    producer::Producer,
};

/// A server that answers with these codes, one a request, and then with 200.
struct Stub {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    codes: Vec<u16>,
    /// The bodies of all requests, and of those that were answered with 200.
    all: Vec<String>,
    kept: Vec<String>,
    /// The `Idempotency-Key` of each request.
    keys: Vec<String>,
}

impl Stub {
    fn new(codes: &[u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}/in", listener.local_addr().expect("an address"));
        let codes = codes.iter().rev().copied().collect();
        let heard = Arc::new(Mutex::new(Heard { codes, ..Default::default() }));
        let hears = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let hears = hears.clone();
                thread::spawn(move || while answer(&stream, &hears).is_some() {});
            }
        });
        Self { url, heard }
    }

    fn all(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").all.clone()
    }

    /// Answers with 200 from now on.
    fn recover(&self) {
        self.heard.lock().expect("no panic").codes.clear();
    }

    fn keys(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").keys.clone()
    }

    fn kept(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").kept.clone()
    }
}

/// Answers one request; `None` once there is no other.
fn answer(mut stream: &TcpStream, hears: &Mutex<Heard>) -> Option<()> {
    // A client that waits for each answer has nothing in the reader when it is dropped.
    let mut reader = BufReader::new(stream);
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().expect("a length");
        }
        if let Some(value) = line.strip_prefix("Idempotency-Key: ") {
            value.trim().clone_into(&mut key);
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).expect("text");
    let mut heard = hears.lock().expect("no panic");
    let code = heard.codes.pop().unwrap_or(200);
    heard.all.push(body.clone());
    heard.keys.push(key);
    if code == 200 {
        heard.kept.push(body);
    }
    drop(heard);
    write!(stream, "HTTP/1.1 {code} Told\r\nContent-Length: 0\r\n\r\n").ok()
}

/// Produces one record, and hears what became of it.
fn produce(client: &mut Client, value: &str) -> ErrorCode {
    client.send_records("t", -1, &batch([value]));
    client.hear_produced().0
}

#[test]
fn a_record_that_a_server_wants_at_the_third_attempt_is_there_once_and_its_producer_hears_success()
{
    let stub = Stub::new(&[500, 503]);
    let retries = ["--output-http-retries", "2", "--output-http-retry-delay", "1ms"];
    let ksink = Setup::new(&[&["--output", &stub.url][..], &retries].concat()).listen();
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["a", "b"]));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    ksink.stop().assert_code(0);
    // The body ends with the separator, as in ksink-go.
    assert_eq!(stub.all(), ["a\n", "a\n", "a\n", "b\n"]);
    assert_eq!(stub.kept(), ["a\n", "b\n"]);
}

#[test]
fn a_batch_that_its_producer_sends_again_has_the_same_keys() {
    // The first record lands, the second does not: the producer has to send both again.
    let stub = Stub::new(&[200, 500]);
    let ksink = Setup::new(&["--output", &stub.url]).listen();
    let mut client = ksink.connect();
    let mut numbered = batch(["a", "b"]);
    set_producer(&mut numbered, 4711, 0, 0).expect("a batch");
    client.send_records("t", -1, &numbered);
    assert_eq!(client.hear_produced().0, ErrorCode::REQUEST_TIMED_OUT);
    client.send_records("t", -1, &numbered);
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    // A copy of what is kept is not posted again.
    client.send_records("t", -1, &numbered);
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    assert_eq!(stub.all(), ["a\n", "b\n", "a\n", "b\n"]);
    let [a, b, a_again, b_again] = stub.keys().try_into().expect("four requests");
    assert!((&a, &b) == (&a_again, &b_again) && a != b, "{a} {b} {a_again} {b_again}");
}

#[test]
fn a_producer_hears_why_its_record_was_not_taken() {
    let stub = Stub::new(&[500, 404, 413]);
    let ksink = Setup::new(&["--output", &stub.url]).listen();
    let mut client = ksink.connect();
    assert_eq!(produce(&mut client, "a"), ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(produce(&mut client, "b"), ErrorCode::INVALID_RECORD);
    assert_eq!(produce(&mut client, "c"), ErrorCode::MESSAGE_TOO_LARGE);
    assert_eq!(produce(&mut client, "d"), ErrorCode::NONE);
    let ended = ksink.stop();
    assert!(ended.stderr.contains("HTTP status 500"), "{}", ended.stderr);
    assert_eq!(stub.kept(), ["d\n"]);
}

#[test]
fn a_record_that_is_refused_for_good_is_kept_where_the_operator_asked_for_it() {
    let stub = Stub::new(&[400]);
    let flags = ["--output", &stub.url, "--output-http-dlq", "dlq", "--no-separator"];
    let ksink = Setup::new(&flags).listen();
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["a", "b"]));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    let ended = ksink.stop();
    ended.assert_code(0);
    assert_eq!(stub.kept(), ["b"]);
    let letter: serde_json::Value = serde_json::from_str(&ended.read("dlq")).expect("one line");
    assert_eq!((&letter["value"], &letter["status"]), (&"YQ==".into(), &400.into()));
}

#[test]
fn a_server_that_is_not_there_yet_keeps_nobody_from_starting() {
    let ksink = Setup::new(&["--output", "http://user:secret@127.0.0.1:1/token"]).listen();
    let mut client = ksink.connect();
    assert_eq!(produce(&mut client, "a"), ErrorCode::NOT_ENOUGH_REPLICAS);
    let ended = ksink.stop();
    ended.assert_code(0);
    assert!(ended.stderr.contains("http://127.0.0.1:1 failed"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret") && !ended.stderr.contains("token"));
}

#[test]
fn half_a_configuration_is_refused_at_start() {
    let check = |flags: &[&str], code, says: &str| {
        for command in [&[][..], &["check"]] {
            let flags = [command, flags].concat();
            let ended = Setup::new(&flags).file("key.pem", "no key").run();
            ended.assert_code(code);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.contains(says), "{}", ended.stderr);
        }
    };
    for output in ["-", "out", "null:", "https://127.0.0.1:1"] {
        let together = "--output-tls-cert and --output-tls-key must be specified together";
        check(&["--output", output, "--output-tls-cert", "cert.pem"], 2, together);
        check(&["--output", output, "--output-tls-key", "key.pem"], 2, together);
        let ca = ["--output", output, "--output-tls-ca", "key.pem"];
        check(&ca, 78, "failed to load TLS CA certificates from key.pem");
    }
    check(&["--output", "http://h:x"], 2, "--output: ");
    let dlq = ["--output", "http://127.0.0.1:1", "--output-http-dlq", "key.pem/dlq"];
    check(&dlq, 69, "failed to open output file key.pem/dlq");
}

#[test]
fn checking_asks_no_server_and_makes_no_file() {
    let stub = Stub::new(&[]);
    let ended = Setup::new(&["check", "--output", &stub.url, "--output-http-dlq", "new/dlq"]).run();
    ended.assert_code(0);
    assert!(stub.all().is_empty() && !ended.folder.path().join("new").exists());
}

/// exactly-once, Where the state lies: a committed transaction that was not fully delivered goes on after a crash from
/// the last framed progress. Transactions 5: EndTxn is answered once the first try has failed.
#[test]
fn a_commit_that_a_server_interrupted_goes_on_after_kill_9() {
    let stub = Stub::new(&[&[200], &[503; 1000][..]].concat());
    let flags = ["--output", &stub.url, "--state-dir", "state"];
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::transactional(&ksink, "x");
    assert_eq!(producer.produce("t", &["aborted"]).0, ErrorCode::NONE);
    producer.abort();
    assert_eq!(producer.produce("t", &["a", "b", "c"]).0, ErrorCode::NONE);
    assert_eq!(stub.all(), Vec::<String>::new(), "nothing is seen before the commit");
    producer.commit();
    wait_for("a second try", || (stub.all().len() > 2).then_some(()));
    let folder = ksink.kill();
    assert_eq!(stub.kept(), ["a\n"]);

    stub.recover();
    let ksink = Setup::again(folder, &flags).listen();
    wait_for("the rest", || (stub.kept().len() == 3).then_some(()));
    assert_eq!(stub.kept(), ["a\n", "b\n", "c\n"]);
    producer.reconnect(&ksink);
    // Until the commit is noted as applied the next transaction hears that it should wait.
    if producer.produce("t", &["d"]).0 != ErrorCode::NONE {
        let again = || (producer.produce_again().0 == ErrorCode::NONE).then_some(());
        wait_for("the next transaction", again);
    }
    producer.commit();
    assert_eq!(stub.kept().last().map(String::as_str), Some("d\n"));
    ksink.stop().assert_code(0);
}

/// exactly-once, Where the state lies: with `--state-dir` producers and offsets are remembered.
#[test]
fn what_a_server_has_is_not_posted_again_after_kill_9() {
    let stub = Stub::new(&[]);
    let flags = ["--output", &stub.url, "--state-dir", "state"];
    let ksink = Setup::new(&flags).listen();
    let mut producer = Producer::idempotent(&ksink);
    assert_eq!(producer.produce("t", &["a"]), (ErrorCode::NONE, 0));
    let ksink = Setup::again(ksink.kill(), &flags).listen();
    producer.reconnect(&ksink);
    assert_eq!(producer.produce_again(), (ErrorCode::NONE, 0));
    assert_eq!(producer.produce("t", &["b"]), (ErrorCode::NONE, 1));
    assert_eq!(stub.kept(), ["a\n", "b\n"]);
}
