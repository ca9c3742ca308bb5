//! Makes the measurements: rounds in which everything is measured once, so that what disturbs the machine for a while
//! disturbs every row.

use std::{fs, fs::File, path::PathBuf};

use anyhow::{Context, Result, ensure};

use super::{
    measured::{MIB, Measured, Row, Run},
    plan::{FILE, Output, Traffic},
};
use crate::bench::{
    cores::Cores,
    effort::{Effort, median},
    limits::{APPEND_BYTES, Append, Code, core_share},
    load::{Answers, Load},
    process::Server,
    scratch::Scratch,
    tcp,
    trim::Trimmer,
};

/// The topic that everything is produced to.
const TOPIC: &str = "bench";

/// A warm-up takes this part of a measurement.
const WARM_UP_PART: u32 = 4;

/// A `write(2)` a record is a record of 100 B and its separator.
const SINGLE_BYTES: usize = 101;

/// What measurements need.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) ksink: PathBuf,
    pub(super) cores: Cores,
    pub(super) scratch: Scratch,
    pub(super) effort: Effort,
}

impl Bench {
    pub(super) fn measure(&self, plan: Vec<Traffic>) -> Result<Measured> {
        let mut shares = Vec::new();
        let mut appends = (Vec::new(), Vec::new());
        let mut rows: Vec<_> = plan.into_iter().map(Samples::new).collect::<Result<_>>()?;
        for round in 1..=self.effort.samples {
            eprintln!("round {round} of {}", self.effort.samples);
            shares.push(core_share(self.cores)?);
            appends.0.push(self.append(APPEND_BYTES)?);
            appends.1.push(self.append(SINGLE_BYTES)?);
            for row in &mut rows {
                row.sample(self).with_context(|| row.traffic.name())?;
            }
        }
        Ok(Measured {
            core_share: median(shares),
            append: Append::median(&appends.0),
            append_single: Append::median(&appends.1),
            rows: rows.into_iter().map(Samples::median).collect(),
            binary_bytes: fs::metadata(&self.ksink)?.len(),
        })
    }

    fn append(&self, chunk_bytes: usize) -> Result<Append> {
        let folder = self.scratch.fresh("append")?;
        Append::measure(&folder, chunk_bytes, self.effort.sample, self.cores)
    }

    fn tcp(&self, traffic: &Traffic, request: &[u8]) -> Result<Run> {
        let args = tcp::TcpArgs { request_bytes: request.len() };
        let server = Server::tcp(args, self.cores)?;
        self.load(&server, traffic, request, Answers::Bytes(args.answer_bytes()))
            .map(|(run, _)| run)
    }

    fn ksink(&self, traffic: &Traffic, output: Output, request: &[u8]) -> Result<Run> {
        let folder = self.scratch.fresh("ksink")?;
        let path = folder.join(FILE);
        let trimmer = match output.is_file() {
            true => {
                File::create(&path)?;
                Some(Trimmer::start(&path)?)
            }
            false => None,
        };
        let server = Server::ksink(&self.ksink, output.args(), &folder, self.cores)?;
        let (mut run, records) = self.load(&server, traffic, request, Answers::Produced)?;
        if let Some(trimmer) = trimmer {
            trimmer.finish().context("the file cannot be trimmed")?;
            run.file_bytes_per_record = fs::metadata(&path)?.len() as f64 / records;
            let bytes_min = output.record_bytes_min(&traffic.shape) as f64;
            ensure!(run.file_bytes_per_record >= bytes_min, "the file lacks acknowledged records");
        }
        Ok(run)
    }

    /// Puts a server under load; what it did, and how many records it acknowledged in all.
    fn load(
        &self,
        server: &Server,
        traffic: &Traffic,
        request: &[u8],
        answers: Answers,
    ) -> Result<(Run, f64)> {
        let start = server.memory()?;
        let mut load = Load::connect(server.addr, request, answers, traffic.pace)?;
        let warm_up = load.run(self.effort.sample / WARM_UP_PART)?;
        let cpu_before = server.cpu_time()?;
        let done = load.run(self.effort.sample)?;
        let cpu = server.cpu_time()? - cpu_before;
        let run = Run {
            start_ms: server.started_in.as_secs_f64() * 1e3,
            start_mib: start.resident_bytes as f64 / MIB,
            peak_mib: server.memory()?.peak_bytes as f64 / MIB,
            ..Run::new(&done, cpu, traffic.shape.records)
        };
        let requests = warm_up.requests() + done.requests();
        Ok((run, (requests * traffic.shape.records) as f64))
    }
}

/// A row while it is measured.
struct Samples {
    traffic: Traffic,
    request: Vec<u8>,
    code: Vec<Code>,
    tcp: Vec<Run>,
    ksink: Vec<(Output, Vec<Run>)>,
}

impl Samples {
    fn new(traffic: Traffic) -> Result<Self> {
        let request = traffic.shape.request(TOPIC)?;
        let ksink = traffic.outputs.iter().map(|&output| (output, Vec::new())).collect();
        Ok(Self { traffic, request, code: Vec::new(), tcp: Vec::new(), ksink })
    }

    fn sample(&mut self, bench: &Bench) -> Result<()> {
        self.code.push(Code::measure(&self.traffic.shape, bench.cores)?);
        self.tcp.push(bench.tcp(&self.traffic, &self.request).context("bare TCP")?);
        for (output, runs) in &mut self.ksink {
            let run = bench.ksink(&self.traffic, *output, &self.request);
            runs.push(run.with_context(|| output.name())?);
        }
        Ok(())
    }

    fn median(self) -> Row {
        let ksink = self.ksink.iter().map(|(output, runs)| (*output, Run::median(runs)));
        Row {
            request_bytes: self.request.len(),
            code: Code::median(&self.code),
            tcp: Run::median(&self.tcp),
            ksink: ksink.collect(),
            traffic: self.traffic,
        }
    }
}
