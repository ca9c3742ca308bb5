//! How a run ends: by its own plan, by a signal, by an output that is gone.

use std::{
    io::{PipeReader, Read, pipe},
    thread,
    time::{Duration, Instant},
};

use ksink_tests::{Client, batch};
use ksink_wire::ErrorCode;
use rustix::process::Signal;

use crate::process::{Ended, Ksink, Setup};

/// Far less than the 30 seconds that a drain may take, and enough for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

/// More than a pipe holds, so that a sink that writes it waits for the reader.
const MORE_THAN_A_PIPE: usize = 512 << 10;

/// A server whose sink is in the middle of a write to stdout, which goes on when the rest is read.
struct Stuck {
    ksink: Ksink,
    producer: Client,
    reader: PipeReader,
}

impl Stuck {
    fn new(flags: &[&str]) -> Self {
        let (mut reader, writer) = pipe().expect("a pipe");
        let ksink = Setup::new(flags).stdout(writer).listen();
        let mut producer = ksink.connect();
        producer.send_records("t", -1, &batch(["x".repeat(MORE_THAN_A_PIPE)]));
        reader.read_exact(&mut [0]).expect("the sink has begun to write");
        Self { ksink, producer, reader }
    }
}

/// The codes of so many answers; `None` where the connection was closed instead.
fn codes(client: &mut Client, count: usize) -> Vec<Option<ErrorCode>> {
    let mut answer = || client.hear_produced_or_closed().map(|(code, _)| code);
    (0..count).map(|_| answer()).collect()
}

#[test]
fn enough_records_end_the_run_and_batches_stay_whole() {
    let ksink = Setup::new(&["--exit-after-records", "3", "--output", "out"]).listen();
    let mut client = ksink.connect();
    for values in [["a", "b"], ["c", "d"], ["e", "f"]] {
        client.send_records("t", -1, &batch(values));
    }
    let codes = codes(&mut client, 3);
    assert_eq!(codes[..2], [Some(ErrorCode::NONE); 2]);
    assert_ne!(codes[2], Some(ErrorCode::NONE), "nothing was taken that was not needed");
    let ended = ksink.wait();
    ended.assert_code(0);
    assert_eq!(ended.read("out"), "a\nb\nc\nd\n");
}

#[test]
fn a_run_that_hears_nothing_ends_when_it_was_idle_since_its_start() {
    let start = Instant::now();
    let ksink = Setup::new(&["--exit-when-idle", "200ms"]).listen();
    ksink.wait().assert_code(0);
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_run_that_heard_something_is_idle_since_the_last_record() {
    let ksink = Setup::new(&["--exit-when-idle", "3s"]).listen();
    let mut client = ksink.connect();
    let mut last = Instant::now();
    for value in ["a", "b"] {
        last = Instant::now();
        client.send_records("t", -1, &batch([value]));
        assert_eq!(client.hear_produced().0, ErrorCode::NONE);
    }
    let ended = ksink.wait();
    ended.assert_code(0);
    assert_eq!(ended.stdout_text(), "a\nb\n");
    assert!(last.elapsed() >= Duration::from_secs(3));
}

#[test]
fn a_signal_ends_it_at_once_when_nothing_is_in_flight() {
    let check = |signal| {
        let ksink = Setup::new(&[]).listen();
        let mut idle: Vec<_> = (0..200).map(|_| ksink.connect()).collect();
        // Some have asked something before, some have not, and one is in the middle of a frame.
        for client in &mut idle[..100] {
            assert_eq!(client.name_topic("t"), ErrorCode::NONE);
        }
        idle[0].send_bytes(&[0, 0]);
        let start = Instant::now();
        ksink.signal(signal);
        ksink.wait().assert_code(0);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        assert!(idle.iter_mut().all(|client| client.hear_frame().is_none()));
    };
    check(Signal::TERM);
    check(Signal::INT);
}

#[test]
fn a_signal_lets_what_is_in_flight_be_answered() {
    let Stuck { ksink, mut producer, mut reader } = Stuck::new(&[]);
    let mut idle = ksink.connect();
    ksink.signal(Signal::TERM);
    assert!(idle.hear_frame().is_none(), "whoever is idle is disconnected");
    let mut rest = Vec::new();
    let reading = thread::spawn(move || reader.read_to_end(&mut rest).map(|_| rest.len()));
    assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 0));
    assert!(producer.hear_frame().is_none());
    ksink.wait().assert_code(0);
    let rest = reading.join().expect("no panic").expect("a pipe");
    assert_eq!(rest, MORE_THAN_A_PIPE, "all but the byte that was read, and the separator");
}

#[test]
fn a_drain_that_takes_too_long_is_given_up() {
    let Stuck { ksink, producer: _producer, reader: _reader } =
        Stuck::new(&["--drain-timeout", "200ms"]);
    let ended = ksink.stop();
    ended.assert_code(75);
    assert_eq!(last_line(&ended).split(',').next(), Some("ksink: the time to drain is over"));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let Stuck { ksink, producer: _producer, reader: _reader } = Stuck::new(&[]);
    let mut idle = ksink.connect();
    let start = Instant::now();
    ksink.signal(Signal::TERM);
    assert!(idle.hear_frame().is_none(), "the first signal was heard");
    ksink.signal(Signal::INT);
    let ended = ksink.wait();
    ended.assert_code(1);
    assert_eq!(last_line(&ended), "ksink: stopped by a second signal, without draining");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn one_signal_does_not_cut_a_stop_short_that_was_planned() {
    let Stuck { ksink, mut producer, mut reader } = Stuck::new(&["--exit-when-idle", "3s"]);
    let mut idle = ksink.connect();
    assert!(idle.hear_frame().is_none(), "it stops, since no record was kept so far");
    ksink.signal(Signal::TERM);
    let reading = thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 0));
    ksink.wait().assert_code(0);
    reading.join().expect("no panic").expect("a pipe");
}

#[test]
fn a_reader_that_leaves_ends_the_run_with_one_line() {
    let (mut reader, writer) = pipe().expect("a pipe");
    let ksink = Setup::new(&["--log-level", "warn"]).stdout(writer).listen();
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["read"]));
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    let mut line = [0; 5];
    reader.read_exact(&mut line).expect("a line");
    drop(reader);
    client.send_records("t", -1, &batch(["unread"]));
    assert_ne!(codes(&mut client, 1), [Some(ErrorCode::NONE)]);
    let ended = ksink.wait();
    ended.assert_code(1);
    let broken = "ksink: the output is gone: cannot write to stdout: Broken pipe (os error 32)\n";
    assert_eq!(ended.stderr, broken);
}

#[test]
fn a_reader_of_everything_that_leaves_ends_the_run_as_well() {
    let (reader, writer) = pipe().expect("a pipe");
    let stderr = writer.try_clone().expect("a descriptor");
    let ksink = Setup::new(&[]).stdout(writer).stderr(stderr).listen();
    drop(reader);
    let mut client = ksink.connect();
    // The log cannot say what became of this one, and must not mind.
    client.send_bytes(&[0xff; 4]);
    assert!(client.hear_frame().is_none());
    let mut client = ksink.connect();
    client.send_records("t", -1, &batch(["unread"]));
    assert_ne!(codes(&mut client, 1), [Some(ErrorCode::NONE)]);
    ksink.wait().assert_code(1);
}

fn last_line(ended: &Ended) -> &str {
    ended.stderr.lines().last().unwrap_or_default()
}
