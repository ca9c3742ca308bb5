//! Every state and every input, held against a table. It was read off Apache Kafka 4.3.1, which was asked the same;
//! where ksink differs, a comment says so.

use ksink_event::{LastStop, Refusal, Resumed};

use super::*;

/// How a state is reached, and what each input hears in it.
struct Row {
    state: &'static str,
    reach: fn(&mut World) -> Producer,
    /// InitProducerId without a producer, by the current one, by the one before, by one of a later epoch, by another
    /// producer id. `+1` is success, with an epoch that is one higher.
    init: &'static str,
    /// AddPartitionsToTxn.
    add: &'static str,
    /// Produce: older protocol to a partition that was added, and to another one; newer protocol to both.
    produce: &'static str,
    /// EndTxn, older protocol: commit, abort; newer protocol: commit, abort.
    end: &'static str,
    /// The same by the producer before, newer protocol: commit, abort.
    again: &'static str,
    /// Whether a restart finds the same.
    lasts: bool,
}

use Decision::{Abort, Commit};
use Protocol::{V1, V2};

fn fresh(world: &mut World) -> Producer {
    let producer = world.init("a", None).expect("it may");
    world.settle();
    producer
}

fn opened(world: &mut World, protocol: Protocol) -> Producer {
    let producer = fresh(world);
    world.open(producer, protocol);
    world.settle();
    producer
}

fn ended(world: &mut World, decision: Decision, protocol: Protocol) -> Producer {
    let producer = fresh(world);
    world.whole(producer, decision, protocol)
}

/// Asked to commit; the sink has not answered.
fn preparing(world: &mut World, protocol: Protocol) -> Producer {
    let producer = opened(world, protocol);
    world.end_waits(producer, Commit, protocol);
    producer
}

/// Decided to commit, and not framed.
fn framing(world: &mut World, protocol: Protocol) -> Producer {
    let producer = preparing(world, protocol);
    world.prepare();
    match protocol {
        V1 => producer,
        V2 => raised(producer, 1),
    }
}

/// The sink has refused to apply it once.
fn refused(world: &mut World, protocol: Protocol) -> Producer {
    let producer = framing(world, protocol);
    world.frame_all();
    world.refuse(&Refusal::local("disk full"));
    producer
}

const REST: &str = "48 48 ok ok";

const TABLE: &[Row] = &[
    Row {
        state: "fresh",
        reach: fresh,
        init: "+1 +1 90 90 90",
        add: "ok",
        produce: REST,
        end: "48 48 48 +1",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "init again",
        reach: |world| {
            fresh(world);
            fresh(world)
        },
        init: "+1 +1 90 90 90",
        add: "ok",
        produce: REST,
        end: "48 48 48 +1",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "renewed",
        reach: |world| {
            let producer = fresh(world);
            let renewed = world.init("a", Some(producer)).expect("it may");
            world.settle();
            renewed
        },
        init: "+1 +1 +0 90 90",
        add: "ok",
        produce: REST,
        end: "48 48 48 +1",
        again: "90 90",
        lasts: true,
    },
    // Kafka also aborts the transaction for a producer of the epoch before or after, which is fenced itself then.
    Row {
        state: "open without partitions",
        reach: |world| {
            let producer = fresh(world);
            world.add("a", producer, &[]).expect("it may");
            world.settle();
            producer
        },
        init: "51 51 90 90 90",
        add: "ok",
        produce: REST,
        end: "+0 +0 +1 +1",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "open, added",
        reach: |world| opened(world, V1),
        init: "51 51 90 90 90",
        add: "ok",
        produce: "ok 48 ok ok",
        end: "wait wait wait wait",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "open by produce",
        reach: |world| opened(world, V2),
        init: "51 51 90 90 90",
        add: "ok",
        produce: "ok 48 ok ok",
        end: "wait wait wait wait",
        again: "90 90",
        lasts: true,
    },
    // Kafka takes any EndTxn 5 of the epoch before for a retry, also if that epoch never wrote: `0` in place of 90.
    Row {
        state: "committed",
        reach: |world| ended(world, Commit, V1),
        init: "+1 +1 90 90 90",
        add: "ok",
        produce: REST,
        end: "+0 48 48 +1",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "aborted",
        reach: |world| ended(world, Abort, V1),
        init: "+1 +1 90 90 90",
        add: "ok",
        produce: REST,
        end: "48 +0 48 +1",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "committed and raised",
        reach: |world| ended(world, Commit, V2),
        init: "+1 +1 +0 90 90",
        add: "ok",
        produce: REST,
        end: "+0 48 48 +1",
        again: "+0 48",
        lasts: true,
    },
    Row {
        state: "aborted and raised",
        reach: |world| ended(world, Abort, V2),
        init: "+1 +1 +0 90 90",
        add: "ok",
        produce: REST,
        end: "48 +0 48 +1",
        again: "48 +0",
        lasts: true,
    },
    Row {
        state: "committed and raised, then open",
        reach: |world| {
            let producer = ended(world, Commit, V2);
            world.open(producer, V2);
            world.settle();
            producer
        },
        init: "51 51 90 90 90",
        add: "ok",
        produce: "ok 48 ok ok",
        end: "wait wait wait wait",
        again: "90 90",
        lasts: true,
    },
    Row {
        state: "fenced",
        reach: |world| {
            opened(world, V1);
            assert_eq!(world.init("a", None), Err(TxnError::Busy));
            world.settle();
            fresh(world)
        },
        init: "+1 +1 90 90 90",
        add: "ok",
        produce: REST,
        end: "48 48 48 +1",
        again: "90 90",
        lasts: true,
    },
    // The producer before is the one that was told nothing.
    Row {
        state: "timed out",
        reach: |world| {
            let producer = opened(world, V1);
            world.pass(TIMEOUT);
            world.settle();
            raised(producer, 1)
        },
        init: "+1 +1 +0 90 90",
        add: "ok",
        produce: REST,
        end: "48 +0 48 +1",
        again: "48 +0",
        lasts: true,
    },
    Row {
        state: "preparing",
        reach: |world| preparing(world, V1),
        init: "51 51 90 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "51 51 51 51",
        again: "90 90",
        lasts: false,
    },
    Row {
        state: "preparing, newer protocol",
        reach: |world| preparing(world, V2),
        init: "51 51 90 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "51 51 51 51",
        again: "90 90",
        lasts: false,
    },
    Row {
        state: "commit decided",
        reach: |world| framing(world, V1),
        init: "51 51 90 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "51 48 51 51",
        again: "90 90",
        lasts: false,
    },
    Row {
        state: "commit decided, newer protocol",
        reach: |world| framing(world, V2),
        init: "51 51 51 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "51 48 51 51",
        again: "51 48",
        lasts: false,
    },
    Row {
        state: "commit framed",
        reach: |world| {
            let producer = framing(world, V2);
            world.frame_all();
            producer
        },
        init: "51 51 51 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "51 48 51 51",
        again: "51 48",
        lasts: true,
    },
    // A promise is made once the first try has failed; a restart makes it again with its own first try.
    Row {
        state: "commit refused",
        reach: |world| refused(world, V1),
        init: "51 51 90 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "+0 48 51 51",
        again: "90 90",
        lasts: false,
    },
    Row {
        state: "commit refused, newer protocol",
        reach: |world| refused(world, V2),
        init: "51 51 51 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "+0 48 51 51",
        again: "+0 48",
        lasts: false,
    },
    Row {
        state: "abort decided",
        reach: |world| {
            let producer = opened(world, V1);
            world.end_waits(producer, Abort, V1);
            producer
        },
        init: "51 51 90 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "48 51 51 51",
        again: "90 90",
        lasts: false,
    },
    Row {
        state: "timed out, abort framed",
        reach: |world| {
            let producer = opened(world, V2);
            world.pass(TIMEOUT);
            world.frame_all();
            raised(producer, 1)
        },
        init: "51 51 51 90 90",
        add: "51",
        produce: "48 48 51 51",
        end: "48 51 51 51",
        again: "48 51",
        lasts: true,
    },
];

const OTHER_ID: i64 = 7;

/// Reaches the state, asks, and writes down what was heard.
fn ask(
    row: &Row,
    restarted: bool,
    input: impl FnOnce(&mut World, Producer) -> Result<Option<Producer>, TxnError>,
) -> String {
    let mut world = World::new();
    let current = (row.reach)(&mut world);
    if restarted {
        world.restart(LastStop::Unclean, &Resumed::default());
    }
    match input(&mut world, current) {
        Ok(None) => "ok".to_owned(),
        Ok(Some(Producer { epoch: i16::MIN, .. })) => "wait".to_owned(),
        Ok(Some(next)) => {
            assert_eq!(next.id, current.id);
            format!("+{}", next.epoch - current.epoch)
        }
        Err(TxnError::Fenced) => "90".to_owned(),
        Err(TxnError::OtherProducer) => "49".to_owned(),
        Err(TxnError::Busy) => "51".to_owned(),
        Err(TxnError::State) => "48".to_owned(),
        Err(other) => panic!("{}: {other:?}", row.state),
    }
}

fn waits_or(end: End) -> Option<Producer> {
    Some(match end {
        End::Done(producer) => producer,
        End::Wait(_) => at(0, i16::MIN),
    })
}

fn check(row: &Row, restarted: bool) {
    let state = row.state;
    let init = |who: fn(Producer) -> Option<Producer>| {
        ask(row, restarted, |world, current| world.init("a", who(current)).map(Some))
    };
    let inits = [
        init(|_| None),
        init(Some),
        init(|current| Some(raised(current, -1))),
        init(|current| Some(raised(current, 1))),
        init(|current| Some(at(OTHER_ID, current.epoch))),
    ];
    assert_eq!(inits.join(" "), row.init, "{state}, restarted {restarted}: InitProducerId");
    let add = ask(row, restarted, |world, current| world.add("a", current, &[0]).map(|()| None));
    assert_eq!(add, row.add, "{state}, restarted {restarted}: AddPartitionsToTxn");
    let produces = [(V1, 0), (V1, 1), (V2, 0), (V2, 1)].map(|(protocol, partition)| {
        ask(row, restarted, |world, current| {
            world.produce("a", current, partition, protocol).map(|_| None)
        })
    });
    assert_eq!(produces.join(" "), row.produce, "{state}, restarted {restarted}: Produce");
    let end = |by: i16, decision, protocol| {
        ask(row, restarted, |world, current| {
            world.end("a", raised(current, by), decision, protocol).map(waits_or)
        })
    };
    let ends = [(Commit, V1), (Abort, V1), (Commit, V2), (Abort, V2)];
    let ends = ends.map(|(decision, protocol)| end(0, decision, protocol));
    assert_eq!(ends.join(" "), row.end, "{state}, restarted {restarted}: EndTxn");
    let again = [Commit, Abort].map(|decision| end(-1, decision, V2));
    assert_eq!(again.join(" "), row.again, "{state}, restarted {restarted}: EndTxn again");
}

#[test]
fn every_input_in_every_state_hears_what_the_table_says() {
    TABLE.iter().for_each(|row| check(row, false));
}

/// exactly-once, Start and stop: open transactions go on, and what is decided is not forgotten.
#[test]
fn a_restart_changes_no_answer() {
    TABLE.iter().filter(|row| row.lasts).for_each(|row| check(row, true));
}

#[test]
fn a_producer_that_is_not_the_current_one_hears_so_in_every_state() {
    let strangers: [fn(Producer) -> Producer; 3] = [
        |current| raised(current, -1),
        |current| raised(current, 1),
        |current| at(OTHER_ID, current.epoch),
    ];
    for row in TABLE {
        for (who, code) in strangers.into_iter().zip(["90", "90", "49"]) {
            let state = row.state;
            let add = ask(row, false, |world, it| world.add("a", who(it), &[0]).map(|()| None));
            assert_eq!(add, code, "{state}: AddPartitionsToTxn");
            for protocol in [V1, V2] {
                let produce = ask(row, false, |world, it| {
                    world.produce("a", who(it), 0, protocol).map(|_| None)
                });
                assert_eq!(produce, code, "{state}: Produce");
            }
            for decision in [Commit, Abort] {
                let end = ask(row, false, |world, it| {
                    world.end("a", who(it), decision, V1).map(waits_or)
                });
                assert_eq!(end, code, "{state}: EndTxn");
            }
        }
    }
}

#[test]
fn an_id_that_nobody_knows_is_that_of_no_producer() {
    let mut world = World::new();
    assert_eq!(world.add("a", at(1, 0), &[0]), Err(TxnError::OtherProducer));
    for protocol in [V1, V2] {
        let produced = world.produce("a", at(1, 0), 0, protocol);
        assert_eq!(produced, Err(TxnError::OtherProducer));
        let ended = world.end("a", at(1, 0), Commit, protocol);
        assert_eq!(ended, Err(TxnError::OtherProducer));
    }
    let known = world.init("a", Some(at(1, 5))).expect("what it had does not matter");
    assert_eq!(known, at(100, 0));
}
