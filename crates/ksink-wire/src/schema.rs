//! The tables of the messages as data: what tests compare with Kafka's own schemas.

use std::{
    fmt,
    ops::{RangeFrom, RangeInclusive, RangeToInclusive},
};

/// A type that can say how it looks on the wire.
pub trait Describe {
    /// The kind of value that this is.
    fn kind() -> Kind;
}

/// The kinds of values in Kafka's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// One byte.
    Int8,
    /// Two bytes.
    Int16,
    /// Four bytes.
    Int32,
    /// Eight bytes.
    Int64,
    /// Two bytes, unsigned.
    Uint16,
    /// Eight bytes, IEEE 754.
    Float64,
    /// Sixteen bytes.
    Uuid,
    /// A length and UTF-8.
    String,
    /// A length and bytes, among them record batches.
    Bytes,
    /// A count and elements.
    Array(Box<Self>),
    /// Fields.
    Struct(Schema),
    /// A value that may be null.
    Nullable(Box<Self>),
}

/// A structure: its name in Rust, and its fields in wire order (tagged ones by tag).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The name of the Rust type.
    pub name: &'static str,
    /// The rows of its table.
    pub fields: Vec<Field>,
}

/// One row of a message's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As in Kafka's schema, in snake case.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The versions that carry it; a field of a nested structure is further limited by the outer ones.
    pub versions: Versions,
    /// For a [`Kind::Nullable`]: the versions in which it may be null.
    pub nullable: Versions,
    /// The number of a tagged field.
    pub tag: Option<u32>,
    /// The value where a version lacks the field, as written in the table; `None` is 0, false, empty or null.
    pub default: Option<&'static str>,
}

/// A range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first one.
    pub first: i16,
    /// The last one; `i16::MAX` where the range is open.
    pub last: i16,
}

impl Versions {
    /// Every version.
    pub const ALL: Self = Self { first: 0, last: i16::MAX };

    /// Whether the version is one of them.
    pub fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }
}

impl From<RangeFrom<i16>> for Versions {
    fn from(range: RangeFrom<i16>) -> Self {
        Self { first: range.start, last: i16::MAX }
    }
}

impl From<RangeToInclusive<i16>> for Versions {
    fn from(range: RangeToInclusive<i16>) -> Self {
        Self { first: 0, last: range.end }
    }
}

impl From<RangeInclusive<i16>> for Versions {
    fn from(range: RangeInclusive<i16>) -> Self {
        Self { first: *range.start(), last: *range.end() }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (first, i16::MAX) => write!(f, "{first}+"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

/// Types whose kind is one word.
macro_rules! kinds {
    ($($ty:ty => $kind:ident),* $(,)?) => {$(
        impl Describe for $ty {
            fn kind() -> Kind {
                Kind::$kind
            }
        }
    )*};
}

kinds! {
    bool => Bool,
    i8 => Int8,
    i16 => Int16,
    i32 => Int32,
    i64 => Int64,
    u16 => Uint16,
    f64 => Float64,
    crate::Uuid => Uuid,
    crate::ErrorCode => Int16,
    &str => String,
    &[u8] => Bytes,
}

impl<T: Describe> Describe for Vec<T> {
    fn kind() -> Kind {
        Kind::Array(Box::new(T::kind()))
    }
}

impl<T: Describe> Describe for Option<T> {
    fn kind() -> Kind {
        Kind::Nullable(Box::new(T::kind()))
    }
}
