//! Commits a second with many producers at once, against what the disk does for one after the other.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use ksink_tests::TransactionalProducer;

use super::{Bench, TOPIC, VALUE};
use crate::bench::{
    effort::median,
    goals::{Goal, Must, Unit},
    process::Server,
};

/// So many producers commit at once.
const PRODUCERS: usize = 64;

/// A warm-up takes this part of a measurement.
const WARM_UP_PART: u32 = 4;

/// Measures commits at `--durability power`, in turns with the disk alone.
pub(super) fn measure(bench: &Bench) -> Result<Goal> {
    let (mut serial, mut commits) = (Vec::new(), Vec::new());
    // Nothing is deleted meanwhile: for some minutes ext4 looks for other inodes than those of deleted files, one by one.
    for sample in 0..bench.effort.samples {
        let folder = bench.scratch.fresh(&format!("serial-{sample}"))?;
        serial.push(serial_rate(&folder, bench.effort.sample)?);
        commits.push(commit_rate(bench, &bench.scratch.fresh(&format!("commits-{sample}"))?)?);
    }
    let (serial, commits) = (median(serial), median(commits));
    println!(
        "one after the other, the disk makes {serial:.0} files a second: write, fsync, rename, fsync of the folder"
    );
    println!(
        "ksink commits {commits:.0} transactions a second of {PRODUCERS} producers, at --durability power"
    );
    Ok(Goal {
        what: format!("commits with {PRODUCERS} ids, against the disk one after the other"),
        must: Must::AtLeast(5.0),
        unit: Unit::Times,
        reached: commits / serial,
    })
}

/// How many files a second are written, synced, renamed, and their folder synced, one after the other.
fn serial_rate(folder: &Path, time: Duration) -> Result<f64> {
    let entries = File::open(folder)?;
    let start = Instant::now();
    let mut files = 0_u32;
    while start.elapsed() < time {
        let (temp, name) = (folder.join("file.tmp"), folder.join(format!("file-{files}")));
        let mut file = File::create_new(&temp)?;
        file.write_all(&[b'x'; 101])?;
        file.sync_all()?;
        fs::rename(&temp, &name)?;
        entries.sync_all()?;
        files += 1;
    }
    Ok(f64::from(files) / start.elapsed().as_secs_f64())
}

fn commit_rate(bench: &Bench, folder: &Path) -> Result<f64> {
    let args = ["--transactional", "--output", "{txnID}-{txnSeq}", "--durability", "power"];
    let server = Server::ksink(&bench.ksink, &args, folder, bench.cores)?;
    let connect = |n| TransactionalProducer::connect(server.addr, format!("producer-{n}"));
    let mut producers: Vec<_> = (0..PRODUCERS).map(connect).collect();
    run(&mut producers, bench.effort.sample / WARM_UP_PART)?;
    run(&mut producers, bench.effort.sample)
}

/// Commits a second, all producers together.
fn run(producers: &mut [TransactionalProducer], time: Duration) -> Result<f64> {
    let start = Instant::now();
    let counts = thread::scope(|scope| {
        let runs: Vec<_> = producers
            .iter_mut()
            .map(|producer| scope.spawn(move || commit_until(producer, start + time)))
            .collect();
        let join = |run: thread::ScopedJoinHandle<'_, _>| {
            run.join().map_err(|_| anyhow!("a producer was not served"))
        };
        runs.into_iter().map(join).collect::<Result<Vec<u32>>>()
    })?;
    Ok(f64::from(counts.iter().sum::<u32>()) / start.elapsed().as_secs_f64())
}

fn commit_until(producer: &mut TransactionalProducer, end: Instant) -> u32 {
    let mut commits = 0;
    while Instant::now() < end {
        producer.produce(TOPIC, [VALUE]);
        producer.end(true);
        commits += 1;
    }
    commits
}
