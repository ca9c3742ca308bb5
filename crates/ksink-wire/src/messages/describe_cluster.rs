//! DescribeCluster (key 60): which brokers or controllers there are.
//!
//! | version | change |
//! |---|---|
//! | 0 | flexible from the start (KIP-700) |
//! | 1 | controllers besides brokers (KIP-919) |
//! | 2 | fenced brokers (KIP-1073) |

use crate::ErrorCode;

message! {
    /// Asks for the nodes of the cluster.
    pub struct DescribeClusterRequest {
        /// Whether to fill `cluster_authorized_operations` of the response.
        include_cluster_authorized_operations: bool,
        /// 1 brokers, 2 controllers.
        endpoint_type: i8 = 1 => 1..,
        /// Whether to name brokers that are fenced.
        include_fenced_brokers: bool => 2..,
    }
}

message! {
    /// Names the nodes of the cluster.
    pub struct DescribeClusterResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// Why they are not here.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// 1 brokers, 2 controllers.
        endpoint_type: i8 = 1 => 1..,
        /// The id of the cluster.
        cluster_id: &'a str,
        /// The node that changes topics; -1 when there is none.
        controller_id: i32 = -1,
        /// The nodes.
        brokers: Vec<DescribeClusterBroker<'a>>,
        /// What the client may do with the cluster, a bit each; the lowest number when it was not asked.
        cluster_authorized_operations: i32 = i32::MIN,
    }
}

message! {
    /// A node, and where clients reach it.
    pub struct DescribeClusterBroker<'a> {
        /// Its number in the cluster.
        broker_id: i32,
        /// A name or an address that means something to the client.
        host: &'a str,
        /// The TCP port.
        port: i32,
        /// Where it stands; null when nobody said.
        rack: Option<&'a str>,
        /// Whether it may not serve.
        is_fenced: bool => 2..,
    }
}
