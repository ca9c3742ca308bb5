//! Where the server listens.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// An address to listen at, as Go writes it: `host:port`, `[::1]:port`, or `:port` for every address of
/// this machine, IPv6 and IPv4. Port 0 takes any free one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddr {
    host: Option<String>,
    port: u16,
}

/// Why a text is no address to listen at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: expected host:port or :port, with a port from 0 to 65535")]
pub struct ListenAddrError(String);

impl ListenAddr {
    /// Starts to listen.
    pub(super) async fn listen(&self) -> io::Result<TcpListener> {
        let mut failed = None;
        for addr in self.candidates().await? {
            match listen_at(addr) {
                Ok(listener) => return Ok(listener),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed
            .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// What to try, in this order: the first that works is the only one. Only a machine without IPv6 comes to the second of "every address".
    async fn candidates(&self) -> io::Result<Vec<SocketAddr>> {
        let Some(host) = &self.host else {
            let every: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
            return Ok(every.map(|ip| SocketAddr::new(ip, self.port)).to_vec());
        };
        let mut addrs: Vec<_> = lookup_host((host.as_str(), self.port)).await?.collect();
        // As Go does; whoever says `localhost` means 127.0.0.1 more often than not.
        addrs.sort_by_key(SocketAddr::is_ipv6);
        Ok(addrs)
    }
}

fn listen_at(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl FromStr for ListenAddr {
    type Err = ListenAddrError;

    fn from_str(text: &str) -> Result<Self, ListenAddrError> {
        let error = || ListenAddrError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) => host,
            None if host.contains([':', '[', ']']) => return Err(error()),
            None => host,
        };
        Ok(Self { host: (!host.is_empty()).then(|| host.to_owned()), port })
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_in_go() {
        for text in [":9092", "127.0.0.1:0", "localhost:9092", "[::1]:9092"] {
            assert_eq!(
                text.parse::<ListenAddr>().map(|addr| addr.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["", "9092", "localhost", ":", ":port", ":65536", "::1:9092", "[::1:9092"] {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_alone_is_reached_by_ipv4_and_where_there_is_one_by_ipv6() {
        let listener = ListenAddr { host: None, port: 0 }.listen().await.expect("any port is free");
        let addr = listener.local_addr().expect("it listens");
        let mut hosts: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into()];
        hosts.extend(addr.is_ipv6().then_some(IpAddr::from(Ipv6Addr::LOCALHOST)));
        for host in hosts {
            let reached = tokio::net::TcpStream::connect((host, addr.port())).await;
            assert!(reached.is_ok(), "{host}: {reached:?}");
        }
    }
}
