//! Where requests go.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    Uri,
    header::HeaderValue,
    http::uri::{Authority, InvalidUri, PathAndQuery, Scheme},
};

use super::encode::percent_decode;

/// An `http://` or `https://` URL that records are posted to.
///
/// A user and a password in it become an `Authorization` header (Basic, RFC 7617). They are never shown, and
/// neither are path and query, which may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpTarget {
    scheme: Scheme,
    /// Host and port, without user and password.
    authority: Authority,
    path: PathAndQuery,
    authorization: Option<HeaderValue>,
}

/// Why a text is no URL that records could be posted to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It begins with neither `http://` nor `https://`, in small letters as ksink-go wants them.
    #[error("it begins with neither http:// nor https://")]
    Scheme,
    /// It is no URL.
    #[error("it is no URL: {0}")]
    Malformed(#[from] InvalidUri),
    /// It names no host.
    #[error("it names no host")]
    NoHost,
    /// Its port is no number of 1 to 65535.
    #[error("its port is no number of 1 to 65535")]
    Port,
}

impl HttpTarget {
    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// What to connect to.
    pub(super) fn server(&self) -> Uri {
        let root = PathAndQuery::from_static("/");
        let parts = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        parts.path_and_query(root).build().expect("its parts came from a URL")
    }

    /// What to ask the server for.
    pub(super) fn path(&self) -> Uri {
        self.path.clone().into()
    }

    /// The `Host` header.
    pub(super) fn host(&self) -> HeaderValue {
        HeaderValue::from_str(self.authority.as_str()).expect("a host is made of visible ASCII")
    }

    /// The `Authorization` header.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.clone()
    }
}

impl FromStr for HttpTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Err(TargetError::Scheme);
        }
        let uri = text.parse::<Uri>()?.into_parts();
        let (scheme, authority) = uri.scheme.zip(uri.authority).ok_or(TargetError::NoHost)?;
        let (user, host_port) = match authority.as_str().rsplit_once('@') {
            Some((user, host_port)) => (Some(user), host_port),
            None => (None, authority.as_str()),
        };
        Ok(Self {
            scheme,
            authority: host_and_port(host_port)?,
            path: uri.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")),
            authorization: user.map(basic),
        })
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes sure that there is a host, and that a port is one.
fn host_and_port(text: &str) -> Result<Authority, TargetError> {
    let text = text.strip_suffix(':').unwrap_or(text);
    let authority: Authority = text.parse()?;
    match authority.port_u16() {
        _ if authority.host().is_empty() => Err(TargetError::NoHost),
        Some(0) => Err(TargetError::Port),
        None if authority.host() != text => Err(TargetError::Port),
        Some(_) | None => Ok(authority),
    }
}

fn basic(user_info: &str) -> HeaderValue {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let pair = [&percent_decode(user)[..], b":", &percent_decode(password)].concat();
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(text).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> HttpTarget {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[track_caller]
    fn check(text: &str, server: &str, path: &str, host: &str) {
        let target = target(text);
        assert_eq!(target.server(), *server);
        assert_eq!(target.path(), *path);
        assert_eq!(target.host(), host);
    }

    #[test]
    fn a_url_is_a_server_a_path_and_a_host() {
        check("http://h", "http://h/", "/", "h");
        check("http://h:8080/a/b?c=d#e", "http://h:8080/", "/a/b?c=d", "h:8080");
        check("https://h?c", "https://h/", "/?c", "h");
        check("https://[::1]:1/x", "https://[::1]:1/", "/x", "[::1]:1");
        check("http://h:/x", "http://h/", "/x", "h");
        assert!(target("https://h").is_https() && !target("http://h").is_https());
    }

    #[test]
    fn a_user_becomes_a_header_and_is_never_shown() {
        let target = target("http://Aladdin:open%20sesame@h:1/secret?token=x");
        let header = target.authorization().expect("a header");
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(header.is_sensitive());
        assert_eq!(target.host(), "h:1");
        assert_eq!(format!("{target} {target:?}"), "http://h:1 http://h:1");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let refused = |text: &str| text.parse::<HttpTarget>().expect_err(text).to_string();
        assert_eq!(refused("HTTP://h"), "it begins with neither http:// nor https://");
        assert!(refused("http://").starts_with("it is no URL"));
        assert!(refused("http://h/a b").starts_with("it is no URL"));
        assert!(refused("http://u@").starts_with("it is no URL"));
        assert_eq!(refused("http://:80/"), "it names no host");
        for port in ["0", "65536", "x"] {
            assert!(refused(&format!("http://h:{port}/")).contains("port"), "{port}");
        }
    }
}
