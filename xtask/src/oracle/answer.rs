//! What a server answered, in a form that can be compared: values that differ by nature are taken out.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    fmt,
};

use anyhow::{Context, Result};
use ksink_wire::{ApiKey, ErrorCode, Response, ResponseHeader, Version};

use super::{
    peer::Heard,
    reader::{NULL, Read, read},
};

/// Numbers that a server gave out in one transcript, and the steps that they came in. Each server makes up its own;
/// that one comes again is compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenOut(HashMap<(String, String), String>);

/// What a server did about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answered; the fields by their paths.
    Fields(BTreeMap<String, String>),
    /// It answered something that is no answer.
    Unreadable(String),
    Closed,
    Silence,
}

/// What was asked, as far as its answer needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub api: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
}

/// Fields whose values differ by nature: only whether there is one is compared. The values beside them mean
/// "none", and are kept.
const BY_NATURE: &[(&str, &[&str])] = &[
    // Made up by each server.
    ("topic_id", &["00000000000000000000000000000000"]),
    ("cluster_id", &[NULL]),
    ("finalized_features_epoch", &["-1"]),
    // Each listens on its own.
    ("port", &["-1", "0"]),
    // Each has its own words.
    ("error_message", &[NULL]),
    ("batch_index_error_message", &[NULL]),
];

/// What follows the path of an offset where it is called by the step that it came in.
const WHOSE: &str = "(whose)";

/// Arrays whose order means nothing, and the field that tells their elements apart.
const KEYED: &[(&str, &str)] = &[
    ("api_keys", "api_key"),
    ("supported_features", "name"),
    ("finalized_features", "name"),
    ("brokers", "node_id"),
    ("topics", "name"),
    ("partitions", "partition_index"),
    ("responses", "name"),
    ("partition_responses", "index"),
    ("coordinators", "key"),
    ("results_by_topic_v3_and_below", "name"),
    ("results_by_partition", "partition_index"),
    ("results", "name"),
    ("results", "resource_name"),
    ("configs", "name"),
];

impl Asked {
    /// A request whose bytes are written by hand, with the correlation id 1.
    pub(crate) fn by_hand(api: ApiKey, version: i16) -> Self {
        Self { api, version, correlation_id: 1 }
    }
}

impl GivenOut {
    /// What a number of this kind is called in a step. That there is none stays what it is.
    fn name(&mut self, kind: &str, number: &str, step: &str) -> String {
        if number == "-1" {
            return number.to_owned();
        }
        match self.0.entry((kind.to_owned(), number.to_owned())) {
            Entry::Occupied(known) => format!("that of \"{}\"", known.get()),
            Entry::Vacant(unknown) => {
                unknown.insert(step.to_owned());
                "new".to_owned()
            }
        }
    }
}

impl Answer {
    pub(crate) fn of(asked: Asked, heard: &Heard) -> Self {
        Self::in_step("", asked, heard, &mut GivenOut::default())
    }

    /// With the numbers that were given out before called by the steps that they came in.
    pub(crate) fn in_step(
        step: &str,
        asked: Asked,
        heard: &Heard,
        given_out: &mut GivenOut,
    ) -> Self {
        match heard {
            Heard::Closed => Self::Closed,
            Heard::Silence => Self::Silence,
            Heard::Frame(frame) => match fields(asked, frame) {
                Ok(read) => {
                    Self::Fields(normal(&read, |kind, number| given_out.name(kind, number, step)))
                }
                Err(error) => Self::Unreadable(format!("{error:#}")),
            },
        }
    }

    /// Whether a field that holds a code says one of these.
    pub(crate) fn says_one_of(&self, codes: &[ErrorCode]) -> bool {
        let Self::Fields(fields) = self else { return false };
        let said = fields.iter().filter(|(path, _)| path.ends_with("error_code"));
        said.flat_map(|(_, value)| value.parse()).any(|code| codes.contains(&ErrorCode(code)))
    }

    /// In one word.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Fields(_) => "an answer".to_owned(),
            Self::Unreadable(why) => format!("no answer that can be read: {why}"),
            Self::Closed => "closed".to_owned(),
            Self::Silence => "silence".to_owned(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Fields(fields) = self else { return f.write_str(&self.kind()) };
        let fields: Vec<String> =
            fields.iter().map(|(path, value)| format!("{path} {value}")).collect();
        f.write_str(&fields.join(", "))
    }
}

fn fields(asked: Asked, frame: &[u8]) -> Result<Vec<Read>> {
    let Asked { api, version, correlation_id } = asked;
    let (header, body) = ResponseHeader::decode(api, version, frame)?;
    anyhow::ensure!(header.correlation_id == correlation_id, "another correlation id");
    read(&Response::kind(api), answered_version(asked, body)?, body)
}

/// A server that does not have a version of ApiVersions says so in version 0 (KIP-511).
fn answered_version(asked: Asked, body: &[u8]) -> Result<Version> {
    let is_refusal = asked.api == ApiKey::ApiVersions && body.starts_with(&[0, 35]);
    let number = if is_refusal { 0 } else { asked.version };
    asked.api.version(number).context("a version that there is not")
}

fn normal(read: &[Read], mut name: impl FnMut(&str, &str) -> String) -> BTreeMap<String, String> {
    let keys = keys(read);
    let mut normal = BTreeMap::new();
    for Read { path, value } in read {
        let keyed = keyed_path(path, &keys);
        let value = match path.rsplit('.').next().unwrap_or(path) {
            "producer_id" => name("producer_id", value),
            // Where something else takes offsets too, it can still be told whether a batch is a copy of another.
            "base_offset" => {
                normal.insert(format!("{keyed} {WHOSE}"), name(&keyed, value));
                value.to_owned()
            }
            field => normal_value(field, value),
        };
        normal.insert(keyed, value);
    }
    normal
}

fn normal_value(field: &str, value: &str) -> String {
    match BY_NATURE.iter().find(|(name, _)| *name == field) {
        Some((_, none)) if !none.contains(&value) => "some".to_owned(),
        Some(_) | None => value.to_owned(),
    }
}

/// The keys of array elements, by where the elements stand. Of several elements with one key, each has its own.
fn keys(read: &[Read]) -> HashMap<&str, String> {
    let mut taken = HashSet::new();
    let mut keys = HashMap::new();
    for Read { path, value } in read {
        let Some((element, field)) = path.rsplit_once('.') else { continue };
        let (around, name) = element.rsplit_once('.').unwrap_or(("", element));
        let array = name.split('[').next().unwrap_or(name);
        if !KEYED.contains(&(array, field)) || [NULL, "\"\""].contains(&&**value) {
            continue;
        }
        let mut key = value.trim_matches('"').to_owned();
        while !taken.insert((around, array, key.clone())) {
            key += " once more";
        }
        keys.insert(element, key);
    }
    keys
}

/// The path with keys in the place of indexes.
fn keyed_path(path: &str, keys: &HashMap<&str, String>) -> String {
    let mut keyed = String::new();
    let mut end = 0;
    for segment in path.split('.') {
        end += segment.len();
        if !keyed.is_empty() {
            keyed.push('.');
        }
        match (keys.get(&path[..end]), segment.split_once('[')) {
            (Some(key), Some((array, _))) => {
                keyed += &format!("{array}[{}]", key.trim_matches('"'))
            }
            (_, _) => keyed += segment,
        }
        end += 1;
    }
    keyed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: &[(&str, &str)], expected: &[(&str, &str)]) {
        let read: Vec<Read> = read
            .iter()
            .map(|(path, value)| Read { path: (*path).to_owned(), value: (*value).to_owned() })
            .collect();
        let mut given_out = GivenOut::default();
        let normal = normal(&read, |kind, number| given_out.name(kind, number, "a step"));
        let normal: Vec<(&str, &str)> =
            normal.iter().map(|(path, value)| (&**path, &**value)).collect();
        assert_eq!(normal, expected);
    }

    #[test]
    fn ids_and_words_count_only_as_there_or_not() {
        check(&[("topic_id", "4000")], &[("topic_id", "some")]);
        check(&[("producer_id", "-1")], &[("producer_id", "-1")]);
        check(&[("a[0].error_message", "\"why\"")], &[("a[0].error_message", "some")]);
        check(&[("a[0].error_message", "null")], &[("a[0].error_message", "null")]);
        check(&[("offset", "7")], &[("offset", "7")]);
    }

    #[test]
    fn a_producer_id_is_new_or_that_of_an_earlier_step() {
        check(
            &[("a.producer_id", "4000"), ("b.producer_id", "7"), ("c.producer_id", "4000")],
            &[
                ("a.producer_id", "new"),
                ("b.producer_id", "new"),
                ("c.producer_id", "that of \"a step\""),
            ],
        );
    }

    #[test]
    fn an_offset_is_new_or_that_of_an_earlier_step() {
        check(
            &[("a.base_offset", "7"), ("b.base_offset", "-1")],
            &[
                ("a.base_offset", "7"),
                ("a.base_offset (whose)", "new"),
                ("b.base_offset", "-1"),
                ("b.base_offset (whose)", "-1"),
            ],
        );
    }

    #[test]
    fn elements_with_keys_may_come_in_any_order() {
        check(
            &[
                ("topics[0].name", "\"b.c\""),
                ("topics[0].partitions[0].error_code", "3"),
                ("topics[0].partitions[0].partition_index", "5"),
                ("topics[1].name", "null"),
            ],
            &[
                ("topics[1].name", "null"),
                ("topics[b.c].name", "\"b.c\""),
                ("topics[b.c].partitions[5].error_code", "3"),
                ("topics[b.c].partitions[5].partition_index", "5"),
            ],
        );
    }

    #[test]
    fn elements_with_the_same_key_are_both_kept() {
        check(
            &[("topics[0].name", "\"a\""), ("topics[1].name", "\"a\"")],
            &[("topics[a once more].name", "\"a\""), ("topics[a].name", "\"a\"")],
        );
    }
}
