//! Every message and version there and back, whole, cut and with fields that nobody knows.

use ksink_wire::{ApiKey, DecodeError, Request, Response};
use proptest::{collection::vec, prelude::*};

use super::{
    bytes::{Entropy, Writer},
    facts::{Api, Side},
    tables::known,
};
use crate::cases::cases;

/// A message of either side.
#[derive(Debug, PartialEq)]
pub(crate) enum Message<'a> {
    Request(Request<'a>),
    Response(Response<'a>),
}

impl<'a> Message<'a> {
    pub(crate) fn decode(
        side: Side,
        key: ApiKey,
        version: i16,
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        match side {
            Side::Request => Request::decode(key, version, body).map(Self::Request),
            Side::Response => Response::decode(key, version, body).map(Self::Response),
        }
    }

    pub(crate) fn encode(&self, version: i16) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Request(request) => request.encode(&mut out, version),
            Self::Response(response) => response.encode(&mut out, version),
        }
        out
    }
}

/// Calls `check` with one message of every API, side and version.
fn for_every_message(seed: &[u8], check: impl Fn(ApiKey, &Api, i16, &[u8])) {
    for (key, api) in known() {
        for version in api.versions.clone() {
            let body = Writer::new(&api, version).message(&mut Entropy(seed));
            if !is_refusal(key, &api, &body) {
                check(key, &api, version, &body);
            }
        }
    }
}

/// A response to ApiVersions that refuses the version is in version 0 whatever was asked; it has its own test.
pub(crate) fn is_refusal(key: ApiKey, api: &Api, body: &[u8]) -> bool {
    key == ApiKey::ApiVersions && api.side == Side::Response && body.starts_with(&[0, 35])
}

/// Whatever was understood can be written so that it is understood in the same way.
fn check_strange(key: ApiKey, api: &Api, version: i16, body: &[u8]) {
    if let Ok(message) = Message::decode(api.side, key, version, body)
        && !is_refusal(key, api, body)
    {
        let written = message.encode(version);
        let again = Message::decode(api.side, key, version, &written);
        assert_eq!(again.as_ref(), Ok(&message), "{key} {:?} {version}", api.side);
    }
}

pub(crate) fn seeds() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn what_is_decoded_encodes_to_the_same_bytes(seed in seeds()) {
        for_every_message(&seed, |key, api, version, body| {
            let message = Message::decode(api.side, key, version, body)
                .unwrap_or_else(|error| panic!("{key} {:?} {version}: {error}", api.side));
            assert_eq!(message.encode(version), body, "{key} {:?} {version}", api.side);
        });
    }

    #[test]
    fn tagged_fields_that_nobody_knows_are_skipped(seed in seeds()) {
        for_every_message(&seed, |key, api, version, body| {
            let writer = Writer { unknown_tags: true, ..Writer::new(api, version) };
            let newer = writer.message(&mut Entropy(&seed));
            assert_eq!(
                Message::decode(api.side, key, version, &newer),
                Message::decode(api.side, key, version, body),
                "{key} {:?} {version}", api.side
            );
        });
    }

    #[test]
    fn bytes_after_a_body_are_ignored(seed in seeds()) {
        for_every_message(&seed, |key, api, version, body| {
            let longer = [body, b"more"].concat();
            let message = Message::decode(api.side, key, version, &longer);
            assert_eq!(message.map(|message| message.encode(version)).as_deref(), Ok(body));
        });
    }

    #[test]
    fn any_bytes_at_all_are_a_message_or_an_error(noise in seeds()) {
        for (key, api) in known() {
            for version in api.versions.clone() {
                check_strange(key, &api, version, &noise);
            }
        }
    }

    #[test]
    fn a_damaged_message_is_a_message_or_an_error(seed in seeds(), at: usize, byte: u8) {
        for_every_message(&seed, |key, api, version, body| {
            let mut damaged = body.to_vec();
            if let Some(at) = at.checked_rem(body.len()) {
                damaged[at] = byte;
                check_strange(key, api, version, &damaged);
            }
        });
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn a_message_that_is_cut_is_an_error_that_names_the_field(seed in seeds()) {
        for_every_message(&seed, |key, api, version, body| {
            for cut in 0..body.len() {
                let error = Message::decode(api.side, key, version, &body[..cut])
                    .expect_err("a cut message is no message");
                assert!(error.field.is_some(), "{key} {:?} {version} cut at {cut}", api.side);
            }
        });
    }
}
