//! The whole server on loopback: real sockets, real threads, and a sink that is a file or the test itself.

use std::{
    fs,
    time::{Duration, Instant},
};

use ksink_server::{Deliveries, Delivery, Event, Limits, Refusal, accept};
use ksink_sinks::{FileOptions, FileSink, Format, PathPattern};
use ksink_tests::{Client, House, batch, produce};
use ksink_wire::{ApiKey, ErrorCode, Response, messages::metadata::MetadataRequest};
use tokio::{runtime::Builder, time::timeout};

/// Nothing on loopback takes this long; a test that waits longer has found a bug.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes the next delivery, on whatever thread the test runs.
fn next(deliveries: &mut Deliveries) -> Option<Delivery> {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a timer");
    let delivery = runtime.block_on(async { timeout(PATIENCE, deliveries.next()).await });
    delivery.expect("a delivery or the end of them")
}

fn values(delivery: &Delivery) -> Vec<Vec<u8>> {
    match &delivery.event {
        Event::Records(set) => {
            set.records().iter().map(|record| record.value.unwrap_or_default().to_vec()).collect()
        }
        other => panic!("unexpected event: {other:?}"),
    }
}

#[test]
fn what_is_produced_lands_in_the_file_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let pattern = PathPattern::new(folder.path().join("{topic}.txt"));
    let sink =
        FileSink::open(pattern, Format::default(), FileOptions::default()).expect("a folder");
    let (house, pump) = House::with_sink(Limits::default(), sink);
    let mut client = Client::connect(house.addr());
    for round in 0..100 {
        client.send_records("orders", -1, &batch([format!("{round}a"), format!("{round}b")]));
    }
    for round in 0..100 {
        assert_eq!(client.hear_produced(), (ErrorCode::NONE, 2 * round));
    }
    let expected: String = (0..100).map(|round| format!("{round}a\n{round}b\n")).collect();
    let written = fs::read_to_string(folder.path().join("orders.txt")).expect("the file");
    assert_eq!(written, expected, "what was acknowledged is in the file already");
    house.stop().wait();
    pump.join().expect("the pump does not panic");
}

#[test]
fn a_sink_that_takes_its_time_holds_up_nobody_who_does_not_produce() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut producer = Client::connect(house.addr());
    producer.send_records("t", -1, &batch(["slow"]));
    let delivery = next(&mut deliveries).expect("a delivery");
    assert_eq!(Client::connect(house.addr()).name_topic("other"), ErrorCode::NONE);
    delivery.ack.accept(Vec::new());
    assert_eq!(producer.hear_produced(), (ErrorCode::NONE, 0));
}

#[test]
fn one_acceptance_answers_many_producers() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut clients: Vec<_> = (0..5).map(|_| Client::connect(house.addr())).collect();
    for client in &mut clients {
        client.send_records("t", -1, &batch(["x"]));
    }
    let group = (0..5).map(|_| next(&mut deliveries).expect("a delivery").ack).collect();
    accept(group, Vec::new());
    let mut offsets: Vec<_> = clients.iter_mut().map(Client::hear_produced).collect();
    offsets.sort_by_key(|(_, offset)| *offset);
    assert_eq!(offsets, [0, 1, 2, 3, 4].map(|offset| (ErrorCode::NONE, offset)));
}

#[test]
fn a_dropped_delivery_is_refused_and_the_next_one_is_served() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    client.send_records("t", -1, &batch(["dropped"]));
    drop(next(&mut deliveries));
    assert_eq!(client.hear_produced(), (ErrorCode::KAFKA_STORAGE_ERROR, -1));
    client.send_records("t", -1, &batch(["kept"]));
    let delivery = next(&mut deliveries).expect("a delivery");
    assert_eq!(values(&delivery), [b"kept"]);
    delivery.ack.accept(Vec::new());
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 1));
}

#[test]
fn what_a_client_produced_is_delivered_also_when_it_is_gone() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    client.send_records("t", -1, &batch(["orphan"]));
    let delivery = next(&mut deliveries).expect("a delivery");
    drop(client);
    assert_eq!(values(&delivery), [b"orphan"]);
    delivery.ack.accept(Vec::new());
    let mut other = Client::connect(house.addr());
    other.send_records("t", -1, &batch(["next"]));
    next(&mut deliveries).expect("a delivery").ack.accept(Vec::new());
    assert_eq!(other.hear_produced(), (ErrorCode::NONE, 1), "the orphan has its offset");
}

#[test]
fn a_stop_answers_what_is_in_flight_and_ends_the_deliveries() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    let mut idle = Client::connect(house.addr());
    client.send_records("t", -1, &batch(["in flight"]));
    let delivery = next(&mut deliveries).expect("a delivery");
    let addr = house.addr();
    let stop = house.stop();
    assert_eq!(idle.hear_frame(), None, "an idle client is disconnected at once");
    assert!(!stop.is_done());
    delivery.ack.accept(Vec::new());
    assert_eq!(client.hear_produced(), (ErrorCode::NONE, 0));
    assert_eq!(client.hear_frame(), None);
    stop.wait();
    assert!(next(&mut deliveries).is_none());
    assert!(std::net::TcpStream::connect(addr).is_err(), "nobody gets in any more");
}

#[test]
fn unheard_records_survive_a_stop() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    client.send_records("t", 0, &batch(["unheard"]));
    // The answer to this one says that the first was taken.
    client.send(9, MetadataRequest::default());
    client.hear(ApiKey::Metadata, 9, |response| assert!(matches!(response, Response::Metadata(_))));
    let stop = house.stop();
    let delivery = next(&mut deliveries).expect("what was taken is handed out");
    assert_eq!(values(&delivery), [b"unheard"]);
    drop(delivery.ack);
    assert!(next(&mut deliveries).is_none());
    stop.wait();
}

#[test]
fn a_reader_that_leaves_refuses_all_that_comes() {
    let (house, deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    assert_eq!(client.name_topic("t"), ErrorCode::NONE);
    drop(deliveries);
    client.send_records("t", -1, &batch(["x"]));
    assert_eq!(client.hear_frame(), None);
}

#[test]
fn large_frames_get_through_a_small_memory_limit_one_after_the_other() {
    let limits = Limits { memory_bytes_max: 100_000, ..Limits::default() };
    let (house, mut deliveries) = House::open(limits);
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(house.addr())).collect();
    let records = batch(["x".repeat(900_000)]);
    let senders: Vec<_> = clients
        .drain(..)
        .map(|mut client| {
            let records = records.clone();
            std::thread::spawn(move || {
                client.send_records("t", -1, &records);
                client.hear_produced()
            })
        })
        .collect();
    for _ in 0..4 {
        let delivery = next(&mut deliveries).expect("a delivery");
        assert_eq!(values(&delivery)[0].len(), 900_000);
        delivery.ack.accept(Vec::new());
    }
    for sender in senders {
        assert_eq!(sender.join().expect("a sender").0, ErrorCode::NONE);
    }
}

#[test]
fn one_connection_too_many_is_closed_and_a_place_that_is_left_can_be_taken() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let (house, _deliveries) = House::open(limits);
    let mut first = Client::connect(house.addr());
    assert_eq!(first.name_topic("t"), ErrorCode::NONE);
    assert_eq!(Client::connect(house.addr()).hear_frame(), None);
    drop(first);
    // The server notices on its own time; until then newcomers are turned away.
    let served = (0..1000).any(|_| {
        let mut next = Client::connect(house.addr());
        next.send(9, MetadataRequest::default());
        next.hear_frame().is_some()
    });
    assert!(served);
}

#[test]
fn a_client_that_reads_no_answers_is_cut_off() {
    let limits = Limits {
        write_time_max: Duration::from_millis(50),
        pipeline_requests_max: 100_000,
        ..Limits::default()
    };
    let (house, _deliveries) = House::open(limits);
    let mut deaf = Client::connect(house.addr());
    let names: Vec<_> = (0..500).map(|at| format!("topic-{at}")).collect();
    for name in &names {
        assert_eq!(deaf.name_topic(name), ErrorCode::NONE);
    }
    // Each answer lists 500 topics; no socket buffer holds them all.
    let start = Instant::now();
    while deaf.try_send(9, MetadataRequest::default()).is_ok() {
        assert!(start.elapsed() < PATIENCE, "answers pile up for a client that does not read");
    }
    assert_eq!(Client::connect(house.addr()).name_topic("t"), ErrorCode::NONE);
}

#[test]
fn a_refusal_of_the_sink_reaches_the_producer_with_its_reason() {
    let (house, mut deliveries) = House::open(Limits::default());
    let mut client = Client::connect(house.addr());
    client.send(12, produce("t", 0, -1, &batch(["x"])));
    next(&mut deliveries).expect("a delivery").ack.refuse(Refusal::rejected("not today"));
    client.hear(ApiKey::Produce, 12, |response| {
        let Response::Produce(response) = response else { panic!("{response:?}") };
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::INVALID_RECORD);
        assert_eq!(partition.error_message, Some("not today"));
    });
}
