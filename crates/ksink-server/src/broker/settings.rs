//! The settings of topics and of the broker, as admin clients are told them.
//!
//! Topics have Kafka's settings, so that whoever creates one may name them. They are remembered and
//! told, and none changes what ksink does: records leave for the sink and are not kept here. The defaults are
//! Kafka's, except where ksink does something else: it deletes nothing, and the largest message is its own.

mod broker;
mod topic;

use std::{borrow::Cow, collections::BTreeMap};

use ksink_wire::messages::{
    create_topics::CreatableTopicConfig,
    describe_configs::{DescribeConfigsResourceResult, DescribeConfigsSynonym},
};

use self::{
    broker::BROKER_SETTINGS,
    topic::{TOPIC_SETTINGS, TopicSetting},
};
use super::Broker;

/// The longest value of a setting that is remembered, in bytes.
const VALUE_BYTES_MAX: usize = 256;

/// What was set for a topic when it was created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TopicSettings(BTreeMap<&'static str, Box<str>>);

/// Why a setting of a new topic is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SettingError {
    #[error("topics have no setting `{0}`")]
    Unknown(String),
    #[error("the setting `{0}` has no value")]
    Null(&'static str),
    #[error("the value of `{name}` is not {expected}")]
    Illegal { name: &'static str, expected: Kind },
}

/// What values a setting has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Int {
        min: i32,
    },
    Long {
        min: i64,
    },
    /// A number from 0 to 1.
    Ratio,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
    /// Pairs of numbers such as `0:1`, with commas between them, or `*`.
    Replicas,
}

/// Where a value comes from (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Topic = 1,
    Broker = 4,
    Default = 5,
}

/// A setting as it is in force.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) name: &'static str,
    kind: &'a Kind,
    documentation: &'static str,
    /// Never empty: the first one counts.
    origins: Vec<Origin<'a>>,
}

/// A place that gives a setting a value, and what the setting is called there.
#[derive(Debug)]
struct Origin<'a> {
    name: &'static str,
    value: Cow<'a, str>,
    source: Source,
}

impl TopicSettings {
    /// What a client wants to set; the last value of a name counts.
    pub(super) fn parse(wanted: &[CreatableTopicConfig<'_>]) -> Result<Self, SettingError> {
        let parsed = wanted.iter().map(|config| {
            let setting = TOPIC_SETTINGS.iter().find(|setting| setting.name == config.name);
            let setting = setting.ok_or_else(|| SettingError::unknown(config.name))?;
            let value = config.value.ok_or(SettingError::Null(setting.name))?.trim();
            match value.len() <= VALUE_BYTES_MAX && setting.kind.allows(value) {
                true => Ok((setting.name, value.into())),
                false => Err(SettingError::Illegal {
                    name: setting.name,
                    expected: setting.kind.clone(),
                }),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// What was set once, by name. A setting that topics have no more is left out.
    pub(super) fn restore(remembered: &[(String, Box<str>)]) -> Self {
        let known = remembered.iter().filter_map(|(name, value)| {
            let setting = TOPIC_SETTINGS.iter().find(|setting| setting.name == *name)?;
            Some((setting.name, value.clone()))
        });
        Self(known.collect())
    }

    /// What is to be remembered, by name.
    pub(super) fn to_remember(&self) -> Vec<(String, Box<str>)> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// All settings of a topic of this broker, by name.
    pub(super) fn in_force<'a>(&'a self, broker: &'a Broker) -> impl Iterator<Item = Setting<'a>> {
        TOPIC_SETTINGS.iter().map(|setting| {
            let here = self.0.get(setting.name).map(|value| Origin {
                name: setting.name,
                value: Cow::Borrowed(&**value),
                source: Source::Topic,
            });
            let origins = here.into_iter().chain(setting.broker_origins(broker)).collect();
            setting.with(setting.name, origins)
        })
    }
}

/// All settings of the broker.
pub(super) fn of_broker(broker: &Broker) -> impl Iterator<Item = Setting<'_>> {
    let for_topics = TOPIC_SETTINGS.iter().filter_map(|setting| {
        Some(setting.with(setting.broker_name?, setting.broker_origins(broker)))
    });
    BROKER_SETTINGS.iter().map(|setting| setting.in_force(broker)).chain(for_topics)
}

impl TopicSetting {
    fn with<'a>(&'a self, name: &'static str, origins: Vec<Origin<'a>>) -> Setting<'a> {
        Setting { name, kind: &self.kind, documentation: self.documentation, origins }
    }

    /// The value of topics that do not have one of their own.
    fn broker_origins<'a>(&'a self, broker: &Broker) -> Vec<Origin<'a>> {
        let name = self.broker_name.unwrap_or(self.name);
        origins(name, (self.value)(broker), self.default)
    }
}

/// The value of the broker, which is its own or the default.
fn origins<'a>(
    name: &'static str,
    value: Option<String>,
    default: &'static str,
) -> Vec<Origin<'a>> {
    let here = value.filter(|value| value != default).map(|value| Origin {
        name,
        value: Cow::Owned(value),
        source: Source::Broker,
    });
    let default = Origin { name, value: Cow::Borrowed(default), source: Source::Default };
    here.into_iter().chain([default]).collect()
}

impl Setting<'_> {
    pub(super) fn value(&self) -> &str {
        &self.origins[0].value
    }

    /// Where the value comes from, as the protocol says it.
    pub(super) fn source(&self) -> i8 {
        self.origins[0].source as i8
    }

    /// As DescribeConfigs tells it.
    pub(super) fn describe(
        &self,
        include_synonyms: bool,
        include_documentation: bool,
    ) -> DescribeConfigsResourceResult<'_> {
        let synonyms = self.origins.iter().filter(|_| include_synonyms);
        DescribeConfigsResourceResult {
            name: self.name,
            value: Some(self.value()),
            // Nobody alters a setting once the topic exists.
            read_only: true,
            config_source: self.source(),
            is_default: self.origins[0].source == Source::Default,
            is_sensitive: false,
            synonyms: synonyms.map(Origin::describe).collect(),
            config_type: self.kind.type_number(),
            documentation: include_documentation.then_some(self.documentation),
        }
    }
}

impl Origin<'_> {
    fn describe(&self) -> DescribeConfigsSynonym<'_> {
        DescribeConfigsSynonym {
            name: self.name,
            value: Some(&self.value),
            source: self.source as i8,
        }
    }
}

impl Kind {
    fn allows(&self, value: &str) -> bool {
        match self {
            Self::Boolean => ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)),
            Self::Int { min } => value.parse::<i32>().is_ok_and(|number| number >= *min),
            Self::Long { min } => value.parse::<i64>().is_ok_and(|number| number >= *min),
            Self::Ratio => value.parse::<f64>().is_ok_and(|number| (0.0..=1.0).contains(&number)),
            Self::OneOf(words) => words.contains(&value),
            Self::SomeOf(words) => value.split(',').all(|word| words.contains(&word.trim())),
            Self::Replicas => ["", "*"].contains(&value) || value.split(',').all(is_replica),
        }
    }

    /// KIP-569's number for it.
    fn type_number(&self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::OneOf(_) => 2,
            Self::Int { .. } => 3,
            Self::Long { .. } => 5,
            Self::Ratio => 6,
            Self::SomeOf(_) | Self::Replicas => 7,
        }
    }
}

fn is_replica(pair: &str) -> bool {
    let is_number = |text: &str| text.trim().parse::<u32>().is_ok();
    pair.split_once(':')
        .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
}

impl SettingError {
    /// The name is the client's, so of a long one only the start is repeated.
    fn unknown(name: &str) -> Self {
        Self::Unknown(name.chars().take(64).collect())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean => write!(f, "true or false"),
            Self::Int { min } => write!(f, "an integer from {min} to {}", i32::MAX),
            Self::Long { min } => write!(f, "an integer from {min} to {}", i64::MAX),
            Self::Ratio => write!(f, "a number from 0 to 1"),
            Self::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Self::SomeOf(words) => write!(f, "a list of {}", words.join(", ")),
            Self::Replicas => write!(f, "a list of partition:broker, or *"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, good: &[&str], bad: &[&str]) {
        let parse =
            |value| TopicSettings::parse(&[CreatableTopicConfig { name, value: Some(value) }]);
        for value in good {
            assert!(parse(value).is_ok(), "{name}={value}");
        }
        for value in bad {
            assert!(matches!(parse(value), Err(SettingError::Illegal { .. })), "{name}={value}");
        }
    }

    #[test]
    fn values_are_of_their_settings_kind() {
        check("preallocate", &["true", "FALSE"], &["yes", "", "1"]);
        check("max.message.bytes", &["0", " 5 ", "2147483647"], &["-1", "2147483648", "x"]);
        check("retention.ms", &["-1", "9223372036854775807"], &["-2", "9223372036854775808"]);
        check("min.cleanable.dirty.ratio", &["0", "0.5", "1"], &["1.1", "-0.1", "NaN"]);
        check("compression.type", &["zstd", "producer"], &["Zstd", "br"]);
        check("cleanup.policy", &["delete", "compact,delete", "compact, delete"], &["", "keep"]);
        check("leader.replication.throttled.replicas", &["*", "0:1,1:1", ""], &["0", "a:b", ","]);
        check("retention.ms", &[], &[&"0".repeat(VALUE_BYTES_MAX + 1)]);
    }

    #[test]
    fn every_default_is_a_legal_value_and_no_name_comes_twice() {
        for setting in TOPIC_SETTINGS {
            assert!(setting.kind.allows(setting.default), "{}", setting.name);
        }
        assert!(TOPIC_SETTINGS.is_sorted_by(|a, b| a.name < b.name));
        let mut names: Vec<_> = BROKER_SETTINGS.iter().map(|setting| setting.name).collect();
        names.extend(TOPIC_SETTINGS.iter().filter_map(|setting| setting.broker_name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_setting_that_kafka_does_not_know_is_refused_by_a_short_name() {
        let name = "x".repeat(1_000);
        let config = CreatableTopicConfig { name: &name, value: Some("1") };
        assert_eq!(TopicSettings::parse(&[config]), Err(SettingError::Unknown("x".repeat(64))));
    }
}
