//! Which names belong to whom, and what has them already.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
};

use ksink_disk::{Disk, Kind, Look};
use ksink_event::{Position, Refusal};

use super::{
    TxnExisting,
    position::{Claim, Said, seq_name},
};
use crate::{TransactionName, TransactionPattern};

/// So many names are tried before one is given up.
const TRIES_MAX: u64 = 1_000_000;

/// Which names belong to whom.
#[derive(Debug)]
pub(super) struct Names {
    pattern: TransactionPattern,
    /// How many claims and numbers are kept.
    names_max: usize,
    /// By final name, with no number in it.
    claims: HashMap<String, Claim>,
    /// The number of the last committed transaction, by transactional id.
    seqs: HashMap<String, Seq>,
    /// Which id was used when.
    uses: BTreeMap<u64, String>,
    clock: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seq {
    last: u64,
    used_at: u64,
}

/// What a transaction's file is called at last, and what has that name now.
pub(super) struct Chosen {
    pub(super) last: PathBuf,
    /// A regular file, if anything.
    pub(super) there: Option<Look>,
}

impl Names {
    pub(super) fn new(pattern: TransactionPattern, names_max: usize) -> Self {
        Self {
            pattern,
            names_max,
            claims: HashMap::new(),
            seqs: HashMap::new(),
            uses: BTreeMap::new(),
            clock: 0,
        }
    }

    /// Takes over what a state remembers.
    pub(super) fn remember_claim(&mut self, name: String, claim: Claim) {
        self.claims.insert(name, claim);
    }

    /// Takes over what a state remembers.
    pub(super) fn remember_seq(&mut self, id: String, last: u64) {
        self.clock += 1;
        self.uses.insert(self.clock, id.clone());
        self.seqs.insert(id, Seq { last, used_at: self.clock });
    }

    /// Lets a name belong to a transactional id and a topic. Returns what the server is to remember, if it does not
    /// yet.
    ///
    /// # Errors
    /// When it belongs to others.
    pub(super) fn claim(&mut self, id: &str, topic: &str) -> Result<Option<Position>, Refusal> {
        if !self.pattern.names_may_meet() {
            return Ok(None);
        }
        let path = self.pattern.path(&TransactionName { topic, id, seq: 0 });
        let name = self.pattern.name(&path);
        let claim = Claim { id: id.to_owned(), topic: topic.to_owned() };
        match self.claims.get(&name) {
            Some(of) if *of == claim => Ok(None),
            Some(of) => Err(Refusal::rejected(format!(
                "{} belongs to the transactional id {:?} and the topic {}",
                path.display(),
                of.id,
                of.topic
            ))),
            None if self.claims.len() >= self.names_max => {
                Err(Refusal::local("there are more names of files than are remembered"))
            }
            None => {
                let said = Said::Claim { name: name.clone(), claim: claim.clone() };
                self.claims.insert(name, claim);
                Ok(Some(said.position()))
            }
        }
    }

    /// Gives a claim back that the server was not told of.
    pub(super) fn unclaim(&mut self, id: &str, topic: &str) {
        let path = self.pattern.path(&TransactionName { topic, id, seq: 0 });
        self.claims.remove(&self.pattern.name(&path));
    }

    /// The number that the next transaction of an id will have, if it is committed.
    pub(super) fn next_seq(&self, id: &str) -> u64 {
        self.seqs.get(id).map_or(1, |seq| seq.last + 1)
    }

    /// Notes the number of a committed transaction. Returns what the server is to remember, and to forget: where
    /// there are too many ids, what was not used for longest.
    pub(super) fn note_seq(&mut self, id: &str, last: u64) -> Vec<Position> {
        if !self.pattern.has_seq() {
            return Vec::new();
        }
        self.clock += 1;
        let used_at = self.clock;
        if let Some(before) = self.seqs.insert(id.to_owned(), Seq { last, used_at }) {
            self.uses.remove(&before.used_at);
        }
        self.uses.insert(used_at, id.to_owned());
        let mut positions = vec![Said::Seq { id: id.to_owned(), seq: last }.position()];
        while self.seqs.len() > self.names_max.max(1)
            && let Some((_, oldest)) = self.uses.pop_first()
        {
            self.seqs.remove(&oldest);
            positions.push(Position::withdrawn(seq_name(&oldest)));
        }
        positions
    }

    /// Chooses final names for all files of a transaction, from `seq` on. Returns the number that it has then.
    ///
    /// # Errors
    /// `Rejected` where a name is taken for good; otherwise when it is taken by something else than a regular file, or
    /// nobody can tell.
    pub(super) fn choose(
        &self,
        disk: &dyn Disk,
        existing: TxnExisting,
        finals: &[PathBuf],
        at_seq: impl Fn(u64) -> Vec<PathBuf>,
        seq: u64,
        is_promised: impl Fn(&Path) -> bool,
    ) -> Result<(u64, Vec<Chosen>), Refusal> {
        if !self.pattern.has_seq() {
            let chosen = finals.iter().map(|last| choose_one(disk, existing, last, &is_promised));
            return Ok((seq, chosen.collect::<Result<_, _>>()?));
        }
        for seq in seq..seq.saturating_add(TRIES_MAX) {
            let finals = at_seq(seq);
            let mut is_free = true;
            for last in &finals {
                is_free &= regular(disk, last)?.is_none() && !is_promised(last);
            }
            if is_free {
                let free = |last| Chosen { last, there: None };
                return Ok((seq, finals.into_iter().map(free).collect()));
            }
        }
        Err(Refusal::local("no number is free"))
    }
}

fn choose_one(
    disk: &dyn Disk,
    existing: TxnExisting,
    last: &Path,
    is_promised: &impl Fn(&Path) -> bool,
) -> Result<Chosen, Refusal> {
    let there = regular(disk, last)?;
    let is_promised_now = is_promised(last);
    let last = last.to_owned();
    match (existing, there) {
        (TxnExisting::Suffix, None) if is_promised_now => next_free(disk, &last, is_promised),
        (_, None) | (TxnExisting::Append | TxnExisting::Replace, Some(_)) => {
            Ok(Chosen { last, there })
        }
        (TxnExisting::Fail, Some(_)) => {
            Err(Refusal::rejected(format!("{} exists already", last.display())))
        }
        (TxnExisting::Suffix, Some(_)) => next_free(disk, &last, is_promised),
    }
}

/// The first free one of `x.1.jsonl`, `x.2.jsonl`, and so on. The search doubles its steps, since as a rule all numbers
/// up to the first free one are taken.
fn next_free(
    disk: &dyn Disk,
    last: &Path,
    is_promised: &impl Fn(&Path) -> bool,
) -> Result<Chosen, Refusal> {
    let is_free = |number| {
        let path = with_number(last, number);
        Ok::<bool, Refusal>(regular(disk, &path)?.is_none() && !is_promised(&path))
    };
    let mut high = 1;
    while !is_free(high)? {
        high *= 2;
        if high > TRIES_MAX {
            return Err(Refusal::local(format!("no number is free for {}", last.display())));
        }
    }
    // Taken, or 0; and free.
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if is_free(middle)? { high = middle } else { low = middle }
    }
    Ok(Chosen { last: with_number(last, high), there: None })
}

/// `x.jsonl` as `x.7.jsonl`, and `x` as `x.7`.
fn with_number(path: &Path, number: u64) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The regular file of this name, if anything has it.
///
/// # Errors
/// When it is something else, or that cannot be found out.
fn regular(disk: &dyn Disk, path: &Path) -> Result<Option<Look>, Refusal> {
    match disk.look(path) {
        Ok(Some(look)) if look.kind != Kind::File => {
            Err(Refusal::local(format!("{} is no regular file", path.display())))
        }
        Ok(look) => Ok(look),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(Refusal::local(format!("cannot look at {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_before_the_extension() {
        for (path, numbered) in [("a/x.jsonl", "a/x.7.jsonl"), ("x", "x.7"), ("a.b/x", "a.b/x.7")] {
            assert_eq!(with_number(Path::new(path), 7), Path::new(numbered));
        }
    }
}
