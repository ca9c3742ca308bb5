//! What a server's answer means for a record.

use std::time::Duration;

use hyper::{HeaderMap, StatusCode, header::RETRY_AFTER};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// An answer, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// What an answer says about its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept.
    Kept,
    /// It will never be taken.
    Never,
    /// It will never be taken, for its size.
    TooLarge,
    /// It may be taken another time.
    NotNow,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self { status, retry_after: retry_after.and_then(|text| parse_retry_after(text, now)) }
    }

    /// Redirects are not followed: a POST that follows one may become a GET (RFC 9110 section 15.4), and
    /// the record would be lost.
    pub(super) fn verdict(&self) -> Verdict {
        match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::TooLarge,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Verdict::NotNow
            }
            status if status.is_success() => Verdict::Kept,
            status if status.is_redirection() || status.is_client_error() => Verdict::Never,
            _ => Verdict::NotNow,
        }
    }
}

/// A number of seconds, or a date (RFC 9110 section 10.2.3) of which the obsolete forms are left out.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    // A date that is over asks for no wait.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_decides() {
        let check = |codes: &[u16], verdict| {
            for code in codes {
                let status = StatusCode::from_u16(*code).unwrap();
                let answer = Answer { status, retry_after: None };
                assert_eq!(answer.verdict(), verdict, "{code}");
            }
        };
        check(&[200, 201, 202, 204, 206, 299], Verdict::Kept);
        check(&[300, 301, 302, 303, 304, 307, 308], Verdict::Never);
        check(&[400, 401, 403, 404, 405, 409, 410, 415, 422, 431, 499], Verdict::Never);
        check(&[413], Verdict::TooLarge);
        check(&[408, 425, 429, 500, 501, 502, 503, 504, 599, 600, 999, 101], Verdict::NotNow);
    }

    #[test]
    fn a_server_says_how_long_in_seconds_or_by_date() {
        let now: Timestamp = "2026-11-20T09:30:00Z".parse().unwrap();
        let check = |text, seconds: Option<u64>| {
            assert_eq!(parse_retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        };
        check("0", Some(0));
        check(" 120 ", Some(120));
        check("Fri, 20 Nov 2026 09:31:00 GMT", Some(60));
        check("Fri, 20 Nov 2026 09:29:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        check("", None);
        check("99999999999999999999", None);
    }
}
