//! SaslAuthenticate (key 36): one step of authentication.
//!
//! | version | change |
//! |---|---|
//! | 1 | response: how long the session may last (KIP-368) |
//! | 2 | flexible |

use crate::ErrorCode;

message! {
    /// The client's next token.
    pub struct SaslAuthenticateRequest<'a> {
        /// As the mechanism defines it.
        auth_bytes: &'a [u8],
    }
}

message! {
    /// The server's next token.
    pub struct SaslAuthenticateResponse<'a> {
        /// Why the client is not who it says.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// As the mechanism defines it.
        auth_bytes: &'a [u8],
        /// After how many milliseconds the client must authenticate again; 0 for never.
        session_lifetime_ms: i64 => 1..,
    }
}
