mod certificates;
mod stub;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Barrier},
    time::Instant,
};

use ksink_wire::records::{Header, NewRecord};
use tempfile::TempDir;
use tokio::task::yield_now;

use self::{
    certificates::Authority,
    stub::{Act, Stub},
};
use super::*;
use crate::{
    format::{Binary, Separator},
    testing::{is_local, of_value, record_set, unheard, values},
};

/// A sink, the server that it posts to, and a folder.
struct Bench {
    stub: Stub,
    sink: HttpSink,
    folder: TempDir,
}

/// What becomes of each set.
type Outcomes = Vec<Result<(), Refusal>>;

impl Bench {
    fn new(script: impl IntoIterator<Item = Act>) -> Self {
        Self::with(script, HttpOptions::default())
    }

    /// With so many retries, which follow at once.
    fn with_retries(count: u32, script: impl IntoIterator<Item = Act>) -> Self {
        let retries = HttpRetries { count, delay: Duration::ZERO, ..Default::default() };
        Self::with(script, HttpOptions { retries, ..Default::default() })
    }

    /// With a timeout that passes soon, and so many retries.
    fn impatient(count: u32, script: impl IntoIterator<Item = Act>) -> Self {
        let timeout = Duration::from_secs(1);
        let retries = HttpRetries { count, delay: Duration::ZERO, timeout };
        Self::with(script, HttpOptions { retries, ..Default::default() })
    }

    fn with_dead_letters(script: impl IntoIterator<Item = Act>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dead_letters = Some(folder.path().join("dlq"));
        let bench = Self::with(script, HttpOptions { dead_letters, ..Default::default() });
        Self { folder, ..bench }
    }

    fn with(script: impl IntoIterator<Item = Act>, options: HttpOptions) -> Self {
        let stub = Stub::new(script);
        let url = stub.url("http", "127.0.0.1");
        let sink = open(&url, TlsOptions::default(), options);
        Self { stub, sink, folder: tempfile::tempdir().unwrap() }
    }

    /// Delivers sets as one group.
    async fn deliver(&mut self, sets: &[RecordSet]) -> Outcomes {
        deliver(&mut self.sink, sets).await
    }

    fn dead_letters(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.folder.path().join("dlq")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn open(url: &str, tls: TlsOptions, options: HttpOptions) -> HttpSink {
    let format = Format::Binary(Binary { separator: Separator::NONE });
    HttpSink::open(url.parse().unwrap(), &tls.load().unwrap(), format, options).unwrap()
}

async fn deliver(sink: &mut HttpSink, sets: &[RecordSet]) -> Outcomes {
    let mut ids = Vec::new();
    for set in sets {
        ids.push(sink.write(set, &unheard()).await.expect("faults show at the flush"));
    }
    let failed = sink.flush().await.failed;
    assert!(failed.iter().all(|failure| !failure.gone && ids.contains(&failure.output)));
    let outcome = |id| match failed.iter().find(|failure| failure.output == id) {
        Some(failure) => Err(failure.refusal.clone()),
        None => Ok(()),
    };
    ids.into_iter().map(outcome).collect()
}

fn in_partition(partition: i32, mut set: RecordSet) -> RecordSet {
    set.partition = partition;
    set
}

fn is_remote(outcome: &Result<(), Refusal>) -> bool {
    matches!(outcome, Err(Refusal::Unavailable { fault: ksink_event::Fault::Remote, .. }))
}

fn is_unknown(outcome: &Result<(), Refusal>) -> bool {
    matches!(outcome, Err(Refusal::Unknown { .. }))
}

#[track_caller]
fn reason(outcome: &Result<(), Refusal>) -> &str {
    outcome.as_ref().expect_err("a refusal").reason()
}

#[tokio::test]
async fn a_record_is_one_post() {
    let mut bench = Bench::new([]);
    let headers = [
        Header { key: b"trace-id", value: Some(b"1") },
        Header { key: b"trace-id", value: Some(b"2") },
        Header { key: b"a b", value: Some(b"\r\nX-Evil: 1") },
    ];
    let record =
        NewRecord { timestamp: 0, key: Some(b"key"), value: Some(b"value"), headers: &headers };
    let outcomes = bench.deliver(&[record_set("orders", 7, &[record, of_value(b"")])]).await;
    assert_eq!(outcomes, [Ok(())]);
    let [first, second] = bench.stub.seen().try_into().unwrap();
    assert_eq!((&first.head[0][..], &first.body[..]), ("POST /path?query HTTP/1.1", "value"));
    assert_eq!(first.header("X-Kafka-Topic"), ["orders"]);
    assert_eq!(first.header("X-Kafka-Offset"), ["7"]);
    assert_eq!(first.header("X-Kafka-Key"), ["a2V5"]);
    assert_eq!(first.header("X-Kafka-Header-Trace-Id"), ["1", "2"]);
    assert_eq!(first.header("X-Kafka-Header-A%20b"), ["%0D%0AX-Evil: 1"]);
    assert_eq!(first.header("X-Evil"), [""; 0]);
    assert_eq!((second.header("X-Kafka-Offset"), &second.body[..]), (vec!["8"], ""));
}

#[tokio::test]
async fn a_failure_says_how_many_records_landed_all_the_same() {
    let mut bench = Bench::new([200, 200, 503].map(Act::Answer));
    for set in [values("t", &["a", "b", "c"]), values("t", &["d"])] {
        bench.sink.write(&set, &unheard()).await.expect("faults show at the flush");
    }
    let kept: Vec<u64> = bench.sink.flush().await.failed.iter().map(|it| it.kept).collect();
    assert_eq!(kept, [2, 0]);
}

#[tokio::test]
async fn records_of_a_partition_follow_each_other_over_one_connection() {
    let mut bench = Bench::new([]);
    bench.deliver(&[values("t", &["a", "b"]), values("t", &["c"])]).await;
    bench.deliver(&[values("t", &["d"])]).await;
    assert_eq!(bench.stub.bodies(), ["a", "b", "c", "d"]);
    assert!(bench.stub.seen().iter().all(|seen| seen.connection == 0));
}

#[tokio::test]
async fn partitions_go_side_by_side_and_no_more_than_are_allowed() {
    // Whoever comes alone to the first two meetings waits for ever; the rest goes one after the other.
    let meeting = Arc::new(Barrier::new(2));
    let script = [Act::Meet(meeting.clone()), Act::Meet(meeting)];
    let mut bench = Bench::with(script, HttpOptions { connections_max: 2, ..Default::default() });
    let sets = [0, 1, 2, 0].map(|partition| in_partition(partition, values("t", &["a", "b"])));
    assert_eq!(bench.deliver(&sets).await, [const { Ok(()) }; 4]);
    let seen = bench.stub.seen();
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().all(|seen| seen.connection < 2), "{seen:?}");
    let partition = |partition: &str| {
        let of_it = seen.iter().filter(|seen| seen.header("X-Kafka-Partition") == [partition]);
        of_it.map(|seen| &seen.body[..]).collect::<String>()
    };
    assert_eq!([partition("0"), partition("1"), partition("2")], ["abab", "ab", "ab"]);
}

#[tokio::test]
async fn any_status_of_success_is_success() {
    let mut bench = Bench::new([200, 201, 202, 204].map(Act::Answer));
    assert_eq!(bench.deliver(&[values("t", &["a", "b", "c", "d"])]).await, [Ok(())]);
    assert_eq!(bench.stub.bodies(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again() {
    let mut bench = Bench::with_retries(2, [500, 503, 200].map(Act::Answer));
    assert_eq!(bench.deliver(&[values("t", &["a", "b"])]).await, [Ok(())]);
    assert_eq!(bench.stub.bodies(), ["a", "a", "a", "b"]);
    let seen = bench.stub.seen();
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("Idempotency-Key")[0]).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3], "{keys:?}");
}

#[tokio::test]
async fn a_failure_that_does_not_pass_is_told() {
    let mut bench = Bench::with_retries(2, [500, 502, 503].map(Act::Answer));
    let [outcome] = bench.deliver(&[values("t", &["a"])]).await.try_into().unwrap();
    assert!(is_remote(&outcome), "{outcome:?}");
    assert!(reason(&outcome).contains("3 attempt(s): HTTP status 503"), "{outcome:?}");
    assert_eq!(bench.stub.bodies().len(), 3);
}

#[tokio::test]
async fn without_retries_there_is_one_attempt() {
    let mut bench = Bench::new([Act::Answer(500)]);
    let outcomes = bench.deliver(&[values("t", &["a"])]).await;
    assert!(is_remote(&outcomes[0]), "{outcomes:?}");
    assert_eq!(bench.stub.bodies().len(), 1);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_and_stops_its_partition_alone() {
    let mut bench = Bench::with_retries(5, [200, 404].map(Act::Answer));
    bench.sink.connections_max = 1;
    let sets = [
        values("t", &["a"]),
        values("t", &["b", "never"]),
        values("t", &["never"]),
        in_partition(1, values("t", &["c"])),
    ];
    let [kept, refused, unsent, other] = bench.deliver(&sets).await.try_into().unwrap();
    assert_eq!((kept, other), (Ok(()), Ok(())));
    assert!(matches!(refused, Err(Refusal::Rejected { .. })), "{refused:?}");
    assert!(reason(&refused).contains("404"), "{refused:?}");
    assert!(is_remote(&unsent), "nothing is wrong with it: {unsent:?}");
    assert_eq!(bench.stub.bodies(), ["a", "b", "c"]);
}

#[tokio::test]
async fn what_is_too_large_is_told_so() {
    let mut bench = Bench::with_retries(5, [Act::Answer(413)]);
    let outcomes = bench.deliver(&[values("t", &["a"])]).await;
    assert!(matches!(outcomes[..], [Err(Refusal::TooLarge { .. })]), "{outcomes:?}");
    assert_eq!(bench.stub.bodies().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let mut bench = Bench::new([Act::AnswerWith(status, "Location: /elsewhere".to_owned())]);
        let outcomes = bench.deliver(&[values("t", &["a"])]).await;
        assert!(matches!(outcomes[..], [Err(Refusal::Rejected { .. })]), "{outcomes:?}");
        assert_eq!(bench.stub.bodies().len(), 1);
    }
}

#[tokio::test]
async fn a_set_that_was_delivered_in_part_is_not_said_to_be_nowhere() {
    let mut bench = Bench::new([200, 500].map(Act::Answer));
    let outcomes = bench.deliver(&[values("t", &["a", "b", "c"])]).await;
    assert!(is_unknown(&outcomes[0]), "{outcomes:?}");
    assert!(reason(&outcomes[0]).ends_with("(the first 1 of 3 records were delivered)"));
    assert_eq!(bench.stub.bodies(), ["a", "b"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_has_seen_nothing() {
    let mut sink = open("http://127.0.0.1:1", TlsOptions::default(), HttpOptions::default());
    let outcomes = deliver(&mut sink, &[values("t", &["a"])]).await;
    assert!(is_remote(&outcomes[0]), "{outcomes:?}");
    assert!(reason(&outcomes[0]).contains("onnection refused"), "{outcomes:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_may_have_seen_it() {
    for act in [Act::Hang, Act::Drip, Act::Reset(""), Act::Reset("HTTP/1.1 20"), Act::Reset("?\n")]
    {
        let mut bench = Bench::impatient(0, [act]);
        let outcomes = bench.deliver(&[values("t", &["a", "b"])]).await;
        assert!(is_unknown(&outcomes[0]), "{outcomes:?}");
        assert_eq!(bench.stub.bodies(), ["a"]);
        // It is not held against the next one.
        assert_eq!(bench.deliver(&[values("t", &["c"])]).await, [Ok(())]);
    }
}

#[tokio::test]
async fn what_may_have_been_seen_is_tried_again_and_stays_unknown_until_it_is_kept() {
    let mut bench = Bench::impatient(2, [Act::Hang, Act::Reset("HTTP"), Act::Answer(200)]);
    assert_eq!(bench.deliver(&[values("t", &["a"])]).await, [Ok(())]);
    assert_eq!(bench.stub.bodies(), ["a", "a", "a"]);

    let mut bench = Bench::impatient(1, [Act::Hang, Act::Answer(503)]);
    let outcomes = bench.deliver(&[values("t", &["a"])]).await;
    assert!(is_unknown(&outcomes[0]), "{outcomes:?}");
}

#[tokio::test]
async fn a_silence_is_waited_for_once_and_not_for_every_partition() {
    let mut bench = Bench::impatient(0, [Act::Hang]);
    bench.sink.connections_max = 1;
    let sets = [0, 1, 2].map(|partition| in_partition(partition, values("t", &["a"])));
    let outcomes = bench.deliver(&sets).await;
    assert!(is_unknown(&outcomes[0]) && is_remote(&outcomes[1]) && is_remote(&outcomes[2]));
    assert_eq!(bench.stub.bodies().len(), 1);
    assert_eq!(bench.deliver(&sets).await, [Ok(()), Ok(()), Ok(())]);
}

#[tokio::test]
async fn an_answer_counts_whatever_becomes_of_its_body() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
    for act in [Act::Endless, Act::HangInBody, Act::Reset(cut)] {
        let mut bench = Bench::impatient(0, [act]);
        assert_eq!(bench.deliver(&[values("t", &["a", "b"])]).await, [Ok(())]);
        let [first, second] = bench.stub.seen().try_into().unwrap();
        assert_ne!(first.connection, second.connection, "the first one is of no use any more");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_attempt() {
    let mut bench = Bench::new([Act::AnswerAndClose]);
    assert_eq!(bench.deliver(&[values("t", &["a"])]).await, [Ok(())]);
    while bench.sink.connections.iter().any(Connection::is_usable) {
        yield_now().await;
    }
    assert_eq!(bench.deliver(&[values("t", &["b"])]).await, [Ok(())]);
    assert_eq!(bench.stub.bodies(), ["a", "b"]);
}

#[tokio::test]
async fn a_server_that_asks_for_a_rest_gets_it_whoever_comes_next() {
    let rest = || Act::AnswerWith(429, "Retry-After: 1".to_owned());
    let start = Instant::now();
    let mut bench = Bench::new([rest()]);
    let outcomes = bench.deliver(&[values("t", &["a"])]).await;
    assert!(is_remote(&outcomes[0]), "{outcomes:?}");
    assert_eq!(bench.deliver(&[in_partition(1, values("t", &["b"]))]).await, [Ok(())]);
    assert!(start.elapsed() >= Duration::from_secs(1));

    let start = Instant::now();
    let mut bench = Bench::with_retries(1, [rest()]);
    assert_eq!(bench.deliver(&[values("t", &["a"])]).await, [Ok(())]);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_refused_for_good_is_kept_among_the_dead_letters() {
    let mut bench = Bench::with_dead_letters([404, 200, 413].map(Act::Answer));
    let headers = [Header { key: b"h\xff", value: None }, Header { key: b"h", value: Some(b"1") }];
    let record = NewRecord { timestamp: 5, key: None, value: Some(b"a"), headers: &headers };
    let set = record_set("t", 3, &[record, of_value(b"b"), of_value(b"c"), of_value(b"d")]);
    assert_eq!(bench.deliver(&[set]).await, [Ok(())]);
    assert_eq!(bench.stub.bodies(), ["a", "b", "c", "d"]);

    let [first, second] = bench.dead_letters().try_into().unwrap();
    let time = first["first_attempt"].as_str().unwrap();
    assert_eq!((time.len(), &time[..2], &time[23..]), (24, "20", "Z"));
    let expected = serde_json::json!({
        "topic": "t", "partition": 0, "offset": 3, "timestamp": 5, "key": null, "value": "YQ==",
        "headers": [[{"base64": "aP8="}, null], ["h", "MQ=="]], "client_addr": "127.0.0.1:50000",
        "status": 404, "reason": first["reason"], "attempts": 1, "first_attempt": time,
        "last_attempt": first["last_attempt"],
    });
    assert_eq!(first, expected);
    assert!(first["reason"].as_str().unwrap().contains("404"));
    assert_eq!((&second["offset"], &second["status"]), (&5.into(), &413.into()));
    let mode = fs::metadata(bench.folder.path().join("dlq")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_may_pass_is_no_dead_letter() {
    let mut bench = Bench::with_dead_letters([Act::Answer(503)]);
    let outcomes = bench.deliver(&[values("t", &["a"])]).await;
    assert!(is_remote(&outcomes[0]), "{outcomes:?}");
    assert_eq!(bench.dead_letters().len(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dead_letter_that_cannot_be_kept_is_a_fault_of_this_machine() {
    let dead_letters = Some(Path::new("/dev/full").into());
    let options = HttpOptions { dead_letters, ..Default::default() };
    let mut bench = Bench::with([Act::Answer(404)], options);
    let outcomes = bench.deliver(&[values("t", &["a"]), values("t", &["b"])]).await;
    let is_local = |outcome: &Result<(), _>| outcome.as_ref().is_err_and(is_local);
    assert!(outcomes.iter().all(is_local), "{outcomes:?}");
    assert!(reason(&outcomes[0]).contains("/dev/full"), "{outcomes:?}");
}

#[test]
fn dead_letters_that_cannot_be_opened_are_known_at_start() {
    let dead_letters = Some(Path::new("/dev/null/dlq").into());
    let target = "http://127.0.0.1:1".parse().unwrap();
    let tls = TlsOptions::default().load().unwrap();
    let options = HttpOptions { dead_letters, ..Default::default() };
    let opened = HttpSink::open(target, &tls, Format::default(), options);
    assert!(matches!(opened, Err(HttpOpenError::DeadLetters(_))), "{opened:?}");
}

/// Delivers one record to an encrypted server whose certificate is for this name.
async fn deliver_encrypted(
    authority: &Authority,
    name: &str,
    wants_clients: bool,
    tls: TlsOptions,
) -> Result<(), Refusal> {
    let stub = Stub::encrypted(authority.server(name, wants_clients));
    let mut sink = open(&stub.url("https", "localhost"), tls, HttpOptions::default());
    let outcome = deliver(&mut sink, &[values("t", &["a", "b"])]).await.remove(0);
    let bodies = if outcome.is_ok() { vec!["a", "b"] } else { vec![] };
    assert_eq!(stub.bodies(), bodies);
    outcome
}

#[tokio::test]
async fn a_server_is_known_by_those_who_vouch_for_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let by =
        |authority: &Authority| TlsOptions { ca: Some(authority.file()), ..Default::default() };
    let check = async |name, tls| deliver_encrypted(&authority, name, false, tls).await;
    assert_eq!(check("localhost", by(&authority)).await, Ok(()));
    for (name, tls) in [
        ("localhost", by(&stranger)),
        ("elsewhere", by(&authority)),
        ("localhost", TlsOptions { ca: Some(stranger.file()), ..Default::default() }),
    ] {
        let outcome = check(name, tls).await;
        assert!(is_remote(&outcome) && reason(&outcome).contains("certificate"), "{outcome:?}");
    }
    for ca in [None, Some(stranger.file())] {
        let tls = TlsOptions { ca, skip_verify: true, identity: None };
        assert_eq!(check("elsewhere", tls).await, Ok(()));
    }
}

#[tokio::test]
async fn a_server_that_asks_who_we_are_is_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let check = async |identity| {
        let tls = TlsOptions { ca: Some(authority.file()), identity, skip_verify: false };
        deliver_encrypted(&authority, "localhost", true, tls).await
    };
    assert_eq!(check(Some(authority.identity("ksink"))).await, Ok(()));
    for identity in [None, Some(stranger.identity("ksink"))] {
        let outcome = check(identity).await;
        assert!(outcome.is_err(), "{outcome:?}");
    }
}

#[test]
fn files_that_are_of_no_use_are_known_at_start() {
    let authority = Authority::new();
    let (one, other) = (authority.identity("one"), authority.identity("other"));
    let refused = |tls: TlsOptions| tls.load().expect_err("it is of no use").to_string();
    let with = |certificate: &Path, key: &Path| {
        let identity = TlsIdentity { certificate: certificate.into(), key: key.into() };
        refused(TlsOptions { identity: Some(identity), ..Default::default() })
    };
    let nowhere = Path::new("nowhere.pem");
    assert!(with(nowhere, &one.key).starts_with("failed to load TLS certificate from nowhere.pem"));
    assert!(with(&one.certificate, nowhere).starts_with("failed to load TLS key from nowhere.pem"));
    assert!(with(&one.key, &one.key).contains("certificate"), "a key is no certificate");
    assert!(with(&one.certificate, &one.certificate).contains("key"), "nor is this a key");
    assert!(with(&one.certificate, &other.key).starts_with("failed to use TLS certificate"));
    let ca = TlsOptions { ca: Some(one.key), ..Default::default() };
    assert!(refused(ca).starts_with("failed to load TLS CA certificates"));
}
