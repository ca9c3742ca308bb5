//! The ksinks that the rows are tried with: each its own flags, and a run of the client of its own.

/// The limit of [`Setting::STRICT`]: below what any client refuses by itself.
pub(crate) const MESSAGE_BYTES_MAX: usize = 65_536;

/// One ksink.
pub(crate) struct Setting {
    pub name: &'static str,
    pub sink: Sink,
    pub flags: &'static [&'static str],
    /// The clients that meet it, if not all do.
    clients: Option<&'static [&'static str]>,
}

/// What it writes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    Files,
    /// A file for each topic and transactional id.
    TransactionFiles,
    Http,
}

impl Setting {
    /// Takes what it is sent.
    pub(crate) const OPEN: Self =
        Self { name: "jsonl", sink: Sink::Files, flags: &[], clients: None };

    /// Has one topic only, and takes small messages only.
    pub(crate) const STRICT: Self = Self {
        name: "strict",
        flags: &["--topics", "oversize", "--max-message-bytes", "65536"],
        ..Self::OPEN
    };

    /// Posts to a server that fails at times; one client of each family, for what differs here is ksink.
    pub(crate) const HTTP: Self = Self {
        name: "http",
        sink: Sink::Http,
        flags: &["--output-http-retries", "2", "--output-http-retry-delay", "5ms"],
        clients: Some(&["confluent-kafka", "java-4.4", "franz-go"]),
    };

    /// Holds the records of a transaction back until it is committed.
    pub(crate) const HELD_BACK: Self = Self { name: "held-back", ..Self::OPEN };

    /// Has temporary files for them.
    pub(crate) const TRANSACTIONAL: Self = Self {
        name: "transactional",
        sink: Sink::TransactionFiles,
        flags: &["--transactional"],
        ..Self::OPEN
    };

    pub(crate) const ALL: &[&Self] =
        &[&Self::OPEN, &Self::STRICT, &Self::HTTP, &Self::HELD_BACK, &Self::TRANSACTIONAL];

    pub(crate) fn has_transactions(&self) -> bool {
        [Self::HELD_BACK.name, Self::TRANSACTIONAL.name].contains(&self.name)
    }

    pub(crate) fn is_for(&self, client: &str) -> bool {
        self.clients.is_none_or(|clients| clients.contains(&client))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::clients::CLIENTS, *};

    #[test]
    fn a_setting_is_for_clients_that_exist() {
        for name in Setting::ALL.iter().filter_map(|setting| setting.clients).flatten() {
            assert!(CLIENTS.iter().any(|client| client.name == *name), "{name}");
        }
    }

    #[test]
    fn the_limit_is_the_one_that_ksink_is_told() {
        assert!(Setting::STRICT.flags.contains(&&*MESSAGE_BYTES_MAX.to_string()));
    }
}
