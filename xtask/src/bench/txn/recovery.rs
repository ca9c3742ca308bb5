//! How long a start takes that finds many committed transactions and many that are decided and not applied.

use std::{fs, path::Path, process::Command, thread};

use anyhow::{Context, Result, ensure};
use ksink_tests::TransactionalProducer;

use super::{Bench, TOPIC, VALUE};
use crate::{
    bench::{
        effort::median,
        goals::{Goal, Must, Unit},
        process::Server,
    },
    command::succeed,
};

/// So many producers make the committed transactions.
const PRODUCERS: u32 = 64;

/// Where the files lie, below the folder of a measurement.
const FILES: &str = "files";

/// Each transaction becomes one file, by a rename.
const ARGS: [&str; 3] = ["--transactional", "--output", "files/{txnID}-{txnSeq}"];

/// Measures the start after a kill.
pub(super) fn measure(bench: &Bench, committed: u32, in_doubt: u32) -> Result<Goal> {
    let mut starts = Vec::new();
    for _ in 0..bench.effort.samples.min(3) {
        starts.push(recover(bench, committed, in_doubt)?);
    }
    Ok(Goal {
        what: format!(
            "start with {committed} committed and {in_doubt} in-doubt transactions, own syncs included"
        ),
        must: Must::AtMost(2000.0),
        unit: Unit::Milliseconds,
        reached: median(starts),
    })
}

/// Milliseconds until the first connection is accepted.
fn recover(bench: &Bench, committed: u32, in_doubt: u32) -> Result<f64> {
    let folder = bench.scratch.fresh("recovery")?;
    fs::create_dir(folder.join(FILES))?;
    commit(bench, &folder, committed)?;
    leave_in_doubt(bench, &folder, in_doubt)?;
    let names = |end: &str| -> Result<usize> {
        let entries = fs::read_dir(folder.join(FILES))?.filter_map(Result::ok);
        Ok(entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(end)).count())
    };
    let temps = names(".tmp")?;
    ensure!(temps == in_doubt as usize, "{temps} transactions are in doubt");
    let server = Server::ksink(&bench.ksink, &ARGS, &folder, bench.cores)?;
    let started = server.started_in;
    ensure!(names(".tmp")? == 0, "the start applies what is decided");
    Ok(started.as_secs_f64() * 1e3)
}

/// Commits transactions, quickly: none of this is measured.
fn commit(bench: &Bench, folder: &Path, count: u32) -> Result<()> {
    let args = [&ARGS[..], &["--durability", "none"]].concat();
    let server = Server::ksink(&bench.ksink, &args, folder, bench.cores)?;
    let addr = server.addr;
    let committed = thread::scope(|scope| {
        let share = |n| count / PRODUCERS + u32::from(n < count % PRODUCERS);
        let runs: Vec<_> = (0..PRODUCERS)
            .map(|n| {
                scope.spawn(move || {
                    let mut producer = TransactionalProducer::connect(addr, format!("done-{n}"));
                    (0..share(n)).for_each(|_| {
                        producer.produce(TOPIC, [VALUE]);
                        producer.end(true);
                    });
                })
            })
            .collect();
        runs.into_iter().all(|run| run.join().is_ok())
    });
    ensure!(committed, "a producer was not served");
    server.stop()
}

/// Lets transactions be decided in a folder that takes no new name, and kills ksink then.
fn leave_in_doubt(bench: &Bench, folder: &Path, count: u32) -> Result<()> {
    let server = Server::ksink(&bench.ksink, &ARGS, folder, bench.cores)?;
    let connect = |n| TransactionalProducer::connect(server.addr, format!("doubt-{n}"));
    let mut producers: Vec<_> = (0..count).map(connect).collect();
    for producer in &mut producers {
        producer.produce(TOPIC, [VALUE]);
    }
    let sealed = Sealed::new(folder.join(FILES))?;
    let ended = thread::scope(|scope| {
        let chunks = producers.chunks_mut(count.div_ceil(PRODUCERS) as usize);
        let runs: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || chunk.iter_mut().for_each(|it| it.end(true))))
            .collect();
        runs.into_iter().all(|run| run.join().is_ok())
    });
    ensure!(ended, "a commit was not decided");
    drop(server);
    drop(sealed);
    Ok(())
}

/// A folder in which nothing can be renamed, whoever tries.
struct Sealed<P: AsRef<Path>>(P);

impl<P: AsRef<Path>> Sealed<P> {
    fn new(folder: P) -> Result<Self> {
        change(folder.as_ref(), "+i").context("needs root, and a file system with attributes")?;
        Ok(Self(folder))
    }
}

impl<P: AsRef<Path>> Drop for Sealed<P> {
    fn drop(&mut self) {
        if let Err(error) = change(self.0.as_ref(), "-i") {
            eprintln!("{} stays sealed: {error:#}", self.0.as_ref().display());
        }
    }
}

fn change(folder: &Path, attribute: &str) -> Result<()> {
    succeed(Command::new("chattr").arg(attribute).arg(folder))
}
