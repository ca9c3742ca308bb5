//! The build of ksink that tests may break: it dies where it is told, and has a fault where one is planted.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::{
    command::{cargo, succeed},
    places,
};

/// Where it dies: `NAME:N`.
pub(crate) const FAIL_POINT: &str = "KSINK_FAIL_POINT";

/// Which start of the machine it believes to live in.
pub(crate) const BOOT_ID: &str = "KSINK_BOOT_ID";

/// Which fault it has.
pub(crate) const PLANTED_FAULT: &str = "KSINK_PLANTED_FAULT";

/// After how many bytes its journal starts over, which it would not in a short run.
pub(crate) const JOURNAL_BYTES: &str = "KSINK_JOURNAL_BYTES";

pub(crate) const JOURNAL_BYTES_SMALL: &str = "20000";

/// Builds it, and puts it where the ordinary build does not replace it.
pub(crate) fn build() -> Result<PathBuf> {
    let package = ["build", "--quiet", "--profile", "quick", "--package", "ksink-cli"];
    succeed(cargo(&package).args(["--features", "fail-points,planted-faults"]))?;
    let folder = places::target().join("crash");
    fs::create_dir_all(&folder)?;
    let file = folder.join("breakable-ksink");
    // Not written over: a server of an earlier run may still hold the old one.
    fs::remove_file(&file).ok();
    fs::copy(places::target().join("quick/ksink"), &file)?;
    Ok(file)
}
