//! Why ksink refuses a record, and how one knows a refusal by what a client says of it.

/// What has to become of a record that must not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TooLarge,
    IllegalTopic,
    RestrictedTopic,
}

impl Refusal {
    /// The code on the wire, by the table of error codes in Kafka's protocol guide.
    pub(crate) fn code(self) -> i16 {
        match self {
            Self::TooLarge => 10,
            Self::IllegalTopic => 17,
            Self::RestrictedTopic => 29,
        }
    }

    /// Whether a client's report means this refusal. Each client has words of its own for it, and only
    /// these parts of them in common.
    pub(crate) fn is_meant_by(self, report: &str) -> bool {
        let letters = |c: &char| c.is_ascii_alphanumeric();
        let report: String = report.chars().filter(letters).collect::<String>().to_lowercase();
        self.words().iter().any(|words| report.contains(words))
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::TooLarge => &["toolarge", "largerthanthemaxmessagesize"],
            Self::IllegalTopic => &["invalidtopic", "isillegalitcontains"],
            Self::RestrictedTopic => &["topicauthorizationfailed", "notauthorizedtoaccess"],
        }
    }
}

#[cfg(test)]
impl Refusal {
    /// What a client may say of it.
    pub(crate) fn in_words(self) -> &'static str {
        self.words()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_understood_in_its_own_words() {
        for report in [
            "KafkaError{code=MSG_SIZE_TOO_LARGE,val=10,str=\"Broker: Message size too large\"}",
            "org.apache.kafka.common.errors.RecordTooLargeException: the request included a message",
            "KafkaJSProtocolError: The request included a message larger than the max message size",
        ] {
            assert!(Refusal::TooLarge.is_meant_by(report), "{report}");
            assert!(!Refusal::IllegalTopic.is_meant_by(report), "{report}");
        }
    }

    #[test]
    fn an_unknown_error_means_no_refusal() {
        for refusal in [Refusal::TooLarge, Refusal::IllegalTopic, Refusal::RestrictedTopic] {
            assert!(!refusal.is_meant_by("UNKNOWN_SERVER_ERROR: the server met an unknown error"));
            assert!(!refusal.is_meant_by(""));
        }
    }
}
