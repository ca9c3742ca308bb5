//! Runs a plan: a server, a sink on a thread of its own, and the signals that end them.

use std::{fs, future::pending, io, path::Path, thread, time::Duration};

use ksink_server::{Deliveries, OpenError, Running, Server};
use ksink_sinks::{
    FileOptions, FileSink, NullSink, Progress, PumpEnd, PumpOptions, Sink, StdoutSink, pump,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::{sleep_until, timeout},
};
use tracing_subscriber::EnvFilter;

use crate::{
    args::{LogFormat, LogLevel},
    exit::Exit,
    plan::{Output, Plan},
};

/// Output files take at most this part of what the process may open; the rest is for connections.
const FILES_PART: u64 = 4;

/// More open output files than this help nobody.
const FILES_MAX: u64 = 1024;

/// Runs until a signal, the plan, or the output ends it.
pub(crate) fn run(plan: Plan) -> Result<(), Exit> {
    init_log(plan.log_format, plan.log_level);
    let files = raise_open_files();
    // The sink is opened before anybody can connect, so that nothing is accepted that has no place to go.
    match &plan.output {
        Output::Null => serve(&plan, NullSink),
        Output::Stdout => {
            let sink = StdoutSink::new(plan.format.clone())
                .map_err(|error| Exit::output(format!("stdout cannot be written to: {error}")))?;
            serve(&plan, sink)
        }
        Output::File(pattern) => {
            let options = FileOptions { open_files_max: files };
            let sink = FileSink::open(pattern.clone(), plan.format.clone(), options)
                .map_err(|error| Exit::output(error.to_string()))?;
            serve(&plan, sink)
        }
    }
}

fn serve(plan: &Plan, sink: impl Sink + 'static) -> Result<(), Exit> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("ksink-net")
        .build()
        .map_err(|error| Exit::run_time(format!("cannot start threads: {error}")))?;
    let served = runtime.block_on(serve_on(plan, sink));
    // A sink that is stuck in a write must not keep the process alive.
    runtime.shutdown_background();
    served
}

async fn serve_on(plan: &Plan, sink: impl Sink + 'static) -> Result<(), Exit> {
    let mut signals =
        Signals::new().map_err(|error| Exit::run_time(format!("signals: {error}")))?;
    let server = Server::open(plan.server.clone()).map_err(cannot_open)?;
    let (running, deliveries) = server
        .bind(&plan.listen)
        .await
        .map_err(|error| Exit::run_time(format!("failed to listen on {}: {error}", plan.listen)))?;
    let options = PumpOptions { records_max: plan.exit_after_records, ..Default::default() };
    let progress = options.progress.clone();
    let mut pumping = spawn_pump(deliveries, sink, options)?;
    announce(plan, &running)?;
    let ended = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping");
            None
        }
        () = idle(&progress, plan.exit_when_idle) => None,
        end = &mut pumping => Some(end),
    };
    running.drain();
    let drained = drain(running, ended, pumping);
    tokio::select! {
        drained = timeout(plan.drain_timeout, drained) => drained.unwrap_or_else(|_| {
            Err(Exit::not_drained("the time to drain is over, and not everything in flight was answered"))
        }),
        _ = signals.next() => Err(Exit::run_time("stopped by a second signal, without draining")),
    }
}

/// Waits until connections have ended and the sink has kept what they brought.
async fn drain(
    running: Running,
    ended: Option<Result<PumpEnd, oneshot::error::RecvError>>,
    pumping: oneshot::Receiver<PumpEnd>,
) -> Result<(), Exit> {
    running.stopped().await;
    let ended = match ended {
        Some(ended) => ended,
        None => pumping.await,
    };
    match ended {
        Ok(PumpEnd::ServerStopped | PumpEnd::RecordsReached) => Ok(()),
        Ok(PumpEnd::OutputGone(refusal)) => {
            Err(Exit::run_time(format!("the output is gone: {}", refusal.reason())))
        }
        Err(_) => Err(Exit::run_time("the sink's thread panicked: please report this")),
    }
}

/// Gives the sink a thread of its own: a write that blocks keeps nobody else from being served.
fn spawn_pump(
    mut deliveries: Deliveries,
    mut sink: impl Sink + 'static,
    options: PumpOptions,
) -> Result<oneshot::Receiver<PumpEnd>, Exit> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Exit::run_time(format!("cannot start the sink: {error}")))?;
    let (end, ended) = oneshot::channel();
    let body = move || {
        let why = runtime.block_on(pump(&mut deliveries, &mut sink, &options));
        // Refuses what nobody will look at any more, so that its connections can end.
        drop(deliveries);
        let _ = end.send(why);
    };
    thread::Builder::new()
        .name("ksink-sink".to_owned())
        .spawn(body)
        .map_err(|error| Exit::run_time(format!("cannot start the sink: {error}")))?;
    Ok(ended)
}

/// Waits until no record came for `max`; for ever without it.
async fn idle(progress: &Progress, max: Option<Duration>) {
    let Some(max) = max else { return pending().await };
    loop {
        let since = progress.idle_since();
        sleep_until((since + max).into()).await;
        if progress.idle_since() == since {
            return;
        }
    }
}

/// Tells programs the port, and people what to type.
fn announce(plan: &Plan, running: &Running) -> Result<(), Exit> {
    let addr = running.local_addr();
    if let Some(file) = &plan.port_file {
        write_port(file, addr.port()).map_err(|error| {
            Exit::run_time(format!("failed to write port file {}: {error}", file.display()))
        })?;
    }
    tracing::info!(%addr, version = env!("CARGO_PKG_VERSION"), "ksink listens");
    let bootstrap = match &plan.server.advertised {
        Some(advertised) => format!("{}:{}", advertised.host, advertised.port),
        None if addr.ip().is_unspecified() => format!("localhost:{}", addr.port()),
        None => addr.to_string(),
    };
    tracing::info!("try it: echo hello | kcat -P -b {bootstrap} -t test");
    Ok(())
}

/// Whoever waits for the file never sees half of it.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".tmp");
    fs::write(&name, format!("{port}\n"))?;
    fs::rename(&name, file)
}

/// Lets the process open what its hard limit allows, and says how many of that may be output files.
fn raise_open_files() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Where it cannot be raised the limit stays, and accepting backs off when it is met.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let limit = if raised { maximum } else { current };
    let files = limit.map_or(FILES_MAX, |limit| (limit / FILES_PART).clamp(1, FILES_MAX));
    usize::try_from(files).unwrap_or(1)
}

fn cannot_open(error: OpenError) -> Exit {
    Exit::run_time(error.to_string())
}

/// The signals that ask for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

fn init_log(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let builder = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_env_filter(EnvFilter::new(level));
    match format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => builder.json().init(),
    }
}
