//! One record as a request.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT,
    },
};
use ksink_event::{Numbering, RecordSet};
use ksink_wire::records::{Headers, Record};

use super::{
    HttpTarget,
    encode::{encode_name, encode_value},
};
use crate::{Format, format::plain_v4};

/// Key and headers of a record take at most so many bytes of a request's head: servers refuse heads that
/// are much longer.
const RECORD_BYTES_MAX: usize = 8 << 10;

/// A record's headers become at most so many fields; servers refuse a head of many more.
const RECORD_HEADERS_MAX: usize = 64;

/// Makes requests to one target.
#[derive(Debug)]
pub(super) struct Requests {
    path: Uri,
    /// The headers that all of them have.
    shared: HeaderMap,
    /// Tells the records of this run from those of every other one, whose offsets may be the same.
    run: String,
}

impl Requests {
    pub(super) fn new(target: &HttpTarget, format: &Format, run: u64) -> Self {
        let mut shared = HeaderMap::new();
        shared.insert(HOST, target.host());
        let agent = concat!("ksink/", env!("CARGO_PKG_VERSION"));
        shared.insert(USER_AGENT, HeaderValue::from_static(agent));
        shared.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(format)));
        if let Some(authorization) = target.authorization() {
            shared.insert(AUTHORIZATION, authorization);
        }
        Self { path: target.path(), shared, run: format!("{run:016x}") }
    }

    /// The request for one record of a set.
    pub(super) fn request(
        &self,
        set: &RecordSet,
        record: &Record<'_>,
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut headers = self.shared.clone();
        let mut put = |name, text: &str| headers.insert(name, field(text));
        put(CONTENT_LENGTH, &body.len().to_string());
        put(HeaderName::from_static("idempotency-key"), &self.idempotency_key(set, record));
        put(HeaderName::from_static("x-kafka-topic"), &set.topic);
        put(HeaderName::from_static("x-kafka-partition"), &set.partition.to_string());
        put(HeaderName::from_static("x-kafka-offset"), &record.offset.to_string());
        put(HeaderName::from_static("x-kafka-client-addr"), &plain_v4(set.client).to_string());
        if record.timestamp != -1 {
            put(HeaderName::from_static("x-kafka-timestamp"), &record.timestamp.to_string());
        }
        let mut room = Room { bytes: RECORD_BYTES_MAX, headers: RECORD_HEADERS_MAX };
        if let Some(key) = record.key {
            put_key(key, &mut room, &mut headers);
        }
        put_headers(record.headers, &mut room, &mut headers);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = headers;
        request
    }

    /// The same each time that a record is posted, and different for any two records.
    ///
    /// A batch that a producer sends again has other offsets and the same sequence numbers. Some producers
    /// use a number again for something else after a refusal, so that the content belongs to it.
    fn idempotency_key(&self, set: &RecordSet, record: &Record<'_>) -> String {
        let (topic, partition, offset) = (&set.topic, set.partition, record.offset);
        let Some(Numbering { producer_id, epoch, base_sequence }) = set.numbering else {
            return format!("{}-{topic}-{partition}-{offset}", self.run);
        };
        // Kafka counts on from 0 after the highest number.
        let sequence = (i64::from(base_sequence) + offset - set.base_offset) & i64::from(i32::MAX);
        let content = content_hash(record);
        format!("{producer_id}-{epoch}-{topic}-{partition}-{sequence}-{content:016x}")
    }
}

/// Tells records apart that share their numbers. It is the same in every run of this program.
fn content_hash(record: &Record<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (record.timestamp, record.key, record.value).hash(&mut hasher);
    for header in record.headers.iter() {
        (header.key, header.value).hash(&mut hasher);
    }
    hasher.finish()
}

/// What the bodies of a format are.
fn content_type(format: &Format) -> &'static str {
    match format {
        Format::Jsonl(_) => "application/json",
        Format::Binary(_) | Format::Kcat(_) => "application/octet-stream",
    }
}

/// Text as the value of a header, whatever is in it.
fn field(text: &str) -> HeaderValue {
    HeaderValue::try_from(encode_value(text.as_bytes())).expect("it is encoded for this")
}

/// How much more of a record a request's head has room for.
struct Room {
    bytes: usize,
    headers: usize,
}

impl Room {
    /// Takes the room for a header, if there is enough.
    fn take(&mut self, name_len: usize, value_len: usize) -> bool {
        let left = self.bytes.checked_sub(name_len.saturating_add(value_len));
        if let Some(left) = left {
            self.bytes = left;
        }
        left.is_some()
    }
}

fn put_key(key: &[u8], room: &mut Room, headers: &mut HeaderMap) {
    if room.take(0, key.len().div_ceil(3) * 4) {
        headers.insert("x-kafka-key", field(&STANDARD.encode(key)));
    } else {
        headers.insert("x-kafka-key-omitted", field(&key.len().to_string()));
    }
}

/// Puts a record's first headers, as many as there is room for, and says how many others there are.
fn put_headers(record: Headers<'_>, room: &mut Room, headers: &mut HeaderMap) {
    let mut put = 0;
    for header in record.iter().take(room.headers) {
        let value = header.value.unwrap_or_default();
        // Encoding makes nothing shorter: what is too long already need not be encoded to be refused.
        if header.key.len().saturating_add(value.len()) > room.bytes {
            break;
        }
        let name = format!("x-kafka-header-{}", encode_name(header.key));
        let value = encode_value(value);
        if !room.take(name.len(), value.len()) {
            break;
        }
        let name = HeaderName::try_from(name).expect("it is encoded for this");
        headers.append(name, HeaderValue::try_from(value).expect("it is encoded for this"));
        put += 1;
    }
    if put < record.len() {
        headers.insert("x-kafka-headers-omitted", (record.len() - put).into());
    }
}

#[cfg(test)]
mod tests {
    use ksink_wire::records::{Header, NewRecord};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        format::{Jsonl, Kcat},
        testing::{of_value, record_set},
    };

    /// The head of the request for a record.
    fn head_of(format: &Format, record: NewRecord<'_>) -> HeaderMap {
        let target = "http://u:p@h:1/path?q".parse().unwrap();
        let set = record_set("orders", 7, &[record]);
        let record = set.records().iter().next().unwrap();
        let requests = Requests::new(&target, format, 0xabc);
        let request = requests.request(&set, &record, Bytes::from_static(b"12345"));
        assert_eq!((request.method(), request.uri()), (&Method::POST, &"/path?q".parse().unwrap()));
        request.headers().clone()
    }

    fn of_record(record: NewRecord<'_>) -> HeaderMap {
        head_of(&Format::default(), record)
    }

    fn with_headers<'a>(headers: &'a [Header<'a>]) -> NewRecord<'a> {
        NewRecord { headers, ..of_value(b"v") }
    }

    #[track_caller]
    fn check(headers: &HeaderMap, name: &str, values: &[&str]) {
        assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), values, "{name}");
    }

    #[test]
    fn a_request_tells_all_of_a_record() {
        let headers = [
            Header { key: b"trace-id", value: Some(b"1") },
            Header { key: b"Trace-Id", value: Some(b"2") },
            Header { key: b"null", value: None },
            Header { key: b"a b", value: Some(b"\r\n") },
        ];
        let (timestamp, value) = (1_795_167_000_000, Some(&b"v"[..]));
        let key = Some(&b"\xff\0key"[..]);
        let head = of_record(NewRecord { timestamp, key, value, headers: &headers });
        check(&head, "x-kafka-topic", &["orders"]);
        check(&head, "x-kafka-partition", &["0"]);
        check(&head, "x-kafka-offset", &["7"]);
        check(&head, "x-kafka-key", &["/wBrZXk="]);
        check(&head, "x-kafka-timestamp", &["1795167000000"]);
        check(&head, "x-kafka-client-addr", &["127.0.0.1:50000"]);
        check(&head, "x-kafka-header-trace-id", &["1", "2"]);
        check(&head, "x-kafka-header-null", &[""]);
        check(&head, "x-kafka-header-a%20b", &["%0D%0A"]);
        check(&head, "x-kafka-headers-omitted", &[]);
        check(&head, "idempotency-key", &["0000000000000abc-orders-0-7"]);
        check(&head, "content-length", &["5"]);
        check(&head, "host", &["h:1"]);
        check(&head, "authorization", &["Basic dTpw"]);
    }

    #[test]
    fn a_key_is_the_same_however_often_a_producer_sends_a_record() {
        let key = |base_offset, base_sequence, value: &[u8]| {
            let mut set = record_set("orders", base_offset, &[of_value(b"first"), of_value(value)]);
            set.numbering = Some(Numbering { producer_id: 7, epoch: 1, base_sequence });
            let requests = Requests::new(&"http://h".parse().unwrap(), &Format::default(), 0xabc);
            let record = set.records().iter().nth(1).unwrap();
            requests.idempotency_key(&set, &record)
        };
        assert!(key(3, 5, b"v").starts_with("7-1-orders-0-6-"), "{}", key(3, 5, b"v"));
        assert!(key(3, i32::MAX, b"v").starts_with("7-1-orders-0-0-"));
        assert_eq!(key(3, 5, b"v"), key(9, 5, b"v"));
        assert_ne!(key(3, 5, b"v"), key(9, 5, b"other"));
        assert_ne!(key(3, 5, b"v"), key(3, 6, b"v"));
    }

    #[test]
    fn what_a_record_does_not_have_is_not_told() {
        let head = of_record(of_value(b"v"));
        for name in ["x-kafka-key", "x-kafka-key-omitted", "x-kafka-timestamp"] {
            check(&head, name, &[]);
        }
        check(&of_record(NewRecord { key: Some(b""), ..of_value(b"v") }), "x-kafka-key", &[""]);
        let early = of_record(NewRecord { timestamp: 0, ..of_value(b"v") });
        check(&early, "x-kafka-timestamp", &["0"]);
    }

    #[test]
    fn the_type_is_that_of_the_format() {
        let check = |format, content_type| {
            check(&head_of(&format, of_value(b"v")), "content-type", &[content_type]);
        };
        check(Format::default(), "application/octet-stream");
        check(Format::Kcat(Kcat::new("%s").unwrap()), "application/octet-stream");
        check(Format::Jsonl(Jsonl::default()), "application/json");
    }

    #[test]
    fn a_head_stays_as_short_as_servers_want_it() {
        let large = vec![b'x'; RECORD_BYTES_MAX / 2];
        let header = Header { key: b"h", value: Some(&large) };
        let head = of_record(with_headers(&[header; 3]));
        assert_eq!(head.get_all("x-kafka-header-h").iter().count(), 1);
        check(&head, "x-kafka-headers-omitted", &["2"]);

        let head = of_record(with_headers(&[Header { key: b"h", value: None }; 100]));
        assert_eq!(head.get_all("x-kafka-header-h").iter().count(), RECORD_HEADERS_MAX);
        check(&head, "x-kafka-headers-omitted", &["36"]);
    }

    #[test]
    fn a_key_that_is_too_long_is_told_by_its_length() {
        let fits = vec![b'k'; RECORD_BYTES_MAX / 4 * 3];
        let head = of_record(NewRecord { key: Some(&fits), ..of_value(b"v") });
        assert_eq!(head["x-kafka-key"].len(), RECORD_BYTES_MAX);
        let too_long = [&fits[..], b"k"].concat();
        let head = of_record(NewRecord { key: Some(&too_long), ..of_value(b"v") });
        check(&head, "x-kafka-key", &[]);
        check(&head, "x-kafka-key-omitted", &["6145"]);
    }

    /// A header with a name and a value of any bytes, often long ones.
    fn header() -> impl Strategy<Value = (Vec<u8>, Option<Vec<u8>>)> {
        let bytes = || (any::<Vec<u8>>(), 0..40_usize).prop_map(|(bytes, n)| bytes.repeat(n));
        (bytes(), proptest::option::of(bytes()))
    }

    proptest! {
        #[test]
        fn no_record_is_too_strange_for_a_request(
            key: Option<Vec<u8>>,
            headers in proptest::collection::vec(header(), 0..80),
        ) {
            let headers: Vec<_> = headers
                .iter()
                .map(|(key, value)| Header { key, value: value.as_deref() })
                .collect();
            let key = key.as_deref();
            let head = of_record(NewRecord { key, headers: &headers, ..of_value(b"v") });
            let of_record = head.iter().filter(|(name, _)| {
                name.as_str().starts_with("x-kafka-header-") || *name == "x-kafka-key"
            });
            let (mut bytes, mut count) = (0, 0);
            for (name, value) in of_record {
                let is_key = name == "x-kafka-key";
                bytes += value.len() + if is_key { 0 } else { name.as_str().len() };
                count += usize::from(!is_key);
            }
            prop_assert!(bytes <= RECORD_BYTES_MAX && count <= RECORD_HEADERS_MAX);
            let omitted = head.get("x-kafka-headers-omitted").map_or("0", |n| n.to_str().unwrap());
            prop_assert_eq!(count + omitted.parse::<usize>().unwrap(), headers.len());
        }
    }
}
