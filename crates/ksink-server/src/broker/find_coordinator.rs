//! FindCoordinator (key 10): which node looks after a group or a transactional id. It is always ours.
//!
//! **Versions** 0-6; from 4 on several keys at once.
//!
//! **Behaviour**
//! - Group (0) and transaction (1) keys are answered with this node, the empty key too, as Kafka does.
//! - Another type of key is INVALID_REQUEST (42).

use ksink_wire::{
    ErrorCode,
    messages::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse},
};

use super::{Asked, Broker, HostPort, NODE_ID};
use crate::session::Reply;

/// The oldest version that asks for several keys at once (KIP-699).
const FIRST_BATCHED_VERSION: i16 = 4;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &FindCoordinatorRequest<'_>) -> Reply {
    let HostPort { host, port } = broker.address_for(asked.caller);
    let (error, message) = match request.key_type {
        0 | 1 => (ErrorCode::NONE, None),
        _ => {
            (ErrorCode::INVALID_REQUEST, Some("the key is neither a group nor a transactional id"))
        }
    };
    let keys = match asked.head.version {
        FIRST_BATCHED_VERSION.. => request.coordinator_keys.as_slice(),
        _ => &[],
    };
    let found = error == ErrorCode::NONE;
    let coordinator = |key| Coordinator {
        key,
        node_id: if found { NODE_ID } else { -1 },
        host: if found { &host } else { "" },
        port: if found { i32::from(port) } else { -1 },
        error_code: error,
        error_message: message,
    };
    let Coordinator { node_id, host, port, error_code, error_message, .. } = coordinator("");
    asked.head.reply(FindCoordinatorResponse {
        throttle_time_ms: 0,
        error_code,
        error_message,
        node_id,
        host,
        port,
        coordinators: keys.iter().map(|key| coordinator(key)).collect(),
    })
}
