//! Reads `data/kafka-schemas.tsv`; the head of that file says how it is made.

use std::ops::RangeInclusive;

/// One side of one API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) key: i16,
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    pub(crate) versions: RangeInclusive<i16>,
    /// Empty where no version is flexible.
    pub(crate) flexible: RangeInclusive<i16>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// One line of the file: a field in the versions that agree on it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) path: Vec<&'static str>,
    /// Such as `[]string?`, where the question mark means that it may be null.
    pub(crate) kind: &'static str,
    pub(crate) versions: RangeInclusive<i16>,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<&'static str>,
}

/// A field as one version has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: String,
    pub(crate) tag: Option<u32>,
    /// `None` for 0, false, empty and null.
    pub(crate) default: Option<String>,
    /// The fields of a structure, or of an array's elements.
    pub(crate) fields: Vec<Self>,
}

impl Api {
    /// Every side of every API in the file.
    pub(crate) fn all() -> Vec<Self> {
        let mut apis: Vec<Self> = Vec::new();
        for line in include_str!("../../data/kafka-schemas.tsv").lines() {
            let columns: Vec<_> = line.split('\t').collect();
            match columns[..] {
                [comment, ..] if comment.starts_with('#') => {}
                ["api", key, name, side, versions, flexible] => {
                    apis.push(Self::parse(key, name, side, versions, flexible));
                }
                [..] => {
                    apis.last_mut().expect("fields follow an API").rows.push(Row::parse(&columns))
                }
            }
        }
        apis
    }

    /// The fields of one version, in wire order.
    pub(crate) fn fields(&self, version: i16) -> Vec<Field> {
        self.fields_in(&[], version)
    }

    pub(crate) fn is_flexible(&self, version: i16) -> bool {
        self.flexible.contains(&version)
    }

    fn fields_in(&self, parent: &[&'static str], version: i16) -> Vec<Field> {
        let mut fields = Vec::new();
        for row in self.rows.iter().filter(|row| row.versions.contains(&version)) {
            if let [outer @ .., name] = &row.path[..]
                && outer == parent
            {
                fields.push(Field {
                    name,
                    kind: row.kind.replace("records", "bytes"),
                    tag: row.tag,
                    default: row.default.and_then(normal_default),
                    fields: self.fields_in(&row.path, version),
                });
            }
        }
        fields
    }

    fn parse(key: &str, name: &'static str, side: &str, versions: &str, flexible: &str) -> Self {
        let side = if side == "request" { Side::Request } else { Side::Response };
        #[expect(clippy::reversed_empty_ranges, reason = "none of them")]
        let flexible = if flexible == "none" { 1..=0 } else { range(flexible) };
        Self { key: number(key), name, side, versions: range(versions), flexible, rows: Vec::new() }
    }
}

impl Row {
    fn parse(columns: &[&'static str]) -> Self {
        let column = |index: usize| columns.get(index).copied().filter(|text| !text.is_empty());
        Self {
            path: columns[0].split('.').collect(),
            kind: columns[1],
            versions: range(columns[2]),
            tag: column(3).map(|tag| tag.parse().expect("a tag")),
            default: column(4).and_then(|text| text.strip_prefix("default=")),
        }
    }
}

/// Brings a default of the file or of our tables to one form; `None` when it says no more than the type.
pub(crate) fn normal_default(text: &str) -> Option<String> {
    match text {
        "0" | "false" | "" | "null" => None,
        "0x7fffffff" | "i32::MAX" => Some(i32::MAX.to_string()),
        "i32::MIN" => Some(i32::MIN.to_string()),
        "i64::MAX" => Some(i64::MAX.to_string()),
        other => Some(other.to_owned()),
    }
}

fn range(text: &str) -> RangeInclusive<i16> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    number(first)..=number(last)
}

fn number(text: &str) -> i16 {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text:?}"))
}
