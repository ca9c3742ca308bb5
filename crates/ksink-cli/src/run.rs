//! Runs a plan: a server, a sink on a thread of its own, and the signals that end them.

use std::{fs, future::pending, io, path::Path, sync::Arc, thread, time::Duration};

use ksink_server::{Deliveries, Held, OpenError, Running, Server, ServerConfig, StateConfig};
use ksink_sinks::{
    FileOptions, FileSink, HeldBack, HeldBackOptions, HttpOpenError, HttpSink, HttpTarget,
    NullSink, Progress, PumpEnd, PumpLimits, PumpOptions, RecoverError, Sink, StdoutSink, Tls,
    TransactionalFiles, TransactionalOptions, TransactionalSink, pump,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::{sleep_until, timeout},
};

use crate::{
    exit::Exit,
    log,
    plan::{Output, Plan},
    state,
};

/// Output files take at most this part of what the process may open; the rest is for connections.
const FILES_PART: u64 = 4;

/// More open output files than this help nobody.
const FILES_MAX: u64 = 1024;

/// Where a state keeps the records of transactions that are held back, below its folder.
const SPILLS: &str = "spills";

/// Runs until a signal, the plan, or the output ends it.
pub(crate) fn run(plan: Plan) -> Result<(), Exit> {
    log::init(plan.log_format, plan.log_level);
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    forget_port(&plan)?;
    let files = raise_open_files();
    let tls = load_tls(&plan)?;
    let durability = plan.server.durability;
    // The sink is opened before anybody can connect, so that nothing is accepted that has no place to go.
    match &plan.output {
        Output::Null => {
            let state = state::of(&plan)?;
            serve(&plan, state, NullSink::default(), Pace::default())
        }
        Output::Stdout => {
            let sink = StdoutSink::new(plan.format.clone())
                .map_err(|error| Exit::output(format!("stdout cannot be written to: {error}")))?;
            serve_held_back(&plan, sink, Pace::default())
        }
        Output::Http(target) => serve_held_back(&plan, open_http(&plan, target, &tls)?, Pace::HTTP),
        Output::File(pattern) => {
            let options = FileOptions { open_files_max: files, durability, ..Default::default() };
            let sink = FileSink::open(pattern.clone(), plan.format.clone(), options)
                .map_err(|error| Exit::output(error.to_string()))?;
            serve_held_back(&plan, sink, Pace::default())
        }
        Output::Transactions(pattern) => {
            let options = TransactionalOptions {
                existing: plan.existing,
                durability,
                open_files_max: files,
                ..Default::default()
            };
            let sink = TransactionalFiles::open(pattern.clone(), plan.format.clone(), options)
                .map_err(|error| Exit::output(error.to_string()))?;
            let state = state::of(&plan)?;
            serve(&plan, state, sink, Pace::default())
        }
    }
}

/// Lets transactions wait until they are committed: in the state where there is one.
fn serve_held_back(plan: &Plan, sink: impl Sink + 'static, pace: Pace) -> Result<(), Exit> {
    let Some(state) = state::of(plan)? else {
        return serve(plan, None, HeldBack::without_state(sink), pace);
    };
    let options = HeldBackOptions {
        folder: Some(state.folder.join(SPILLS)),
        durability: plan.server.durability,
        ..Default::default()
    };
    let sink = HeldBack::new(sink, Arc::clone(&state.disk), options);
    serve(plan, Some(state), sink, pace)
}

fn open_http(plan: &Plan, target: &HttpTarget, tls: &Tls) -> Result<HttpSink, Exit> {
    HttpSink::open(target.clone(), tls, plan.format.clone(), plan.http.clone())
        .map_err(cannot_open_http)
}

/// All that can be found out about the output and the state without listening or making a file.
pub(crate) fn look(plan: &Plan) -> Result<(), Exit> {
    look_at_output(plan)?;
    state::look(plan)
}

fn look_at_output(plan: &Plan) -> Result<(), Exit> {
    let tls = load_tls(plan)?;
    match &plan.output {
        Output::Null | Output::Stdout => Ok(()),
        Output::Http(target) => HttpSink::look(target, &tls, &plan.http).map_err(cannot_open_http),
        Output::File(pattern) => {
            FileSink::look(pattern).map_err(|error| Exit::output(error.to_string()))
        }
        Output::Transactions(pattern) => {
            TransactionalFiles::look(pattern).map_err(|error| Exit::output(error.to_string()))
        }
    }
}

/// What encrypts an output must be sound whatever the output is.
fn load_tls(plan: &Plan) -> Result<Tls, Exit> {
    plan.tls.load().map_err(|error| Exit::config(error.to_string()))
}

fn cannot_open_http(error: HttpOpenError) -> Exit {
    match error {
        HttpOpenError::DeadLetters(error) => Exit::output(error.to_string()),
        error => Exit::config(error.to_string()),
    }
}

/// What the pump gives to a sink, and how much it takes at once.
#[derive(Clone, Copy, Default)]
struct Pace {
    limits: PumpLimits,
    /// Whether the sink has sockets and timers of its own. Without them its thread waits on a futex, which
    /// is the cheapest way to be woken.
    has_drivers: bool,
}

impl Pace {
    const HTTP: Self = Self { limits: HttpSink::GROUP_LIMITS, has_drivers: true };

    fn runtime(self) -> io::Result<Runtime> {
        let mut builder = runtime::Builder::new_current_thread();
        if self.has_drivers {
            builder.enable_all();
        }
        builder.build()
    }
}

fn serve(
    plan: &Plan,
    state: Option<StateConfig>,
    sink: impl TransactionalSink + 'static,
    pace: Pace,
) -> Result<(), Exit> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("ksink-net")
        .build()
        .map_err(|error| Exit::run_time(format!("cannot start threads: {error}")))?;
    let served = runtime.block_on(serve_on(plan, state, sink, pace));
    // A sink that is stuck in a write must not keep the process alive.
    runtime.shutdown_background();
    served
}

async fn serve_on(
    plan: &Plan,
    state: Option<StateConfig>,
    mut sink: impl TransactionalSink + 'static,
    pace: Pace,
) -> Result<(), Exit> {
    let mut signals =
        Signals::new().map_err(|error| Exit::run_time(format!("signals: {error}")))?;
    let server = open_server(plan, state, &mut sink).await?;
    let (running, deliveries) = server
        .bind(&plan.listen)
        .await
        .map_err(|error| Exit::run_time(format!("failed to listen on {}: {error}", plan.listen)))?;
    let runtime = pace
        .runtime()
        .map_err(|error| Exit::run_time(format!("cannot start the sink: {error}")))?;
    let options = PumpOptions {
        limits: pace.limits,
        records_max: plan.exit_after_records,
        ..Default::default()
    };
    let progress = options.progress.clone();
    let mut pumping = spawn_pump(runtime, deliveries, sink, options)?;
    announce(plan, &running)?;
    let stop = tokio::select! {
        name = signals.next() => Stop::Signal(name),
        () = idle(&progress, plan.exit_when_idle) => Stop::Idle,
        end = &mut pumping => Stop::Sink(end),
    };
    if let Some(reason) = stop.reason() {
        tracing::info!(records = progress.records(), "stopping: {reason}");
    }
    // A signal that comes while we stop for another reason asks for what happens already.
    let signals_to_obey = if matches!(stop, Stop::Signal(_)) { 1 } else { 2 };
    running.drain();
    let drained = drain(running, stop, pumping);
    tokio::select! {
        drained = timeout(plan.drain_timeout, drained) => drained.unwrap_or_else(|_| {
            Err(Exit::not_drained("the time to drain is over, and not everything in flight was answered"))
        }),
        () = signals.nth(signals_to_obey) => {
            Err(Exit::run_time("stopped by a second signal, without draining"))
        }
    }
}

/// Opens the server with what it remembers, and brings the outputs to where that says they stand.
async fn open_server(
    plan: &Plan,
    state: Option<StateConfig>,
    sink: &mut impl Sink,
) -> Result<Server, Exit> {
    let folder = state.as_ref().map(|state| state.folder.clone());
    let config = ServerConfig { state, ..plan.server.clone() };
    let mut server = Server::open(config).map_err(cannot_open)?;
    if let Some(folder) = folder {
        let Held { last_stop, open, decided, aborted, .. } = server.held();
        let (open, decided) = (open.len(), decided.len() + aborted.len());
        tracing::info!(folder = %folder.display(), ?last_stop, open, decided, "state opened");
    }
    let resumed = sink.recover(server.held()).await.map_err(cannot_recover)?;
    server.resume(resumed).map_err(cannot_open)?;
    Ok(server)
}

/// Why the server is to stop.
enum Stop {
    Signal(&'static str),
    Idle,
    Sink(Ended),
}

/// How the pump ended; an error if its thread panicked.
type Ended = Result<PumpEnd, oneshot::error::RecvError>;

impl Stop {
    /// For the log; `None` where the line at the exit will say it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Signal(name) => Some(name),
            Self::Idle => Some("no record came for long enough"),
            Self::Sink(Ok(PumpEnd::RecordsReached)) => Some("enough records came"),
            Self::Sink(Ok(PumpEnd::ServerStopped | PumpEnd::OutputGone(_)) | Err(_)) => None,
        }
    }
}

/// Waits until connections have ended and the sink has kept what they brought.
async fn drain(
    running: Running,
    stop: Stop,
    pumping: oneshot::Receiver<PumpEnd>,
) -> Result<(), Exit> {
    running.stopped().await;
    let ended = match stop {
        Stop::Sink(ended) => ended,
        Stop::Signal(_) | Stop::Idle => pumping.await,
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
    runtime: Runtime,
    mut deliveries: Deliveries,
    mut sink: impl TransactionalSink + 'static,
    options: PumpOptions,
) -> Result<oneshot::Receiver<PumpEnd>, Exit> {
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
        write_port(file, addr.port()).map_err(|error| cannot_write_port(file, &error))?;
    }
    tracing::info!(%addr, version = env!("CARGO_PKG_VERSION"), "ksink listens");
    let bootstrap = match &plan.server.advertised {
        Some(advertised) => advertised.to_string(),
        None if addr.ip().is_unspecified() => format!("localhost:{}", addr.port()),
        None => addr.to_string(),
    };
    tracing::info!("try it: echo hello | kcat -P -b {bootstrap} -t {}", plan.example_topic);
    Ok(())
}

/// What an earlier run left in the port file would mislead whoever waits for it.
fn forget_port(plan: &Plan) -> Result<(), Exit> {
    let Some(file) = &plan.port_file else { return Ok(()) };
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot_write_port(file, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whoever waits for the file never sees half of it.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".tmp");
    fs::write(&name, format!("{port}\n"))?;
    fs::rename(&name, file)
}

fn cannot_write_port(file: &Path, error: &io::Error) -> Exit {
    Exit::run_time(format!("failed to write port file {}: {error}", file.display()))
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

pub(crate) fn cannot_open(error: OpenError) -> Exit {
    let line = error.to_string();
    match error {
        OpenError::NoPartitions | OpenError::NoRandomNumbers(_) => Exit::run_time(line),
        _ if error.is_locked() => Exit::output(line),
        OpenError::Journal(_)
        | OpenError::Unwritable(_)
        | OpenError::Ledger { .. }
        | OpenError::OtherPurpose { .. } => Exit::config(line),
    }
}

fn cannot_recover(error: RecoverError) -> Exit {
    match error {
        RecoverError::Stopped(_) => Exit::config(error.to_string()),
        RecoverError::Failed { .. } => Exit::output(error.to_string()),
    }
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

    /// Waits until so many came.
    async fn nth(&mut self, count: usize) {
        for _ in 0..count {
            self.next().await;
        }
    }
}
