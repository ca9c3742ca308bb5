//! What clients said, kept byte for byte: one request of each API and version. The tests of `ksink-wire` hold
//! themselves against a few of these (`crates/ksink-wire/tests/data/captured-requests.tsv`, in the same form).

use std::{collections::BTreeMap, fs, io, path::Path};

use ksink_wire::{ApiKey, RequestHeader};

/// Longer requests are not kept: they say nothing that shorter ones do not say.
const FRAME_BYTES_MAX: usize = 700;

/// The longest request of each API and version, which has the most in it.
#[derive(Clone, Default)]
pub(crate) struct Recording(BTreeMap<(ApiKey, i16), Vec<u8>>);

impl Recording {
    /// Keeps a frame, when there is none yet that says more.
    pub(crate) fn hear(&mut self, header: &RequestHeader<'_>, frame: &[u8]) {
        let kept = self.0.entry((header.api_key, header.api_version)).or_default();
        if (kept.len() + 1..=FRAME_BYTES_MAX).contains(&frame.len()) {
            *kept = frame.to_vec();
        }
    }

    /// Writes what was kept of a client, named with its version, to `requests.tsv` in the folder of its run.
    pub(crate) fn write(&self, folder: &Path, client: &str) -> io::Result<()> {
        fs::write(folder.join("requests.tsv"), self.lines(client))
    }

    /// Client, API, version and bytes in hexadecimal, a request a line.
    fn lines(&self, client: &str) -> String {
        let kept = self.0.iter().filter(|(_, frame)| !frame.is_empty());
        kept.map(|((api, version), frame)| {
            let digits: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{client}\t{api}\t{version}\t{digits}\n")
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_api_and_version_the_longest_request_is_kept() {
        let header = |api_version| RequestHeader {
            api_key: ApiKey::Produce,
            api_version,
            correlation_id: 1,
            client_id: None,
        };
        let mut recording = Recording::default();
        recording.hear(&header(9), &[1, 2]);
        recording.hear(&header(9), &[3]);
        recording.hear(&header(3), &[4]);
        recording.hear(&header(3), &[5; FRAME_BYTES_MAX + 1]);
        assert_eq!(
            recording.lines("a client"),
            "a client\tProduce\t3\t04\na client\tProduce\t9\t0102\n"
        );
    }
}
