//! What the measurements come to.

use super::{
    plan::{Kind, Output},
    run::{Measured, Row, Run},
};
use crate::bench::{
    cores::Cores,
    effort::{Effort, median},
    goals::{Goal, Must, Unit},
    limits::{APPEND_BYTES, Append, Code},
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

/// How fast files grow, the second way against the first.
fn limits(Measured { append, append_single, .. }: &Measured) -> Table {
    let mut table = Table::new(1, &["limits of files", "MB/s", "", "CPU ns/KiB"]);
    let mut row = |what: String, limit: &Append, share: String| {
        let cpu = number(limit.cpu_ns_per_byte * 1024.0);
        table.row([what, number(limit.bytes_per_s / 1e6), share, cpu]);
    };
    row(format!("append, {} KiB a write", APPEND_BYTES >> 10), append, percent(1.0));
    let share = percent(append_single.bytes_per_s / append.bytes_per_s);
    row("append, a record of 100 B a write".to_owned(), append_single, share);
    table
}

fn rows(measured: &Measured) -> Table {
    let head = [
        "requests, into",
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
        "of TCP",
        "peak MiB",
        "of allowed",
    ];
    let mut table = Table::new(1, &head);
    for row in &measured.rows {
        table.row([format!("{}{}", row.traffic.name(), code(&row.code))]);
        table.row(measured.cells(row, "bare TCP", &row.tcp));
        for (output, run) in &row.ksink {
            table.row(measured.cells(row, output.name(), run));
        }
    }
    table
}

/// What the batches themselves cost, each step against the one before.
fn code(Code { memcpy_ns, crc_ns, decode_ns }: &Code) -> String {
    let crc = percent(memcpy_ns / crc_ns);
    let (decode, ns) = (times(decode_ns / crc_ns), number(*decode_ns));
    format!(": CRC-32C at {crc} of memcpy, decode {decode} CRC-32C ({ns} ns a record)")
}

impl Measured {
    fn cells(&self, row: &Row, into: &str, run: &Run) -> [String; 14] {
        let record_bytes = row.request_bytes as f64 / row.traffic.shape.records as f64;
        let append_share = match run.file_bytes_per_record {
            0.0 => "-".to_owned(),
            _ => percent(self.append_share(row, run)),
        };
        [
            format!("  {into}"),
            number(run.records_per_s),
            number(run.records_per_s * record_bytes / 1e6),
            percent(run.records_per_s / row.tcp.records_per_s),
            append_share,
            number(run.p50_us),
            number(run.p99_us),
            times(run.p99_us / row.tcp.p99_us),
            number(run.cpu_ns_per_record),
            times(run.cpu_ns_per_record / self.floor_ns(row, run)),
            times(run.cpu_ns_per_record / row.code.decode_ns),
            times(run.cpu_ns_per_record / row.tcp.cpu_ns_per_record),
            number(run.peak_mib),
            percent(run.peak_mib / (MEMORY_MIB_MAX + row.mib_in_flight())),
        ]
    }

    /// What was written to the file, as a share of what a plain append of the same bytes writes in that time.
    fn append_share(&self, row: &Row, run: &Run) -> f64 {
        run.records_per_s * run.file_bytes_per_record / self.append(row).bytes_per_s
    }

    /// The least CPU that a record can cost: receiving it, its CRC or, of a compressed one, decoding it, and appending
    /// what is written for it.
    fn floor_ns(&self, row: &Row, run: &Run) -> f64 {
        let code_ns = match row.traffic.kind {
            Kind::Compressed => row.code.decode_ns,
            _ => row.code.crc_ns,
        };
        let write_ns = run.file_bytes_per_record * self.append(row).cpu_ns_per_byte;
        row.tcp.cpu_ns_per_record + code_ns + write_ns
    }

    /// One request in flight means one write a request; of many, many are written at once.
    fn append(&self, row: &Row) -> &Append {
        match row.traffic.kind {
            Kind::Single => &self.append_single,
            _ => &self.append,
        }
    }

    /// The goals that this run can say something about.
    pub(super) fn goals(&self) -> Vec<Goal> {
        [self.cpu_goals(), self.speed_goals(), self.size_goals()].into_iter().flatten().collect()
    }

    fn cpu_goals(&self) -> Vec<Goal> {
        let goal = |what: &str, (kind, output), bound, limit: fn(&Row) -> f64| {
            let reached = |(row, run): (&Row, &Run)| run.cpu_ns_per_record / limit(row);
            let goal = |reached| times_goal(what, Must::AtMost(bound), reached);
            self.find(kind, output).map(reached).map(goal)
        };
        let decode = |row: &Row| row.code.decode_ns;
        let tcp = |row: &Row| row.tcp.cpu_ns_per_record;
        let goals = [
            goal(
                "100 B into null:, CPU of decoding alone",
                (Kind::Small, Output::Null),
                4.0,
                decode,
            ),
            goal(
                "100 B as jsonl into /dev/null, CPU of decoding alone",
                (Kind::Small, Output::JsonlDevice),
                12.0,
                decode,
            ),
            goal(
                "100 B as jsonl into a file, CPU of decoding alone",
                (Kind::Small, Output::JsonlFile),
                25.0,
                decode,
            ),
            goal(
                "1 record a request into null:, CPU of a bare echo",
                (Kind::Single, Output::Null),
                1.5,
                tcp,
            ),
            goal(
                "1 record a request into a file, CPU of a bare echo",
                (Kind::Single, Output::BinaryFile),
                1.5,
                tcp,
            ),
        ];
        goals.into_iter().flatten().collect()
    }

    fn speed_goals(&self) -> Vec<Goal> {
        let file = |kind| self.find(kind, Output::BinaryFile);
        let single = self.append_single.bytes_per_s;
        let goals = [
            file(Kind::Small).map(|(_, run)| {
                let reached = run.records_per_s * run.file_bytes_per_record / single;
                times_goal(
                    "100 B into a file, speed of one write a record",
                    Must::AtLeast(6.0),
                    reached,
                )
            }),
            file(Kind::Large).map(|(row, run)| {
                let what = "1 KiB into a file, speed of a plain append".to_owned();
                let reached = self.append_share(row, run);
                Goal { what, must: Must::AtLeast(0.85), unit: Unit::Percent, reached }
            }),
            file(Kind::Paced).map(|(row, run)| {
                let reached = run.p99_us / row.tcp.p99_us;
                times_goal(
                    "200 k records/s into a file, p99 of a bare echo",
                    Must::AtMost(2.0),
                    reached,
                )
            }),
            file(Kind::Crowd).map(|(_, run)| {
                times_goal("8 producers, slowest of fastest", Must::AtLeast(0.9), run.fairness)
            }),
        ];
        goals.into_iter().flatten().collect()
    }

    fn size_goals(&self) -> Vec<Goal> {
        let goal = |what: &str, most, unit, reached| Goal {
            what: what.to_owned(),
            must: Must::AtMost(most),
            unit,
            reached,
        };
        let runs =
            || self.rows.iter().flat_map(|row| row.ksink.iter().map(move |(_, run)| (row, run)));
        let most = |of: fn(&Row, &Run) -> f64| {
            runs().map(|(row, run)| of(row, run)).max_by(f64::total_cmp).unwrap_or(f64::NAN)
        };
        let start_ms = median(runs().map(|(_, run)| run.start_ms));
        let under_load = most(|row, run| run.peak_mib - row.mib_in_flight());
        vec![
            goal("resident at start", 6.0, Unit::MiB, most(|_, run| run.start_mib)),
            goal(
                "resident under load, less what is in flight",
                MEMORY_MIB_MAX,
                Unit::MiB,
                under_load,
            ),
            goal("start to first accept", 10.0, Unit::Milliseconds, start_ms),
            goal("the binary", 8e6 / MIB, Unit::MiB, self.binary_bytes as f64 / MIB),
        ]
    }

    fn find(&self, kind: Kind, output: Output) -> Option<(&Row, &Run)> {
        let row = self.rows.iter().find(|row| row.traffic.kind == kind)?;
        row.ksink.iter().find(|(into, _)| *into == output).map(|(_, run)| (row, run))
    }
}

fn times_goal(what: &str, must: Must, reached: f64) -> Goal {
    Goal { what: what.to_owned(), must, unit: Unit::Times, reached }
}

impl Row {
    fn mib_in_flight(&self) -> f64 {
        self.traffic.bytes_in_flight(self.request_bytes) as f64 / MIB
    }
}
