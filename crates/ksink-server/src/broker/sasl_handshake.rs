//! SaslHandshake (key 17): chooses how to authenticate. There is nothing to choose here.
//!
//! **Versions** 0-1.
//!
//! **Behaviour**
//! - ILLEGAL_SASL_STATE (34), and the connection stays, as Kafka answers on a listener without SASL. A client
//!   that was told to authenticate finds out that nobody asks it to.

use ksink_wire::{
    ErrorCode,
    messages::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse},
};

use super::{Asked, Broker};
use crate::session::Reply;

pub(super) fn handle(_: &Broker, asked: Asked, _: &SaslHandshakeRequest<'_>) -> Reply {
    let error_code = ErrorCode::ILLEGAL_SASL_STATE;
    asked.head.reply(SaslHandshakeResponse { error_code, ..Default::default() })
}
