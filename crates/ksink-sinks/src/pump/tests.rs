use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use ksink_event::{
    Ack, Answer, Answers, Chain, Decided, DeliveryId, Intent, Position, Queue, Transaction, queue,
};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::{
    Committed, Failure, Flushed, OutputId, Prepared, Sink, Undone,
    testing::{is_local, values},
};

/// The server's side of a pump, with a sink that does as it is told.
struct Bench {
    queue: Queue,
    deliveries: Deliveries,
    answers: Answers,
    heard: UnboundedReceiver<Answer>,
    /// What was answered so far; `None` for a report.
    said: Vec<Option<Answer>>,
    sent: u64,
    sink: Scripted,
    options: PumpOptions,
}

/// Each topic is an output. The first value of a set says what goes wrong: `refuse me` with the set,
/// `fail` and `go` with the output. So does the id of a transaction: `unready`, `uncommitted`, `go`, `stay`.
#[derive(Default)]
struct Scripted {
    /// The topics that were written to, and `|` for each flush; `p`, `c` and `a` with serials for each call that
    /// was asked to prepare, to commit and to abort; `.` for the close.
    seen: String,
    /// Topic and first value of what was written since the last flush.
    group: Vec<String>,
}

impl Sink for Scripted {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        let record = set.records().iter().next().expect("sets are not empty");
        if record.value == Some(b"refuse me") {
            return Err(Refusal::rejected("as it asked for"));
        }
        self.seen.push_str(&set.topic);
        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        self.group.push(format!("{} {value}", set.topic));
        Ok(output_of(&set.topic))
    }

    async fn flush(&mut self) -> Flushed {
        self.seen.push('|');
        let mut flushed = Flushed::default();
        for written in self.group.drain(..) {
            let (topic, value) = written.split_once(' ').unwrap();
            let output = output_of(topic);
            let failure =
                |gone| Failure { gone, ..Failure::passing(output, Refusal::local("disk full")) };
            match value {
                "fail" => flushed.failed.push(failure(false)),
                "go" => flushed.failed.push(failure(true)),
                _ => flushed.positions.push(position(topic)),
            }
        }
        flushed
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        self.seen.push('.');
        Ok(())
    }
}

impl Scripted {
    fn asked<'t>(&mut self, what: &str, asked: impl Iterator<Item = &'t Arc<Transaction>>) {
        let serials: Vec<_> = asked.map(|transaction| transaction.serial).collect();
        self.seen.push_str(&format!("{what}{serials:?}"));
    }
}

impl TransactionalSink for Scripted {
    async fn prepare(&mut self, asked: &[Arc<Transaction>]) -> Vec<Result<Prepared, Refusal>> {
        self.asked("p", asked.iter());
        let prepared = |transaction: &Arc<Transaction>| match &*transaction.id {
            "unready" => Err(Refusal::local("disk full")),
            _ => Ok(Prepared::default()),
        };
        asked.iter().map(prepared).collect()
    }

    fn commits_at_once(&self) -> usize {
        2
    }

    async fn commit(&mut self, decided: &[Decided], _ack: &Ack) -> Vec<Result<Committed, Undone>> {
        self.asked("c", decided.iter().map(|decided| &decided.transaction));
        let committed = |decided: &Decided| match &*decided.transaction.id {
            "uncommitted" => Err(Refusal::local("disk full").into()),
            "go" => Err(Undone { refusal: Refusal::local("closed"), gone: true }),
            _ => Ok(Committed { positions: Vec::new(), records: 10 }),
        };
        decided.iter().map(committed).collect()
    }

    async fn abort(&mut self, asked: &[Arc<Transaction>]) -> Vec<Result<Vec<Position>, Refusal>> {
        self.asked("a", asked.iter());
        let aborted = |transaction: &Arc<Transaction>| match &*transaction.id {
            "stay" => Err(Refusal::local("read-only")),
            _ => Ok(Vec::new()),
        };
        asked.iter().map(aborted).collect()
    }
}

fn transaction(id: &str, serial: u64) -> Arc<Transaction> {
    Arc::new(Transaction { id: id.into(), serial })
}

fn output_of(topic: &str) -> OutputId {
    OutputId(topic.bytes().map(u64::from).sum())
}

fn position(topic: &str) -> Position {
    Position::at(topic, Bytes::new())
}

impl Bench {
    fn new() -> Self {
        let (queue, deliveries) = queue(64);
        let (answers, heard) = Answers::new();
        let (sink, options) = (Scripted::default(), PumpOptions::default());
        Self { queue, deliveries, answers, heard, said: Vec::new(), sent: 0, sink, options }
    }

    /// Sends one delivery of a producer that nothing else depends on.
    async fn send(&mut self, topic: &str, first: &[&str]) {
        self.send_in(None, topic, first).await;
    }

    /// Sends one delivery of a chain.
    async fn send_in(&mut self, chain: Option<&Arc<Chain>>, topic: &str, first: &[&str]) {
        self.sent += 1;
        let ack = self.answers.expect(DeliveryId(self.sent), chain.cloned());
        let delivery = Delivery { event: Event::Records(values(topic, first)), ack };
        self.queue.reserve().await.unwrap().fill(vec![delivery]);
    }

    /// Sends one batch of a transaction.
    fn send_of(&mut self, transaction: &Arc<Transaction>, topic: &str) {
        let mut set = values(topic, &["x"]);
        set.transaction = Some(transaction.clone());
        self.ask(Event::Records(set));
    }

    fn prepare(&mut self, id: &str, serial: u64) {
        self.ask(Event::Prepare(transaction(id, serial)));
    }

    fn commit(&mut self, id: &str, serial: u64) {
        let transaction = transaction(id, serial);
        self.ask(Event::Commit(Decided { transaction, intent: Intent::default() }));
    }

    fn abort(&mut self, id: &str, serial: u64) {
        self.ask(Event::Abort(transaction(id, serial)));
    }

    fn ask(&mut self, event: Event) {
        self.sent += 1;
        let ack = self.answers.expect(DeliveryId(self.sent), None);
        self.queue.push(vec![Delivery { event, ack }]);
    }

    /// Lets the pump run until the server stops, or sooner if it wants.
    async fn run(&mut self) -> PumpEnd {
        self.run_beside(|_| true).await
    }

    /// The same beside a server that can remember the reports for which `remembers` says so, counted from 0.
    async fn run_beside(&mut self, remembers: impl Fn(usize) -> bool) -> PumpEnd {
        self.queue = queue(1).0;
        let Self { deliveries, sink, options, heard, said, .. } = self;
        let server = async {
            let mut reports = 0;
            while let Some(answer) = heard.recv().await {
                let Answer::Reported { framed, .. } = answer else {
                    said.push(Some(answer));
                    continue;
                };
                said.push(None);
                if remembers(reports) {
                    framed.say();
                }
                reports += 1;
            }
        };
        tokio::select! {
            biased;
            end = pump(deliveries, sink, options) => end,
            () = server => panic!("the bench itself can still answer"),
        }
    }

    /// What was answered since this was asked.
    fn said(&mut self) -> Vec<Option<Answer>> {
        let mut said = std::mem::take(&mut self.said);
        while let Ok(answer) = self.heard.try_recv() {
            said.push(Some(answer));
        }
        said
    }

    /// The answers in short: `+` with the ids of each group, `-` with the id of each refusal, `=` with the id of
    /// each that is prepared, `@` for a report, `!` for a sink that is left in disorder.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        for answer in self.said() {
            heard.push(match answer {
                None | Some(Answer::Reported { .. }) => "@".to_owned(),
                Some(Answer::Accepted { deliveries, .. }) => {
                    format!("+{:?}", deliveries.iter().map(|id| id.0).collect::<Vec<_>>())
                }
                Some(Answer::Refused { delivery, .. }) => format!("-{}", delivery.0),
                Some(Answer::Prepared { delivery, .. }) => format!("={}", delivery.0),
                Some(Answer::LeftInDisorder) => "!".to_owned(),
            });
        }
        heard
    }
}

#[tokio::test]
async fn one_flush_answers_all_that_is_ready() {
    let mut bench = Bench::new();
    for topic in ["a", "b", "a"] {
        bench.send(topic, &["x"]).await;
    }
    assert!(matches!(bench.run().await, PumpEnd::ServerStopped));
    assert_eq!(bench.sink.seen, "aba|.");
    match &bench.said()[..] {
        [Some(Answer::Accepted { deliveries, positions })] => {
            assert_eq!(deliveries[..], [1, 2, 3].map(DeliveryId));
            assert_eq!(positions[..], ["a", "b", "a"].map(position));
        }
        other => panic!("expected one acceptance, got {other:?}"),
    }
}

#[tokio::test]
async fn a_refused_set_is_refused_alone() {
    let mut bench = Bench::new();
    for value in ["x", "refuse me", "x"] {
        bench.send("a", &[value]).await;
    }
    bench.run().await;
    assert_eq!(bench.heard(), ["-2", "+[1, 3]"]);
}

#[tokio::test]
async fn a_failed_output_refuses_all_that_went_there_and_nothing_else() {
    let mut bench = Bench::new();
    for (topic, value) in [("a", "x"), ("b", "x"), ("a", "fail"), ("a", "x")] {
        bench.send(topic, &[value]).await;
    }
    assert!(matches!(bench.run().await, PumpEnd::ServerStopped));
    assert_eq!(bench.heard(), ["-1", "-3", "-4", "+[2]"]);
}

#[tokio::test]
async fn the_producer_hears_why_the_output_failed() {
    let mut bench = Bench::new();
    bench.send("a", &["fail"]).await;
    bench.run().await;
    match &bench.said()[..] {
        [Some(Answer::Refused { refusal, .. })] => assert!(is_local(refusal), "{refusal}"),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_void_delivery_is_not_written() {
    let mut bench = Bench::new();
    let chain = Arc::default();
    let earlier = bench.answers.expect(DeliveryId(0), Some(Arc::clone(&chain)));
    bench.send_in(Some(&chain), "a", &["x"]).await;
    bench.send("b", &["x"]).await;
    earlier.refuse(Refusal::local("disk full"));
    bench.run().await;
    assert_eq!(bench.sink.seen, "b|.");
    assert_eq!(bench.heard(), ["-0", "-1", "+[2]"]);
}

#[tokio::test]
async fn what_follows_a_refused_set_of_the_same_producer_is_not_written() {
    let mut bench = Bench::new();
    let chain = Arc::default();
    bench.send_in(Some(&chain), "a", &["refuse me"]).await;
    bench.send_in(Some(&chain), "a", &["x"]).await;
    bench.send("b", &["x"]).await;
    bench.run().await;
    assert_eq!(bench.sink.seen, "b|.");
    assert_eq!(bench.heard(), ["-1", "-2", "+[3]"]);
}

#[tokio::test]
async fn what_follows_a_failed_group_of_the_same_producer_is_not_written() {
    let mut bench = Bench::new();
    bench.options.limits.group_deliveries_max = 2;
    let chain = Arc::default();
    for value in ["x", "fail", "x"] {
        bench.send_in(Some(&chain), "a", &[value]).await;
    }
    bench.run().await;
    assert_eq!(bench.sink.seen, "aa|.", "the third was never written");
    assert_eq!(bench.heard(), ["-1", "-2", "-3"]);
}

#[tokio::test]
async fn a_group_ends_where_its_limits_say() {
    let mut bench = Bench::new();
    bench.options.limits.group_deliveries_max = 2;
    for _ in 0..5 {
        bench.send("a", &["x"]).await;
    }
    bench.run().await;
    assert_eq!(bench.sink.seen, "aa|aa|a|.");

    let mut bench = Bench::new();
    bench.options.limits.group_bytes_max = 2000;
    for value in [&"x".repeat(1500), &"x".repeat(1500), "x"] {
        bench.send("a", &[value]).await;
    }
    bench.run().await;
    assert_eq!(bench.sink.seen, "aa|a|.");
}

#[tokio::test]
async fn the_pump_ends_when_enough_is_accepted_and_splits_no_batch() {
    let mut bench = Bench::new();
    bench.options.records_max = Some(4);
    for _ in 0..3 {
        bench.send("a", &["x", "y", "z"]).await;
    }
    assert!(matches!(bench.run().await, PumpEnd::RecordsReached));
    assert_eq!(bench.options.progress.records(), 6);
    assert_eq!(bench.heard(), ["+[1, 2]"]);
    drop(bench.deliveries.next_ready());
    assert_eq!(bench.heard(), ["-3"], "what is left was not looked at");
}

#[tokio::test]
async fn what_is_refused_does_not_count() {
    let mut bench = Bench::new();
    bench.options.records_max = Some(2);
    for (topic, value) in [("a", "fail"), ("b", "refuse me"), ("b", "x"), ("b", "x"), ("b", "x")] {
        bench.send(topic, &[value]).await;
    }
    assert!(matches!(bench.run().await, PumpEnd::RecordsReached));
    assert_eq!(bench.options.progress.records(), 2);
    assert_eq!(bench.heard(), ["-2", "-1", "+[3]", "+[4]"]);
}

#[tokio::test]
async fn an_output_that_is_gone_ends_the_pump() {
    let mut bench = Bench::new();
    for (topic, value) in [("a", "go"), ("b", "x")] {
        bench.send(topic, &[value]).await;
    }
    match bench.run().await {
        PumpEnd::OutputGone(refusal) => assert_eq!(refusal.reason(), "disk full"),
        other => panic!("the output is gone, yet {other:?}"),
    }
    assert_eq!(bench.heard(), ["-1", "+[2]"]);
}

#[tokio::test]
async fn nothing_is_flushed_when_nothing_was_written() {
    let mut bench = Bench::new();
    bench.send("a", &["refuse me"]).await;
    bench.run().await;
    assert_eq!(bench.sink.seen, ".");
}

#[tokio::test]
async fn idle_time_counts_from_the_last_record() {
    let mut bench = Bench::new();
    let progress = bench.options.progress.clone();
    let start = progress.idle_since();
    bench.send("a", &["refuse me"]).await;
    bench.run().await;
    assert_eq!((progress.records(), progress.idle_since()), (0, start));

    let mut bench = Bench::new();
    bench.options.progress = progress.clone();
    bench.send("a", &["x", "y"]).await;
    let before = Instant::now();
    bench.run().await;
    assert_eq!(progress.records(), 2);
    assert!((before..=Instant::now()).contains(&progress.idle_since()));
}

/// exactly-once, Transactions 7: a commit starts when every plain write before it is framed.
#[tokio::test]
async fn a_round_writes_then_prepares_then_commits_then_aborts() {
    let mut bench = Bench::new();
    bench.abort("w", 1);
    bench.commit("x", 2);
    bench.prepare("y", 3);
    bench.send("a", &["x"]).await;
    bench.prepare("z", 4);
    for (id, serial) in [("v", 5), ("u", 6)] {
        bench.commit(id, serial);
    }
    assert!(matches!(bench.run().await, PumpEnd::ServerStopped));
    assert_eq!(bench.sink.seen, "a|p[3, 4]c[2, 5]c[6]a[1].", "two commits go at once");
    assert_eq!(bench.heard(), ["+[4]", "=3", "=5", "@", "+[2]", "+[6]", "+[7]", "+[1]"]);
}

/// exactly-once, Transactions 7: no plain write starts until the try is framed.
#[tokio::test]
async fn nothing_is_written_before_commits_are_framed() {
    let mut bench = Bench::new();
    bench.options.limits.group_deliveries_max = 1;
    bench.commit("x", 1);
    bench.send("a", &["x"]).await;
    bench.send("a", &["x"]).await;
    bench.run().await;
    assert_eq!(bench.heard(), ["@", "+[1]", "@", "+[2]", "+[3]"]);

    let mut bench = Bench::new();
    bench.options.limits.group_deliveries_max = 1;
    bench.commit("uncommitted", 1);
    for _ in 0..2 {
        bench.send("a", &["x"]).await;
    }
    bench.run_beside(|report| report != 1).await;
    assert_eq!(bench.sink.seen, "c[1]a|.", "the first was not written");
    assert_eq!(bench.heard(), ["@", "-1", "@", "-2", "@", "+[3]"]);
}

#[tokio::test]
async fn nothing_is_committed_while_the_server_cannot_remember_what_was_written_before() {
    let mut bench = Bench::new();
    bench.commit("x", 1);
    bench.run_beside(|_| false).await;
    assert_eq!(bench.sink.seen, ".");
    assert_eq!(bench.heard(), ["@", "-1"]);
}

#[tokio::test]
async fn a_transaction_does_not_overtake_the_end_of_the_one_before() {
    let mut bench = Bench::new();
    bench.abort("x", 1);
    bench.send_of(&transaction("other", 2), "a");
    bench.send_of(&transaction("x", 3), "b");
    bench.send("c", &["x"]).await;
    bench.run().await;
    assert_eq!(bench.sink.seen, "a|a[1]bc|.");
    assert_eq!(bench.heard(), ["+[2]", "+[1]", "+[3, 4]"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_alone() {
    let mut bench = Bench::new();
    bench.prepare("unready", 1);
    bench.prepare("x", 2);
    bench.commit("uncommitted", 3);
    bench.commit("x", 4);
    bench.abort("stay", 5);
    bench.abort("x", 6);
    assert!(matches!(bench.run().await, PumpEnd::ServerStopped));
    assert_eq!(bench.heard(), ["-1", "=2", "@", "-3", "+[4]", "-5", "+[6]"]);
}

#[tokio::test]
async fn a_commit_into_what_is_gone_ends_the_pump() {
    let mut bench = Bench::new();
    bench.commit("go", 1);
    match bench.run().await {
        PumpEnd::OutputGone(refusal) => assert_eq!(refusal.reason(), "closed"),
        other => panic!("the output is gone, yet {other:?}"),
    }
    assert_eq!(bench.heard(), ["@", "-1"]);
}

/// exactly-once, Transactions 9: records in a transaction count once their commit is applied.
#[tokio::test]
async fn records_of_a_transaction_count_when_they_are_committed() {
    let mut bench = Bench::new();
    bench.options.records_max = Some(10);
    let of_x = transaction("x", 1);
    for _ in 0..20 {
        bench.send_of(&of_x, "a");
    }
    bench.abort("y", 2);
    bench.commit("uncommitted", 3);
    bench.send_of(&of_x, "a");
    assert!(matches!(bench.run().await, PumpEnd::ServerStopped));
    assert_eq!(bench.options.progress.records(), 0);

    let mut bench = Bench::new();
    bench.options.records_max = Some(10);
    bench.commit("x", 1);
    bench.commit("y", 2);
    assert!(matches!(bench.run().await, PumpEnd::RecordsReached));
    assert_eq!(bench.options.progress.records(), 20);
}

/// A sink that looks, when it is closed, whether the server takes that for the end already.
struct Listening {
    heard: UnboundedReceiver<Answer>,
    is_end: Option<bool>,
}

impl Sink for Listening {
    async fn write(&mut self, _set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        Ok(OutputId(0))
    }

    async fn flush(&mut self) -> Flushed {
        Flushed::default()
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        while self.heard.try_recv().is_ok() {}
        self.is_end = Some(self.heard.is_closed());
        Err(Refusal::local("it cannot be cut"))
    }
}

impl TransactionalSink for Listening {
    async fn prepare(&mut self, _asked: &[Arc<Transaction>]) -> Vec<Result<Prepared, Refusal>> {
        Vec::new()
    }

    async fn commit(&mut self, _decided: &[Decided], _ack: &Ack) -> Vec<Result<Committed, Undone>> {
        Vec::new()
    }

    async fn abort(
        &mut self,
        _transactions: &[Arc<Transaction>],
    ) -> Vec<Result<Vec<Position>, Refusal>> {
        Vec::new()
    }
}

/// exactly-once, Start and stop: a clean stop syncs outputs and ends the journal then; it is none where that fails.
#[tokio::test]
async fn the_server_does_not_take_the_last_answer_for_the_end_while_the_sink_is_closed() {
    let (queue, mut deliveries) = queue(1);
    let (answers, heard) = Answers::new();
    let delivery = Delivery {
        event: Event::Records(values("a", &["1"])),
        ack: answers.expect(DeliveryId(1), None),
    };
    queue.push(vec![delivery]);
    drop((queue, answers));
    let mut sink = Listening { heard, is_end: None };
    pump(&mut deliveries, &mut sink, &PumpOptions::default()).await;
    assert_eq!(sink.is_end, Some(false));
    assert!(matches!(sink.heard.try_recv(), Ok(Answer::LeftInDisorder)));
    assert!(sink.heard.is_closed(), "now it is");
}
