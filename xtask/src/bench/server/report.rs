//! What the measurements come to.

use super::{
    plan::{Kind, Output},
    run::{Measured, Row, Run},
};
use crate::bench::{
    cores::Cores,
    effort::Effort,
    goals::{Goal, Must, Unit},
    limits::APPEND_BYTES,
    table::{Table, number, percent, times},
};

const MIB: f64 = (1 << 20) as f64;

/// What ksink may hold beyond what is in flight.
const MEMORY_MIB_MAX: f64 = 12.0;

/// So that nobody takes the goals above for all of them.
pub(super) const NOT_MEASURED: &str = "Not measured here: the goals that compare with Kafka, those of idle \
connections, and those of TLS (docs/bench.md says how).";

/// Prints what was measured, each row against its limits.
pub(super) fn print(measured: &Measured, effort: Effort, cores: Cores) {
    let Effort { sample, samples } = effort;
    println!(
        "Medians of {samples} measurements of {sample:?}; ksink on core {}, the load on core {}.\n",
        cores.server, cores.load
    );
    if cores.are_shared() {
        println!("There is one core only: the load takes from it what ksink cannot have.\n");
    }
    println!("{}", limits(measured));
    println!("{}", rows(measured));
}

/// The limits, each against another.
fn limits(measured: &Measured) -> Table {
    let Measured { append, append_single, rows, .. } = measured;
    let mut table = Table::new(1, &["limits", "MB/s", ""]);
    let chunks = format!("append to a file, {} KiB a write", APPEND_BYTES >> 10);
    let cpu = append.cpu_ns_per_byte * append.bytes_per_s / 1e9;
    let busy = format!("{} of the core", percent(cpu));
    table.row([chunks, number(append.bytes_per_s / 1e6), busy]);
    let share = format!("{} of it", percent(append_single.bytes_per_s / append.bytes_per_s));
    table.row([
        "the same, a write a record of 100 B".into(),
        number(append_single.bytes_per_s / 1e6),
        share,
    ]);
    for Row { traffic, request_bytes, code, .. } in rows {
        let mb_per_s = |ns| number(*request_bytes as f64 / traffic.shape.records as f64 / ns * 1e3);
        let crc = format!("{} of memcpy", percent(code.memcpy_ns / code.crc_ns));
        table.row([format!("CRC-32C, {}", traffic.name()), mb_per_s(code.crc_ns), crc]);
        let decode = format!("{} CRC-32C", times(code.decode_ns / code.crc_ns));
        table.row([format!("decode, {}", traffic.name()), mb_per_s(code.decode_ns), decode]);
    }
    table
}

fn rows(measured: &Measured) -> Table {
    let head = [
        "requests",
        "into",
        "records/s",
        "MB/s",
        "of TCP",
        "of append",
        "p50 us",
        "p99 us",
        "of TCP",
        "CPU ns/record",
        "of floor",
        "of decode",
        "peak MiB",
        "of allowed",
    ];
    let mut table = Table::new(2, &head);
    for row in &measured.rows {
        table.row(measured.cells(row, "bare TCP", &row.tcp));
        for (output, run) in &row.ksink {
            table.row(measured.cells(row, output.name(), run));
        }
    }
    table
}

impl Measured {
    fn cells(&self, row: &Row, into: &str, run: &Run) -> [String; 14] {
        let record_bytes = row.request_bytes as f64 / row.traffic.shape.records as f64;
        let is_file = run.file_bytes_per_record > 0.0;
        [
            row.traffic.name(),
            into.to_owned(),
            number(run.records_per_s),
            number(run.records_per_s * record_bytes / 1e6),
            percent(run.records_per_s / row.tcp.records_per_s),
            if is_file { percent(self.append_share(run)) } else { "-".into() },
            number(run.p50_us),
            number(run.p99_us),
            times(run.p99_us / row.tcp.p99_us),
            number(run.cpu_ns_per_record),
            times(run.cpu_ns_per_record / self.floor_ns(row, run)),
            times(run.cpu_ns_per_record / row.code.decode_ns),
            number(run.peak_mib),
            percent(run.peak_mib / (MEMORY_MIB_MAX + row.mib_in_flight())),
        ]
    }

    /// What was written to the file, as a share of what a plain append of the same bytes writes in that time.
    fn append_share(&self, run: &Run) -> f64 {
        run.records_per_s * run.file_bytes_per_record / self.append.bytes_per_s
    }

    /// The least CPU that a record can cost: receiving it, its CRC, and appending what is written for it.
    fn floor_ns(&self, row: &Row, run: &Run) -> f64 {
        let append = match row.traffic.kind {
            Kind::Single => self.append_single,
            _ => self.append,
        };
        let write_ns = run.file_bytes_per_record * append.cpu_ns_per_byte;
        row.tcp.cpu_ns_per_record + row.code.crc_ns + write_ns
    }

    /// The goals that this run can say something about.
    pub(super) fn goals(&self) -> Vec<Goal> {
        let goal = |what: &str, must, unit, reached: Option<f64>| {
            reached.map(|reached| Goal { what: what.to_owned(), must, unit, reached })
        };
        [
            goal(
                "null:, 100 B: CPU of decoding alone",
                Must::AtMost(4.0),
                Unit::Times,
                self.decodes(Output::Null),
            ),
            goal(
                "binary file, 100 B: records/s of one write a record",
                Must::AtLeast(6.0),
                Unit::Times,
                self.of_single_writes(),
            ),
            goal(
                "binary file, 1 KiB: of a plain append",
                Must::AtLeast(0.85),
                Unit::Percent,
                self.of_append(),
            ),
            goal(
                "jsonl to /dev/null, 100 B: CPU of decoding alone",
                Must::AtMost(12.0),
                Unit::Times,
                self.decodes(Output::JsonlDevice),
            ),
            goal(
                "jsonl file, 100 B: CPU of decoding alone",
                Must::AtMost(25.0),
                Unit::Times,
                self.decodes(Output::JsonlFile),
            ),
            goal(
                "1 record a request: CPU of a bare echo",
                Must::AtMost(1.5),
                Unit::Times,
                self.of_echo_cpu(),
            ),
            goal(
                "200 k records/s into a file: p99 of a bare echo",
                Must::AtMost(2.0),
                Unit::Times,
                self.of_echo_p99(),
            ),
            goal(
                "8 producers: slowest of fastest",
                Must::AtLeast(0.9),
                Unit::Times,
                self.fairness(),
            ),
            goal(
                "resident at start",
                Must::AtMost(6.0),
                Unit::MiB,
                self.most(|_, run| run.start_mib),
            ),
            goal(
                "resident under load, less what is in flight",
                Must::AtMost(MEMORY_MIB_MAX),
                Unit::MiB,
                self.most(|row, run| run.peak_mib - row.mib_in_flight()),
            ),
            goal(
                "start to first accept",
                Must::AtMost(10.0),
                Unit::Milliseconds,
                self.most(|_, run| run.start_ms),
            ),
            goal(
                "the binary",
                Must::AtMost(8e6 / MIB),
                Unit::MiB,
                Some(self.binary_bytes as f64 / MIB),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn find(&self, kind: Kind, output: Output) -> Option<(&Row, &Run)> {
        let row = self.rows.iter().find(|row| row.traffic.kind == kind)?;
        row.ksink.iter().find(|(into, _)| *into == output).map(|(_, run)| (row, run))
    }

    fn decodes(&self, output: Output) -> Option<f64> {
        let (row, run) = self.find(Kind::Small, output)?;
        Some(run.cpu_ns_per_record / row.code.decode_ns)
    }

    fn of_single_writes(&self) -> Option<f64> {
        let (_, run) = self.find(Kind::Small, Output::BinaryFile)?;
        Some(run.records_per_s * run.file_bytes_per_record / self.append_single.bytes_per_s)
    }

    fn of_append(&self) -> Option<f64> {
        let (_, run) = self.find(Kind::Large, Output::BinaryFile)?;
        Some(self.append_share(run))
    }

    fn of_echo_cpu(&self) -> Option<f64> {
        let (row, run) = self.find(Kind::Single, Output::BinaryFile)?;
        Some(run.cpu_ns_per_record / row.tcp.cpu_ns_per_record)
    }

    fn of_echo_p99(&self) -> Option<f64> {
        let (row, run) = self.find(Kind::Paced, Output::BinaryFile)?;
        Some(run.p99_us / row.tcp.p99_us)
    }

    fn fairness(&self) -> Option<f64> {
        self.find(Kind::Crowd, Output::BinaryFile).map(|(_, run)| run.fairness)
    }

    fn most(&self, of: impl Fn(&Row, &Run) -> f64) -> Option<f64> {
        let of = &of;
        let all =
            self.rows.iter().flat_map(|row| row.ksink.iter().map(move |(_, run)| of(row, run)));
        all.max_by(f64::total_cmp)
    }
}

impl Row {
    fn mib_in_flight(&self) -> f64 {
        self.traffic.bytes_in_flight(self.request_bytes) as f64 / MIB
    }
}
