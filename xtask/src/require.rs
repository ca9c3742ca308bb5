//! `--require`: what must not be skipped for lack of a tool.

use anyhow::{Result, bail};

use crate::{interop::CLIENTS, tally::Tally};

/// The tool that checks dependencies, as `--require` names it.
pub(crate) const CARGO_DENY: &str = "cargo-deny";

/// What cuts the power, as `--require` names it: root, loop devices and xfsprogs.
pub(crate) const POWER_CUTS: &str = "power-cuts";

/// The names after `--require`.
#[derive(Default)]
pub(crate) struct Require(Vec<String>);

impl Require {
    /// Refuses a name that nothing answers to: a misspelt demand would demand nothing.
    pub(crate) fn parse(names: Vec<String>) -> Result<Self> {
        for name in &names {
            if !known().any(|known| known == name) {
                bail!(
                    "--require {name}: no such name; there are {}",
                    known().collect::<Vec<_>>().join(", ")
                );
            }
        }
        Ok(Self(names))
    }

    /// `all` is whatever can be installed. Loop devices are a matter of the machine: they must be asked for by name.
    pub(crate) fn demands(&self, name: &str) -> bool {
        let by_all = name != POWER_CUTS;
        self.0.iter().any(|asked| asked == name || (by_all && asked == "all"))
    }

    /// Says loudly that something is skipped, and counts it: as a failure where it was demanded.
    pub(crate) fn skip(&self, name: &str, why: &str) -> Tally {
        if self.demands(name) {
            println!("FAILED {name}: required, and {why}");
            return Tally::failed(1);
        }
        println!("SKIPPED {name}: {why}");
        Tally::skipped(1)
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    ["all", CARGO_DENY, POWER_CUTS].into_iter().chain(CLIENTS.iter().map(|client| client.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_fails_only_where_it_was_demanded() {
        let require = Require::parse(vec!["kcat".to_owned()]).unwrap();
        assert_eq!(require.skip("kcat", "there is no kcat"), Tally::failed(1));
        assert_eq!(require.skip("franz-go", "there is no go"), Tally::skipped(1));
    }

    #[test]
    fn all_demands_everything_that_can_be_installed() {
        let require = Require::parse(vec!["all".to_owned()]).unwrap();
        assert!(require.demands(CARGO_DENY) && require.demands("franz-go"));
        assert!(!require.demands(POWER_CUTS));
        assert!(Require::parse(vec![POWER_CUTS.to_owned()]).unwrap().demands(POWER_CUTS));
    }

    #[test]
    fn a_misspelt_demand_is_refused() {
        assert!(Require::parse(vec!["kact".to_owned()]).is_err());
    }
}
