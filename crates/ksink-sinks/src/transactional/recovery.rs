//! What becomes of transactions when a server starts again.
//!
//! Open ones go on: their temporary files are cut to what was accepted. Decided ones are applied, aborted ones
//! deleted. What is deleted for other reasons waits until the server remembers what it was told here, which is when
//! it asks for something.

use std::{collections::HashMap, io, path::Path};

use ksink_disk::{Kind, Open, fail_point};
use ksink_event::{Held, LastStop, Position, Resumed, Transaction};

use super::{
    Leftover, TransactionalFiles,
    apply::{Earlier, Undone},
    committing::Try,
    position::{Said, Temporary, Which, base_name},
    running::{Running, TemporaryFile, remove},
};
use crate::RecoverError;

/// What a state says of temporary files, by serial.
type BySerial = HashMap<u64, Vec<Said>>;

impl TransactionalFiles {
    /// Brings files to where the server remembers them.
    pub(super) fn recover_held(&mut self, held: &Held) -> Result<Resumed, RecoverError> {
        let mut resumed = Resumed::default();
        let mut files = self.remember(held, &mut resumed);
        for transaction in &held.open {
            let said = files.remove(&transaction.serial).unwrap_or_default();
            let is_whole = self.resume(transaction, said, held.last_stop, &mut resumed)?;
            if !is_whole || held.last_stop == LastStop::Rebooted {
                resumed.lost.push(transaction.serial);
            }
        }
        self.apply_decided(held, &mut files, &mut resumed)?;
        for transaction in &held.aborted {
            let said = files.remove(&transaction.serial).unwrap_or_default();
            self.resume(transaction, said, LastStop::Clean, &mut resumed)?;
            // What cannot be removed now is asked for again.
            if let Ok(positions) = self.abort_one(transaction.serial) {
                resumed.positions.extend(positions);
                resumed.applied.push(transaction.serial);
            }
        }
        for said in files.into_values().flatten() {
            self.give_up(said, &mut resumed);
        }
        fail_point("sink-recovered");
        Ok(resumed)
    }

    /// Takes over what the state remembers. Returns what it says of temporary files.
    fn remember(&mut self, held: &Held, resumed: &mut Resumed) -> BySerial {
        let decided: Vec<u64> = held.decided.iter().map(|it| it.transaction.serial).collect();
        let mut files = BySerial::new();
        for said in held.positions.iter().filter_map(Said::read) {
            match said {
                Said::Temporary { it: Temporary { serial, .. }, .. }
                | Said::Absent { serial, .. } => files.entry(serial).or_default().push(said),
                Said::Leftover { name, which } => {
                    let path = self.pattern.named(&name);
                    self.leftovers.insert(path, Leftover { which, call: None });
                }
                Said::Claim { name, claim } => self.names.remember_claim(name, claim),
                Said::Seq { id, seq } => self.names.remember_seq(id, seq),
                Said::Base { serial, name, base } if decided.contains(&serial) => {
                    self.bases.insert((serial, name), base);
                }
                Said::Base { serial, name, .. } => {
                    resumed.positions.push(Position::withdrawn(base_name(serial, &name)));
                }
            }
        }
        files
    }

    /// Takes up a transaction. Says whether all that was accepted is there.
    fn resume(
        &mut self,
        transaction: &Transaction,
        said: Vec<Said>,
        last_stop: LastStop,
        resumed: &mut Resumed,
    ) -> Result<bool, RecoverError> {
        let serial = transaction.serial;
        let mut is_whole = true;
        for said in said {
            let Said::Temporary { name, topic, it } = said else {
                self.give_up(said, resumed);
                continue;
            };
            let path = self.pattern.named(&name);
            let len = self.cut_to_accepted(&path, it, last_stop)?;
            is_whole &= len.is_some();
            let it = Temporary { len: len.unwrap_or(it.len), ..it };
            let new = || Running::new(transaction.id.clone(), it.seq);
            let running = self.running.entry(serial).or_insert_with(new);
            let last = path.with_extension("");
            // Nobody knows whether the earlier run came to sync the name.
            self.unsynced_folders.extend(path.parent().map(Path::to_owned));
            running.files.insert(last, TemporaryFile::new(path.clone(), name, topic, it));
            self.owners.insert(path, serial);
        }
        Ok(is_whole)
    }

    /// How long a temporary file is that holds all that was accepted, and nothing else that is ours; `None` if
    /// there is none.
    fn cut_to_accepted(
        &self,
        path: &Path,
        it: Temporary,
        last_stop: LastStop,
    ) -> Result<Option<u64>, RecoverError> {
        let failed = |cause| cannot("look at", path, cause);
        let Some(look) = self.disk.look(path).map_err(failed)? else { return Ok(None) };
        if look.kind != Kind::File || Which::from(look.identity) != it.which || look.len < it.len {
            return Ok(None);
        }
        if look.len == it.len || last_stop == LastStop::Clean {
            return Ok(Some(look.len));
        }
        self.disk
            .open(path, Open::ReadWrite { create: false })
            .and_then(|mut file| file.set_len(it.len))
            .map_err(|cause| cannot("cut", path, cause))?;
        Ok(Some(it.len))
    }

    /// Applies what is decided, as far as that can be done now. The rest is asked for again.
    fn apply_decided(
        &mut self,
        held: &Held,
        files: &mut BySerial,
        resumed: &mut Resumed,
    ) -> Result<(), RecoverError> {
        let mut tries = Vec::with_capacity(held.decided.len());
        for decided in &held.decided {
            for said in files.remove(&decided.transaction.serial).unwrap_or_default() {
                if let Said::Absent { .. } = said {
                    self.give_up(said, resumed);
                }
            }
            let mut it = Try::new(decided);
            if held.last_stop != LastStop::Clean {
                it.plan
                    .files
                    .iter()
                    .for_each(|file| self.doubt(it.serial(), file, Earlier::Unknown));
            }
            if self.run(&mut it).is_err()
                && let Some(Undone::Taken(refusal) | Undone::Unreadable(refusal)) = &it.undone
            {
                return Err(RecoverError::Stopped(refusal.reason().to_owned()));
            }
            tries.push(it);
        }
        self.make_durable(&mut tries);
        fail_point("sink-recovery-applied");
        for it in tries {
            if it.undone.is_some() {
                self.keep_for_later(&it);
                continue;
            }
            let serial = it.serial();
            resumed.positions.extend(self.applied_positions(it, 0).positions);
            resumed.applied.push(serial);
        }
        // The server has synced what it hears here before it asks for anything.
        self.leftovers.values_mut().for_each(|leftover| leftover.call = None);
        Ok(())
    }

    /// What a decided commit needs stays its own until it is done.
    fn keep_for_later(&mut self, it: &Try<'_>) {
        for file in &it.plan.files {
            self.owners.insert(self.pattern.named(&file.temporary), it.serial());
            self.promised.insert(self.pattern.named(&file.last), it.serial());
        }
    }

    /// A temporary file of which no transaction knows is to be deleted.
    fn give_up(&mut self, said: Said, resumed: &mut Resumed) {
        match said {
            Said::Temporary { name, it: Temporary { which, .. }, .. } => {
                let path = self.pattern.named(&name);
                self.leftovers.insert(path, Leftover { which, call: None });
                resumed.positions.push(Said::Leftover { name, which }.position());
            }
            Said::Absent { name, .. } => {
                let path = self.pattern.named(&name);
                // What is removed could come back with the loss of power, and is then found to be ours again.
                if !(self.remove_if_empty(&path) && self.note_unlinked(&path)) {
                    resumed.positions.push(Position::withdrawn(name));
                }
            }
            Said::Leftover { .. } | Said::Claim { .. } | Said::Seq { .. } | Said::Base { .. } => {}
        }
    }

    /// What was made and is empty is ours where nothing was before; what is not empty is somebody else's.
    /// Says whether there is nothing of somebody else.
    fn remove_if_empty(&self, path: &Path) -> bool {
        match self.disk.look(path) {
            Ok(Some(look)) if look.kind == Kind::File && look.len == 0 => {
                // What cannot be removed now is known on, and removed later.
                let _ = remove(&*self.disk, path, look.identity.into());
                true
            }
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => false,
        }
    }
}

fn cannot(what: &str, path: &Path, cause: io::Error) -> RecoverError {
    RecoverError::Failed { what: format!("cannot {what} {}", path.display()), cause }
}
