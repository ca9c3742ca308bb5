//! Compares what a producer holds for delivered with what is there.

use std::collections::HashMap;

use anyhow::{Context, Result};

use crate::interop::landed::Landed;

/// A record that the client reported as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// Which record; they are numbered in the order of sending.
    pub n: u32,
    /// Where it was said to be; negative where the client was not told.
    pub offset: i64,
}

/// A record in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub n: u32,
    pub partition: i32,
    pub offset: i64,
}

/// How many records went wrong, by what went wrong with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acknowledged, and not there.
    pub lost: usize,
    /// Copies beyond the first.
    pub duplicated: usize,
    /// First copies that stand behind a later record of their partition, or in another partition.
    pub reordered: usize,
    /// Acknowledged with an offset at which the record is not.
    pub misplaced: usize,
}

impl Kept {
    /// Reads a line of ksink's jsonl.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let Landed { partition, offset, value, .. } = Landed::parse(line)?;
        let value = String::from_utf8(value.unwrap_or_default())?;
        let n = value.parse().with_context(|| format!("nobody sent the value {value}"))?;
        Ok(Self { n, partition, offset })
    }
}

/// Judges the output, record by record in the order of the file. `partition` says where a record belongs.
pub(crate) fn judge(
    acknowledged: &[Acknowledged],
    kept: &[Kept],
    partition: impl Fn(u32) -> i32,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut first: HashMap<u32, Kept> = HashMap::new();
    let mut last_of: HashMap<i32, u32> = HashMap::new();
    for record in kept {
        if first.contains_key(&record.n) {
            verdict.duplicated += 1;
            continue;
        }
        first.insert(record.n, *record);
        let last = last_of.entry(record.partition).or_insert(record.n);
        if record.n < *last || record.partition != partition(record.n) {
            verdict.reordered += 1;
        }
        *last = record.n.max(*last);
    }
    for Acknowledged { n, offset } in acknowledged {
        match first.get(n) {
            None => verdict.lost += 1,
            Some(there) if *offset >= 0 && there.offset != *offset => verdict.misplaced += 1,
            Some(_) => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two partitions, in turns: 0 2 4 and 1 3 5.
    fn partition(n: u32) -> i32 {
        (n % 2) as i32
    }

    fn acknowledged() -> Vec<Acknowledged> {
        (0..6).map(|n| Acknowledged { n, offset: i64::from(n / 2) }).collect()
    }

    fn kept() -> Vec<Kept> {
        (0..6).map(|n| Kept { n, partition: partition(n), offset: i64::from(n / 2) }).collect()
    }

    fn check(plant: impl FnOnce(&mut Vec<Kept>), expected: Verdict) {
        let mut kept = kept();
        plant(&mut kept);
        assert_eq!(judge(&acknowledged(), &kept, partition), expected);
    }

    #[test]
    fn what_is_there_once_and_in_order_is_well() {
        check(|_| {}, Verdict::default());
        // Partitions do not wait for each other.
        check(|kept| kept.swap(0, 1), Verdict::default());
    }

    #[test]
    fn a_dropped_record_is_lost() {
        check(
            |kept| kept.retain(|record| record.n != 3),
            Verdict { lost: 1, ..Verdict::default() },
        );
    }

    #[test]
    fn a_doubled_record_is_duplicated() {
        check(|kept| kept.push(kept[2]), Verdict { duplicated: 1, ..Verdict::default() });
    }

    #[test]
    fn a_record_behind_its_successor_is_reordered() {
        check(|kept| kept.swap(0, 2), Verdict { reordered: 1, ..Verdict::default() });
    }

    #[test]
    fn a_record_in_another_partition_is_out_of_place() {
        check(|kept| kept[5].partition = 0, Verdict { reordered: 1, ..Verdict::default() });
    }

    #[test]
    fn a_record_elsewhere_than_its_producer_was_told_is_misplaced() {
        check(|kept| kept[1].offset = 9, Verdict { misplaced: 1, ..Verdict::default() });
    }

    #[test]
    fn a_producer_that_was_told_no_offset_can_be_told_no_wrong_one() {
        let untold = [Acknowledged { n: 0, offset: -1 }];
        assert_eq!(judge(&untold, &kept(), partition), Verdict::default());
    }
}
