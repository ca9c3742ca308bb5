//! The servers that are tried: ksink itself, ksink with a slow output, and ksink without a memory.

use std::{fmt, path::Path};

use anyhow::Result;

use crate::{
    command::{cargo, succeed},
    interop::server::{Binary, Server},
    places,
};

/// Which server a round is played against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The binary that is shipped, into files.
    Fast,
    /// The same library; every flush takes 200 ms, and one longer than the client waits for an answer.
    Slow,
    /// The same library, built so that it keeps every copy of a batch.
    Forgetful,
}

/// The binaries.
pub(crate) struct Servers {
    ksink: Binary,
    slow: Binary,
    forgetful: Binary,
}

impl Servers {
    pub(crate) fn build() -> Result<Self> {
        let ksink = Binary::provide(None)?;
        let build = |name: &str, features: &[&str]| {
            let package = ["build", "--quiet", "--profile", "quick", "--package", "ksink-chaos"];
            succeed(cargo(&package).args(["--bin", name]).args(features))?;
            Binary::provide(Some(&places::target().join("quick").join(name)))
        };
        let slow = build("slow-ksink", &[])?;
        let forgetful = build("forgetful-ksink", &["--features", "forgetful"])?;
        Ok(Self { ksink, slow, forgetful })
    }

    /// Starts one of them, with a file for each topic in `out` below the folder.
    pub(crate) fn start(&self, kind: Kind, folder: &Path, advertised: &str) -> Result<Server> {
        let output = folder.join("out/{topic}.jsonl").display().to_string();
        let common = ["--output", &output, "--advertised-addr", advertised];
        let jsonl =
            ["--output-format", "jsonl", "--output-json-base64-key", "--output-json-base64-value"];
        match kind {
            Kind::Fast => Server::start(&self.ksink, folder, &[&common[..], &jsonl].concat()),
            Kind::Slow => {
                let pace = ["--flush-ms", "200", "--stall-ms", "3500"];
                Server::start(&self.slow, folder, &[common, pace].concat())
            }
            Kind::Forgetful => Server::start(&self.forgetful, folder, &common),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fast => "fast",
            Self::Slow => "slow",
            Self::Forgetful => "forgetful",
        })
    }
}
