//! `cargo xtask ci`: everything that is known to be true of ksink, tried.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    chaos, check,
    command::{cargo, count_tests, succeed},
    interop, places,
    require::{CARGO_DENY, Require},
    stages::Stages,
    tally::Tally,
};

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
    stages.run("wire without features", || {
        let wire = ["--quiet", "--package", "ksink-wire", "--no-default-features", "--all-targets"];
        succeed(cargo(&["clippy"]).args(wire).args(["--", "-D", "warnings"]))?;
        Ok(Tally::default())
    });
    stages.run("dependencies", || dependencies(require));
    stages.run("interop", || interop::run_all(require));
    stages.run("chaos", || chaos::run_short(require));
    stages.finish()
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
