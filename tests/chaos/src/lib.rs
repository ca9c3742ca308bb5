//! ksink with a slow output.
//!
//! The flags are those of `ksink` as far as the runs need them, and two that say how slow. The server, the
//! pump and the file sink are ksink's own; only the time that a flush takes is put between.

#![warn(missing_docs)]

mod slow;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use ksink_server::{HostPort, ListenAddr, Server, ServerConfig};
use ksink_sinks::{
    FileOptions, FileSink, Format, HeldBack, PathPattern, PumpEnd, PumpOptions,
    format::{JsonTimestamp, Jsonl},
    pump,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use self::slow::{Pace, Slow};

/// ksink with a slow output, which is jsonl with keys and values in base64.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(long)]
    addr: ListenAddr,
    /// What clients are told to connect to.
    #[arg(long)]
    advertised_addr: Option<SocketAddr>,
    /// How many partitions each topic has.
    #[arg(long, default_value_t = 1)]
    partitions: u16,
    /// Holds the port once the server listens.
    #[arg(long)]
    port_file: PathBuf,
    /// The file, or a pattern with {topic}.
    #[arg(long)]
    output: PathBuf,
    /// How long every flush takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    flush_ms: u64,
    /// How long one flush takes, the tenth, in milliseconds.
    #[arg(long, default_value_t = 0)]
    stall_ms: u64,
}

/// Serves until SIGTERM.
pub fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let jsonl = Jsonl { base64_key: true, base64_value: true, timestamp: JsonTimestamp::default() };
    let file = FileSink::open(
        PathPattern::new(&args.output),
        Format::Jsonl(jsonl),
        FileOptions::default(),
    )?;
    let pace = Pace {
        flush: Duration::from_millis(args.flush_ms),
        stall: Duration::from_millis(args.stall_ms),
    };
    runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(args, Slow::new(file, pace)))
}

async fn serve(args: &Args, sink: Slow<FileSink>) -> Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let advertised = args
        .advertised_addr
        .map(|addr| HostPort { host: addr.ip().to_string(), port: addr.port() });
    let config = ServerConfig { advertised, partitions: args.partitions, ..Default::default() };
    let (running, mut deliveries) = Server::open(config)?.bind(&args.addr).await?;
    let pump_runtime = runtime::Builder::new_current_thread().build()?;
    let mut sink = HeldBack::without_state(sink);
    let pumping = thread::spawn(move || {
        pump_runtime.block_on(pump(&mut deliveries, &mut sink, &PumpOptions::default()))
    });
    let port = running.local_addr().port();
    // Whoever waits for the file reads it as soon as it is there: it comes with its content.
    let unfinished = args.port_file.with_extension("tmp");
    fs::write(&unfinished, port.to_string()).context("cannot write the port file")?;
    fs::rename(&unfinished, &args.port_file).context("cannot write the port file")?;
    ensure!(stop.recv().await.is_some(), "no signals");
    running.stop().await;
    match pumping.join() {
        Ok(PumpEnd::ServerStopped) => Ok(()),
        Ok(end) => bail!("the pump ended by itself: {end:?}"),
        Err(_) => bail!("the pump panicked"),
    }
}
