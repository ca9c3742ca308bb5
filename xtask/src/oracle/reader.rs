//! Reads any message by its table, field by field, without knowing what it means.

use anyhow::{Context, Result, bail, ensure};
use ksink_wire::{
    Version,
    schema::{Field, Kind, Schema},
};

/// A field that was read: where it stands, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// The names of the fields around it and its own, with the places in arrays.
    pub path: String,
    pub value: String,
}

/// What stands for null.
pub(crate) const NULL: &str = "null";

/// Reads a body that must end where its table ends.
pub(crate) fn read(kind: &Kind, version: Version, body: &[u8]) -> Result<Vec<Read>> {
    let mut reader = Reader { bytes: body, version, read: Vec::new() };
    reader.value(kind, false, "")?;
    ensure!(reader.bytes.is_empty(), "{} bytes follow the body", reader.bytes.len());
    Ok(reader.read)
}

struct Reader<'b> {
    bytes: &'b [u8],
    version: Version,
    read: Vec<Read>,
}

impl<'b> Reader<'b> {
    fn value(&mut self, kind: &Kind, nullable: bool, path: &str) -> Result<()> {
        let value = match kind {
            Kind::Nullable(kind) => return self.value(kind, true, path),
            Kind::Struct(schema) if nullable => match self.int::<1>()? {
                -1 => NULL.to_owned(),
                _ => return self.structure(schema, path),
            },
            Kind::Struct(schema) => return self.structure(schema, path),
            Kind::Array(element) => return self.array(element, path),
            Kind::Bool => (self.int::<1>()? != 0).to_string(),
            Kind::Int8 => self.int::<1>()?.to_string(),
            Kind::Int16 => self.int::<2>()?.to_string(),
            Kind::Uint16 => (self.int::<2>()? & 0xffff).to_string(),
            Kind::Int32 => self.int::<4>()?.to_string(),
            Kind::Int64 | Kind::Float64 => self.int::<8>()?.to_string(),
            Kind::Uuid => hex(self.take(16)?),
            Kind::String => match self.length(Width::I16)? {
                Some(length) => format!("{:?}", String::from_utf8_lossy(self.take(length)?)),
                None => NULL.to_owned(),
            },
            Kind::Bytes => match self.length(Width::I32)? {
                Some(length) => format!("{} bytes", self.take(length)?.len()),
                None => NULL.to_owned(),
            },
        };
        self.put(path, value);
        Ok(())
    }

    fn structure(&mut self, schema: &Schema, path: &str) -> Result<()> {
        let fields =
            schema.fields.iter().filter(|field| field.versions.contains(self.version.number));
        let (tagged, plain): (Vec<&Field>, Vec<&Field>) =
            fields.partition(|field| field.tag.is_some());
        for field in plain {
            let inner = join(path, field.name);
            self.value(&field.kind, false, &inner).with_context(|| inner.clone())?;
        }
        if self.version.flexible { self.tagged(&tagged, path) } else { Ok(()) }
    }

    fn tagged(&mut self, fields: &[&Field], path: &str) -> Result<()> {
        for _ in 0..self.uvarint()? {
            let (tag, length) = (self.uvarint()?, self.uvarint()?);
            let bytes = self.take(length)?;
            match fields.iter().find(|field| field.tag.is_some_and(|known| known as usize == tag)) {
                None => self.put(&join(path, &format!("tag {tag}")), hex(bytes)),
                Some(field) => {
                    let rest = std::mem::replace(&mut self.bytes, bytes);
                    self.value(&field.kind, false, &join(path, field.name))?;
                    ensure!(self.bytes.is_empty(), "the tagged {} is longer", field.name);
                    self.bytes = rest;
                }
            }
        }
        Ok(())
    }

    fn array(&mut self, element: &Kind, path: &str) -> Result<()> {
        let Some(count) = self.length(Width::I32)? else {
            self.put(path, NULL.to_owned());
            return Ok(());
        };
        self.put(&format!("{path}.count"), count.to_string());
        (0..count).try_for_each(|index| self.value(element, false, &format!("{path}[{index}]")))
    }

    fn length(&mut self, width: Width) -> Result<Option<usize>> {
        let length = match width {
            _ if self.version.flexible => return Ok(self.uvarint()?.checked_sub(1)),
            Width::I16 => self.int::<2>()?,
            Width::I32 => self.int::<4>()?,
        };
        Ok(usize::try_from(length).ok())
    }

    fn int<const BYTES: usize>(&mut self) -> Result<i64> {
        let bytes = self.take(BYTES)?;
        let negative = bytes[0] & 0x80 != 0;
        let filled = if negative { -1 } else { 0 };
        Ok(bytes.iter().fold(filled, |number, byte| (number << 8) | i64::from(*byte)))
    }

    fn uvarint(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a varint of too many bits")
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).context("the body ends early")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn put(&mut self, path: &str, value: String) {
        self.read.push(Read { path: path.to_owned(), value });
    }
}

/// How wide a length is where it is not compact.
#[derive(Clone, Copy)]
enum Width {
    I16,
    I32,
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use ksink_wire::{
        ApiKey, ErrorCode, Response,
        messages::metadata::{MetadataResponse, MetadataResponseBroker, MetadataResponseTopic},
    };

    use super::*;

    fn metadata(version: i16) -> Vec<u8> {
        let broker = MetadataResponseBroker { node_id: 1, host: "h", port: 9092, rack: None };
        let topic = MetadataResponseTopic {
            error_code: ErrorCode(3),
            name: Some("t"),
            ..Default::default()
        };
        let response =
            MetadataResponse { brokers: vec![broker], topics: vec![topic], ..Default::default() };
        let mut body = Vec::new();
        Response::from(response).encode(&mut body, version);
        body
    }

    fn check(version: i16, path: &str, value: Option<&str>) {
        let version = ApiKey::Metadata.version(version).expect("it exists");
        let kind = Response::kind(ApiKey::Metadata);
        let read = read(&kind, version, &metadata(version.number)).expect("a body");
        let found = read.iter().find(|read| read.path == path).map(|read| &*read.value);
        assert_eq!(found, value, "{path} in {read:?}");
    }

    #[test]
    fn every_version_is_read_to_its_end() {
        for version in 0..=13 {
            check(version, "brokers[0].host", Some("\"h\""));
            check(version, "topics[0].error_code", Some("3"));
            check(version, "topics[0].partitions.count", Some("0"));
        }
        check(0, "brokers[0].rack", None);
        check(9, "brokers[0].rack", Some(NULL));
        check(10, "topics[0].topic_id", Some("00000000000000000000000000000000"));
        check(9, "topics[0].topic_authorized_operations", Some("-2147483648"));
    }

    #[test]
    fn what_is_too_short_or_too_long_is_no_body() {
        let version = ApiKey::Metadata.version(12).expect("it exists");
        let kind = Response::kind(ApiKey::Metadata);
        let body = metadata(12);
        assert!(read(&kind, version, &body[..body.len() - 1]).is_err());
        assert!(read(&kind, version, &[&body[..], &[0]].concat()).is_err());
    }
}
