//! The rows about transactions, each tried with records that are held back and with a file for each transaction.

use ksink_wire::ApiKey;

use super::{
    heard::{Moment, Side},
    script::{Author, Failure},
};
use crate::interop::{plan::Cell, rows::Row, setting::Setting};

/// How many records of the large row make one small transaction.
const RECORDS_A_TRANSACTION: usize = 100;

/// How long a transaction may stay open that nobody ends, and how long it takes until that is surely over.
const TIMEOUT_MS: u32 = 2_000;
const PAST_TIMEOUT_MS: u32 = 3_500;

pub(crate) const ROWS: &[Row] = &[
    held("txn-commit", "a transaction", commit),
    held("txn-abort", "an aborted one, and one after it", abort),
    held("txn-three", "three transactions of one producer", three),
    held("txn-two-topics", "a transaction over two topics", two_topics),
    held("txn-small", "many small transactions of one producer", small),
    held("txn-fenced", "a second instance: the first one's commit fails", fenced),
    held(
        "txn-zombie",
        "a second instance: the first one's records do not get into its transaction",
        zombie,
    ),
    held("txn-left-open", "a transaction that is left open until its time is up", left_open),
    held("txn-killed", "ksink killed five times: the client goes on by itself", killed),
    files("txn-file-commit", "a transaction, in a file of its own", commit),
    files("txn-file-abort", "an aborted one, and one after it, in files of their own", abort),
    files("txn-file-three", "three transactions, appended to one file", three),
    files("txn-file-two-topics", "a transaction over two topics: two files", two_topics),
    files("txn-file-small", "many small transactions, appended to one file", small),
    files("txn-file-fenced", "a second instance: only its file comes to be", fenced),
    files(
        "txn-file-zombie",
        "a second instance: the first one's records do not get into its file",
        zombie,
    ),
    files("txn-file-left-open", "a file that nobody finishes in time goes away", left_open),
    files(
        "txn-file-killed",
        "ksink killed five times, with a file for each transactional id",
        killed,
    ),
];

const fn held(name: &'static str, shows: &'static str, build: fn(Cell, usize) -> Cell) -> Row {
    Row { name, shows, setting: &Setting::HELD_BACK, build }
}

const fn files(name: &'static str, shows: &'static str, build: fn(Cell, usize) -> Cell) -> Row {
    Row { name, shows, setting: &Setting::TRANSACTIONAL, build }
}

fn commit(cell: Cell, _: usize) -> Cell {
    Author::new(cell).open("only").transaction("only", 20).finish()
}

fn abort(cell: Cell, _: usize) -> Cell {
    let aborted = Author::new(cell).open("only").begin("only").send("only", 20).abort("only");
    aborted.transaction("only", 10).finish()
}

fn three(cell: Cell, _: usize) -> Cell {
    let mut author = Author::new(cell).open("only");
    for _ in 0..3 {
        author = author.transaction("only", 10);
    }
    author.finish()
}

fn two_topics(cell: Cell, _: usize) -> Cell {
    let topics = ["left", "right"].map(|side| format!("{}.{side}", cell.name));
    Author::new(cell).over_topics(topics).open("only").transaction("only", 20).finish()
}

fn small(cell: Cell, count: usize) -> Cell {
    let mut author = Author::new(cell).open("only");
    for _ in 0..count.div_ceil(RECORDS_A_TRANSACTION) {
        author = author.transaction("only", 3);
    }
    author.finish()
}

fn fenced(cell: Cell, _: usize) -> Cell {
    let both_open = second_instance(cell);
    both_open.commit("first").which_fails(Failure::Fenced).commit("second").finish()
}

/// One record: kafka-python has changed its mind about a second one by the time that it would be sent.
fn zombie(cell: Cell, _: usize) -> Cell {
    let both_open = second_instance(cell);
    both_open.send("first", 1).which_fails(Failure::Fenced).commit("second").finish()
}

fn second_instance(cell: Cell) -> Author {
    let first = Author::new(cell).open("first").begin("first").send("first", 10);
    first.open("second").begin("second").send("second", 10)
}

fn left_open(cell: Cell, _: usize) -> Cell {
    let left = Author::new(cell).open_with_timeout("first", Some(TIMEOUT_MS)).begin("first");
    let late = left.send("first", 10).wait(PAST_TIMEOUT_MS).commit("first");
    late.which_fails(Failure::TimedOut).open("second").transaction("second", 10).finish()
}

/// In the middle of a transaction, with an answer lost that was given; before and after a commit is decided; and
/// between two transactions.
fn killed(cell: Cell, _: usize) -> Cell {
    const KILLS: &[Moment] = &[
        Moment { side: Side::Answer, api: ApiKey::Produce, nth: 1 },
        Moment { side: Side::Request, api: ApiKey::EndTxn, nth: 2 },
        Moment { side: Side::Answer, api: ApiKey::EndTxn, nth: 3 },
        Moment { side: Side::Request, api: ApiKey::EndTxn, nth: 7 },
        Moment { side: Side::Request, api: ApiKey::Produce, nth: 9 },
    ];
    let mut author = Author::new(Cell { kills: KILLS, ..cell }).open("only");
    for _ in 0..8 {
        author = author.transaction("only", 10);
    }
    author.finish()
}
