//! The goals that this run can say something about.

use super::{
    measured::{MIB, Measured, Row, Run},
    plan::{
        Kind::{self, Crowd, Large, Paced, Single, Small},
        Output::{self, BinaryFile, JsonlDevice, JsonlFile, Null},
    },
};
use crate::bench::{
    effort::median,
    goals::{
        Goal,
        Must::{self, AtLeast, AtMost},
        Unit::{self, MiB, Milliseconds, Percent, Times},
    },
};

/// What ksink may hold beyond what is in flight.
pub(super) const MEMORY_MIB_MAX: f64 = 12.0;

/// What the stripped binary may take, in bytes.
const BINARY_BYTES_MAX: f64 = 8e6;

type Reached = fn(&Measured, &Row, &Run) -> f64;

/// The goals of one row each.
#[rustfmt::skip]
const OF_ROWS: [(&str, Kind, Output, Must, Unit, Reached); 9] = [
    ("100 B into null:, CPU of decoding alone", Small, Null, AtMost(4.0), Times, of_decode),
    ("100 B as jsonl into /dev/null, CPU of decoding alone", Small, JsonlDevice, AtMost(12.0), Times, of_decode),
    ("100 B as jsonl into a file, CPU of decoding alone", Small, JsonlFile, AtMost(25.0), Times, of_decode),
    ("100 B into a file, speed of one write a record", Small, BinaryFile, AtLeast(6.0), Times, of_single_writes),
    ("1 KiB into a file, speed of a plain append", Large, BinaryFile, AtLeast(0.85), Percent, Measured::append_share),
    ("1 record a request into null:, CPU of a bare echo", Single, Null, AtMost(1.5), Times, of_echo_cpu),
    ("1 record a request into a file, CPU of a bare echo", Single, BinaryFile, AtMost(1.5), Times, of_echo_cpu),
    ("200 k records/s into a file, p99 of a bare echo", Paced, BinaryFile, AtMost(2.0), Times, of_echo_p99),
    ("8 producers, slowest of fastest", Crowd, BinaryFile, AtLeast(0.9), Times, fairness),
];

fn of_decode(_: &Measured, row: &Row, run: &Run) -> f64 {
    run.cpu_ns_per_record / row.code.decode_ns
}

fn of_single_writes(measured: &Measured, _: &Row, run: &Run) -> f64 {
    run.records_per_s * run.file_bytes_per_record / measured.append_single.bytes_per_s
}

fn of_echo_cpu(_: &Measured, row: &Row, run: &Run) -> f64 {
    run.cpu_ns_per_record / row.tcp.cpu_ns_per_record
}

fn of_echo_p99(_: &Measured, row: &Row, run: &Run) -> f64 {
    run.p99_us / row.tcp.p99_us
}

fn fairness(_: &Measured, _: &Row, run: &Run) -> f64 {
    run.fairness
}

/// All goals of the rows that were measured.
pub(super) fn of(measured: &Measured) -> Vec<Goal> {
    let of_rows = OF_ROWS.iter().filter_map(|&(what, kind, output, must, unit, reached)| {
        let (row, run) = measured.find(kind, output)?;
        Some(goal(what, must, unit, reached(measured, row, run)))
    });
    of_rows.chain(of_all(measured)).collect()
}

/// The goals of the process, whatever it does.
fn of_all(measured: &Measured) -> [Goal; 4] {
    let runs = || measured.runs();
    let most = |of: fn(&Row, &Run) -> f64| {
        runs().map(|(row, run)| of(row, run)).max_by(f64::total_cmp).unwrap_or(f64::NAN)
    };
    let at_start = most(|_, run| run.start_mib);
    let under_load = most(|row, run| run.peak_mib - row.mib_in_flight());
    let start_ms = median(runs().map(|(_, run)| run.start_ms));
    let binary = measured.binary_bytes as f64 / MIB;
    [
        goal("resident at start", AtMost(6.0), MiB, at_start),
        goal(
            "resident under load, less what is in flight",
            AtMost(MEMORY_MIB_MAX),
            MiB,
            under_load,
        ),
        goal("start to first accept", AtMost(10.0), Milliseconds, start_ms),
        goal("the binary", AtMost(BINARY_BYTES_MAX / MIB), MiB, binary),
    ]
}

fn goal(what: &str, must: Must, unit: Unit, reached: f64) -> Goal {
    Goal { what: what.to_owned(), must, unit, reached }
}
