//! SaslAuthenticate (key 36): carries the tokens of a mechanism. No mechanism is offered here.
//!
//! **Versions** 0-2.
//!
//! **Behaviour**
//! - ILLEGAL_SASL_STATE (34), and the connection stays, as Kafka answers on a listener without SASL.

use ksink_wire::{
    ErrorCode,
    messages::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse},
};

use super::{Asked, Broker};
use crate::session::Reply;

pub(super) fn handle(_: &Broker, asked: Asked, _: &SaslAuthenticateRequest<'_>) -> Reply {
    asked.head.reply(SaslAuthenticateResponse {
        error_code: ErrorCode::ILLEGAL_SASL_STATE,
        error_message: Some("this server does not authenticate its clients"),
        ..Default::default()
    })
}
