//! The malformed-input matrix: every case gets its code, and nothing of it is delivered.

use std::sync::LazyLock;

use ksink_malformed::{Batch, Case, FrameCase, PARTITIONS, cases, frames, produce, sequence_cases};
use ksink_server::Limits;
use ksink_wire::{ErrorCode, Response};

use crate::harness::{Client, House, START_MS};

/// The topic of the cases that bring none of their own.
const TOPIC: &str = "t";

/// Built once: it holds bombs.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| cases(START_MS));

/// What the partitions of a request heard: code and base offset.
type Heard = Vec<(ErrorCode, i64)>;

#[test]
fn every_malformed_produce_gets_its_code_and_nothing_of_it_is_delivered() {
    let faults: Vec<String> = CASES.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_batch_out_of_sequence_gets_its_code_and_nothing_of_it_is_delivered() {
    let faults: Vec<String> = sequence_cases(START_MS).iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_refusal_without_acknowledgements_closes_the_connection() {
    for case in CASES.iter().filter(|case| is_about_bytes(case)) {
        let mut house = house();
        let mut client = house.connect();
        client.send_unheard(
            &mut house,
            case.version,
            Case { acks: 0, ..case.clone() }.request(TOPIC),
        );
        client.hears_nothing();
        assert!(client.session.ended().is_some(), "{}: the connection is open", case.name);
        assert!(house.delivered.is_empty(), "{}: delivered", case.name);
    }
}

#[test]
fn every_malformed_frame_closes_the_connection_without_an_answer() {
    for FrameCase { name, bytes } in frames() {
        let mut house = house();
        let mut client = house.connect();
        client.send_bytes(&mut house, &bytes);
        client.hears_nothing();
        assert!(client.session.ended().is_some(), "{name}: the connection is open");
        assert!(house.delivered.is_empty(), "{name}: delivered");
    }
}

#[test]
fn a_batch_that_nothing_is_wrong_with_would_be_noticed() {
    let whole = Case {
        name: "a whole batch".into(),
        partitions: vec![(0, Some(Batch::at(&[START_MS]).bytes()))],
        ..CASES[0].clone()
    };
    let fault = fault(&whole).expect("it was delivered");
    assert!(fault.contains("delivered"), "{fault}");
}

fn house() -> House {
    House::with(&[], PARTITIONS, Limits::default())
}

/// Whether acks=0 changes nothing about the fault.
fn is_about_bytes(case: &Case) -> bool {
    case.before.is_empty() && case.acks == -1
}

/// What the server does wrong with a case.
fn fault(case: &Case) -> Option<String> {
    let (mut house, name) = (house(), &case.name);
    let mut client = house.connect();
    let mut accepted = 0;
    for request in case.requests_before(TOPIC) {
        client.send(&mut house, case.version, request);
        let records: usize = house.sets().iter().map(|set| set.len()).sum();
        house.accept_all(&mut client);
        let heard = hear(&mut client);
        if heard != [(ErrorCode::NONE, accepted)] {
            return Some(format!("{name}: what came before heard {heard:?}"));
        }
        accepted += i64::try_from(records).expect("a few");
    }
    client.send(&mut house, case.version, case.request(TOPIC));
    if !house.delivered.is_empty() {
        return Some(format!("{name}: {} delivered", house.delivered.len()));
    }
    let (heard, expected) = (hear(&mut client), (case.code, case.base_offset));
    if heard.len() != case.partitions.len() || heard.iter().any(|heard| *heard != expected) {
        return Some(format!("{name}: heard {heard:?} instead of {expected:?}"));
    }
    let next = next_offset(&mut house, &mut client);
    (next != [(ErrorCode::NONE, accepted)]).then(|| format!("{name}: then heard {next:?}"))
}

/// What a batch hears that nothing is wrong with.
fn next_offset(house: &mut House, client: &mut Client) -> Heard {
    let records = Batch::at(&[START_MS]).bytes();
    client.send(house, 9, produce(TOPIC, -1, [(0, Some(&records[..]))]));
    house.accept_all(client);
    hear(client)
}

fn hear(client: &mut Client) -> Heard {
    client.hear(|response| {
        let Response::Produce(response) = response else { panic!("{response:?}") };
        let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
        partitions.map(|partition| (partition.error_code, partition.base_offset)).collect()
    })
}
