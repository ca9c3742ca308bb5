use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use ksink_event::{Answer, Answers, Chain, DeliveryId, Position, Queue, queue};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::{
    Failure,
    testing::{is_local, values},
};

/// The server's side of a pump, with a sink that does as it is told.
struct Bench {
    queue: Queue,
    deliveries: Deliveries,
    answers: Answers,
    heard: UnboundedReceiver<Answer>,
    sent: u64,
    sink: Scripted,
    options: PumpOptions,
}

/// Each topic is an output. The first value of a set says what goes wrong: `refuse me` with the set,
/// `fail` and `go` with the output.
#[derive(Default)]
struct Scripted {
    /// The topics that were written to, and `|` for each flush.
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
            let failure = |gone| Failure { output, refusal: Refusal::local("disk full"), gone };
            match value {
                "fail" => flushed.failed.push(failure(false)),
                "go" => flushed.failed.push(failure(true)),
                _ => flushed.positions.push(position(topic)),
            }
        }
        flushed
    }
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
        Self { queue, deliveries, answers, heard, sent: 0, sink, options }
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

    /// Lets the pump run until the server stops, or sooner if it wants.
    async fn run(&mut self) -> PumpEnd {
        self.queue = queue(1).0;
        pump(&mut self.deliveries, &mut self.sink, &self.options).await
    }

    /// The answers in short: `+` with the ids of each group, `-` with the id of each refusal.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(answer) = self.heard.try_recv() {
            heard.push(match answer {
                Answer::Accepted { deliveries, .. } => {
                    format!("+{:?}", deliveries.iter().map(|id| id.0).collect::<Vec<_>>())
                }
                Answer::Refused { delivery, .. } => format!("-{}", delivery.0),
                Answer::Prepared { delivery, .. } => format!("={}", delivery.0),
                Answer::Reported { .. } => "@".to_owned(),
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
    assert_eq!(bench.sink.seen, "aba|");
    match bench.heard.try_recv() {
        Ok(Answer::Accepted { deliveries, positions }) => {
            assert_eq!(deliveries, [1, 2, 3].map(DeliveryId));
            assert_eq!(positions, ["a", "b", "a"].map(position));
        }
        other => panic!("expected one acceptance, got {other:?}"),
    }
    assert!(bench.heard().is_empty());
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
    match bench.heard.try_recv() {
        Ok(Answer::Refused { refusal, .. }) => assert!(is_local(&refusal), "{refusal}"),
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
    assert_eq!(bench.sink.seen, "b|");
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
    assert_eq!(bench.sink.seen, "b|");
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
    assert_eq!(bench.sink.seen, "aa|", "the third was never written");
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
    assert_eq!(bench.sink.seen, "aa|aa|a|");

    let mut bench = Bench::new();
    bench.options.limits.group_bytes_max = 2000;
    for value in [&"x".repeat(1500), &"x".repeat(1500), "x"] {
        bench.send("a", &[value]).await;
    }
    bench.run().await;
    assert_eq!(bench.sink.seen, "aa|a|");
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
    assert_eq!(bench.sink.seen, "");
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
