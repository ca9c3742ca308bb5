//! Frames, headers and bodies that cannot be read: the connection is closed, and nothing is answered.

use ksink_wire::{
    Request,
    frame::put_request,
    messages::{api_versions::ApiVersionsRequest, metadata::MetadataRequest},
};

use crate::{build::hex, produce};

/// Bytes on a fresh connection that must end it.
#[derive(Clone, Debug)]
pub struct FrameCase {
    /// What is wrong, in words.
    pub name: &'static str,
    /// All that the client sends.
    pub bytes: Vec<u8>,
}

/// All cases.
pub fn frames() -> Vec<FrameCase> {
    [prefixes(), headers(), bodies()].concat()
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>) -> FrameCase {
    FrameCase { name, bytes: bytes.into() }
}

/// A whole frame around these bytes.
fn framed(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a small frame");
    [&length.to_be_bytes(), content].concat()
}

fn prefixes() -> Vec<FrameCase> {
    vec![
        case("a frame of -1 bytes", hex("ff ff ff ff")),
        case("a frame of -2^31 bytes", hex("80 00 00 00")),
        case("a frame of 2^31-1 bytes", hex("7f ff ff ff")),
        case("a frame of one byte more than 100 MiB", hex("06 40 00 01")),
        case("the greeting of an HTTP client", b"GET / HTTP/1.1\r\nHost: ksink\r\n\r\n"),
        case("the greeting of a TLS client", hex("16 03 01 00 c8 01 00 00 c4 03 03")),
    ]
}

fn headers() -> Vec<FrameCase> {
    vec![
        case("a frame of 0 bytes", framed(&[])),
        case("a header of one byte", framed(&[0])),
        case("a header that ends in its correlation id", framed(&hex("0003 000c 0000"))),
        case("a header without a client id", framed(&hex("0003 000c 00000001"))),
        case("a client id longer than the frame", framed(&hex("0003 000c 00000001 7fff 61"))),
        case("a header without its tags", framed(&hex("0003 000c 00000001 ffff"))),
        case("an API that there is not", framed(&hex("7fff 0000 00000001 ffff"))),
        case("an API with a negative key", framed(&hex("ffff 0000 00000001 ffff"))),
        case("a version of Produce that is to come", framed(&hex("0000 000e 00000001 ffff 00 00"))),
        case("a negative version of Produce", framed(&hex("0000 ffff 00000001 ffff"))),
        case(
            "a version of Metadata that is to come",
            framed(&hex("0003 000e 00000001 ffff 00 00")),
        ),
    ]
}

fn bodies() -> Vec<FrameCase> {
    let records = b"never looked at";
    let produce =
        |version| request(version, &produce("topic", -1, [(0, Some(&records[..]))]).into());
    let metadata =
        |version| request(version, &MetadataRequest { topics: None, ..Default::default() }.into());
    let versions = request(3, &ApiVersionsRequest::default().into());
    vec![
        case("a Produce without its last byte", without_last(&produce(9), 1)),
        case("a Produce without its records", without_last(&produce(9), 20)),
        case("an old Produce without its last byte", without_last(&produce(7), 1)),
        case("a Produce without a body", framed(&hex("0000 0007 00000001 ffff"))),
        case(
            "a Produce of -1 topics",
            framed(&hex("0000 0007 00000001 ffff  ffff ffff 00000001 ffffffff")),
        ),
        case(
            "a Produce of 2^31-1 topics",
            framed(&hex("0000 0007 00000001 ffff  ffff ffff 00000001 7fffffff")),
        ),
        case(
            "a compact Produce of 2^32-2 topics",
            framed(&hex("0000 0009 00000001 ffff 00  00 ffff 00000001 ff ff ff ff 0f")),
        ),
        case(
            "a compact Produce whose count has too many bits",
            framed(&hex("0000 0009 00000001 ffff 00  00 ffff 00000001 ff ff ff ff ff ff ff ff")),
        ),
        case(
            "a Produce whose records are 2^31-1 bytes",
            framed(&hex(
                "0000 0007 00000001 ffff  ffff ffff 00000001 00000001 0001 74 00000001 00000000 7fffffff",
            )),
        ),
        case(
            "a Produce whose topic has no name",
            framed(&hex(
                "0000 0007 00000001 ffff  ffff ffff 00000001 00000001 ffff 00000001 00000000 ffffffff",
            )),
        ),
        case("a Metadata of 2^31-1 topics", framed(&hex("0003 0001 00000001 ffff  7fffffff"))),
        case("a Metadata without its last byte", without_last(&metadata(12), 1)),
        case(
            "a Metadata whose tag is longer than the frame",
            framed(&hex("0003 000c 00000001 ffff 00  01 00 00  01 00 7f")),
        ),
        case("an ApiVersions without its last byte", without_last(&versions, 1)),
        case(
            "an InitProducerId without its last byte",
            framed(&hex("0016 0001 00000001 ffff  ffff 0000ea")),
        ),
    ]
}

fn request(version: i16, request: &Request<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    put_request(&mut out, version, 1, Some(b"test"), request);
    out
}

/// The frame, shorter by some bytes, under a true length.
fn without_last(frame: &[u8], bytes: usize) -> Vec<u8> {
    framed(&frame[4..frame.len() - bytes])
}
