//! A path with placeholders, taken apart once.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::name;

/// What a part of a path may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Topic,
    TxnId,
    TxnSeq,
}

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Vec<u8>),
    Placeholder(Placeholder),
}

/// A path with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) parts: Vec<Part>,
    /// As it was written.
    text: Vec<u8>,
}

impl Placeholder {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Topic => b"{topic}",
            Self::TxnId => b"{txnID}",
            Self::TxnSeq => b"{txnSeq}",
        }
    }
}

impl Template {
    /// Takes a pattern apart. Placeholders that are not among `known` stand for themselves.
    pub(super) fn new(pattern: &OsStr, known: &[Placeholder]) -> Self {
        let text = pattern.as_bytes();
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(&byte) = rest.first() {
            match known.iter().find(|placeholder| rest.starts_with(placeholder.text())) {
                Some(&placeholder) => {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                    parts.push(Part::Placeholder(placeholder));
                    rest = &rest[placeholder.text().len()..];
                }
                None => {
                    literal.push(byte);
                    rest = &rest[1..];
                }
            }
        }
        parts.push(Part::Literal(literal));
        Self { parts, text: text.to_vec() }
    }

    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.parts.contains(&Part::Placeholder(placeholder))
    }

    /// Puts something into each place, in one pass: what is put in is never looked through for placeholders.
    pub(super) fn fill<'t>(&self, with: impl Fn(Placeholder) -> &'t [u8]) -> PathBuf {
        let mut path = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(bytes) => path.extend_from_slice(bytes),
                Part::Placeholder(placeholder) => path.extend_from_slice(with(*placeholder)),
            }
        }
        OsString::from_vec(path).into()
    }

    /// The folder that every path of the template lies in, at some depth.
    pub(super) fn folder(&self) -> &Path {
        let head = self.head();
        let path = Path::new(OsStr::from_bytes(head));
        if head.ends_with(b"/") { path } else { path.parent().unwrap_or(path) }
    }

    /// What is written behind the [folder](Self::folder).
    pub(super) fn below_folder(&self) -> &[u8] {
        &self.text[self.folder_bytes()..]
    }

    /// What a server calls a path of the template: what is written behind the folder, so that its name stays the
    /// same wherever the folder is and whatever leads there.
    pub(super) fn name(&self, path: &Path) -> String {
        let path = path.as_os_str().as_bytes();
        name::of_bytes(path.get(self.folder_bytes()..).unwrap_or(path))
    }

    /// The path that [`name`](Self::name) made a name of.
    pub(super) fn named(&self, name: &str) -> PathBuf {
        let mut path = self.text[..self.folder_bytes()].to_vec();
        path.extend_from_slice(&name::to_bytes(name));
        OsString::from_vec(path).into()
    }

    /// How much of every path is its folder, with the slash behind it.
    fn folder_bytes(&self) -> usize {
        self.head().iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1)
    }

    /// What stands before the first placeholder.
    fn head(&self) -> &[u8] {
        match self.parts.first() {
            Some(Part::Literal(bytes)) => bytes,
            Some(Part::Placeholder(_)) | None => &[],
        }
    }
}
