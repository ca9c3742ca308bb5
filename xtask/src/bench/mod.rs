//! Measurements: `cargo xtask bench` for the server, `cargo xtask bench wire` for the wire crate.
//!
//! An absolute number says more about the machine than about ksink. So everything is measured against a limit, in
//! the same run and in turns with it, and what is printed is how much of the limit was reached.
//!
//! `docs/bench.md` explains the tables.

mod batches;
mod cores;
mod effort;
mod goals;
mod limits;
mod load;
mod process;
mod race;
mod scratch;
mod server;
mod table;
mod tcp;
mod trim;
mod txn;
mod walk;
mod wire;

use std::env;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::command::cargo;

/// What is measured, and how thoroughly.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    server: server::ServerArgs,
}

#[derive(Subcommand)]
enum What {
    /// The release binary under load, into files and nowhere: the default.
    Server(server::ServerArgs),
    /// Decoding, decompressing and encoding batches, against the crate kafka-protocol.
    Wire(wire::WireArgs),
    /// What exactly once costs: commits, recovery, and the journal under plain load.
    Txn(txn::TxnArgs),
    /// The server that does nothing, which `bench server` starts for its limits.
    #[command(hide = true)]
    Tcp(tcp::TcpArgs),
}

/// Measures; says whether all goals were reached, where it was asked to be strict about them.
pub(crate) fn run(args: Args) -> Result<bool> {
    if cfg!(debug_assertions) {
        return run_optimized();
    }
    match args.what.unwrap_or(What::Server(args.server)) {
        What::Server(args) => server::run(&args),
        What::Wire(args) => wire::run(&args),
        What::Txn(args) => txn::run(&args),
        What::Tcp(args) => tcp::run(&args).map(|()| true),
    }
}

/// Measurements of unoptimized code would mean nothing, so the task builds itself again and starts over.
fn run_optimized() -> Result<bool> {
    let mut command = cargo(&["run", "--quiet", "--release", "--package", "xtask", "--"]);
    let status = command.args(env::args_os().skip(1)).status().context("cannot start cargo")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    #[test]
    fn the_command_line_is_sound() {
        super::Args::augment_args(Command::new("bench")).debug_assert();
    }
}
