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
    /// Date and time of `second`, up to the seconds.
    text: [u8; 19],
}

impl TimestampWriter {
    pub(super) fn new(style: JsonTimestamp) -> Self {
        Self { style, second: 0, text: *b"1970-01-01 00:00:00" }
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
        let (second, ms) = (timestamp_ms.div_euclid(1000), timestamp_ms.rem_euclid(1000));
        if !self.turn_to(second) {
            return false;
        }
        self.write_text(ms, out);
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
            &mut self.text[..],
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
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

    fn write_text(&self, ms: i64, out: &mut Vec<u8>) {
        let (date, clock) = (&self.text[..10], &self.text[11..]);
        out.push(b'"');
        out.extend_from_slice(date);
        let digits = [ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8);
        if self.style == JsonTimestamp::Go {
            out.push(b' ');
            out.extend_from_slice(clock);
            let len = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
            if len > 0 {
                out.push(b'.');
                out.extend_from_slice(&digits[..len]);
            }
            out.extend_from_slice(b" +0000 UTC\"");
        } else {
            out.push(b'T');
            out.extend_from_slice(clock);
            out.push(b'.');
            out.extend_from_slice(&digits);
            out.extend_from_slice(b"Z\"");
        }
    }
}

/// A second of the epoch as date and time in UTC, if the year is one of 0 to 9999.
fn civil_time(second: i64) -> Option<civil::DateTime> {
    let epoch = civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let time = epoch.checked_add(SignedDuration::from_secs(second)).ok()?;
    (0..=9999).contains(&time.year()).then_some(time)
}
