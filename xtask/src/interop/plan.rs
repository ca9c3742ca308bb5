//! What a client is asked to send: the same for every client, written as `plan.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Serialize, Serializer};

use super::{
    admin::Admin,
    http,
    refusal::Refusal,
    transactions::{
        heard::Moment,
        script::{Fate, Script},
    },
};

/// Everything that one run of a client sends.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    pub bootstrap: String,
    pub cells: &'a [Cell],
}

impl Plan<'_> {
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join("plan.json");
        std::fs::write(&file, serde_json::to_vec(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

/// What one row asks of a client: some records, sent with one configuration.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Cell {
    pub name: &'static str,
    /// `0`, `1` or `all`; none for the client's default. So for the two that follow.
    pub acks: Option<&'static str>,
    pub compression: Option<&'static str>,
    pub idempotent: Option<bool>,
    /// Whether each record waits until it is known what became of the one before it. Only then can
    /// some be refused, and the others delivered.
    pub one_by_one: bool,
    pub records: Vec<Record>,
    /// None: there is nothing to administer.
    pub admin: Option<Admin>,
    /// None: the records are in no transaction.
    pub script: Option<Script>,
    /// Whether the client's own partitioner has to use every partition.
    #[serde(skip)]
    pub spread: bool,
    /// How many acknowledgements are cut off, each with its connection, after ksink has given them.
    #[serde(skip)]
    pub cuts: usize,
    /// When ksink is killed, and started again.
    #[serde(skip)]
    pub kills: &'static [Moment],
    /// How the server answers, where records are posted.
    #[serde(skip)]
    pub http: http::Answer,
}

impl Cell {
    pub(crate) fn topics(&self) -> BTreeSet<&str> {
        self.records.iter().map(|record| &*record.topic).collect()
    }

    /// What has to become of records that are sent in transactions, by their place.
    pub(crate) fn fates(&self) -> BTreeMap<usize, Fate> {
        self.script.as_ref().map(Script::fates).unwrap_or_default()
    }

    /// How ksink has to refuse records of this topic, if it has to.
    pub(crate) fn refusal(&self, topic: &str) -> Option<Refusal> {
        self.records.iter().filter(|record| record.topic == topic).find_map(|record| record.refusal)
    }

    /// Whether any record of this topic has to be delivered.
    pub(crate) fn delivers(&self, topic: &str) -> bool {
        self.records.iter().any(|record| record.topic == topic && record.refusal.is_none())
    }
}

/// One record. No two of a cell are alike, so that each can be recognised in the output.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Record {
    pub topic: String,
    /// None: the client's own partitioner decides.
    pub partition: Option<i32>,
    #[serde(serialize_with = "base64_or_null")]
    pub key: Option<Vec<u8>>,
    #[serde(serialize_with = "base64_or_null")]
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
    /// None: the client stamps the record itself.
    pub timestamp_ms: Option<i64>,
    /// None: it has to be delivered.
    #[serde(skip)]
    pub refusal: Option<Refusal>,
}

impl Record {
    pub(crate) fn new(topic: &str, value: impl Into<Vec<u8>>) -> Self {
        Self { topic: topic.to_owned(), value: Some(value.into()), ..Self::default() }
    }

    pub(crate) fn key(self, key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    pub(crate) fn null_value(self) -> Self {
        Self { value: None, ..self }
    }

    pub(crate) fn partition(self, partition: i32) -> Self {
        Self { partition: Some(partition), ..self }
    }

    pub(crate) fn refused(self, refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }

    pub(crate) fn timestamp_ms(self, timestamp_ms: i64) -> Self {
        Self { timestamp_ms: Some(timestamp_ms), ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header(name.to_owned(), Some(value.into())));
        self
    }

    pub(crate) fn null_header(mut self, name: &str) -> Self {
        self.headers.push(Header(name.to_owned(), None));
        self
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} = {}",
            self.topic,
            text(self.key.as_deref()),
            text(self.value.as_deref())
        )?;
        self.headers.iter().try_for_each(|header| write!(f, ", {header}"))
    }
}

/// A name and a value, a pair in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Header(
    pub String,
    #[serde(serialize_with = "base64_or_null")] pub Option<Vec<u8>>,
);

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {}: {}", self.0, text(self.1.as_deref()))
    }
}

/// Bytes for a person to read; of many, the first.
pub(crate) fn text(bytes: Option<&[u8]>) -> String {
    const MANY: usize = 80;
    match bytes {
        None => "null".to_owned(),
        Some(bytes) if bytes.len() > MANY => {
            format!("\"{}...\" ({} bytes)", bytes[..MANY].escape_ascii(), bytes.len())
        }
        Some(bytes) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

fn base64_or_null<S: Serializer>(
    bytes: &Option<Vec<u8>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)).serialize(serializer)
}
