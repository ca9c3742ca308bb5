//! Where a stranger's bytes come in, a function each, and what holds for any bytes at all.
//!
//! The fuzz targets in `fuzz/` and the ordinary tests beside this file call the same functions. Each of them panics
//! where a promise is broken: that nothing panics, that an input has no more memory reserved for it than
//! [`bounded`] allows, that what was understood can be written and is then understood in the same way.

use std::cell::RefCell;

use ksink_wire::{
    ApiKey, ErrorCode, Request, RequestHeader, Response, ResponseHeader,
    compression::{Compression, Compressor, Decompressor},
    frame::{PREFIX_BYTES, frame_len, put_request, put_response},
    records::{
        BatchBuilder, EndMarker, Header, MessageSet, NewRecord, RecordBatch, Records,
        set_base_offset, set_producer,
    },
};

/// What may come out of compressed bytes.
const CAP: usize = 1 << 18;

/// What decompression may take beyond [`bounded`]: the vector that grows up to the cap, the one that it grows out of,
/// and the context of a codec. (The contexts of zstd are C's, and not counted.)
const DECOMPRESSION_BYTES_MAX: usize = 2 * CAP + 128 * 1024;

/// An entry point for bytes.
pub(crate) type Target = fn(&[u8]);

/// Every entry point, by name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("frame", frame),
    ("header", header),
    ("request", request),
    ("response", response),
    ("batch", batch),
    ("message_set", message_set),
    ("gzip", gzip),
    ("snappy", snappy),
    ("lz4", lz4),
    ("zstd", zstd),
];

/// Does `work` on an input of so many bytes, and fails when it had more than 64 times as many and 1 MiB, and what
/// decompression may take, alive at once.
pub(crate) fn bounded<T>(input_bytes: usize, capped_bytes: usize, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let allocated = allocation_counter::measure(|| result = Some(work()));
    let bytes_max = 64 * input_bytes + (1 << 20) + capped_bytes;
    assert!(allocated.bytes_max <= bytes_max as u64, "{input_bytes} bytes took {allocated:?}");
    result.expect("the work was done")
}

/// A connection's bytes, cut into frames.
fn frame(input: &[u8]) {
    const FRAME_BYTES_MAX: usize = 1 << 20;
    let mut rest = input;
    while let Ok(Some(length)) = frame_len(rest, FRAME_BYTES_MAX) {
        assert!(length <= FRAME_BYTES_MAX);
        match rest.get(PREFIX_BYTES + length..) {
            Some(next) => rest = next,
            None => return,
        }
    }
}

/// What stands before a request or a response.
fn header(input: &[u8]) {
    if let Ok((header, body)) = RequestHeader::decode(input) {
        let mut out = Vec::new();
        header.encode(&mut out);
        out.extend_from_slice(body);
        assert_eq!(RequestHeader::decode(&out), Ok((header, body)));
    }
    for &api in ApiKey::ALL {
        let versions = api.versions();
        for version in [versions.first, versions.last] {
            if let Ok((header, body)) = ResponseHeader::decode(api, version, input) {
                let mut out = Vec::new();
                header.encode(&mut out, api, version);
                out.extend_from_slice(body);
                assert_eq!(ResponseHeader::decode(api, version, &out), Ok((header, body)));
            }
        }
    }
}

/// A frame with a request in it.
fn request(frame: &[u8]) {
    let Ok((header, body)) = RequestHeader::decode(frame) else { return };
    let RequestHeader { api_key, api_version, correlation_id, client_id } = header;
    let decode = |body| Request::decode(api_key, api_version, body);
    let Ok(request) = bounded(body.len(), 0, || decode(body)) else { return };
    let mut out = Vec::new();
    put_request(&mut out, api_version, correlation_id, client_id, &request);
    let (again, body) = RequestHeader::decode(content(&out)).expect("what we write");
    assert_eq!(again, header);
    assert_eq!(decode(body).as_ref(), Ok(&request));
}

/// Four bytes that say what was asked for, as in the header of a request, and a frame with the response in it.
fn response(input: &[u8]) {
    let Some((&[k0, k1, v0, v1], frame)) = input.split_first_chunk() else { return };
    let Some(api) = ApiKey::from_key(i16::from_be_bytes([k0, k1])) else { return };
    let version = i16::from_be_bytes([v0, v1]);
    let Ok((header, body)) = ResponseHeader::decode(api, version, frame) else { return };
    let decode = |body| Response::decode(api, version, body);
    let Ok(response) = bounded(body.len(), 0, || decode(body)) else { return };
    let mut out = Vec::new();
    let written_in = if is_refusal(&response) { 0 } else { version };
    put_response(&mut out, written_in, header.correlation_id, &response);
    let (again, body) = ResponseHeader::decode(api, version, content(&out)).expect("what we write");
    assert_eq!(again, header);
    assert_eq!(decode(body).as_ref(), Ok(&response));
}

/// A server that does not have the version of ApiVersions that was asked for says so in version 0.
fn is_refusal(response: &Response<'_>) -> bool {
    let refused = ErrorCode::UNSUPPORTED_VERSION;
    matches!(response, Response::ApiVersions(response) if response.error_code == refused)
}

/// A frame without the prefix, which must be right.
fn content(frame: &[u8]) -> &[u8] {
    let (_, content) = frame.split_at(PREFIX_BYTES);
    assert_eq!(frame_len(frame, usize::MAX), Ok(Some(content.len())));
    content
}

/// Batches one after the other, as a log or a Fetch response holds them; and the same bytes as one batch, whatever
/// its length says.
fn batch(input: &[u8]) {
    let mut rest = input;
    while let Ok((batch, after)) = RecordBatch::parse(rest) {
        check_batch(&batch);
        rest = after;
    }
    let _ = RecordBatch::parse_single(input);
    let mut whole = input.to_vec();
    if put_length(&mut whole, 8).is_some() && put(&mut whole, 16, &[2]).is_some() {
        if let Ok(batch) = RecordBatch::parse_single(&whole) {
            check_batch(&batch);
        }
        check_patches(&mut whole);
    }
}

fn check_batch(batch: &RecordBatch<'_>) {
    let _ = batch.check_produced();
    let capped_bytes = match batch.attributes.compression() {
        Ok(Compression::None) => 0,
        Ok(_) | Err(_) => DECOMPRESSION_BYTES_MAX,
    };
    let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    let opened =
        bounded(batch.bytes().len(), capped_bytes, || batch.open(&mut decompressor, &mut out, CAP));
    if let Ok(records) = opened {
        check_records(records);
    }
}

/// What a broker changes leaves a batch as whole as it was.
fn check_patches(bytes: &mut [u8]) {
    let Ok(Ok(())) = RecordBatch::parse_single(bytes).map(|batch| batch.verify_crc()) else {
        return;
    };
    set_base_offset(bytes, 7).expect("a whole batch");
    set_producer(bytes, 4000, 1, 5).expect("a whole batch");
    let batch = RecordBatch::parse_single(bytes).expect("a whole batch");
    assert_eq!(batch.verify_crc(), Ok(()));
    assert_eq!((batch.base_offset, batch.producer_id), (7, 4000));
}

/// Records that were walked can be iterated, kept and written again.
fn check_records(records: Records<'_>) {
    let _ = records.check_produced();
    assert_eq!(records.iter().count(), records.len());
    for record in &records {
        assert_eq!(record.headers.iter().count(), record.headers.len());
        let _ = EndMarker::read(&record);
    }
    let kept = records.body().to_vec();
    assert!(Records::restore(&kept, records.walk()).iter().eq(records.iter()));

    let written = rewritten(&records);
    let batch = RecordBatch::parse_single(&written).expect("a batch that was just written");
    assert_eq!(batch.verify_crc(), Ok(()));
    let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    let again = batch.open(&mut decompressor, &mut out, CAP).expect("records just written");
    let renumbered = Records::restore(records.body(), records.walk().numbered_from(0));
    assert!(again.iter().eq(renumbered.iter()));
}

fn rewritten(records: &Records<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = BatchBuilder::new(&mut out);
    for record in records {
        let headers: Vec<Header<'_>> = record.headers.iter().collect();
        let (timestamp, key, value) = (record.timestamp, record.key, record.value);
        builder
            .push(&NewRecord { timestamp, key, value, headers: &headers })
            .expect("a small record");
    }
    builder.finish().expect("a small batch");
    out
}

/// A message set: as it is, with every checksum made right, and compressed inside of a message.
fn message_set(input: &[u8]) {
    check_set(input);
    let repaired = with_right_checksums(input);
    check_set(&repaired);
    let codec = match input.first().map(|byte| byte % 3) {
        Some(0) => Compression::Gzip,
        Some(1) => Compression::Snappy,
        _ => Compression::Lz4,
    };
    for magic in 0..2 {
        check_set(&wrapped(codec, magic, &repaired));
    }
}

fn check_set(input: &[u8]) {
    let (whole, rest) = MessageSet::split(input);
    assert_eq!(whole.bytes().len() + rest.len(), input.len());
    let Ok(set) = MessageSet::parse(input) else { return };
    let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    // What comes out of compressed messages is copied once more.
    let opened = bounded(input.len(), 2 * DECOMPRESSION_BYTES_MAX, || {
        set.open(&mut decompressor, &mut out, CAP)
    });
    if let Ok(records) = opened {
        check_records(records);
    }
}

/// The set with the right CRC in each of its messages.
fn with_right_checksums(set: &[u8]) -> Vec<u8> {
    let mut out = set.to_vec();
    let mut start = 0;
    while let Some(&[a, b, c, d]) = out.get(start + 8..).and_then(<[u8]>::first_chunk) {
        let end = start + 12 + u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(crc) = out.get(start + 16..end).map(crc32) else { break };
        put(&mut out, start + 12, &crc.to_be_bytes());
        start = end;
    }
    out
}

/// One message that holds a compressed set.
fn wrapped(codec: Compression, magic: u8, set: &[u8]) -> Vec<u8> {
    let timestamp: &[u8] = if magic == 0 { &[] } else { &[0; 8] };
    let header = [&[0; 16], &[magic, codec.bits() as u8][..], timestamp, &[0xff; 4]].concat();
    let mut out = [header, vec![0; 4]].concat();
    let value_at = out.len();
    compress(codec, set, &mut out);
    put_length(&mut out, value_at - 4);
    put_length(&mut out, 8);
    with_right_checksums(&out)
}

thread_local! {
    /// The contexts of codecs are large, and what they write does not depend on what they wrote before.
    static COMPRESSOR: RefCell<Compressor> = RefCell::default();
}

fn compress(codec: Compression, input: &[u8], out: &mut Vec<u8>) {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.compress(codec, input, out).expect("a codec of this build");
    });
}

/// CRC-32, bit by bit from the polynomial.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// Writes how many bytes follow a length of four bytes at `at`.
fn put_length(bytes: &mut [u8], at: usize) -> Option<()> {
    let length = bytes.len().checked_sub(at + 4)? as u32;
    put(bytes, at, &length.to_be_bytes())
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) -> Option<()> {
    bytes.get_mut(at..at + field.len())?.copy_from_slice(field);
    Some(())
}

/// gzip members.
fn gzip(input: &[u8]) {
    decompress(Compression::Gzip, input);
}

/// A snappy block or a frame of xerial.
fn snappy(input: &[u8]) {
    decompress(Compression::Snappy, input);
}

/// LZ4 frames.
fn lz4(input: &[u8]) {
    decompress(Compression::Lz4, input);
}

/// Zstandard frames.
fn zstd(input: &[u8]) {
    decompress(Compression::Zstd, input);
}

/// Decompresses with a new context and with one that was used before, then compresses and decompresses once more.
fn decompress(codec: Compression, input: &[u8]) {
    let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
    let result = bounded(input.len(), DECOMPRESSION_BYTES_MAX, || {
        decompressor.decompress(codec, input, &mut out, CAP)
    });
    assert!(out.len() <= CAP && (result.is_ok() || out.is_empty()));
    let mut again = b"what was there before".to_vec();
    assert_eq!(decompressor.decompress(codec, input, &mut again, CAP), result);
    assert_eq!(again, out);

    let text = if result.is_ok() { &out } else { input };
    let mut compressed = Vec::new();
    compress(codec, text, &mut compressed);
    assert_eq!(decompressor.decompress(codec, &compressed, &mut again, CAP), Ok(()));
    assert_eq!(again, text);
}
