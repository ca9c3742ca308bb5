//! ksink: a Kafka endpoint without the Kafka cluster.
//!
//! What was typed ([`args`]) becomes what it means ([`plan`]), and that is run ([`run`]).

mod args;
mod exit;
mod plan;
mod run;

use std::{io, process::ExitCode};

use clap::{CommandFactory, Parser, error::ErrorKind};
use ksink_sinks::format::json_schema;

use crate::{
    args::{Args, Command},
    exit::Exit,
    plan::Plan,
};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("ksink: {exit}");
            exit.code()
        }
    }
}

fn start() -> Result<(), Exit> {
    let args = Args::try_parse().or_else(explain)?;
    match args.command {
        None => run::run(Plan::try_from(args.serve)?),
        Some(Command::JsonSchema { style }) => print(&json_schema(style.into())),
        Some(Command::Completion { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "ksink", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Help and version go where they are asked for; what is wrong is said in one line.
fn explain(error: clap::Error) -> Result<Args, Exit> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => {
            let text = error.render().to_string();
            let lines: Vec<_> =
                text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let line = lines.join(" ");
            Err(Exit::usage(line.strip_prefix("error: ").unwrap_or(&line)))
        }
    }
}

fn print(text: &str) -> Result<(), Exit> {
    use io::Write;
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => {
            printed.map_err(|error| Exit::run_time(format!("cannot write to stdout: {error}")))
        }
    }
}
