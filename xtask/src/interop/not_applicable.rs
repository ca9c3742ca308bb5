//! What a client cannot express, and why: `tests/interop/not-applicable.toml`.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};

use super::{clients::CLIENTS, rows::Row};
use crate::places;

/// A reason for each client and row that is not applicable.
pub(crate) struct NotApplicable(BTreeMap<String, BTreeMap<String, String>>);

impl NotApplicable {
    pub(crate) fn read() -> Result<Self> {
        let file = places::root().join("tests/interop/not-applicable.toml");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let reasons: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(text)?;
        for (client, rows) in &reasons {
            ensure!(
                CLIENTS.iter().any(|known| known.name == client),
                "there is no client {client}"
            );
            for row in rows.keys() {
                ensure!(Row::all().any(|known| known.name == row), "there is no row {row}");
            }
        }
        Ok(Self(reasons))
    }

    pub(crate) fn reason(&self, client: &str, row: &str) -> Option<&str> {
        self.0.get(client)?.get(row).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_repository_names_clients_and_rows_that_exist() {
        NotApplicable::read().unwrap();
    }

    #[test]
    fn a_reason_for_what_does_not_exist_is_refused() {
        assert!(NotApplicable::parse("[kcat]\nplain = \"reason\"").is_ok());
        assert!(NotApplicable::parse("[kcta]\nplain = \"reason\"").is_err());
        assert!(NotApplicable::parse("[kcat]\nplane = \"reason\"").is_err());
    }
}
