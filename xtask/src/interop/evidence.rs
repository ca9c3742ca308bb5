//! Everything that a cell is judged by: what the client said, what was heard on the wire, what landed.

use std::collections::BTreeSet;

use super::{
    admin::Seen,
    clients::Refused,
    compare::{Terms, compare},
    eavesdrop::Heard,
    http::{Posts, check_posts},
    landed::Output,
    plan::{Cell, Record},
    transactions::script::{Failed, Script},
};

#[derive(Clone, Default)]
pub(crate) struct Evidence {
    pub refused: Refused,
    pub seen: Seen,
    pub failed: Failed,
    pub heard: Heard,
    pub output: Output,
    /// How records were posted; none where they go to files.
    pub posts: Option<Posts>,
}

impl Evidence {
    /// Every difference to what has to be is a sentence, and no difference is success.
    pub(crate) fn check(&self, cell: &Cell, terms: &Terms) -> Vec<String> {
        let reports = cell.records.iter().enumerate().filter_map(|(place, record)| {
            check_report(record, self.refused.get(&place).map(String::as_str))
        });
        let mut differences: Vec<String> = reports.collect();
        differences.extend(compare(cell, &self.output, terms));
        differences.extend(self.heard.check(cell));
        differences.extend(self.posts.iter().flat_map(|posts| check_posts(cell, posts)));
        differences.extend(cell.admin.iter().flat_map(|admin| admin.check(&self.seen)));
        differences
            .extend(cell.script.iter().flat_map(|script| self.check_script(cell, script, terms)));
        differences
    }

    fn check_script(&self, cell: &Cell, script: &Script, terms: &Terms) -> Vec<String> {
        let mut differences = script.check(&self.failed);
        for id in script.ids().collect::<BTreeSet<_>>() {
            match self.heard.transactions.get(id) {
                Some(heard) => {
                    differences.extend(heard.check(cell, script, terms.protocol, terms.temporary));
                }
                None => differences.push(format!("nobody was heard to speak for {id}")),
            }
        }
        differences
    }
}

/// The client has to report what must be refused, by its reason, and nothing else.
fn check_report(record: &Record, report: Option<&str>) -> Option<String> {
    match (record.refusal, report) {
        (None, None) => None,
        (None, Some(report)) => Some(format!("reported as refused ({report}): {record}")),
        (Some(refusal), None) => Some(format!("{refusal:?}, but reported as delivered: {record}")),
        (Some(refusal), Some(report)) => (!refusal.is_meant_by(report))
            .then(|| format!("{refusal:?}, but reported as: {report}")),
    }
}
