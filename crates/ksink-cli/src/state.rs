//! Where the state of a plan lies, and what for.

use std::{
    io,
    path::{Path, PathBuf},
};

use ksink_server::StateConfig;

use crate::{
    exit::Exit,
    plan::{Output, Plan},
    run::cannot_open,
};

/// The name of the purpose that says where records go.
pub(crate) const OUTPUT: &str = "output";

/// The name of the purpose that says what becomes of transactions.
pub(crate) const TRANSACTIONS: &str = "transactions";

/// What [`TRANSACTIONS`] says with `--transactional`.
pub(crate) const IN_FILES: &str = "in files of their own";

/// Where a state lies, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum StateDir {
    /// Below `.ksink/` in the folder of files; nowhere for other outputs.
    #[default]
    BesideOutput,
    /// Nothing is remembered.
    Nowhere,
    /// In this folder.
    At(PathBuf),
}

impl From<&Path> for StateDir {
    fn from(folder: &Path) -> Self {
        if folder == Path::new("none") { Self::Nowhere } else { Self::At(folder.to_owned()) }
    }
}

/// The state of a plan, if it has any. Nothing is made.
pub(crate) fn of(plan: &Plan) -> Result<Option<StateConfig>, Exit> {
    let folder = match &plan.state_dir {
        StateDir::Nowhere => None,
        StateDir::At(folder) => Some(folder.clone()),
        StateDir::BesideOutput => beside(&plan.output).map_err(|error| {
            Exit::output(format!("cannot look for a state beside the output: {error}"))
        })?,
    };
    let Some(folder) = folder else { return Ok(None) };
    let mut state = StateConfig::at(folder);
    state.purpose = purpose(plan).map_err(|error| {
        Exit::output(format!("cannot look at the folder of the output: {error}"))
    })?;
    Ok(Some(state))
}

/// Looks whether a state could be opened, as far as it is there and nobody has it. Nothing is changed.
pub(crate) fn look(plan: &Plan) -> Result<(), Exit> {
    let Some(state) = of(plan)? else { return Ok(()) };
    match state.look() {
        // Whoever has it is being served by it: a question about a new configuration is none about that.
        Err(error) if error.is_locked() => Ok(()),
        looked => looked.map_err(cannot_open),
    }
}

fn beside(output: &Output) -> io::Result<Option<PathBuf>> {
    match output {
        Output::File(pattern) => pattern.state_folder(),
        Output::Transactions(pattern) => pattern.state_folder().map(Some),
        Output::Stdout | Output::Null | Output::Http(_) => Ok(None),
    }
}

/// What a state must not be opened for another of.
fn purpose(plan: &Plan) -> io::Result<Vec<(String, String)>> {
    let transactions = match plan.output {
        Output::Transactions(_) => IN_FILES,
        Output::File(_) | Output::Stdout | Output::Null | Output::Http(_) => "held back",
    };
    let purpose = [
        (OUTPUT, output_name(plan)?),
        ("output format", plan.format_name.clone()),
        (TRANSACTIONS, transactions.to_owned()),
    ];
    Ok(purpose.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Where records go, in words. Files are called by their names below the folder that the state lies in, so that both
/// can be moved together.
fn output_name(plan: &Plan) -> io::Result<String> {
    let text = Path::new(&plan.output_text);
    let below = match &plan.output {
        Output::Stdout => return Ok("stdout".to_owned()),
        Output::Null => return Ok("nowhere".to_owned()),
        // Without its path, which may hold a token.
        Output::Http(target) => return Ok(target.to_string()),
        Output::File(pattern) => pattern.name(text),
        Output::Transactions(pattern) => pattern.name(text),
    };
    match plan.state_dir {
        StateDir::BesideOutput | StateDir::Nowhere => Ok(below),
        StateDir::At(_) => Ok(std::path::absolute(text)?.to_string_lossy().into_owned()),
    }
}
