//! DescribeCluster (key 60): the nodes of the cluster, which are this one.
//!
//! **Versions** 0-2.
//!
//! **Behaviour**
//! - The node has the address that this client connected to, unless another one is advertised; it is never
//!   fenced, and is the controller too.
//! - Whoever asks for controllers has come to the wrong listener (114), for anything else (115), as in Kafka.
//! - The operations that are allowed are those that ksink serves: create, describe, describe configurations,
//!   write idempotently.

use ksink_wire::{
    ErrorCode,
    messages::describe_cluster::{
        DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
    },
};

use super::{Asked, Broker, HostPort, NODE_ID};
use crate::session::Reply;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// A bit each: create, describe, describe configurations, write idempotently (`AclOperation`, KIP-430).
const ALLOWED_OPERATIONS: i32 = 1 << 5 | 1 << 8 | 1 << 10 | 1 << 12;

pub(super) fn handle(broker: &Broker, asked: Asked, request: &DescribeClusterRequest) -> Reply {
    let refused = |error_code, message| DescribeClusterResponse {
        error_code,
        error_message: Some(message),
        ..Default::default()
    };
    let HostPort { host, port } = broker.address_for(asked.caller);
    asked.head.reply(match request.endpoint_type {
        BROKERS => DescribeClusterResponse {
            cluster_id: &broker.config.cluster_id,
            controller_id: NODE_ID,
            brokers: vec![DescribeClusterBroker {
                broker_id: NODE_ID,
                host: &host,
                port: i32::from(port),
                rack: None,
                is_fenced: false,
            }],
            cluster_authorized_operations: match request.include_cluster_authorized_operations {
                true => ALLOWED_OPERATIONS,
                false => i32::MIN,
            },
            ..Default::default()
        },
        CONTROLLERS => refused(
            ErrorCode::MISMATCHED_ENDPOINT_TYPE,
            "this is a listener of a broker, and controllers were asked for",
        ),
        _ => refused(
            ErrorCode::UNSUPPORTED_ENDPOINT_TYPE,
            "neither brokers nor controllers were asked for",
        ),
    })
}
