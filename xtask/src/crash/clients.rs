//! Real producers that work until they are told that it is enough.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::{server::PARTITIONS, story::Story};
use crate::{
    interop::{self, install::install_crash},
    wait::{ended_within, until},
};

/// The clients, as the interop matrix calls them, and as their producers are called.
pub(crate) const CLIENTS: &[(&str, &str)] =
    &[("confluent-kafka", "librdkafka"), ("java-4.4", "java"), ("franz-go", "franz")];

pub(crate) const TOPICS: [&str; 3] = ["alpha", "beta", "gamma"];

/// How long a client may take for its first transactions; Java compiles its program first.
const WARM_UP: Duration = Duration::from_secs(60);

/// How long a client may take to end what it has begun, once nobody is killed any more. Its own time-outs are
/// shorter or longer than this; all that is open must have gone through by then.
const FINISH: Duration = Duration::from_secs(100);

/// What a client is asked to do; see `tests/interop/README.md`.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    pub bootstrap: String,
    pub name: &'a str,
    pub topics: [&'a str; 3],
    pub partitions: i32,
    pub seed: u64,
    /// How many idempotent producers.
    pub plain: u32,
    /// How many transactional ones.
    pub transactional: u32,
    pub records_max: u32,
    pub abort_percent: u32,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(bootstrap: String, name: &'a str, seed: u64, takes_plain: bool) -> Self {
        Self {
            bootstrap,
            name,
            topics: TOPICS,
            partitions: PARTITIONS,
            seed,
            plain: if takes_plain { 2 } else { 0 },
            transactional: 2,
            records_max: 500,
            abort_percent: 10,
        }
    }
}

/// Installs a client, and gives the command of its program.
pub(crate) fn install(name: &str) -> Result<Command> {
    let known = interop::CLIENTS.iter().find(|known| known.name == name);
    install_crash(known.expect("its name is that of the matrix"))
}

/// A client at work; dropped, it is killed.
pub(crate) struct Running {
    process: Child,
    folder: PathBuf,
}

impl Running {
    /// Starts a client in a folder of its own, which must exist.
    pub(crate) fn start(command: &mut Command, plan: &Plan<'_>, folder: &Path) -> Result<Self> {
        fs::write(folder.join("plan.json"), serde_json::to_vec(plan)?)?;
        command
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(File::create(folder.join("story.jsonl"))?)
            .stderr(File::create(folder.join("client.log"))?);
        let process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { process, folder: folder.to_owned() })
    }

    /// Waits until some transaction has ended.
    pub(crate) fn await_work(&mut self) -> Result<()> {
        let story = self.folder.join("story.jsonl");
        let works = || fs::read_to_string(&story).is_ok_and(|text| text.contains("\"ended\""));
        ensure!(
            until(WARM_UP, works),
            "no transaction ended within {WARM_UP:?}; see {}",
            self.folder.display()
        );
        self.check()
    }

    /// Nobody leaves early.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("a client ended with {status}; see {}", self.folder.display()),
        }
    }

    /// Says that it is enough.
    pub(crate) fn tell_enough(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Waits until everything that was begun has ended, and adds what the client says of it.
    pub(crate) fn finish(mut self, story: &mut Story) -> Result<()> {
        self.tell_enough();
        match ended_within(&mut self.process, FINISH)? {
            Some(status) => {
                ensure!(
                    status.success(),
                    "a client ended with {status}; see {}",
                    self.folder.display()
                );
            }
            None => bail!("a client did not end within {FINISH:?}; see {}", self.folder.display()),
        }
        story.read(&fs::read_to_string(self.folder.join("story.jsonl"))?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may well have ended; then neither finds anything to do.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
