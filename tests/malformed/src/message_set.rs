//! Message sets, magic 0 and 1, as Produce 0 to 2 carry them.

use ksink_wire::{
    ErrorCode,
    compression::{Compression, Compressor},
};

use crate::{
    Case,
    build::{crc, patch},
};

const CORRUPT: ErrorCode = ErrorCode::CORRUPT_MESSAGE;
const INVALID: ErrorCode = ErrorCode::INVALID_RECORD;

/// Where the fields of a message begin.
mod at {
    pub(super) const SIZE: usize = 8;
    pub(super) const CRC: usize = 12;
    pub(super) const MAGIC: usize = 16;
    pub(super) const TIMESTAMP: usize = 18;
}

/// A message before it is written.
#[derive(Clone, Copy)]
struct Message<'a> {
    magic: u8,
    attributes: u8,
    timestamp: i64,
    value: Option<&'a [u8]>,
}

impl Message<'_> {
    fn bytes(self) -> Vec<u8> {
        let mut message = [0; at::CRC + 4].to_vec();
        message.extend([self.magic, self.attributes]);
        if self.magic > 0 {
            message.extend(self.timestamp.to_be_bytes());
        }
        message.extend((-1_i32).to_be_bytes());
        let value_bytes = self.value.map_or(-1, |value| i32::try_from(value.len()).expect("small"));
        message.extend(value_bytes.to_be_bytes());
        message.extend(self.value.unwrap_or_default());
        seal(message)
    }

    /// A message that holds others, compressed.
    fn wrapping(self, codec: Compression, set: &[u8]) -> Vec<u8> {
        let mut value = Vec::new();
        Compressor::new().compress(codec, set, &mut value).expect("the codec is built in");
        let attributes = u8::try_from(codec.bits()).expect("three bits");
        Message { attributes, value: Some(&value), ..self }.bytes()
    }
}

/// Gives a message the size and the CRC that its bytes have now.
fn seal(message: Vec<u8>) -> Vec<u8> {
    let size = i32::try_from(message.len() - at::CRC).expect("a small message");
    let message = patch(message, at::SIZE, &size.to_be_bytes());
    let crc = crc(0xedb8_8320, &message[at::MAGIC..]);
    patch(message, at::CRC, &crc.to_be_bytes())
}

pub(crate) fn cases(now_ms: i64) -> Vec<Case> {
    let mut cases: Vec<Case> = [0, 1].into_iter().flat_map(|magic| plain(now_ms, magic)).collect();
    for magic in [0, 1] {
        cases.extend(wrapped(now_ms, magic));
    }
    cases.extend(times(now_ms));
    cases
}

fn message(now_ms: i64, magic: u8) -> Message<'static> {
    Message { magic, attributes: 0, timestamp: now_ms, value: Some(b"value") }
}

/// A case in the version whose clients send this magic.
fn case(magic: u8, fault: &str, set: impl Into<Vec<u8>>, code: ErrorCode) -> Case {
    let version = if magic == 0 { 1 } else { 2 };
    Case::of(format!("a message of magic {magic}: {fault}"), set, code).version(version)
}

fn plain(now_ms: i64, magic: u8) -> Vec<Case> {
    let whole = message(now_ms, magic).bytes();
    let size = |size: i32| patch(whole.clone(), at::SIZE, &size.to_be_bytes());
    let last = whole.len() - 1;
    let two = [whole.clone(), patch(whole.clone(), last, b"\xff")].concat();
    let key_length = whole.len() - 13;
    let long_key = seal(patch(whole.clone(), key_length, &100_i32.to_be_bytes()));
    vec![
        case(magic, "a bad CRC", patch(whole.clone(), last, b"\xff"), CORRUPT),
        case(magic, "a bad CRC in the second one", two, CORRUPT),
        case(magic, "cut", &whole[..last], INVALID),
        case(magic, "a second one that is cut", [&whole[..], &whole[..20]].concat(), INVALID),
        case(magic, "a size below its fields", size(13), CORRUPT),
        case(magic, "a negative size", size(-1), CORRUPT),
        case(magic, "a size beyond the bytes", size(9999), INVALID),
        case(magic, "a key longer than the message", long_key, INVALID),
        case(magic, "a stray byte", [&whole[..], &[0]].concat(), INVALID),
        case(magic, "nothing", [], INVALID),
        case(
            magic,
            "codec 5",
            Message { attributes: 5, ..message(now_ms, magic) }.bytes(),
            ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
        ),
        case(
            magic,
            "too many bytes",
            Message { value: Some(&vec![0; 1_100_000]), ..message(now_ms, magic) }.bytes(),
            ErrorCode::MESSAGE_TOO_LARGE,
        ),
    ]
}

/// Messages inside of a message.
fn wrapped(now_ms: i64, magic: u8) -> Vec<Case> {
    let message = message(now_ms, magic);
    let inner = message.bytes();
    let last = inner.len() - 1;
    let gzip = |set: &[u8]| message.wrapping(Compression::Gzip, set);
    let other_magic = Message { magic: 1 - magic, ..message }.bytes();
    let zstd = message.wrapping(Compression::Zstd, &inner);
    let nothing = Message { attributes: 1, value: None, ..message }.bytes();
    let damaged = Message { attributes: 1, value: Some(b"no gzip"), ..message }.bytes();
    vec![
        case(magic, "a bad CRC inside", gzip(&patch(inner.clone(), last, b"\xff")), CORRUPT),
        case(magic, "cut inside", gzip(&inner[..last]), INVALID),
        case(magic, "compressed twice", gzip(&gzip(&inner)), INVALID),
        case(magic, "another magic inside", gzip(&other_magic), INVALID),
        case(magic, "compressed, with nothing inside", gzip(&[]), INVALID),
        case(magic, "compressed, and null", nothing, INVALID),
        case(magic, "gzip that is nothing of the kind", damaged, INVALID),
        case(magic, "zstd", zstd, ErrorCode::UNSUPPORTED_COMPRESSION_TYPE),
        case(magic, "a bomb", bomb(message), ErrorCode::MESSAGE_TOO_LARGE),
    ]
}

/// The limit ends it before anybody looks for messages in it.
fn bomb(message: Message<'_>) -> Vec<u8> {
    message.wrapping(Compression::Gzip, &vec![0; 17 << 20])
}

fn times(now_ms: i64) -> Vec<Case> {
    let whole = message(now_ms, 1).bytes();
    let ahead = (now_ms + 2 * 3_600_000).to_be_bytes();
    let set = [whole.clone(), seal(patch(whole, at::TIMESTAMP, &ahead))].concat();
    vec![case(1, "a second one two hours ahead", set, ErrorCode::INVALID_TIMESTAMP)]
}
