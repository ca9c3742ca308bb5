//! What fuzzing and the ordinary tests start from: a file a target in `seeds/`, `name hex` a line.
//!
//! They are made of bytes that real clients sent, of bytes that other implementations wrote, and of messages written
//! from the facts about every API. With `KSINK_WRITE_SEEDS=1` the test below writes the files anew.

use std::{fs, path::PathBuf};

use ksink_wire::{
    ApiKey, RequestHeader, ResponseHeader, frame::PREFIX_BYTES, records::RecordBatch,
};

use super::targets::TARGETS;
use crate::{
    captured::{Captured, captured_requests, captured_responses},
    hex::hex,
    schemas::{
        bytes::{Entropy, Writer},
        facts::{Api, Side},
        tables::known,
    },
};

type Named = (String, Vec<u8>);

/// The seeds of a target.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    lines(&fs::read_to_string(file(target)).expect("a file of seeds"))
        .map(|(_, bytes)| bytes)
        .collect()
}

fn file(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire/hostile/seeds")
        .join(target)
        .with_extension("txt")
}

/// The names and the bytes of a file of a name and hexadecimal digits a line.
fn lines(text: &str) -> impl Iterator<Item = Named> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let split = lines.filter_map(|line| line.split_once(' '));
    split.map(|(name, digits)| (name.to_owned(), hex(digits)))
}

fn made(target: &str) -> Vec<Named> {
    match target {
        "frame" => vec![("captured".to_owned(), stream())],
        "header" => requests().take(20).collect(),
        "request" => requests().chain(messages(Side::Request)).collect(),
        "response" => responses().chain(messages(Side::Response)).collect(),
        "batch" => vectors("v2-"),
        "message_set" => [vectors("v0-"), vectors("v1-")].concat(),
        codec => {
            let batches = vectors(&format!("v2-{codec}")).into_iter();
            let bodies = batches.map(|(name, batch)| (name, body(&batch)));
            vectors(codec).into_iter().chain(bodies).collect()
        }
    }
}

/// What a connection of one of the clients begins with.
fn stream() -> Vec<u8> {
    captured_requests().iter().take(3).flat_map(|one| framed(&one.frame)).collect()
}

fn requests() -> impl Iterator<Item = Named> {
    captured_requests().into_iter().map(|one| (one.name(), one.frame))
}

fn responses() -> impl Iterator<Item = Named> {
    captured_responses().into_iter().map(|one| {
        let asked = [one.api.key().to_be_bytes(), one.version.to_be_bytes()].concat();
        (one.name(), [asked, one.frame].concat())
    })
}

impl Captured {
    fn name(&self) -> String {
        format!("{}-{}-{}", self.source, self.api, self.version).replace(' ', "-")
    }
}

/// What other implementations wrote, under names that begin like this.
fn vectors(prefix: &str) -> Vec<Named> {
    let all = lines(include_str!("../../data/vectors.txt"));
    all.filter(|(name, _)| name.starts_with(prefix)).collect()
}

fn body(batch: &[u8]) -> Vec<u8> {
    RecordBatch::parse_single(batch).expect("a whole batch").body().to_vec()
}

fn framed(content: &[u8]) -> Vec<u8> {
    let prefix = (content.len() as i32).to_be_bytes();
    assert_eq!(prefix.len(), PREFIX_BYTES);
    [&prefix, content].concat()
}

/// One message of each API in its oldest, its first flexible and its newest version.
fn messages(side: Side) -> impl Iterator<Item = Named> {
    known().into_iter().filter(move |(_, api)| api.side == side).flat_map(|(key, api)| {
        let mut versions = vec![*api.versions.start(), *api.versions.end()];
        versions.extend(key.first_flexible());
        versions.sort_unstable();
        versions.dedup();
        versions
            .into_iter()
            .map(move |version| (format!("{key}-{version}"), message(&api, version)))
    })
}

/// A message as its target takes it.
fn message(api: &Api, version: i16) -> Vec<u8> {
    let api_key = ApiKey::from_key(api.key).expect("a known API");
    let body = Writer::new(api, version).message(&mut Entropy(&entropy()));
    let mut out = Vec::new();
    match api.side {
        Side::Request => {
            RequestHeader {
                api_key,
                api_version: version,
                correlation_id: 1,
                client_id: Some(b"seed"),
            }
            .encode(&mut out);
        }
        Side::Response => {
            out.extend(api.key.to_be_bytes());
            out.extend(version.to_be_bytes());
            ResponseHeader { correlation_id: 1 }.encode(&mut out, api_key, version);
        }
    }
    out.extend(body);
    out
}

/// The same bytes every time (xorshift), so that arrays have elements and few values are null.
fn entropy() -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        Some((state >> 24) as u8)
    };
    std::iter::from_fn(next).take(60).collect()
}

#[test]
fn the_seeds_are_those_that_are_made() {
    let write = std::env::var_os("KSINK_WRITE_SEEDS").is_some();
    for (target, _) in TARGETS {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text: String =
            made(target).iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
        if write {
            fs::create_dir_all(file(target).parent().expect("a folder")).expect("a folder");
            fs::write(file(target), &text).expect("a file");
        }
        let kept = fs::read_to_string(file(target)).unwrap_or_default();
        assert!(
            kept == text,
            "the seeds of {target} are not the newest: KSINK_WRITE_SEEDS=1 writes them"
        );
    }
}
