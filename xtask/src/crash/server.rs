//! A ksink that is started again and again: on the same port, into the same output, with the same state.

use std::{
    fmt,
    fs::{self, File},
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    dice::Dice,
    story::{Micros, now},
};
use crate::wait::{ended_within, until};

pub(crate) const PARTITIONS: i32 = 4;

const START_WAIT: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(20);

/// Ports that this system gives to nobody by itself: not to another server that asks for any port, and not to
/// a client that calls; one that calls its own port would talk to itself.
const PORTS: std::ops::Range<u64> = 20_000..32_000;

/// Where ksink puts what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A file for each topic; transactions are held back.
    Plain,
    /// A file for each topic and transactional id, by `--transactional`.
    Transactional,
    /// A file for each transaction and topic.
    EachTransaction,
}

impl Output {
    fn pattern(self) -> &'static str {
        match self {
            Self::Plain => "{topic}.jsonl",
            Self::Transactional => "{topic}-{txnID}.jsonl",
            Self::EachTransaction => "{topic}-{txnID}-{txnSeq}.jsonl",
        }
    }

    /// Whether there is a place for records outside of transactions.
    pub(crate) fn takes_plain(self) -> bool {
        self == Self::Plain
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain files",
            Self::Transactional => "transactional files",
            Self::EachTransaction => "a file each",
        })
    }
}

/// What stays the same from life to life.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub binary: PathBuf,
    /// Where the log goes, and where ksink is started.
    pub folder: PathBuf,
    pub output_folder: PathBuf,
    pub output: Output,
    /// `None` where ksink puts it by itself, beside the output.
    pub state_folder: Option<PathBuf>,
    pub durability: &'static str,
    pub port: u16,
    /// What the build for tests reads, and no other.
    pub env: Vec<(&'static str, String)>,
}

impl Setup {
    /// Everything below one folder, which is made afresh.
    pub(crate) fn fresh(
        binary: &Path,
        folder: &Path,
        output: Output,
        dice: &mut Dice,
    ) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let output_folder = folder.join("out");
        fs::create_dir_all(&output_folder)?;
        Ok(Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            output_folder,
            output,
            state_folder: None,
            durability: "process",
            port: free_port(dice)?,
            env: Vec::new(),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Begins a life, and does not wait for anything.
    pub(crate) fn start(&self) -> Result<Life> {
        self.start_with(&[])
    }

    /// Ends a life, and begins and ends another one: what a clean stop leaves to the next start is done then, and
    /// nothing else may change.
    pub(crate) fn come_to_rest(&self, life: Life) -> Result<()> {
        life.stop()?;
        let mut last = self.start()?;
        last.await_listening()?;
        last.stop()
    }

    /// Begins a life, with more for the build for tests to read.
    pub(crate) fn start_with(&self, more: &[(&'static str, String)]) -> Result<Life> {
        let log = self.folder.join("ksink.log");
        let mut stderr = File::options().create(true).append(true).open(&log)?;
        let born = now();
        writeln!(stderr, "-- started at {born} with {:?} {more:?}", self.env)?;
        let mut command = Command::new(&self.binary);
        command.args(self.flags());
        command.envs(self.env.iter().chain(more).map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Life { process, log, born, addr: self.addr() })
    }

    fn flags(&self) -> Vec<String> {
        let pattern = self.output_folder.join(self.output.pattern()).display().to_string();
        let mut flags: Vec<String> = ["--addr", &self.addr().to_string()].map(str::to_owned).into();
        let mut add = |name: &str, value: &str| flags.extend([name.to_owned(), value.to_owned()]);
        add("--partitions", &PARTITIONS.to_string());
        add("--output", &pattern);
        add("--output-format", "jsonl");
        add("--durability", self.durability);
        if let Some(folder) = &self.state_folder {
            add("--state-dir", &folder.display().to_string());
        }
        if !self.output.takes_plain() {
            flags.push("--transactional".to_owned());
        }
        flags
    }
}

fn free_port(dice: &mut Dice) -> Result<u16> {
    for _ in 0..100 {
        let port = dice.pick(PORTS) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("100 ports were taken")
}

/// ksink between a start and its end; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Life {
    process: Child,
    log: PathBuf,
    pub born: Micros,
    addr: SocketAddr,
}

impl Life {
    /// Waits until it takes connections.
    pub(crate) fn await_listening(&mut self) -> Result<()> {
        ensure!(self.listens_or_died()?, "ksink was killed by somebody else");
        Ok(())
    }

    /// The same; gives false where it was killed meanwhile, as it may have been ordered to be.
    pub(crate) fn listens_or_died(&mut self) -> Result<bool> {
        let mut ended = None;
        let addr = self.addr;
        let process = &mut self.process;
        let listens = until(START_WAIT, || {
            ended = process.try_wait().ok().flatten();
            ended.is_some() || TcpStream::connect(addr).is_ok()
        });
        match ended {
            Some(status) if is_killed(status) => Ok(false),
            Some(status) => bail!("ksink ended with {status}; its log: {}", self.log_tail()),
            None if listens => Ok(true),
            None => bail!("ksink does not listen; its log: {}", self.log_tail()),
        }
    }

    /// SIGKILL; gives the time just before. A ksink that has ended by itself is an error.
    pub(crate) fn kill(mut self) -> Result<Micros> {
        if let Some(status) = self.process.try_wait()? {
            bail!("ksink ended by itself with {status}; its log: {}", self.log_tail());
        }
        let at = now();
        self.process.kill()?;
        self.process.wait()?;
        Ok(at)
    }

    /// Waits for a death that was ordered beforehand; says whether it came in time. Any other end is an error.
    pub(crate) fn died_within(&mut self, limit: Duration) -> Result<bool> {
        match ended_within(&mut self.process, limit)? {
            None => Ok(false),
            Some(status) if is_killed(status) => Ok(true),
            Some(status) => bail!("ksink ended with {status}; its log: {}", self.log_tail()),
        }
    }

    /// Asks ksink to end, which it must do in good time and with success.
    pub(crate) fn stop(self) -> Result<()> {
        ensure!(self.stop_or_die()?, "ksink was killed by somebody else");
        Ok(())
    }

    /// The same; gives false where it was killed meanwhile, as it may have been ordered to be.
    pub(crate) fn stop_or_die(mut self) -> Result<bool> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)
            .context("ksink was gone already")?;
        match ended_within(&mut self.process, STOP_WAIT)? {
            Some(status) if status.success() => Ok(true),
            Some(status) if is_killed(status) => Ok(false),
            Some(status) => bail!("ksink ended with {status}; its log: {}", self.log_tail()),
            None => bail!("ksink did not end within {STOP_WAIT:?}; its log: {}", self.log_tail()),
        }
    }

    /// The last lines of the log.
    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may well have ended; then neither finds anything to do.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
