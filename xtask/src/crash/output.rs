//! What ksink's files hold.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::story::Place;

/// One record in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub producer: String,
    /// `None` outside of transactions.
    pub transaction: Option<u32>,
    pub n: u32,
    pub place: Place,
}

/// The part of a line that matters here.
#[derive(Deserialize)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    value: String,
    transactional_id: Option<String>,
}

impl Kept {
    /// Reads a line of ksink's jsonl. Its value says who sent it: `NAME TRANSACTION NUMBER ...`.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("not a line of ksink: {line}"))?;
        let mut words = line.value.split(' ');
        let (Some(producer), Some(transaction), Some(n)) =
            (words.next(), words.next(), words.next())
        else {
            bail!("nobody sent the value {}", line.value);
        };
        let transaction = match transaction {
            "-" => None,
            number => Some(number.parse()?),
        };
        let id = transaction.is_some().then_some(producer);
        ensure!(
            line.transactional_id.as_deref() == id,
            "{producer} stands as {:?}",
            line.transactional_id
        );
        let place = Place { topic: line.topic, partition: line.partition, offset: line.offset };
        Ok(Self { producer: producer.to_owned(), transaction, n: n.parse()?, place })
    }
}

/// Reads every `*.jsonl` of a folder, each in its order. Gives all other files, but for ksink's state: they are too
/// many.
pub(crate) fn read(folder: &Path, mut see: impl FnMut(Kept)) -> Result<Vec<PathBuf>> {
    let mut leftovers = Vec::new();
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => read_file(&path, &mut see)?,
            None if [".ksink", "lost+found"].iter().any(|known| entry.file_name() == *known) => {}
            Some(_) | None => leftovers.push(path),
        }
    }
    Ok(leftovers)
}

fn read_file(path: &Path, see: &mut impl FnMut(Kept)) -> Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = String::new();
    while reader.read_line(&mut line).with_context(|| path.display().to_string())? > 0 {
        ensure!(line.ends_with('\n'), "{} ends within a line", path.display());
        see(Kept::parse(&line).with_context(|| path.display().to_string())?);
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &str, id: &str) -> String {
        format!(
            r#"{{"topic":"t","partition":1,"offset":7,"value":"{value}","value_encoding":"utf-8"{id}}}"#
        )
    }

    #[test]
    fn a_value_says_who_sent_it() {
        let kept = Kept::parse(&line("a - 5 ...", "")).unwrap();
        assert_eq!((&*kept.producer, kept.transaction, kept.n), ("a", None, 5));
        let kept = Kept::parse(&line("a 3 5 ...", r#","transactional_id":"a""#)).unwrap();
        assert_eq!((kept.transaction, kept.n), (Some(3), 5));
        assert_eq!(kept.place, Place { topic: "t".to_owned(), partition: 1, offset: 7 });
    }

    #[test]
    fn a_record_under_another_transactional_id_is_refused() {
        assert!(Kept::parse(&line("a 3 5 ...", r#","transactional_id":"b""#)).is_err());
        assert!(Kept::parse(&line("a 3 5 ...", "")).is_err());
    }

    #[test]
    fn half_a_line_is_refused() {
        assert!(Kept::parse(&line("a - 5", "")[..40]).is_err());
    }
}
