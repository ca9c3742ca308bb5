//! Tagged fields: what a structure of a flexible version may carry after its fields (KIP-482).

use nom::bytes::complete::take;

use crate::{
    error::{DecodeError, Reason, failure, in_field},
    primitives::{Parsed, Version, Wire, put_uvarint, uvarint},
};

/// What errors call the section.
const SECTION: &str = "_tagged_fields";

/// Reads a section of tagged fields in the order of their tags. Unknown ones are skipped: whatever
/// they are, the sender does not rely on us to read them.
pub(crate) struct Tags<'a> {
    /// The first field that was neither taken nor skipped.
    next: Option<Tagged<'a>>,
    /// How many fields come after it, in `rest`.
    left: u32,
    rest: &'a [u8],
}

struct Tagged<'a> {
    tag: u32,
    content: &'a [u8],
}

impl<'a> Tags<'a> {
    /// Starts at `input`, which follows the last untagged field.
    pub(crate) fn open(input: &'a [u8], version: Version) -> Result<Self, nom::Err<DecodeError>> {
        let (rest, left) = match version.flexible {
            true => uvarint(input).map_err(in_field(SECTION))?,
            false => (input, 0),
        };
        let mut tags = Self { next: None, left, rest };
        tags.advance(None)?;
        Ok(tags)
    }

    /// The value of a known field, if the section has it. Ask in ascending order of tags.
    pub(crate) fn take<T: Wire<'a>>(
        &mut self,
        tag: u32,
        version: Version,
    ) -> Result<Option<T>, nom::Err<DecodeError>> {
        self.skip_while(|next| next < tag)?;
        match self.next {
            Some(Tagged { tag: next, content }) if next == tag => {
                self.advance(Some(tag))?;
                whole(content, version).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Skips what is left, and gives the bytes after the section.
    pub(crate) fn close(&mut self) -> Parsed<'a, ()> {
        self.skip_while(|_| true)?;
        Ok((self.rest, ()))
    }

    fn skip_while(&mut self, unwanted: impl Fn(u32) -> bool) -> Result<(), nom::Err<DecodeError>> {
        while let Some(Tagged { tag, .. }) = self.next
            && unwanted(tag)
        {
            self.advance(Some(tag))?;
        }
        Ok(())
    }

    /// Moves on from the field with the tag `last`.
    fn advance(&mut self, last: Option<u32>) -> Result<(), nom::Err<DecodeError>> {
        self.next = None;
        if let Some(left) = self.left.checked_sub(1) {
            let (rest, next) = Tagged::read(self.rest).map_err(in_field(SECTION))?;
            if Some(next.tag) <= last {
                return Err(failure(Reason::TagsUnordered, self.rest)).map_err(in_field(SECTION));
            }
            *self = Self { next: Some(next), left, rest };
        }
        Ok(())
    }
}

impl<'a> Tagged<'a> {
    fn read(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, tag) = uvarint(input)?;
        let (rest, size) = uvarint(rest)?;
        let (rest, content) = take(size)(rest)?;
        Ok((rest, Self { tag, content }))
    }
}

/// A value that must fill its bytes.
fn whole<'a, T: Wire<'a>>(content: &'a [u8], version: Version) -> Result<T, nom::Err<DecodeError>> {
    match T::decode(content, version)? {
        ([], value) => Ok(value),
        (extra, _) => Err(failure(Reason::TagSizeMismatch, extra)),
    }
}

/// Skips a section of which no field is known.
pub(crate) fn skip_tags(input: &[u8], version: Version) -> Parsed<'_, ()> {
    Tags::open(input, version)?.close()
}

/// A section to be written. Add fields in ascending order of tags.
pub(crate) struct NewTags {
    version: Version,
    count: u32,
    fields: Vec<u8>,
}

impl NewTags {
    /// A section without fields; it takes no memory of its own.
    pub(crate) fn new(version: Version) -> Self {
        Self { version, count: 0, fields: Vec::new() }
    }

    /// Adds a field, unless it says no more than its absence would.
    pub(crate) fn with<'a, T: Wire<'a> + PartialEq>(
        mut self,
        tag: u32,
        value: &T,
        absent: &T,
    ) -> Self {
        if value != absent {
            let mut content = Vec::new();
            value.encode(&mut content, self.version);
            self.count += 1;
            put_uvarint(&mut self.fields, tag);
            put_uvarint(
                &mut self.fields,
                u32::try_from(content.len()).expect("a frame is under 2 GiB"),
            );
            self.fields.extend_from_slice(&content);
        }
        self
    }

    /// Appends the section, where the version has one.
    pub(crate) fn append_to(self, out: &mut Vec<u8>) {
        if self.version.flexible {
            put_uvarint(out, self.count);
            out.extend_from_slice(&self.fields);
        }
    }
}
