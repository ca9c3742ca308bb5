//! SaslHandshake (key 17): choose how to authenticate.
//!
//! | version | change |
//! |---|---|
//! | 0 | the tokens follow as bare frames, without a header |
//! | 1 | the tokens follow in SaslAuthenticate (KIP-152) |

use crate::ErrorCode;

message! {
    /// Chooses a mechanism.
    pub struct SaslHandshakeRequest<'a> {
        /// Such as `SCRAM-SHA-256`.
        mechanism: &'a str,
    }
}

message! {
    /// Says whether the mechanism can be used.
    pub struct SaslHandshakeResponse<'a> {
        /// UNSUPPORTED_SASL_MECHANISM when the server does not offer it.
        error_code: ErrorCode,
        /// What the server offers.
        mechanisms: Vec<&'a str>,
    }
}
