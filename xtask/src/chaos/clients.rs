//! The clients, and one run of a client.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::oracle::Acknowledged;
use crate::{
    interop::{self, install::install_chaos},
    wait::ended_within,
};

/// An idempotent producer of somebody else's.
pub(crate) struct Client {
    /// As the interop matrix calls it.
    pub name: &'static str,
    /// Whether it shows that a server which forgets is found out; one such client is enough.
    pub tries_forgetful: bool,
}

pub(crate) const CLIENTS: &[Client] = &[
    Client { name: "confluent-kafka", tries_forgetful: true },
    Client { name: "java-4.4", tries_forgetful: false },
    Client { name: "franz-go", tries_forgetful: false },
];

/// Installs a client, and gives the command of its program.
pub(crate) fn install(client: &Client) -> Result<Command> {
    let known = interop::CLIENTS.iter().find(|known| known.name == client.name);
    install_chaos(known.expect("its name is that of the matrix"))
}

/// What a client is asked to send; see `tests/interop/README.md`.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    pub bootstrap: String,
    pub topic: &'a str,
    pub partitions: i32,
    pub count: u32,
    pub batch_records: u32,
    pub request_timeout_ms: u64,
    pub delivery_timeout_ms: u64,
}

impl Plan<'_> {
    /// The partition of a record.
    pub(crate) fn partition(&self, n: u32) -> i32 {
        (n / self.batch_records) as i32 % self.partitions
    }
}

/// What a client says.
pub(crate) struct Said {
    pub version: String,
    pub acknowledged: Vec<Acknowledged>,
    /// The records that it gave up, and why.
    pub failed: Vec<(u32, String)>,
}

/// One line of a client's output.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Version { version: String },
    Acknowledged { n: u32, offset: i64 },
    Failed { n: u32, error: String },
}

/// Lets a client send the plan, and reads its delivery reports.
pub(crate) fn run(
    command: &mut Command,
    plan: &Plan<'_>,
    folder: &Path,
    limit: Duration,
) -> Result<Said> {
    fs::write(folder.join("plan.json"), serde_json::to_vec(plan)?)?;
    let (reports, log) = (folder.join("reports.jsonl"), folder.join("client.log"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&reports)?)
        .stderr(File::create(&log)?);
    let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    match ended_within(&mut process, limit)? {
        Some(status) => {
            ensure!(status.success(), "the client ended with {status}; see {}", log.display());
        }
        None => {
            process.kill()?;
            process.wait()?;
            bail!("the client did not end within {limit:?}; see {}", log.display());
        }
    }
    read_reports(&fs::read_to_string(&reports)?)
}

fn read_reports(text: &str) -> Result<Said> {
    let mut said = Said { version: String::new(), acknowledged: Vec::new(), failed: Vec::new() };
    for line in text.lines() {
        match serde_json::from_str(line).with_context(|| format!("the client said: {line}"))? {
            Line::Version { version } => said.version = version,
            Line::Acknowledged { n, offset } => said.acknowledged.push(Acknowledged { n, offset }),
            Line::Failed { n, error } => said.failed.push((n, error)),
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_reports_are_read_line_by_line() {
        let text = "{\"version\":\"x 1\"}\n{\"n\":1,\"offset\":7}\n{\"n\":2,\"error\":\"no\"}\n";
        let said = read_reports(text).unwrap();
        assert_eq!(said.version, "x 1");
        assert_eq!(said.acknowledged, [Acknowledged { n: 1, offset: 7 }]);
        assert_eq!(said.failed, [(2, "no".to_owned())]);
        assert!(read_reports("{\"n\":2}").is_err());
    }
}
