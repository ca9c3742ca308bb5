//! ksink at work: starts it, produces to it over TCP, and shows what arrives.

use std::{
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args as ClapArgs;
use jiff::Timestamp;
use ksink_tests::{Client, batch_of};
use ksink_wire::{ErrorCode, records::NewRecord};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    command::{cargo, succeed},
    places,
    wait::{ended_within, until},
};

const WAIT: Duration = Duration::from_secs(10);

/// What is produced, one request a line.
const GREETINGS: [&str; 3] = ["hello", "from a Kafka producer", "without a Kafka cluster"];

/// What the demonstration can be told.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The port to listen on; any free one by default.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keeps ksink running until it is interrupted.
    #[arg(long)]
    stay: bool,
}

pub(crate) fn run(arguments: &Args) -> Result<bool> {
    println!("Building ksink...");
    succeed(&mut cargo(&["build", "--quiet", "--profile", "quick", "--package", "ksink-cli"]))?;
    let folder = places::target().join("demo");
    fs::create_dir_all(&folder)?;
    let port_file = folder.join("port");
    // A file of an earlier run would be taken for this one's.
    fs::remove_file(&port_file).ok();
    let addr = format!("127.0.0.1:{}", arguments.port);
    let mut ksink = Command::new(places::target().join("quick/ksink"))
        .args(["--addr", &addr, "--output", "-", "--output-format", "jsonl"])
        .arg("--port-file")
        .arg(&port_file)
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start ksink")?;
    let shown = show(&mut ksink, &port_file, arguments.stay);
    let ended = end(&mut ksink);
    shown.and(ended).map(|()| true)
}

fn show(ksink: &mut Child, port_file: &Path, stay: bool) -> Result<()> {
    let mut port = None;
    until(WAIT, || {
        port = fs::read_to_string(port_file).ok().and_then(|text| text.trim().parse().ok());
        port.is_some() || matches!(ksink.try_wait(), Ok(Some(_)))
    });
    let port: u16 = port.context("ksink does not listen")?;
    println!("Producing {} records to 127.0.0.1:{port}; this is what arrives:", GREETINGS.len());
    let mut client = Client::connect((Ipv4Addr::LOCALHOST, port).into());
    for greeting in GREETINGS {
        let record = NewRecord {
            timestamp: Timestamp::now().as_millisecond(),
            value: Some(greeting.as_bytes()),
            ..Default::default()
        };
        client.send_records("greetings", -1, &batch_of([record]));
        let (code, _) = client.hear_produced();
        ensure!(code == ErrorCode::NONE, "ksink refused a record: {code}");
    }
    drop(client);
    if stay {
        println!("ksink goes on listening; Ctrl-C ends it.");
        ksink.wait()?;
    }
    Ok(())
}

/// Stops ksink as an operator would.
fn end(ksink: &mut Child) -> Result<()> {
    if ksink.try_wait()?.is_some() {
        return Ok(());
    }
    kill_process(Pid::from_child(ksink), Signal::TERM).context("ksink was gone already")?;
    if ended_within(ksink, WAIT)?.is_none() {
        ksink.kill()?;
        ksink.wait()?;
    }
    Ok(())
}
