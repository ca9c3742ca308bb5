//! Where the server listens, and where its clients are told to go.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use ksink_tests::{Client, batch};
use ksink_wire::ErrorCode;

use crate::process::{Ksink, Setup};

/// Starts a server that listens there.
fn listen_at(addr: &str) -> Ksink {
    Setup::new(&["--addr", addr, "--port-file", "port", "--output", "null:"]).start()
}

/// A client that connects to `ip` is told an address at which it can produce.
#[track_caller]
fn check(ksink: &Ksink, ip: IpAddr) {
    let mut client = Client::connect((ip, ksink.port()).into());
    let (host, port) = client.told_addr();
    let told = SocketAddr::new(host.parse().expect("an address without brackets"), port);
    assert_eq!(told, (ip, ksink.port()).into());
    let mut client = Client::connect(told);
    client.send_records("t", -1, &batch(["x"]));
    assert_eq!(client.hear_produced().0, ErrorCode::NONE);
}

/// Whether this machine has IPv6; if not it is said, since less is tested then.
fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        eprintln!("SKIPPED: this machine has no IPv6 loopback, so nothing listens there");
    }
    has
}

#[test]
fn a_client_is_told_an_address_that_it_can_reach() {
    for addr in ["127.0.0.1:0", "0.0.0.0:0", ":0"] {
        check(&listen_at(addr), Ipv4Addr::LOCALHOST.into());
    }
}

#[test]
fn a_client_on_ipv6_is_told_an_address_that_it_can_reach() {
    if has_ipv6() {
        for addr in ["[::1]:0", "[::]:0", ":0"] {
            check(&listen_at(addr), Ipv6Addr::LOCALHOST.into());
        }
    }
}

#[test]
fn a_name_is_listened_at_where_it_leads() {
    check(&listen_at("localhost:0"), Ipv4Addr::LOCALHOST.into());
}

#[test]
fn what_is_advertised_is_told_instead() {
    let check = |advertised, told: (&str, u16)| {
        let ksink = Setup::new(&["--advertised-addr", advertised]).listen();
        assert_eq!(ksink.connect().told_addr(), (told.0.to_owned(), told.1));
    };
    check("kafka.example:19092", ("kafka.example", 19092));
    check("[2001:db8::1]:9092", ("2001:db8::1", 9092));
}

#[test]
fn the_port_file_holds_the_port_once_the_server_listens() {
    let ksink = Setup::new(&[]).listen();
    // It is there, so the server listens already.
    assert_eq!(ksink.connect().name_topic("t"), ErrorCode::NONE);
    let text = fs::read_to_string(ksink.file("port")).expect("the port file");
    assert_eq!(text, format!("{}\n", ksink.port()));
}

#[test]
fn a_port_file_of_an_earlier_run_misleads_nobody() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address").to_string();
    let flags = ["--addr", &addr, "--port-file", "port"];
    let ended = Setup::new(&flags).file("port", "1\n").run();
    ended.assert_code(1);
    assert!(!ended.folder.path().join("port").exists());
}
