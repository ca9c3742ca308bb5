//! Writes messages from the facts alone, so that a fault of our tables cannot hide in both directions.

use super::facts::{Api, Field};

/// Where the values of a message come from. When it is used up, everything is 0, empty or null, so
/// that every message ends.
pub(crate) struct Entropy<'a>(pub(crate) &'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// Writes the messages of one version of an API.
pub(crate) struct Writer<'a> {
    pub(crate) api: &'a Api,
    pub(crate) version: i16,
    /// Adds a tagged field that nobody knows to every structure.
    pub(crate) unknown_tags: bool,
    /// Writes null where that is allowed, one time in four.
    pub(crate) nulls: bool,
    /// How many times as many elements arrays have.
    pub(crate) array_scale: usize,
}

impl<'a> Writer<'a> {
    /// Writes nothing but what the version knows.
    pub(crate) fn new(api: &'a Api, version: i16) -> Self {
        Self { api, version, unknown_tags: false, nulls: true, array_scale: 1 }
    }

    /// The body of a message.
    pub(crate) fn message(&self, entropy: &mut Entropy<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.structure(&self.api.fields(self.version), entropy, &mut out);
        out
    }

    fn is_flexible(&self) -> bool {
        self.api.is_flexible(self.version)
    }

    fn structure(&self, fields: &[Field], entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        for field in fields.iter().filter(|field| field.tag.is_none()) {
            self.value(&field.kind, &field.fields, entropy, out);
        }
        if self.is_flexible() {
            self.tagged(fields, entropy, out);
        }
    }

    fn tagged(&self, fields: &[Field], entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        let mut present = Vec::new();
        for field in fields {
            if let Some(tag) = field.tag {
                let mut content = Vec::new();
                self.value(&field.kind, &field.fields, entropy, &mut content);
                if content != self.default_of(field) {
                    present.push((tag, content));
                }
            }
        }
        if self.unknown_tags {
            present.push((1000, b"new".to_vec()));
        }
        put_uvarint(out, present.len());
        for (tag, content) in present {
            put_uvarint(out, tag as usize);
            put_uvarint(out, content.len());
            out.extend(content);
        }
    }

    /// What a field that is not there means.
    fn default_of(&self, field: &Field) -> Vec<u8> {
        let default = field.default.as_deref();
        let number = || default.map_or(0i64, |text| text.parse().expect("a number"));
        match &field.kind[..] {
            "struct" => {
                let fields = field.fields.iter().filter(|field| field.tag.is_none());
                let mut content: Vec<u8> =
                    fields.flat_map(|field| self.default_of(field)).collect();
                put_uvarint(&mut content, 0);
                content
            }
            "boolean" => vec![0],
            "uuid" => vec![0; 16],
            "int16" => number().to_be_bytes()[6..].to_vec(),
            "int32" => number().to_be_bytes()[4..].to_vec(),
            "int64" => number().to_be_bytes().to_vec(),
            // A compact length is one more than it says, so this is null.
            "string?" => vec![0],
            // And this is empty.
            "[]struct" => vec![1],
            other => panic!("a tagged {other}"),
        }
    }

    fn value(&self, kind: &str, fields: &[Field], entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        let (kind, nullable) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
        let null = nullable && entropy.byte().is_multiple_of(4) && self.nulls;
        match kind {
            "boolean" => out.push(entropy.byte() % 2),
            "int8" => out.extend(entropy.bytes(1)),
            "int16" => out.extend(entropy.bytes(2)),
            "int32" => out.extend(entropy.bytes(4)),
            "int64" => out.extend(entropy.bytes(8)),
            "uuid" => out.extend(entropy.bytes(16)),
            "string" => {
                let text = (!null).then(|| "aé-".repeat(usize::from(entropy.byte() % 4)));
                self.length(text.as_deref().map(str::len), Width::I16, out);
                out.extend(text.unwrap_or_default().bytes());
            }
            "bytes" => {
                let count = usize::from(entropy.byte() % 8);
                let bytes = (!null).then(|| entropy.bytes(count));
                self.length(bytes.as_deref().map(<[u8]>::len), Width::I32, out);
                out.extend(bytes.unwrap_or_default());
            }
            "struct" if null => out.push(0xff),
            "struct" => {
                out.extend(nullable.then_some(1));
                self.structure(fields, entropy, out);
            }
            array => {
                let element = array.strip_prefix("[]").unwrap_or_else(|| panic!("a kind {array}"));
                let count = (!null).then(|| usize::from(entropy.byte() % 4) * self.array_scale);
                self.length(count, Width::I32, out);
                (0..count.unwrap_or(0)).for_each(|_| self.value(element, fields, entropy, out));
            }
        }
    }

    fn length(&self, length: Option<usize>, width: Width, out: &mut Vec<u8>) {
        match (width, length) {
            (_, length) if self.is_flexible() => {
                put_uvarint(out, length.map_or(0, |length| length + 1))
            }
            (Width::I16, length) => {
                out.extend(length.map_or(-1, |length| length as i16).to_be_bytes())
            }
            (Width::I32, length) => {
                out.extend(length.map_or(-1, |length| length as i32).to_be_bytes())
            }
        }
    }
}

enum Width {
    I16,
    I32,
}

fn put_uvarint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
