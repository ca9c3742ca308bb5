//! What the machine can do at best: the limits that everything else is measured against.

use std::{
    fs::File,
    hint::{self, black_box},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    batches::Shape,
    cores::Cores,
    effort::{Effort, median, thread_cpu_time},
    race::race,
    trim::Trimmer,
    walk::Walker,
};
use anyhow::{Context, Result};

/// A plain append writes so much at once, as ksink does.
pub(super) const APPEND_BYTES: usize = 192 << 10;

/// So many writes are made between two looks at the clock.
const WRITES: usize = 32;

/// Several turns of the scheduler.
const SHARE_TIME: Duration = Duration::from_millis(50);

/// The effort that a limit of the processor is worth in each round.
const CODE: Effort = Effort { sample: Duration::from_millis(2), samples: 5 };

/// How fast a file grows when nothing else is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append {
    pub(super) bytes_per_s: f64,
    pub(super) cpu_ns_per_byte: f64,
}

/// What must at least be done with a batch, in nanoseconds a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) memcpy_ns: f64,
    pub(super) crc_ns: f64,
    /// One full walk over the batch, with every check, and nothing done with it.
    pub(super) decode_ns: f64,
}

impl Append {
    /// Appends `chunk_bytes` with each `write(2)` for so long, to a file that is trimmed while it grows.
    pub(super) fn measure(
        folder: &Path,
        chunk_bytes: usize,
        time: Duration,
        cores: Cores,
    ) -> Result<Self> {
        let path = folder.join("append");
        let file = File::options().append(true).create(true).open(&path)?;
        let trimmer = Trimmer::start(&path)?;
        let appended = cores.on_server(|| append(file, &vec![b'x'; chunk_bytes], time))?;
        trimmer.finish().context("the file cannot be trimmed")?;
        appended
    }

    pub(super) fn median(samples: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| median(samples.iter().map(field));
        Self {
            bytes_per_s: of(|append| append.bytes_per_s),
            cpu_ns_per_byte: of(|append| append.cpu_ns_per_byte),
        }
    }
}

fn append(mut file: File, chunk: &[u8], time: Duration) -> Result<Append> {
    let (start, cpu_start) = (Instant::now(), thread_cpu_time());
    let mut bytes = 0;
    while start.elapsed() < time {
        for _ in 0..WRITES {
            file.write_all(chunk)?;
        }
        bytes += WRITES * chunk.len();
    }
    let cpu = thread_cpu_time() - cpu_start;
    Ok(Append {
        bytes_per_s: bytes as f64 / start.elapsed().as_secs_f64(),
        cpu_ns_per_byte: cpu.as_secs_f64() * 1e9 / bytes as f64,
    })
}

/// How much of ksink's core is there to be had: less than all of it while others use the machine.
pub(super) fn core_share(cores: Cores) -> Result<f64> {
    let share = || {
        let (start, cpu_start) = (Instant::now(), thread_cpu_time());
        while start.elapsed() < SHARE_TIME {
            hint::spin_loop();
        }
        (thread_cpu_time() - cpu_start).as_secs_f64() / start.elapsed().as_secs_f64()
    };
    Ok(cores.on_server(share)?)
}

impl Code {
    pub(super) fn measure(shape: &Shape, cores: Cores) -> Result<Self> {
        let batch = shape.batch()?;
        Walker::default().walk(&batch).context("the load's own batch is not sound")?;
        let [memcpy, crc, decode] = cores.on_server(|| race_over(&batch))?;
        let records = shape.records as f64;
        Ok(Self { memcpy_ns: memcpy / records, crc_ns: crc / records, decode_ns: decode / records })
    }

    pub(super) fn median(samples: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| median(samples.iter().map(field));
        Self {
            memcpy_ns: of(|code| code.memcpy_ns),
            crc_ns: of(|code| code.crc_ns),
            decode_ns: of(|code| code.decode_ns),
        }
    }
}

fn race_over(batch: &[u8]) -> [f64; 3] {
    let mut copy = vec![0; batch.len()];
    let mut walker = Walker::default();
    race(
        [
            Box::new(|| black_box(&mut copy).copy_from_slice(black_box(batch))),
            Box::new(|| {
                black_box(crc_fast::crc32_iscsi(black_box(batch)));
            }),
            Box::new(|| {
                let _ = black_box(walker.walk(black_box(batch)));
            }),
        ],
        CODE,
    )
}
