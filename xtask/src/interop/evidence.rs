//! Everything that a cell is judged by: what the client said, what was heard on the wire, what landed.

use super::{
    admin::Seen,
    clients::Refused,
    compare::{Terms, compare},
    eavesdrop::Heard,
    http::{Posts, check_posts},
    landed::Output,
    plan::{Cell, Record},
};

#[derive(Clone, Default)]
pub(crate) struct Evidence {
    pub refused: Refused,
    pub seen: Seen,
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
