//! The same messages, read and written by us and by the crate `kafka-protocol`, version by version.
//!
//! It is given nothing but bytes that we accepted (it aborts on hostile counts), in versions that both know.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};
use ksink_wire::ApiKey;
use proptest::prelude::*;

use super::{
    bytes::{Entropy, Writer},
    facts::{Api, Side},
    round_trips::{Message, is_refusal, seeds},
    tables::known,
};
use crate::cases::cases;

/// A message as they hold it.
enum Theirs {
    Request(RequestKind),
    Response(ResponseKind),
}

impl Theirs {
    fn decode(side: Side, key: TheirKey, version: i16, body: &[u8]) -> Self {
        let mut bytes = Bytes::copy_from_slice(body);
        let decoded = match side {
            Side::Request => RequestKind::decode(key, &mut bytes, version).map(Self::Request),
            Side::Response => ResponseKind::decode(key, &mut bytes, version).map(Self::Response),
        };
        decoded.unwrap_or_else(|error| panic!("{key:?} {side:?} {version}: {error}"))
    }

    /// Theirs is an error where the version has no place for what is set.
    fn encode(&self, version: i16) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        let encoded = match self {
            Self::Request(request) => request.encode(&mut out, version),
            Self::Response(response) => response.encode(&mut out, version),
        };
        encoded.ok().map(|()| out)
    }
}

/// An API, as both know it.
struct Common {
    key: ApiKey,
    their_key: TheirKey,
    api: Api,
    versions: Vec<i16>,
}

impl Common {
    fn all() -> impl Iterator<Item = Self> {
        known().into_iter().filter_map(|(key, api)| {
            let their_key = TheirKey::try_from(key.key()).ok()?;
            let theirs = their_key.valid_versions();
            let claimed = api.versions.clone().filter(|n| (theirs.min..=theirs.max).contains(n));
            let versions = claimed.filter(|n| !is_claimed_only(key, api.side, *n)).collect();
            Some(Self { key, their_key, api, versions })
        })
    }

    /// Bytes that we accept.
    fn message(&self, version: i16, nulls: bool, seed: &[u8]) -> Option<Vec<u8>> {
        let writer = Writer { nulls, ..Writer::new(&self.api, version) };
        let body = writer.message(&mut Entropy(seed));
        (!is_refusal(self.key, &self.api, &body)).then_some(body)
    }

    fn ours<'b>(&self, version: i16, body: &'b [u8]) -> Message<'b> {
        let message = Message::decode(self.api.side, self.key, version, body);
        message.expect("a whole message")
    }

    fn theirs(&self, version: i16, body: &[u8]) -> Theirs {
        Theirs::decode(self.api.side, self.their_key, version, body)
    }
}

/// Their table of versions has these, their messages have not.
fn is_claimed_only(key: ApiKey, side: Side, version: i16) -> bool {
    matches!((key, side, version), (ApiKey::OffsetCommit | ApiKey::OffsetFetch, Side::Request, 10))
}

/// Where a field that an older version alone carries is null in our default and empty in theirs.
fn is_null_by_default(key: ApiKey, side: Side) -> bool {
    matches!(
        (key, side),
        (ApiKey::FindCoordinator, Side::Response) | (ApiKey::OffsetFetch, Side::Request)
    )
}

#[test]
fn nearly_every_api_and_version_is_compared() {
    let ours: usize = known().iter().map(|(_, api)| api.versions.clone().count()).sum();
    let both: usize = Common::all().map(|common| common.versions.len()).sum();
    assert!(both * 10 > ours * 8, "{both} of {ours}");
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn they_read_what_we_write_and_we_read_what_they_write(seed in seeds()) {
        for common in Common::all() {
            for &version in &common.versions {
                let context = format!("{} {:?} {version}", common.key, common.api.side);
                let Some(body) = common.message(version, true, &seed) else { continue };
                let ours = common.ours(version, &body);
                let theirs = common.theirs(version, &ours.encode(version));
                let written = theirs.encode(version).expect("what they read");
                prop_assert_eq!(common.ours(version, &written), ours, "{}", context);
                prop_assert_eq!(written, body, "{}", context);
            }
        }
    }

    /// Were a field taken for another one of the same type, the other version would tell. Null is left out: where a
    /// version does not allow it we write empty, and they write null all the same.
    #[test]
    fn in_an_older_version_both_write_the_same(seed in seeds()) {
        for common in Common::all().filter(|it| !is_null_by_default(it.key, it.api.side)) {
            for &version in &common.versions {
                let Some(body) = common.message(version, false, &seed) else { continue };
                let (ours, theirs) = (common.ours(version, &body), common.theirs(version, &body));
                for &older in common.versions.iter().filter(|older| **older < version) {
                    if let Some(written) = theirs.encode(older) {
                        prop_assert_eq!(
                            ours.encode(older), written,
                            "{} {:?} {} written as {}", common.key, common.api.side, version, older
                        );
                    }
                }
            }
        }
    }
}
