//! The ksinks that the rows are tried with: each its own flags, and a run of the client of its own.

/// The limit of [`Setting::STRICT`]: below what any client refuses by itself.
pub(crate) const MESSAGE_BYTES_MAX: usize = 65_536;

pub(crate) struct Setting {
    pub name: &'static str,
    pub flags: &'static [&'static str],
}

impl Setting {
    /// Takes what it is sent.
    pub(crate) const OPEN: Self = Self { name: "jsonl", flags: &[] };

    /// Has one topic only, and takes small messages only.
    pub(crate) const STRICT: Self =
        Self { name: "strict", flags: &["--topics", "oversize", "--max-message-bytes", "65536"] };

    pub(crate) const ALL: &[&Self] = &[&Self::OPEN, &Self::STRICT];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_one_that_ksink_is_told() {
        assert!(Setting::STRICT.flags.contains(&&*MESSAGE_BYTES_MAX.to_string()));
    }
}
