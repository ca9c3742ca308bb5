//! IncrementalAlterConfigs (key 44): change settings of topics and brokers.
//!
//! | version | change |
//! |---|---|
//! | 1 | flexible |

use crate::ErrorCode;

message! {
    /// Changes settings.
    pub struct IncrementalAlterConfigsRequest<'a> {
        /// What they are of.
        resources: Vec<AlterConfigsResource<'a>>,
        /// Whether only to say what would happen.
        validate_only: bool,
    }
}

message! {
    /// Changes settings of a topic, a broker or something else.
    pub struct AlterConfigsResource<'a> {
        /// 2 a topic, 4 a broker, 8 a broker's logger, 16 a client's metrics, 32 a group.
        resource_type: i8,
        /// Its name, or a broker's number.
        resource_name: &'a str,
        /// The changes.
        configs: Vec<AlterableConfig<'a>>,
    }
}

message! {
    /// Changes a setting.
    pub struct AlterableConfig<'a> {
        /// Its name.
        name: &'a str,
        /// 0 sets it, 1 brings the default back, 2 adds to a list, 3 takes out of a list.
        config_operation: i8,
        /// Null where the operation needs no value.
        value: Option<&'a str>,
    }
}

message! {
    /// What became of the settings.
    pub struct IncrementalAlterConfigsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// One for each of `resources`.
        responses: Vec<AlterConfigsResourceResponse<'a>>,
    }
}

message! {
    /// What became of the settings of a topic, a broker or something else.
    pub struct AlterConfigsResourceResponse<'a> {
        /// Why nothing is changed.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// As it was asked.
        resource_type: i8,
        /// As it was asked.
        resource_name: &'a str,
    }
}
