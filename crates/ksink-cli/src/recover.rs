//! `ksink recover`: what a state remembers, and settling what a start stopped at.
//!
//! [`listing`] is what there is to be told, [`table`] tells it to people.

mod listing;
mod table;

use std::path::{Path, PathBuf};

use ksink_disk::{Disk, RealDisk};
use ksink_server::{StageReport, StateContents};
use ksink_sinks::{PathPattern, TransactionPattern, inspect};

use self::listing::Listing;
use crate::{
    args::RecoverArgs,
    exit::Exit,
    run::cannot_open,
    state::{IN_FILES, OUTPUT, TRANSACTIONS},
};

/// Does what was asked, and gives what is to be printed.
pub(crate) fn run(args: &RecoverArgs) -> Result<String, Exit> {
    let folder = folder(args)?;
    if RealDisk.look(&folder.join("lock")).ok().flatten().is_none() {
        return Err(Exit::config(format!("there is no state in {}", folder.display())));
    }
    let contents = StateContents::read(&RealDisk, &folder).map_err(cannot_open)?;
    if let Some(id) = &args.keep_both {
        return keep_both(&contents, &folder, id);
    }
    let listing = Listing::new(&folder, &contents);
    Ok(if args.json { listing.json() } else { table::of(&listing) })
}

/// Where the state is: named, or beside an output.
fn folder(args: &RecoverArgs) -> Result<PathBuf, Exit> {
    let named = args.state_dir.clone().filter(|folder| folder != Path::new("none"));
    if let Some(folder) = named {
        return Ok(folder);
    }
    let Some(output) = &args.output else {
        return Err(Exit::usage("recover needs --state-dir or --output"));
    };
    let cannot_look = |error| Exit::output(format!("cannot look for a state: {error}"));
    // The same text may be both, and the states of both may be in different folders.
    if let Ok(pattern) = TransactionPattern::new(output) {
        let folder = pattern.state_folder().map_err(cannot_look)?;
        if folder.exists() {
            return Ok(folder);
        }
    }
    let folder = PathPattern::new(output).state_folder().map_err(cannot_look)?;
    folder.ok_or_else(|| {
        let output = output.display();
        Exit::config(format!("{output} has no state of its own: name one by --state-dir"))
    })
}

/// Lets what has the name of a committed file give way.
fn keep_both(contents: &StateContents, folder: &Path, id: &str) -> Result<String, Exit> {
    let report = &contents.report;
    let Some(transaction) = report.transactions.iter().find(|it| &*it.id == id) else {
        return Err(Exit::config(format!("the state knows no transactional id {id:?}")));
    };
    let StageReport::Committing(decided) = &transaction.stage else {
        return Err(Exit::config(format!(
            "no commit of {id:?} waits to be applied: there is nothing to settle"
        )));
    };
    let pattern = pattern(contents, folder)?;
    let moved = inspect::keep_both(&RealDisk, &pattern, &decided.intent)
        .map_err(|refusal| Exit::output(refusal.reason().to_owned()))?;
    if moved.is_empty() {
        return Ok("nothing is in the way of its files: start ksink to go on\n".to_owned());
    }
    let line = |it: &inspect::Moved| format!("{} is now {}\n", it.from.display(), it.to.display());
    Ok(moved.iter().map(line).collect())
}

/// The pattern that the state was made for.
fn pattern(contents: &StateContents, folder: &Path) -> Result<TransactionPattern, Exit> {
    let purpose = &contents.report.purpose;
    let not_ours = || Exit::config("the state is not one of --transactional files");
    if purpose.get(TRANSACTIONS).is_none_or(|held| held != IN_FILES) {
        return Err(not_ours());
    }
    let output = Path::new(purpose.get(OUTPUT).ok_or_else(not_ours)?);
    // The state is in a folder of its own below `.ksink`, and its files are called by their names beside that.
    let beside = folder.parent().and_then(Path::parent).unwrap_or(folder);
    TransactionPattern::new(beside.join(output)).map_err(|error| Exit::config(error.to_string()))
}
