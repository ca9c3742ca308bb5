//! Apache Kafka: one node that is broker and controller at once, on loopback.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{command::succeed, interop::install::kafka_broker, wait::until};

/// What `tests/interop/kafka-broker/pom.xml` asks for.
pub(crate) const VERSION: &str = "4.3.1";

/// Its start takes four seconds on an idle machine.
const START_WAIT: Duration = Duration::from_secs(90);

/// A running broker; dropped, it is killed.
pub(crate) struct Kafka {
    process: Child,
    port: u16,
}

impl Kafka {
    /// Starts a broker whose data, log and settings are in an empty folder, and waits until it listens.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let classes = kafka_broker()?;
        let [port, controller_port] = free_ports()?;
        let settings = folder.join("server.properties");
        fs::write(&settings, properties(folder, port, controller_port))?;
        format(&classes, folder, &settings)?;
        let log = folder.join("kafka.log");
        let mut java = java(&classes, folder);
        java.arg("kafka.Kafka").arg(&settings);
        java.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let process = java.spawn().context("cannot start java")?;
        let mut kafka = Self { process, port };
        kafka.await_listening(&log)?;
        Ok(kafka)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn await_listening(&mut self, log: &Path) -> Result<()> {
        let addr = self.addr();
        let mut is_listening = false;
        until(START_WAIT, || {
            is_listening = TcpStream::connect(addr).is_ok();
            is_listening || matches!(self.process.try_wait(), Ok(Some(_)))
        });
        if !is_listening {
            bail!("Kafka does not listen; its log: {}", fs::read_to_string(log)?);
        }
        Ok(())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        // It keeps nothing that anybody wants; and it may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Two ports that nobody listened on a moment ago.
fn free_ports() -> io::Result<[u16; 2]> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (first, second) = (listen()?, listen()?);
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}

/// Writes the first records of the broker's own log.
fn format(classes: &OsString, folder: &Path, settings: &Path) -> Result<()> {
    let mut java = java(classes, folder);
    java.args(["kafka.tools.StorageTool", "format", "--cluster-id", "AAAAAAAAAAAAAAAAAAAAAQ"]);
    java.arg("--config").arg(settings).stdout(Stdio::null());
    succeed(&mut java)
}

fn java(classes: &OsString, folder: &Path) -> Command {
    let mut java = Command::new("java");
    java.env("CLASSPATH", classes).current_dir(folder).stdin(Stdio::null());
    java.args(["-Xmx512m", "-XX:+UseSerialGC"]);
    java
}

/// The defaults, but for what one node needs; and transactions that wait too long are looked for every 100 ms, not 10 s.
fn properties(folder: &Path, port: u16, controller_port: u16) -> String {
    let data = folder.join("data");
    let data = data.display();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=4
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=100
"
    )
}
