//! `cargo xtask fuzz`: bytes of a stranger at every entry point, guided by what they reach.
//!
//! The targets are in `fuzz/`, a workspace of its own, since fuzzing needs the nightly compiler. What they start from is
//! kept as text beside the tests that run the same targets; what they find on the way stays in `target/fuzz`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    command::{cargo, succeed},
    places,
};

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// The longest input: two small batches, or as much as fills an array of a message.
const INPUT_BYTES_MAX: usize = 8 << 10;

/// Where the seeds of targets lie.
const SEEDS: &[&str] =
    &["crates/ksink-wire/tests/wire/hostile/seeds", "crates/ksink-journal/tests/hostile/seeds"];

/// How long a target may take for one input before that is a finding.
const INPUT_SECONDS_MAX: u32 = 10;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The targets to run.
    #[arg(required_unless_present = "smoke")]
    targets: Vec<String>,
    /// Every target, one after the other.
    #[arg(long, conflicts_with = "targets")]
    smoke: bool,
    /// How long each of them runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Says whether nothing was found.
pub(crate) fn run(arguments: &Args) -> Result<bool> {
    let known = targets()?;
    for target in &arguments.targets {
        ensure!(
            known.contains(target),
            "there is no target {target}; there are {}",
            known.join(", ")
        );
    }
    let chosen = if arguments.smoke { &known } else { &arguments.targets };
    let fuzzer = Fuzzer::provide()?;
    fuzzer.build()?;
    let mut sound = true;
    for target in chosen {
        println!("\n== {target} ==");
        if let Err(error) = fuzzer.run(target, arguments.seconds) {
            println!("FAILED {target}: {error:#}");
            sound = false;
        }
    }
    Ok(sound)
}

/// The names of all targets.
fn targets() -> Result<Vec<String>> {
    let folder = places::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// cargo-fuzz, and where it keeps things.
struct Fuzzer {
    tool: PathBuf,
    /// Below `target`: what was built, what inputs were found worth keeping, and which of them fail.
    folder: PathBuf,
}

impl Fuzzer {
    /// Finds the nightly compiler, and installs cargo-fuzz into `target/tools` where it is not there yet.
    fn provide() -> Result<Self> {
        let mut rustc = Command::new("rustc");
        if succeed(rustc.args(["+nightly", "--version"])).is_err() {
            bail!("fuzzing needs the nightly compiler: rustup toolchain install nightly");
        }
        let tools = places::target().join("tools");
        let tool = tools.join("bin/cargo-fuzz");
        if !tool.is_file() {
            let version = ["cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION];
            succeed(cargo(&["install", "--quiet"]).args(version).arg("--root").arg(tools))?;
        }
        Ok(Self { tool, folder: places::target().join("fuzz") })
    }

    fn build(&self) -> Result<()> {
        succeed(&mut self.command("build"))
    }

    /// Runs one target; an input that fails is named in what it prints.
    fn run(&self, target: &str, seconds: u32) -> Result<()> {
        let corpus = self.corpus(target)?;
        let findings = self.folder.join("artifacts").join(target);
        fs::create_dir_all(&findings)?;
        let mut command = self.command("run");
        command.arg(target).arg(corpus).arg("--");
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-max_len={INPUT_BYTES_MAX}"));
        command.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
        command.arg(format!("-artifact_prefix={}/", findings.display()));
        command.args(["-print_final_stats=1", "-verbosity=0"]);
        succeed(&mut command)
    }

    /// A command of cargo-fuzz, with the compiler that it needs instead of the one that started us.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.tool);
        command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
        command.current_dir(places::root());
        command.args(["fuzz", name, "--fuzz-dir", "fuzz"]);
        command.arg("--target-dir").arg(self.folder.join("build"));
        command
    }

    /// The folder of a target's inputs, with its seeds among them.
    fn corpus(&self, target: &str) -> Result<PathBuf> {
        let corpus = self.folder.join("corpus").join(target);
        fs::create_dir_all(&corpus)?;
        for (name, bytes) in seeds(target)? {
            fs::write(corpus.join(format!("seed-{name}")), bytes)?;
        }
        Ok(corpus)
    }
}

/// What a target starts from: it lies beside the tests that run the target.
fn seeds(target: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let files = SEEDS.iter().map(|folder| places::root().join(folder).join(target));
    let mut files = files.map(|file| file.with_extension("txt"));
    let file = files.find(|file| file.is_file());
    read_seeds(&file.with_context(|| format!("there are no seeds for {target}"))?)
}

/// The seeds of a file: a name and hexadecimal digits a line.
fn read_seeds(file: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.lines().map(seed).collect()
}

fn seed(line: &str) -> Result<(String, Vec<u8>)> {
    let (name, digits) = line.split_once(' ').with_context(|| format!("no seed: {line}"))?;
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    Ok((name.to_owned(), bytes.with_context(|| format!("not hexadecimal: {line}"))?))
}

fn byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_name_and_its_bytes() {
        assert_eq!(seed("a 00ff").unwrap(), ("a".to_owned(), vec![0, 0xff]));
        assert!(seed("a").is_err());
        assert!(seed("a 0g").is_err());
    }

    #[test]
    fn every_target_has_seeds() {
        for target in targets().unwrap() {
            assert!(!seeds(&target).unwrap().is_empty(), "{target}");
        }
    }
}
