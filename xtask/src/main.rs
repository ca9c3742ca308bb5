//! The project's own tasks: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a task talks to the person who started it")]

mod bench;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// The project's own tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Throughput, latency, CPU and memory, each against a limit measured in the same run.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Says whether everything was well.
fn run(task: Task) -> Result<bool> {
    match task {
        Task::Bench(arguments) => bench::run(arguments),
    }
}
