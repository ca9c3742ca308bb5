//! What the sink holds: ksink's jsonl files, read by rules of their own.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path};

use anyhow::{Context, Result, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::plan::{Header, text};

/// The lines of each file, by the topic that the file is named after.
pub(crate) type Output = BTreeMap<String, Vec<String>>;

/// Where ksink keeps what it has to know after a restart.
const STATE: &str = ".ksink";

/// Reads every `TOPIC.jsonl` of a folder, and every `TOPIC@ID.jsonl`.
pub(crate) fn read_output(folder: &Path) -> Result<Output> {
    let mut output = Output::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if !file.ends_with(STATE) {
            let (topic, lines) = read_file(&file)?;
            output.entry(topic).or_default().extend(lines);
        }
    }
    Ok(output)
}

/// A temporary file is read as one line of its topic, which is no record: it should not be there.
fn read_file(file: &Path) -> Result<(String, Vec<String>)> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some((topic, _)) = name.split_once('@').filter(|_| name.ends_with(".tmp")) {
        return Ok((topic.to_owned(), vec![format!("{name}, which was left")]));
    }
    let name = name
        .strip_suffix(".jsonl")
        .with_context(|| format!("{} is not the file of a topic", file.display()))?;
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", file.display());
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some((topic, id)) = name.split_once('@') else { return Ok((name.to_owned(), lines)) };
    for line in &lines {
        let found = Landed::parse(line)?.transactional_id;
        ensure!(found.as_deref() == Some(id), "the transaction {found:?} in {}", file.display());
    }
    Ok((topic.to_owned(), lines))
}

/// One record as it was written.
#[derive(Debug, PartialEq)]
pub(crate) struct Landed {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
    pub timestamp_ms: Option<i64>,
    pub transactional_id: Option<String>,
}

impl Landed {
    /// Reads one line, and refuses one that says less, more, or otherwise than the format.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let line: Line =
            serde_json::from_str(text).with_context(|| format!("not a line of ksink: {text}"))?;
        line.client_addr.parse::<SocketAddr>().context("client_addr")?;
        Ok(Self {
            headers: headers(line.headers, line.headers_raw)?,
            topic: line.topic,
            partition: line.partition,
            offset: line.offset,
            key: decode(line.key, line.key_encoding.as_deref()).context("key")?,
            value: decode_value(line.value, &line.value_encoding).context("value")?,
            timestamp_ms: line.timestamp.as_deref().map(timestamp_ms).transpose()?,
            transactional_id: line.transactional_id,
        })
    }
}

impl Landed {
    /// Reads a line of the dead letters, for a record that was refused with 404 at the first attempt.
    pub(crate) fn parse_letter(text: &str) -> Result<Self> {
        let letter: Letter =
            serde_json::from_str(text).with_context(|| format!("not a dead letter: {text}"))?;
        letter.client_addr.parse::<SocketAddr>().context("client_addr")?;
        ensure!(letter.status == Some(404), "the status {:?}", letter.status);
        ensure!(letter.attempts == 1, "{} attempts", letter.attempts);
        ensure!(letter.reason.contains("404"), "the reason {}", letter.reason);
        let [first, last] = [letter.first_attempt, letter.last_attempt].map(|at| timestamp_ms(&at));
        ensure!(first? == last?, "two times of one attempt");
        Ok(Self {
            topic: letter.topic,
            partition: letter.partition,
            offset: letter.offset,
            key: decode(letter.key, Some("base64"))?,
            value: decode(letter.value, Some("base64"))?,
            headers: exact(letter.headers)?,
            timestamp_ms: Some(letter.timestamp),
            transactional_id: None,
        })
    }
}

impl fmt::Display for Landed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, key, value, headers, timestamp_ms, .. } = self;
        let (key, value) = (text(key.as_deref()), text(value.as_deref()));
        write!(f, "{topic}[{partition}]@{offset}: {key} = {value}, timestamp {timestamp_ms:?}")?;
        headers.iter().try_for_each(|header| write!(f, ", {header}"))
    }
}

/// The line, field by field; see `docs/formats.md`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<String>,
    key_encoding: Option<String>,
    /// Null, but never absent.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<String>,
    value_encoding: String,
    headers: Option<Pairs>,
    headers_raw: Option<Vec<(String, Option<String>)>>,
    timestamp: Option<String>,
    client_addr: String,
    transactional_id: Option<String>,
}

/// A dead letter, field by field; see `docs/formats.md`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, Option<String>)>,
    client_addr: String,
    status: Option<u16>,
    reason: String,
    attempts: u32,
    first_attempt: String,
    last_attempt: String,
}

/// The entries of an object, in the order of the text, repeated names and all.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// `headers_raw` is the exact list, and stands only where the object `headers` is not the whole truth.
fn headers(
    object: Option<Pairs>,
    raw: Option<Vec<(String, Option<String>)>>,
) -> Result<Vec<Header>> {
    let object = object.map_or_else(Vec::new, |Pairs(pairs)| pairs);
    let object: Vec<Header> =
        object.into_iter().map(|(name, value)| Header(name, Some(value.into_bytes()))).collect();
    let Some(raw) = raw else {
        ensure!(!repeats(&object), "an object that names a header twice");
        return Ok(object);
    };
    let raw = exact(raw).context("headers_raw")?;
    ensure!(
        object.iter().all(|header| raw.contains(header)),
        "headers and headers_raw contradict each other"
    );
    ensure!(object != raw, "headers_raw although headers says it all");
    Ok(raw)
}

fn exact(raw: Vec<(String, Option<String>)>) -> Result<Vec<Header>> {
    raw.into_iter().map(|(name, value)| Ok(Header(name, decode(value, Some("base64"))?))).collect()
}

fn repeats(headers: &[Header]) -> bool {
    headers
        .iter()
        .enumerate()
        .any(|(n, header)| headers[..n].iter().any(|earlier| earlier.0 == header.0))
}

/// A null value has an encoding all the same, which is then always this one.
fn decode_value(text: Option<String>, encoding: &str) -> Result<Option<Vec<u8>>> {
    if text.is_none() {
        ensure!(encoding == "utf-8", "null with the encoding {encoding}");
    }
    decode(text, Some(encoding))
}

fn decode(text: Option<String>, encoding: Option<&str>) -> Result<Option<Vec<u8>>> {
    let Some(text) = text else { return Ok(None) };
    match encoding {
        Some("base64") => Ok(Some(BASE64_STANDARD.decode(text)?)),
        other => bail!("the encoding {other:?} where base64 was asked for"),
    }
}

/// RFC 3339, in UTC, with exactly three digits of milliseconds.
fn timestamp_ms(text: &str) -> Result<i64> {
    let instant: Timestamp = text.parse().with_context(|| format!("the timestamp {text}"))?;
    ensure!(
        instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string() == text,
        "the timestamp {text} in another form"
    );
    Ok(instant.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &str) -> String {
        format!(
            r#"{{"topic":"t","partition":1,"offset":7,{fields},"client_addr":"127.0.0.1:5000"}}"#
        )
    }

    fn refused(fields: &str) {
        assert!(Landed::parse(&line(fields)).is_err(), "{fields}");
    }

    #[test]
    fn a_line_is_read_with_everything_it_says() {
        let text = line(
            r#""key":"aw==","key_encoding":"base64","value":"dg==","value_encoding":"base64","headers":{"z":"1","a":"2"},"timestamp":"1970-01-01T00:00:00.001Z","transactional_id":"id""#,
        );
        let header = |name: &str, value: &str| Header(name.to_owned(), Some(value.into()));
        let expected = Landed {
            topic: "t".to_owned(),
            partition: 1,
            offset: 7,
            key: Some(b"k".to_vec()),
            value: Some(b"v".to_vec()),
            headers: vec![header("z", "1"), header("a", "2")],
            timestamp_ms: Some(1),
            transactional_id: Some("id".to_owned()),
        };
        assert_eq!(Landed::parse(&text).unwrap(), expected);
    }

    #[test]
    fn null_and_empty_are_different() {
        let read = |fields: &str| Landed::parse(&line(fields)).unwrap();
        let null = read(r#""value":null,"value_encoding":"utf-8""#);
        assert_eq!((null.key, null.value, null.timestamp_ms), (None, None, None));
        let empty =
            read(r#""key":"","key_encoding":"base64","value":"","value_encoding":"base64""#);
        assert_eq!((empty.key, empty.value), (Some(vec![]), Some(vec![])));
    }

    #[test]
    fn the_exact_list_of_headers_wins_over_the_object() {
        let value = r#""value":null,"value_encoding":"utf-8""#;
        let text = line(&format!(
            r#"{value},"headers":{{"a":"2"}},"headers_raw":[["a","MQ=="],["b",null],["a","Mg=="]]"#
        ));
        let expected = [("a", Some("1")), ("b", None), ("a", Some("2"))];
        let expected =
            expected.map(|(name, value)| Header(name.to_owned(), value.map(|value| value.into())));
        assert_eq!(Landed::parse(&text).unwrap().headers, expected);
        refused(&format!(
            r#"{value},"headers":{{"a":"3"}},"headers_raw":[["a","MQ=="],["a","Mg=="]]"#
        ));
        refused(&format!(r#"{value},"headers":{{"a":"1"}},"headers_raw":[["a","MQ=="]]"#));
        refused(&format!(r#"{value},"headers":{{"a":"1","a":"2"}}"#));
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        refused(r#""value_encoding":"utf-8""#);
        refused(r#""value":"v","value_encoding":"utf-8""#);
        refused(r#""value":null,"value_encoding":"base64""#);
        refused(r#""value":null,"value_encoding":"utf-8","surprise":1"#);
        refused(r#""value":null,"value_encoding":"utf-8","timestamp":"1970-01-01T00:00:00Z""#);
        refused(r#""value":null,"value_encoding":"utf-8","transactional_id":1"#);
    }
}
