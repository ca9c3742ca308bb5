//! ksink: a Kafka endpoint without the Kafka cluster.
//!
//! What was typed ([`args`]) and said elsewhere ([`config`]) becomes what it means ([`plan`]), and that is
//! run ([`run`]), with what it remembers ([`state`]). [`recover`] looks at that.

mod args;
mod config;
mod exit;
mod log;
mod plan;
mod recover;
mod run;
mod state;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;
use ksink_sinks::format::json_schema;

use crate::{
    args::{Args, Command},
    config::Told,
    exit::Exit,
};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            // There is nobody to tell where stderr is gone; the code still says it.
            let _ = writeln!(io::stderr(), "ksink: {exit}");
            exit.code()
        }
    }
}

fn start() -> Result<(), Exit> {
    let told = Told::read(env::args_os().collect())?;
    match &told.args.command {
        None => run::run(told.plan()?),
        Some(Command::Check(_)) => {
            let plan = told.plan()?;
            run::look(&plan)?;
            for warning in &plan.warnings {
                // There is nobody to warn where stderr is gone.
                let _ = writeln!(io::stderr(), "ksink: warning: {warning}");
            }
            print("the configuration is sound\n")
        }
        Some(Command::Recover(args)) => print(&recover::run(args)?),
        Some(Command::JsonSchema { style }) => {
            print(&format!("{}\n", json_schema((*style).into())))
        }
        Some(Command::Completion { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "ksink", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

fn print(text: &str) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => {
            printed.map_err(|error| Exit::run_time(format!("cannot write to stdout: {error}")))
        }
    }
}
