//! What the measurements come to.

use super::{
    goals::MEMORY_MIB_MAX,
    measured::{Measured, Row, Run},
};
use crate::bench::{
    cores::Cores,
    effort::Effort,
    limits::{APPEND_BYTES, Append, Code},
    table::{Table, number, percent, times},
};

/// With less of a core than this, rates and latencies are those of the scheduler.
const CORE_SHARE_QUIET: f64 = 0.97;

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
    if measured.core_share < CORE_SHARE_QUIET {
        let share = percent(measured.core_share);
        println!("Others use this machine: {share} of ksink's core was to be had.");
        println!("Believe the CPU columns only; the others need a quiet machine.\n");
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
}
