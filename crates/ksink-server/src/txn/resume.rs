//! How the coordinator goes on after a restart.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
};

use ksink_event::{Durability, LastStop, Resumed};

use super::{
    Coordinator, Producer, Rules,
    account::{Account, State},
    agenda::Agenda,
    ending::Step,
    entry::Transactions,
};
use crate::{state::Needs, time::Now};

/// How many serials are left out after a stop that may have lost facts: more than a process uses between two syncs.
const SERIALS_SKIPPED: u64 = 1 << 32;

impl Coordinator {
    /// A coordinator that knows what is remembered. What was decided rests until [`resume`](Self::resume).
    pub(crate) fn new(now: Now, rules: Rules, remembered: &Transactions) -> Self {
        let entries = remembered.entries.values();
        let accounts: HashMap<_, _> =
            entries.map(|entry| (entry.id.clone(), Account::restore(now, entry))).collect();
        let by_producer =
            accounts.values().map(|account| (account.producer.id, account.id.clone())).collect();
        let partitions = accounts.values().map(Account::partitions).sum();
        let mut coordinator = Self {
            rules,
            accounts,
            by_producer,
            deliveries: HashMap::new(),
            framing: Default::default(),
            agenda: Agenda::default(),
            id_bytes: remembered.entries.keys().map(|id| id.len()).sum(),
            partitions,
            last_serial: remembered.last_serial,
            last_delivery: 0,
            has_fenced_forgotten: false,
            last_mark: 0,
            last_end: 0,
            outputs: VecDeque::new(),
        };
        let mut ids = coordinator.ids();
        ids.sort_by_key(|id| coordinator.account(id).updated_unix_ms);
        ids.iter().for_each(|id| coordinator.schedule(id));
        coordinator
    }

    /// The sink says what it found. What is decided and not applied is delivered; an open transaction whose data is
    /// gone is aborted as by a timeout, and so is each of them where it may be gone unnoticed. Saying it again
    /// changes nothing.
    pub(crate) fn resume(&mut self, now: Now, last_stop: LastStop, resumed: &Resumed) {
        let is_uncertain = match (last_stop, self.rules.durability) {
            (LastStop::Clean, _) | (LastStop::Unclean, Durability::Process | Durability::Power) => {
                false
            }
            (LastStop::Unclean, Durability::None) | (LastStop::Rebooted, _) => true,
        };
        if is_uncertain {
            // Some that were used may be forgotten, and an output may know them.
            self.last_serial = self.last_serial.saturating_add(SERIALS_SKIPPED);
            self.fence_forgotten(now);
        }
        let applied: HashSet<u64> = resumed.applied.iter().copied().collect();
        let lost: HashSet<u64> = resumed.lost.iter().copied().collect();
        for id in self.ids() {
            match &self.account(&id).state {
                State::Ongoing(open) => {
                    if is_uncertain || lost.contains(&open.transaction.serial) {
                        tracing::warn!(transactional_id = %id, "the open transaction did not survive, and is aborted");
                        self.fence(now, &id);
                    }
                }
                State::Ending(ending) if ending.step == Step::Resuming => {
                    match applied.contains(&ending.transaction.serial) {
                        true => self.applied(now, &id),
                        false => self.apply(&id),
                    }
                }
                State::Ending(_) => {}
                State::Empty | State::Preparing(_) | State::Ended(_) => {}
            }
        }
    }

    /// Of a transaction that was open, all facts may be forgotten, while its producer goes on with it: the rest of its
    /// records would be committed without the first ones, or the end before it be taken for its own. So nobody goes
    /// on without a new epoch. A retry of the end that is remembered (by the newer protocol it has an epoch of its own)
    /// is still recognised.
    fn fence_forgotten(&mut self, now: Now) {
        if mem::replace(&mut self.has_fenced_forgotten, true) {
            return;
        }
        for id in self.ids() {
            let account = self.account(&id);
            if matches!(account.state, State::Ongoing(_)) {
                continue;
            }
            let (fenced, previous) = (account.producer, account.previous);
            let epoch = fenced.epoch.saturating_add(1);
            self.set_producer(&id, Producer { epoch, ..fenced }, previous);
            self.note(now, &id, Needs::Written, None);
        }
    }
}
