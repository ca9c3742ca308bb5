//! `cargo xtask ci`: everything that is known to be true of ksink, tried.

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{
    chaos, check,
    command::{cargo, count_tests, succeed},
    crash, interop, places,
    require::{CARGO_DENY, Require},
    stages::Stages,
    tally::Tally,
};

/// How many crates the wire crate may take without features, itself and what builds the others included.
const WIRE_CRATES_MAX: usize = 6;

const CARGO_DENY_VERSION: &str = "0.20.2";

pub(crate) fn run(require: &Require) -> bool {
    let mut stages = Stages::default();
    check::add_stages(&mut stages);
    stages.run("end-to-end tests", || {
        count_tests(&mut cargo(&["test", "--quiet", "--no-fail-fast", "--package", "ksink-tests"]))
    });
    stages.run("documentation tests", || {
        count_tests(&mut cargo(&["test", "--quiet", "--no-fail-fast", "--workspace", "--doc"]))
    });
    stages.run("documentation", documentation);
    stages.run("features of the wire", wire_features);
    stages.run("fail points", fail_points);
    stages.run("dependencies", || dependencies(require));
    stages.run("interop", || interop::run_all(require));
    stages.run("chaos", || chaos::run_short(require));
    stages.run("crash", || crash::run_short(require));
    stages.finish()
}

/// The wire crate without any feature, which is to be a small dependency, and with each one alone.
fn wire_features() -> Result<Tally> {
    const WIRE: &[&str] = &["--quiet", "--package", "ksink-wire", "--no-default-features"];
    let mut tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"]);
    let crates = String::from_utf8(tree.args(WIRE).output()?.stdout)?;
    let crates: BTreeSet<&str> = crates.lines().collect();
    ensure!(
        (1..=WIRE_CRATES_MAX).contains(&crates.len()),
        "without features the wire crate and all that it needs are {crates:?}"
    );
    let mut tally = Tally::default();
    for feature in ["", "crc-fast", "gzip", "lz4", "snappy", "zstd"] {
        let mut test = cargo(&["test", "--lib", "--tests", "--features", feature]);
        tally += count_tests(test.args(WIRE))?;
    }
    Ok(tally)
}

/// What is tried by killing processes, in a build that can be killed at places with names.
fn fail_points() -> Result<Tally> {
    let features = ["--features", "ksink-journal/fail-points"];
    let tests = ["--test", "fail_points", "--test", "kills"];
    let mut test =
        cargo(&["test", "--quiet", "--package", "ksink-disk", "--package", "ksink-journal"]);
    count_tests(test.args(features).args(tests))
}

fn documentation() -> Result<Tally> {
    let mut rustdoc = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    succeed(rustdoc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Tally::default())
}

/// Licences, bans and sources must hold; advisories are a matter of what is known today, and of
/// whether the network lets us know it.
fn dependencies(require: &Require) -> Result<Tally> {
    let tool = match cargo_deny() {
        Ok(tool) => tool,
        Err(error) => return Ok(require.skip(CARGO_DENY, &format!("{error:#}"))),
    };
    let deny = |arguments: &[&str]| {
        succeed(Command::new(&tool).args(arguments).current_dir(places::root()))
    };
    deny(&["check", "bans", "licenses", "sources"])?;
    match deny(&["fetch", "db"]) {
        Ok(()) => deny(&["check", "--disable-fetch", "advisories"])?,
        Err(error) => {
            println!("NOT CHECKED advisories: their database cannot be fetched ({error:#})")
        }
    }
    Ok(Tally::default())
}

/// Installs cargo-deny into `target/tools` where it is not there yet.
fn cargo_deny() -> Result<PathBuf> {
    let tools = places::target().join("tools");
    let tool = tools.join("bin/cargo-deny");
    if !tool.is_file() {
        let version = ["cargo-deny", "--locked", "--version", CARGO_DENY_VERSION];
        succeed(cargo(&["install", "--quiet"]).args(version).arg("--root").arg(tools))?;
    }
    Ok(tool)
}
