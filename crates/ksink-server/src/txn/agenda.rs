//! When an id must be looked at again, and which ids have nothing to do.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

/// The alarms of all ids, and the order in which those without anything open were used.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    alarms: BTreeSet<(Instant, Arc<str>)>,
    /// Who was used least recently comes first.
    idle: BTreeSet<(u64, Arc<str>)>,
    lines: HashMap<Arc<str>, (Option<Instant>, Option<u64>)>,
    uses: u64,
}

impl Agenda {
    /// An id was used: from now on it has this alarm, and it is idle or not.
    pub(super) fn set(&mut self, id: &Arc<str>, alarm: Option<Instant>, is_idle: bool) {
        self.remove(id);
        self.uses += 1;
        let idle = is_idle.then_some(self.uses);
        self.alarms.extend(alarm.map(|at| (at, id.clone())));
        self.idle.extend(idle.map(|use_| (use_, id.clone())));
        self.lines.insert(id.clone(), (alarm, idle));
    }

    pub(super) fn remove(&mut self, id: &Arc<str>) {
        let Some((alarm, idle)) = self.lines.remove(id) else { return };
        if let Some(at) = alarm {
            self.alarms.remove(&(at, id.clone()));
        }
        if let Some(use_) = idle {
            self.idle.remove(&(use_, id.clone()));
        }
    }

    /// When the next alarm goes off.
    pub(super) fn next(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// An id whose alarm has gone off. It keeps it until it is set again.
    pub(super) fn due(&self, now: Instant) -> Option<Arc<str>> {
        self.alarms.first().filter(|(at, _)| *at <= now).map(|(_, id)| id.clone())
    }

    /// The id that was used least recently, of those that are idle.
    pub(super) fn least_recently_used(&self) -> Option<Arc<str>> {
        self.idle.first().map(|(_, id)| id.clone())
    }
}
