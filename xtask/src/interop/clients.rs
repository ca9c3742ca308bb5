//! The clients of the matrix, and one run of a client through its plan.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{
    admin::Seen,
    plan::Cell,
    transactions::{heard::Protocol, script::Failed},
};
use crate::wait::ended_within;

/// A Kafka producer of somebody else's.
pub(crate) struct Client {
    pub name: &'static str,
    pub program: Program,
    pub order: Order,
    /// How it speaks of transactions, where it can.
    pub protocol: Protocol,
}

/// How a client is installed and started.
pub(crate) enum Program {
    /// A Python script around the system's kcat.
    Kcat,
    /// A Python script with packages of its own.
    Python,
    /// A Python script around the Java class.
    ConsoleProducer,
    /// The Java program, on this version of kafka-clients.
    Java { kafka_clients: &'static str },
    /// A program of the Go module, and what it is told besides the plan.
    Go { program: &'static str, option: Option<&'static str> },
    /// A Node.js script with packages of its own.
    Node,
}

/// Whether a client keeps the order of a partition.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Always,
    /// Without acknowledgements, which is its default, it writes over several connections at once.
    Acknowledged,
}

impl Client {
    pub(crate) fn keeps_order(&self, cell: &Cell) -> bool {
        match self.order {
            Order::Always => true,
            Order::Acknowledged => matches!(cell.acks, Some("1" | "all")),
        }
    }
}

pub(crate) const CLIENTS: &[Client] = &[
    Client { name: "kcat", ..client(Program::Kcat) },
    Client { name: "confluent-kafka", ..client(Program::Python) },
    Client { name: "console-producer", ..client(Program::ConsoleProducer) },
    Client {
        name: "java-4.4",
        protocol: Protocol::Two,
        ..client(Program::Java { kafka_clients: "4.4.0" })
    },
    Client { name: "java-3.9", ..client(Program::Java { kafka_clients: "3.9.2" }) },
    Client { name: "java-2.8", ..client(Program::Java { kafka_clients: "2.8.2" }) },
    Client {
        name: "franz-go",
        protocol: Protocol::Two,
        ..client(Program::Go { program: "franz-go", option: None })
    },
    Client {
        name: "franz-go-3.9",
        ..client(Program::Go { program: "franz-go", option: Some("3.9") })
    },
    Client {
        name: "kafka-go",
        order: Order::Acknowledged,
        ..client(Program::Go { program: "kafka-go", option: None })
    },
    Client { name: "sarama", ..client(Program::Go { program: "sarama", option: None }) },
    Client { name: "kafka-python", ..client(Program::Python) },
    Client { name: "kafkajs", ..client(Program::Node) },
];

/// What most clients are like.
const fn client(program: Program) -> Client {
    Client { name: "", program, order: Order::Always, protocol: Protocol::One }
}

/// What a client says of itself and of its cells.
pub(crate) struct Answers {
    pub version: String,
    cells: HashMap<String, Result<Told, String>>,
    /// How the client ended, for the cells that it did not answer for.
    ending: String,
}

/// What a client tells of a cell that it did as asked.
#[derive(Clone)]
pub(crate) struct Told {
    pub refused: Refused,
    pub seen: Seen,
    pub failed: Failed,
}

/// The records of a cell that were not delivered, by their place in the plan, and what the client said.
pub(crate) type Refused = BTreeMap<usize, String>;

impl Answers {
    /// What became of a cell: its records were delivered, except for those.
    pub(crate) fn cell(&self, name: &str) -> Result<Told, String> {
        self.cells.get(name).cloned().unwrap_or_else(|| Err(format!("no answer: {}", self.ending)))
    }
}

/// One line of a client's output.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Version {
        version: String,
    },
    Cell {
        cell: String,
        result: Verdict,
        detail: String,
        refused: BTreeMap<String, String>,
        /// Only what administers sees something.
        #[serde(default)]
        seen: Seen,
        /// And only what follows a script fails at its steps.
        #[serde(default)]
        failed: BTreeMap<String, String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Error,
}

/// Lets a client send the plan that lies in the folder, and reads what it answers.
pub(crate) fn run(command: &mut Command, folder: &Path, limit: Duration) -> Result<Answers> {
    let (answers, log) = (folder.join("answers.jsonl"), folder.join("client.log"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&answers)?)
        .stderr(File::create(&log)?);
    let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let ending = match ended_within(&mut process, limit)? {
        Some(status) => format!("the client ended with {status}; see {}", log.display()),
        None => {
            process.kill()?;
            process.wait()?;
            format!("the client did not end within {limit:?}; see {}", log.display())
        }
    };
    read_answers(&answers, ending)
}

/// The names of an object are text, the places too.
fn by_place(refused: BTreeMap<String, String>) -> Result<Refused> {
    refused
        .into_iter()
        .map(|(place, report)| {
            let place = place.parse().with_context(|| format!("{place} is not a place"))?;
            Ok((place, report))
        })
        .collect()
}

fn read_answers(file: &Path, ending: String) -> Result<Answers> {
    let mut answers =
        Answers { version: "of unknown version".to_owned(), cells: HashMap::new(), ending };
    for line in fs::read_to_string(file)?.lines() {
        match serde_json::from_str(line).with_context(|| format!("the client said: {line}"))? {
            Line::Version { version } => answers.version = version,
            Line::Cell { cell, result, detail, refused, seen, failed } => {
                let result = match result {
                    Verdict::Ok => {
                        Ok(Told { refused: by_place(refused)?, seen, failed: by_place(failed)? })
                    }
                    Verdict::Error => Err(detail),
                };
                answers.cells.insert(cell, result);
            }
        }
    }
    Ok(answers)
}
