//! ksink: a Kafka endpoint without the Kafka cluster.
//!
//! What was typed ([`args`]) becomes what it means ([`plan`]), and that is run ([`run`]).

mod args;
mod exit;
mod log;
mod plan;
mod run;

use std::{
    io::{self, Write},
    process::ExitCode,
};

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
            // There is nobody to tell where stderr is gone; the code still says it.
            let _ = writeln!(io::stderr(), "ksink: {exit}");
            exit.code()
        }
    }
}

fn start() -> Result<(), Exit> {
    let args = Args::try_parse().or_else(explain)?;
    match args.command {
        None => run::run(Plan::try_from(args.serve)?),
        Some(Command::JsonSchema { style }) => print(&format!("{}\n", json_schema(style.into()))),
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
        _ => Err(Exit::usage(one_line(&error.render().to_string()))),
    }
}

/// What clap says in paragraphs: what is wrong, and what may have been meant.
fn one_line(text: &str) -> String {
    let wrong = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let meant = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
    let line = wrong.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    meant.take(1).fold(line.to_owned(), |line, tip| format!("{line}; {tip}"))
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
