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

use super::{admin::Seen, plan::Cell};
use crate::wait::ended_within;

/// A Kafka producer of somebody else's.
pub(crate) struct Client {
    pub name: &'static str,
    pub program: Program,
    pub order: Order,
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
    /// A program of the Go module.
    Go,
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
    Client { name: "kcat", program: Program::Kcat, order: Order::Always },
    Client { name: "confluent-kafka", program: Program::Python, order: Order::Always },
    Client { name: "console-producer", program: Program::ConsoleProducer, order: Order::Always },
    Client {
        name: "java-4.4",
        program: Program::Java { kafka_clients: "4.4.0" },
        order: Order::Always,
    },
    Client {
        name: "java-3.9",
        program: Program::Java { kafka_clients: "3.9.2" },
        order: Order::Always,
    },
    Client {
        name: "java-2.8",
        program: Program::Java { kafka_clients: "2.8.2" },
        order: Order::Always,
    },
    Client { name: "franz-go", program: Program::Go, order: Order::Always },
    Client { name: "kafka-go", program: Program::Go, order: Order::Acknowledged },
    Client { name: "sarama", program: Program::Go, order: Order::Always },
    Client { name: "kafka-python", program: Program::Python, order: Order::Always },
    Client { name: "kafkajs", program: Program::Node, order: Order::Always },
];

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
            Line::Cell { cell, result, detail, refused, seen } => {
                let result = match result {
                    Verdict::Ok => Ok(Told { refused: by_place(refused)?, seen }),
                    Verdict::Error => Err(detail),
                };
                answers.cells.insert(cell, result);
            }
        }
    }
    Ok(answers)
}
