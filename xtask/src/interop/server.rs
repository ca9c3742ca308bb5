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
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts ksink with these flags, its log in the folder, and waits until it listens.
    pub(crate) fn start(binary: &Binary, folder: &Path, flags: &[&str]) -> Result<Self> {
        let (port_file, log) = (folder.join("port"), folder.join("ksink.log"));
        let mut command = Command::new(&binary.file);
        command.args(["--addr", "127.0.0.1:0", "--partitions", &PARTITIONS.to_string()]);
        command.arg("--port-file").arg(&port_file).args(flags);
        // Without a state of its own, each run starts from offset 0.
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let process =
            command.spawn().with_context(|| format!("cannot start {}", binary.file.display()))?;
        let mut server = Self { process, port: 0, log };
        server.port = server.await_port(&port_file)?;
        Ok(server)
    }

    fn await_port(&mut self, port_file: &Path) -> Result<u16> {
        let mut port = None;
        until(START_WAIT, || {
            port = fs::read_to_string(port_file).ok().and_then(|text| text.trim().parse().ok());
            port.is_some() || matches!(self.process.try_wait(), Ok(Some(_)))
        });
        port.with_context(|| format!("ksink does not listen; its log: {}", self.log_text()))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Asks ksink to end, which it must do in good time and with success.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)
            .context("ksink was gone already")?;
        match ended_within(&mut self.process, STOP_WAIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("ksink ended with {status}; its log: {}", self.log_text()),
            None => bail!("ksink did not end within {STOP_WAIT:?}; its log: {}", self.log_text()),
        }
    }

    fn log_text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may well have ended; then neither finds anything to do.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
