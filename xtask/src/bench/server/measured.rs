//! What was measured, and how it stands to the limits.

use std::time::Duration;

use super::plan::{Kind, Output, Traffic};
use crate::bench::{
    effort::{median, quantile},
    limits::{Append, Code},
    load::Done,
};

/// Bytes of a mebibyte.
pub(super) const MIB: f64 = (1 << 20) as f64;

/// Everything that was measured, as medians.
#[derive(Debug)]
pub(super) struct Measured {
    /// How much of ksink's core was to be had.
    pub(super) core_share: f64,
    /// Appending in large chunks.
    pub(super) append: Append,
    /// Appending with one `write(2)` a record.
    pub(super) append_single: Append,
    pub(super) rows: Vec<Row>,
    /// Of the binary that was measured.
    pub(super) binary_bytes: u64,
}

/// One kind of requests: its limits, and what ksink made of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) traffic: Traffic,
    pub(super) request_bytes: usize,
    pub(super) code: Code,
    pub(super) tcp: Run,
    pub(super) ksink: Vec<(Output, Run)>,
}

/// What one server did under load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) records_per_s: f64,
    pub(super) cpu_ns_per_record: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) fairness: f64,
    pub(super) start_ms: f64,
    pub(super) start_mib: f64,
    pub(super) peak_mib: f64,
    /// What was written to the file for each record; 0 without one.
    pub(super) file_bytes_per_record: f64,
}

impl Measured {
    /// The run of ksink with these requests into this output.
    pub(super) fn find(&self, kind: Kind, output: Output) -> Option<(&Row, &Run)> {
        let row = self.rows.iter().find(|row| row.traffic.kind == kind)?;
        row.ksink.iter().find(|(into, _)| *into == output).map(|(_, run)| (row, run))
    }

    /// All runs of ksink.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&Row, &Run)> {
        self.rows.iter().flat_map(|row| row.ksink.iter().map(move |(_, run)| (row, run)))
    }

    /// What was written to the file, as a share of what a plain append of the same bytes writes in that time.
    pub(super) fn append_share(&self, row: &Row, run: &Run) -> f64 {
        run.records_per_s * run.file_bytes_per_record / self.append(row).bytes_per_s
    }

    /// The least CPU that a record can cost: receiving it, its CRC or, of a compressed one, decoding it, and appending
    /// what is written for it.
    pub(super) fn floor_ns(&self, row: &Row, run: &Run) -> f64 {
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
}

impl Row {
    /// What ksink must hold while this row's requests are in flight.
    pub(super) fn mib_in_flight(&self) -> f64 {
        self.traffic.bytes_in_flight(self.request_bytes) as f64 / MIB
    }
}

impl Run {
    /// What a load did to a server that used `cpu` for it.
    pub(super) fn new(done: &Done, cpu: Duration, records_per_request: usize) -> Self {
        let records = (done.requests() * records_per_request) as f64;
        let latency_us = |part| {
            let latencies = done.latencies.iter().flatten();
            quantile(latencies.map(|latency| latency.as_secs_f64() * 1e6), part)
        };
        Self {
            records_per_s: records / done.took.as_secs_f64(),
            cpu_ns_per_record: cpu.as_secs_f64() * 1e9 / records,
            p50_us: latency_us(0.5),
            p99_us: latency_us(0.99),
            fairness: done.fairness(),
            start_ms: 0.0,
            start_mib: 0.0,
            peak_mib: 0.0,
            file_bytes_per_record: 0.0,
        }
    }

    pub(super) fn median(runs: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| median(runs.iter().map(field));
        Self {
            records_per_s: of(|run| run.records_per_s),
            cpu_ns_per_record: of(|run| run.cpu_ns_per_record),
            p50_us: of(|run| run.p50_us),
            p99_us: of(|run| run.p99_us),
            fairness: of(|run| run.fairness),
            start_ms: of(|run| run.start_ms),
            start_mib: of(|run| run.start_mib),
            peak_mib: of(|run| run.peak_mib),
            file_bytes_per_record: of(|run| run.file_bytes_per_record),
        }
    }
}
