//! `cargo xtask check`: what is green at every commit, in under five minutes.

use crate::{
    command::{cargo, count_tests, succeed},
    stages::Stages,
    tally::Tally,
};

pub(crate) fn run() -> bool {
    let mut stages = Stages::default();
    add_stages(&mut stages);
    stages.finish()
}

/// The rules of `tidy` are among the unit tests.
pub(crate) fn add_stages(stages: &mut Stages) {
    stages.run("format", || {
        succeed(&mut cargo(&["fmt", "--all", "--check"]))?;
        Ok(Tally::default())
    });
    stages.run("lints", || {
        succeed(&mut cargo(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))?;
        Ok(Tally::default())
    });
    stages.run("unit tests", || {
        let everything_fast =
            ["--workspace", "--exclude", "ksink-tests", "--lib", "--bins", "--tests", "--examples"];
        count_tests(cargo(&["test", "--quiet", "--no-fail-fast"]).args(everything_fast))
    });
}
