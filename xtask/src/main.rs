//! The project's own tasks: `cargo xtask demo`, `check`, `ci`, `interop`, `chaos`, `crash`, `oracle`,
//! `bench` and `fuzz`.

#![expect(clippy::print_stdout, reason = "a task talks to the person who started it")]

mod bench;
mod chaos;
mod check;
mod ci;
mod command;
mod crash;
mod demo;
mod fuzz;
mod interop;
mod oracle;
mod places;
mod require;
#[cfg(test)]
mod sentences;
mod stages;
mod tally;
#[cfg(test)]
mod tidy;
mod wait;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::require::Require;

/// The project's own tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// ksink at work: what a producer sends, and what arrives.
    Demo(demo::Args),
    /// Format, lints and unit tests: what every commit passes.
    Check,
    /// Everything: check, all tests, documentation, dependencies, real clients.
    Ci {
        /// What must not be skipped for lack of a tool: "all", a client, or "cargo-deny".
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        require: Vec<String>,
    },
    /// Real Kafka producers against the real binary.
    Interop(interop::Args),
    /// Real producers through a network that loses replies.
    Chaos(chaos::Args),
    /// Real producers against a server that is killed, and a disk that loses power.
    Crash(crash::Args),
    /// The same bytes to Apache Kafka and to ksink, and every difference in their answers.
    Oracle(oracle::Args),
    /// Throughput, latency, CPU and memory, each against a limit measured in the same run.
    Bench(bench::Args),
    /// Bytes of a stranger at every entry point, guided by what they reach (needs the nightly compiler).
    Fuzz(fuzz::Args),
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
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Check => Ok(check::run()),
        Task::Ci { require } => Ok(ci::run(&Require::parse(require)?)),
        Task::Interop(arguments) => interop::run_alone(&arguments),
        Task::Chaos(arguments) => chaos::run_alone(&arguments),
        Task::Crash(arguments) => crash::run_alone(&arguments),
        Task::Oracle(arguments) => oracle::run(&arguments),
        Task::Bench(arguments) => bench::run(arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
    }
}
