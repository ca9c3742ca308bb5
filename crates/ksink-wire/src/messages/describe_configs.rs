//! DescribeConfigs (key 32): how topics and brokers are configured.
//!
//! | version | change |
//! |---|---|
//! | 1 | synonyms; response: where values come from (KIP-226) |
//! | 2 | throttling happens after the response was sent |
//! | 3 | documentation; response: types (KIP-569) |
//! | 4 | flexible |

use crate::ErrorCode;

message! {
    /// Asks for settings.
    pub struct DescribeConfigsRequest<'a> {
        /// What they are of.
        resources: Vec<DescribeConfigsResource<'a>>,
        /// Whether to say where each value could come from.
        include_synonyms: bool => 1..,
        /// Whether to say what each setting is for.
        include_documentation: bool => 3..,
    }
}

message! {
    /// What settings are of.
    pub struct DescribeConfigsResource<'a> {
        /// 2 a topic, 4 a broker, 8 a broker's logger, 16 a client's metrics, 32 a group.
        resource_type: i8,
        /// Its name, or a broker's number.
        resource_name: &'a str,
        /// Which settings; null for all.
        configuration_keys: Option<Vec<&'a str>>,
    }
}

message! {
    /// Settings.
    pub struct DescribeConfigsResponse<'a> {
        /// How long the client was or will be held back, in milliseconds.
        throttle_time_ms: i32,
        /// One for each that was asked for.
        results: Vec<DescribeConfigsResult<'a>>,
    }
}

message! {
    /// The settings of a topic, a broker or something else.
    pub struct DescribeConfigsResult<'a> {
        /// Why they are not here.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<&'a str>,
        /// As it was asked.
        resource_type: i8,
        /// As it was asked.
        resource_name: &'a str,
        /// The settings.
        configs: Vec<DescribeConfigsResourceResult<'a>>,
    }
}

message! {
    /// A setting.
    pub struct DescribeConfigsResourceResult<'a> {
        /// Its name.
        name: &'a str,
        /// Null when it is secret or has no value.
        value: Option<&'a str>,
        /// Whether it cannot be changed.
        read_only: bool,
        /// Where the value comes from: 1 the topic, 2 a broker while it runs, 3 all brokers while they run, 4 the
        /// broker's file, 5 the default, 6 the broker's logger, 7 a client's metrics, 8 the group. -1 when unknown.
        config_source: i8 = -1 => 1..,
        /// Whether the value is the default.
        is_default: bool => ..=0,
        /// Whether it is secret.
        is_sensitive: bool,
        /// Where the value could come from, in the order in which that counts.
        synonyms: Vec<DescribeConfigsSynonym<'a>> => 1..,
        /// 1 a boolean, 2 a string, 3 a 32-bit, 4 a 16-bit and 5 a 64-bit integer, 6 a floating-point number, 7 a
        /// list, 8 a class, 9 a password. 0 when unknown.
        config_type: i8 => 3..,
        /// What it is for.
        documentation: Option<&'a str> => 3..,
    }
}

message! {
    /// Where a value could come from.
    pub struct DescribeConfigsSynonym<'a> {
        /// The name of the setting there.
        name: &'a str,
        /// The value there; null when it is secret.
        value: Option<&'a str>,
        /// As `config_source`.
        source: i8,
    }
}
