//! What a commit will do with files.

use ksink_event::{Intent, Refusal};
use serde::{Deserialize, Serialize};

use super::position::{Base, Which};

const VERSION: u8 = 1;

/// What a commit will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The number of the transaction among the committed ones of its id.
    pub(crate) seq: u64,
    pub(crate) records: u64,
    pub(crate) files: Vec<FilePlan>,
    /// Temporary files that nothing was accepted in.
    pub(crate) empty: Vec<(String, Which)>,
}

/// What it will do with one file. Files are called by their names below the folder of the pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePlan {
    pub(crate) temporary: String,
    pub(crate) which: Which,
    pub(crate) len: u64,
    pub(crate) last: String,
    pub(crate) step: Step,
}

/// How a temporary file's records get under the final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// The file gets the name, which nothing else has.
    Rename,
    /// The file gets the name, whatever has it.
    Replace,
    /// The bytes, which have this CRC-32C, are added to the file that has the name.
    Append { to: Base, crc: u32 },
}

impl Plan {
    pub(crate) fn intent(&self) -> Intent {
        let bytes = postcard::to_extend(self, vec![VERSION]).expect("a vector takes all");
        Intent(bytes.into())
    }

    pub(crate) fn read(intent: &Intent) -> Result<Self, Refusal> {
        let bytes = intent.0.strip_prefix(&[VERSION]);
        bytes.and_then(|bytes| postcard::from_bytes(bytes).ok()).ok_or_else(|| {
            Refusal::local("its intent was written by something else than this sink")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let which = Which { inode: 1, born_ns: 2 };
        let (temporary, last) = ("x.tmp".to_owned(), "x".to_owned());
        let step = Step::Append { to: Base { which, len: 3 }, crc: 4 };
        let file = FilePlan { temporary, which, len: 5, last, step };
        let empty = vec![("y.tmp".to_owned(), which)];
        let plan = Plan { seq: 6, records: 7, files: vec![file], empty };
        assert_eq!(Plan::read(&plan.intent()), Ok(plan));
        assert!(Plan::read(&Intent::default()).is_err());
    }
}
