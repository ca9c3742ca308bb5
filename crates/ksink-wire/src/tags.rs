//! Tagged fields: what a structure of a flexible version may carry after its fields (KIP-482).

use nom::bytes::complete::take;

use crate::{
    error::{DecodeError, Reason, failure, in_field},
    primitives::{Parsed, Version, Wire},
    varint::{put_uvarint, uvarint},
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

#[cfg(test)]
mod tests {
    use super::*;

    const FLEXIBLE: Version = Version { number: 0, flexible: true };

    /// What is read when the fields 1 and 3 are known and hold one byte, and what follows the section.
    fn read(input: &[u8]) -> Result<([Option<i8>; 2], &[u8]), Reason> {
        let read = || {
            let mut tags = Tags::open(input, FLEXIBLE)?;
            let known = [tags.take(1, FLEXIBLE)?, tags.take(3, FLEXIBLE)?];
            let (rest, ()) = tags.close()?;
            Ok((known, rest))
        };
        read().map_err(|error| crate::error::without_nom(error).reason)
    }

    #[test]
    fn known_fields_are_found_among_unknown_ones() {
        assert_eq!(read(&[0, 9]), Ok(([None, None], &[9][..])));
        assert_eq!(read(&[2, 1, 1, 7, 3, 1, 8, 9]), Ok(([Some(7), Some(8)], &[9][..])));
        let with_unknown = [4, 0, 0, 2, 1, 5, 3, 1, 8, 4, 2, 6, 6, 9];
        assert_eq!(read(&with_unknown), Ok(([None, Some(8)], &[9][..])));
    }

    #[test]
    fn repeated_and_unordered_fields_are_refused() {
        assert_eq!(read(&[2, 1, 1, 7, 1, 1, 7]), Err(Reason::TagsUnordered));
        assert_eq!(read(&[2, 3, 1, 8, 1, 1, 7]), Err(Reason::TagsUnordered));
        assert_eq!(read(&[2, 9, 0, 8, 0]), Err(Reason::TagsUnordered));
    }

    #[test]
    fn a_known_field_fills_its_size() {
        assert_eq!(read(&[1, 1, 2, 7, 7]), Err(Reason::TagSizeMismatch));
        assert_eq!(read(&[1, 1, 0]), Err(Reason::Truncated));
    }

    #[test]
    fn a_section_that_ends_early_is_truncated() {
        for cut in 1..8 {
            assert_eq!(
                read(&[2, 1, 1, 7, 3, 2, 8, 8][..cut]),
                Err(Reason::Truncated),
                "cut at {cut}"
            );
        }
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Reason::Truncated));
    }

    #[test]
    fn a_field_is_written_only_where_it_says_something() {
        let mut out = Vec::new();
        NewTags::new(FLEXIBLE).with(1, &-1i8, &-1).with(3, &8i8, &-1).append_to(&mut out);
        assert_eq!(out, [1, 3, 1, 8]);
    }
}
