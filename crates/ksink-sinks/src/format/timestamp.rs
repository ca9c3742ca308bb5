//! Timestamps as text.

use std::io::Write;

use jiff::{SignedDuration, civil};

/// How jsonl writes a timestamp. -1 is Kafka's word for none, and is never written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonTimestamp {
    /// RFC 3339 in UTC, always with milliseconds: `"2026-11-20T09:30:00.000Z"`. Not written for years
    /// outside of 0000 to 9999, which RFC 3339 cannot say.
    #[default]
    Rfc3339,
    /// A number: milliseconds since the epoch.
    Millis,
    /// As Go prints a time in UTC: `"2026-11-20 09:30:00.5 +0000 UTC"`, the fraction only where there is
    /// one. Not written for years outside of 0000 to 9999 either.
    Go,
}

/// Writes timestamps of one batch. They mostly share their second, which is rendered once.
#[derive(Debug)]
pub(super) struct TimestampWriter {
    style: JsonTimestamp,
    second: i64,
    /// A time in `second`, as RFC 3339 and JSON have it.
    text: [u8; 26],
}

impl TimestampWriter {
    pub(super) fn new(style: JsonTimestamp) -> Self {
        Self { style, second: 0, text: *b"\"1970-01-01T00:00:00.000Z\"" }
    }

    /// Appends a timestamp as a JSON value. Tells whether there is anything to say; if not, `out` is as it
    /// was.
    pub(super) fn write(&mut self, timestamp_ms: i64, out: &mut Vec<u8>) -> bool {
        if timestamp_ms == -1 {
            return false;
        }
        if self.style == JsonTimestamp::Millis {
            out.extend_from_slice(itoa::Buffer::new().format(timestamp_ms).as_bytes());
            return true;
        }
        if !self.turn_to(timestamp_ms.div_euclid(1000)) {
            return false;
        }
        let ms = timestamp_ms.rem_euclid(1000);
        let digits = [ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8);
        match self.style {
            JsonTimestamp::Go => self.write_go(digits, out),
            JsonTimestamp::Rfc3339 | JsonTimestamp::Millis => self.write_rfc_3339(digits, out),
        }
        true
    }

    /// Renders another second, if need be and if its year has four digits.
    fn turn_to(&mut self, second: i64) -> bool {
        if second == self.second {
            return true;
        }
        let Some(time) = civil_time(second) else { return false };
        let (date, clock) = (time.date(), time.time());
        write!(
            &mut self.text[1..20],
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            clock.hour(),
            clock.minute(),
            clock.second()
        )
        .expect("a year of four digits makes 19 bytes");
        self.second = second;
        true
    }

    fn write_rfc_3339(&mut self, millis: [u8; 3], out: &mut Vec<u8>) {
        self.text[21..24].copy_from_slice(&millis);
        out.extend_from_slice(&self.text);
    }

    fn write_go(&self, millis: [u8; 3], out: &mut Vec<u8>) {
        let (date, clock) = (&self.text[1..11], &self.text[12..20]);
        out.push(b'"');
        out.extend_from_slice(date);
        out.push(b' ');
        out.extend_from_slice(clock);
        // Go leaves out the zeros at the end of a fraction, and a fraction of nothing else.
        if let Some(last) = millis.iter().rposition(|digit| *digit != b'0') {
            out.push(b'.');
            out.extend_from_slice(&millis[..=last]);
        }
        out.extend_from_slice(b" +0000 UTC\"");
    }
}

/// A second of the epoch as date and time in UTC, if the year is one of 0 to 9999.
fn civil_time(second: i64) -> Option<civil::DateTime> {
    let epoch = civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let time = epoch.checked_add(SignedDuration::from_secs(second)).ok()?;
    (0..=9999).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [JsonTimestamp; 3] =
        [JsonTimestamp::Rfc3339, JsonTimestamp::Millis, JsonTimestamp::Go];

    /// What each style makes of a timestamp, in the order of `ALL`; empty where it says nothing.
    #[track_caller]
    fn check(timestamp_ms: i64, expected: [&str; 3]) {
        for (style, expected) in ALL.into_iter().zip(expected) {
            assert_eq!(written(&mut TimestampWriter::new(style), timestamp_ms), expected);
        }
    }

    fn written(writer: &mut TimestampWriter, timestamp_ms: i64) -> String {
        let mut out = Vec::new();
        let said = writer.write(timestamp_ms, &mut out);
        assert_eq!(said, !out.is_empty());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_style_has_its_words() {
        check(
            1_795_253_400_000,
            [
                r#""2026-11-21T09:30:00.000Z""#,
                "1795253400000",
                r#""2026-11-21 09:30:00 +0000 UTC""#,
            ],
        );
        check(
            1_795_253_400_120,
            [
                r#""2026-11-21T09:30:00.120Z""#,
                "1795253400120",
                r#""2026-11-21 09:30:00.12 +0000 UTC""#,
            ],
        );
        check(7, [r#""1970-01-01T00:00:00.007Z""#, "7", r#""1970-01-01 00:00:00.007 +0000 UTC""#]);
    }

    #[test]
    fn zero_is_a_time_and_minus_one_is_none() {
        check(0, [r#""1970-01-01T00:00:00.000Z""#, "0", r#""1970-01-01 00:00:00 +0000 UTC""#]);
        check(-1, ["", "", ""]);
        check(
            -2,
            [r#""1969-12-31T23:59:59.998Z""#, "-2", r#""1969-12-31 23:59:59.998 +0000 UTC""#],
        );
    }

    #[test]
    fn only_years_of_four_digits_are_dates() {
        let first = -62_167_219_200_000;
        check(
            first,
            [
                r#""0000-01-01T00:00:00.000Z""#,
                "-62167219200000",
                r#""0000-01-01 00:00:00 +0000 UTC""#,
            ],
        );
        check(first - 1, ["", "-62167219200001", ""]);
        let last = 253_402_300_799_999;
        check(
            last,
            [
                r#""9999-12-31T23:59:59.999Z""#,
                "253402300799999",
                r#""9999-12-31 23:59:59.999 +0000 UTC""#,
            ],
        );
        check(last + 1, ["", "253402300800000", ""]);
        check(i64::MIN, ["", "-9223372036854775808", ""]);
        check(i64::MAX, ["", "9223372036854775807", ""]);
    }

    #[test]
    fn one_that_cannot_be_said_leaves_the_next_one_alone() {
        let mut writer = TimestampWriter::new(JsonTimestamp::Rfc3339);
        let first = written(&mut writer, 1_795_253_400_000);
        assert_eq!(written(&mut writer, i64::MAX), "");
        assert_eq!(written(&mut writer, 1_795_253_400_000), first);
    }

    proptest! {
        #[test]
        fn a_date_reads_back(times in proptest::collection::vec(-62_167_219_200_000..253_402_207_200_000_i64, 1..5)) {
            let mut writer = TimestampWriter::new(JsonTimestamp::Rfc3339);
            for time in times.into_iter().filter(|time| *time != -1) {
                let text: String = serde_json::from_str(&written(&mut writer, time)).unwrap();
                prop_assert_eq!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond(), time);
            }
        }
    }
}
