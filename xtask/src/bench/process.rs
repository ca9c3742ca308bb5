//! The servers that are measured, each a process on its own core, and what the kernel counts for them.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
};

use super::{cores::Cores, tcp};
use crate::{
    command::{cargo, succeed},
    places,
};

/// A server that takes longer to start will not.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// How often a start is looked at; its time is known to that.
const START_PAUSE: Duration = Duration::from_micros(100);

/// A ksink that outlives whoever measures it ends by itself.
const IDLE_MAX: &str = "10s";

/// Fields of `/proc/PID/stat`, counted from the one after the name of the program (proc_pid_stat(5)).
const UTIME: usize = 11;
const STIME: usize = 12;

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) addr: SocketAddr,
    /// From the start of the process until it accepted a connection.
    pub(super) started_in: Duration,
}

/// The binary to measure: the one that was asked for, or the release build of this tree.
pub(super) fn ksink(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(asked) = asked {
        return asked.canonicalize().context("no such ksink");
    }
    succeed(&mut cargo(&["build", "--quiet", "--release", "--package", "ksink-cli"]))?;
    Ok(places::target().join("release/ksink"))
}

/// What a process holds in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) resident_bytes: u64,
    /// The most that was ever resident.
    pub(super) peak_bytes: u64,
}

impl Server {
    /// Starts ksink with its files in `folder`.
    pub(super) fn ksink(binary: &Path, args: &[&str], folder: &Path, cores: Cores) -> Result<Self> {
        let port_file = folder.join("port");
        // One that another start has left would be believed.
        let _ = fs::remove_file(&port_file);
        let mut command = Command::new(binary);
        command.args([
            "--addr",
            "127.0.0.1:0",
            "--log-level",
            "error",
            "--exit-when-idle",
            IDLE_MAX,
        ]);
        command.arg("--port-file").arg(&port_file).args(args);
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let child = cores.spawn(&mut command).context("ksink cannot be started")?;
        // Owned from here on, so that no error leaves a process behind.
        let mut server = Self { child, addr: addr(0), started_in: Duration::ZERO };
        server.addr = addr(server.wait_for_port(&port_file)?);
        TcpStream::connect(server.addr).context("ksink accepts no connection")?;
        server.started_in = start.elapsed();
        Ok(server)
    }

    /// Starts the server that does nothing.
    pub(super) fn tcp(args: tcp::TcpArgs, cores: Cores) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let request_bytes = args.request_bytes.to_string();
        command.args(["bench", "tcp", "--request-bytes", &request_bytes]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let start = Instant::now();
        let child = cores.spawn(&mut command).context("the bare server cannot be started")?;
        let mut server = Self { child, addr: addr(0), started_in: Duration::ZERO };
        let mut line = String::new();
        let stdout = server.child.stdout.take().context("the bare server has no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        server.addr = addr(line.trim().parse().context("the bare server tells no port")?);
        server.started_in = start.elapsed();
        Ok(server)
    }

    /// Asks the server to end in good order, and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "ksink ended with {status}");
        Ok(())
    }

    fn wait_for_port(&mut self, file: &Path) -> Result<u16> {
        let end = Instant::now() + START_TIME_MAX;
        while Instant::now() < end {
            if let Ok(text) = fs::read_to_string(file) {
                return text.trim().parse().context("the port file holds no port");
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("ksink ended at its start: {status}");
            }
            thread::sleep(START_PAUSE);
        }
        bail!("ksink does not listen after {START_TIME_MAX:?}");
    }

    /// The CPU time that the process has used, its own and the kernel's for it, to 10 ms.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the program stands in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has another form")?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        let ticks = |field: usize| -> Result<u64> {
            Ok(fields.get(field).context("/proc/PID/stat ends early")?.parse()?)
        };
        let ticks = ticks(UTIME)? + ticks(STIME)?;
        Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
    }

    pub(super) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_ascii_whitespace().next());
            let kib: u64 =
                kib.with_context(|| format!("/proc/PID/status has no {name}"))?.parse()?;
            Ok(kib << 10)
        };
        Ok(Memory { resident_bytes: field("VmRSS:")?, peak_bytes: field("VmHWM:")? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nobody left to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn addr(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
