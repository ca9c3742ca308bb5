//! The ksink under test: started on a port of its own, and stopped as an operator would.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::rows::PARTITIONS;
use crate::{
    command::{cargo, succeed},
    places,
    wait::{ended_within, until},
};

const START_WAIT: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(10);

/// The binary that is tried.
pub(crate) struct Binary {
    file: PathBuf,
    pub version: String,
}

impl Binary {
    /// Builds ksink, unless a file is named that holds it already.
    pub(crate) fn provide(ready: Option<&Path>) -> Result<Self> {
        let file = match ready {
            Some(file) => {
                file.canonicalize().with_context(|| format!("cannot find {}", file.display()))?
            }
            None => build()?,
        };
        let output = Command::new(&file).arg("--version").output()?;
        ensure!(
            output.status.success(),
            "{} --version ended with {}",
            file.display(),
            output.status
        );
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Self { file, version })
    }
}

fn build() -> Result<PathBuf> {
    succeed(&mut cargo(&["build", "--quiet", "--profile", "quick", "--package", "ksink-cli"]))?;
    Ok(places::target().join("quick/ksink"))
}

/// A running ksink; dropped, it is killed.
pub(crate) struct Server {
    launch: Launch,
    process: Child,
    port: u16,
}

/// How it is started, the second time as the first time.
struct Launch {
    file: PathBuf,
    folder: PathBuf,
    flags: Vec<String>,
}

impl Server {
    /// Starts ksink with these flags, its log in the folder, and waits until it listens.
    pub(crate) fn start(binary: &Binary, folder: &Path, flags: &[&str]) -> Result<Self> {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let launch = Launch { file: binary.file.clone(), folder: folder.to_owned(), flags };
        let process = launch.start(0)?;
        let mut server = Self { launch, process, port: 0 };
        server.await_port()?;
        Ok(server)
    }

    /// Kills ksink in the middle of whatever it does, and starts it again.
    pub(crate) fn kill_and_start_again(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.start_again()
    }

    /// Starts ksink as before, on the same port, after it has ended.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        fs::remove_file(self.launch.port_file())?;
        self.process = self.launch.start(self.port)?;
        self.await_port()
    }

    fn await_port(&mut self) -> Result<()> {
        let (mut port, file) = (None, self.launch.port_file());
        until(START_WAIT, || {
            port = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
            port.is_some() || matches!(self.process.try_wait(), Ok(Some(_)))
        });
        self.port =
            port.with_context(|| format!("ksink does not listen; its log: {}", self.log_text()))?;
        Ok(())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Asks ksink to end, which it must do in good time and with success.
    pub(crate) fn stop(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)
            .with_context(|| format!("ksink was gone already; its log: {}", self.log_text()))?;
        match ended_within(&mut self.process, STOP_WAIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("ksink ended with {status}; its log: {}", self.log_text()),
            None => bail!("ksink did not end within {STOP_WAIT:?}; its log: {}", self.log_text()),
        }
    }

    fn log_text(&self) -> String {
        fs::read_to_string(self.launch.log()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may well have ended; then neither finds anything to do.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Launch {
    /// On this port, 0 for any; a log that is there goes on.
    fn start(&self, port: u16) -> Result<Child> {
        let mut command = Command::new(&self.file);
        command.args(["--addr", &format!("127.0.0.1:{port}")]);
        command.args(["--partitions", &PARTITIONS.to_string()]);
        command.arg("--port-file").arg(self.port_file()).args(&self.flags);
        // In a folder of its own, each run has a state of its own, and starts from offset 0.
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::options().create(true).append(true).open(self.log())?);
        command.spawn().with_context(|| format!("cannot start {}", self.file.display()))
    }

    fn port_file(&self) -> PathBuf {
        self.folder.join("port")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("ksink.log")
    }
}
