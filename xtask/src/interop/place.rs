//! Where ksink puts records, and how they are read there.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{
    http::{Posts, WebServer},
    landed::{Output, read_output},
    plan::Cell,
    setting::{Setting, Sink},
    transactions::watch::Watch,
};

pub(crate) enum Place {
    /// Files for each topic, named by this pattern.
    Files { folder: PathBuf, pattern: &'static str },
    /// A web server, and a file for what it refuses.
    Http { server: WebServer, dead_letters: PathBuf },
}

impl Place {
    /// Makes room in a folder.
    pub(crate) fn prepare(setting: &Setting, folder: &Path, cells: &[Cell]) -> Result<Self> {
        match setting.sink {
            Sink::Files => Self::files(folder, "{topic}.jsonl"),
            Sink::TransactionFiles => Self::files(folder, "{topic}@{txnID}.jsonl"),
            Sink::Http => Ok(Self::Http {
                server: WebServer::start(cells)?,
                dead_letters: folder.join("dead-letters.jsonl"),
            }),
        }
    }

    fn files(folder: &Path, pattern: &'static str) -> Result<Self> {
        let folder = folder.join("out");
        fs::create_dir(&folder)?;
        Ok(Self::Files { folder, pattern })
    }

    /// What ksink has to be told, so that it puts its records here.
    pub(crate) fn flags(&self) -> Vec<String> {
        match self {
            Self::Files { folder, pattern } => {
                vec!["--output".to_owned(), format!("{}/{pattern}", folder.display())]
            }
            Self::Http { server, dead_letters } => {
                let dead_letters = dead_letters.display().to_string();
                let url = server.url();
                vec!["--output".to_owned(), url, "--output-http-dlq".to_owned(), dead_letters]
            }
        }
    }

    /// The lines of each topic, in the order in which they were put there.
    pub(crate) fn read(&self) -> Result<Output> {
        match self {
            Self::Files { folder, .. } => read_output(folder),
            Self::Http { server, dead_letters } => {
                let mut output = server.taken();
                for (topic, letters) in read_letters(dead_letters)? {
                    output.entry(topic).or_default().extend(letters);
                }
                Ok(output)
            }
        }
    }

    /// What sees the files as they come to be.
    pub(crate) fn watch(&self) -> Option<Watch> {
        match self {
            Self::Files { folder, .. } => Some(Watch::new(folder.clone())),
            Self::Http { .. } => None,
        }
    }

    /// How the records of each topic were posted, where they are.
    pub(crate) fn posts(&self) -> Option<HashMap<String, Posts>> {
        match self {
            Self::Files { .. } => None,
            Self::Http { server, .. } => Some(server.posts()),
        }
    }
}

/// The lines of a file of dead letters, by the topic that each names.
fn read_letters(file: &Path) -> Result<Output> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", file.display());
    let mut output = Output::new();
    for line in text.lines() {
        let letter: serde_json::Value =
            serde_json::from_str(line).with_context(|| format!("not a dead letter: {line}"))?;
        let topic = letter["topic"].as_str().context("a dead letter without a topic")?;
        output.entry(topic.to_owned()).or_default().push(line.to_owned());
    }
    Ok(output)
}
