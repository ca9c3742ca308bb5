//! Installing a client with its ordinary package client, all of it below `target/interop/`.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::clients::{Client, Program};
use crate::{command::succeed, places};

/// Installs what a client needs, and gives the command that sends the `plan.json` of the folder in
/// which it is started.
pub(crate) fn install(client: &Client) -> Result<Command> {
    let mut command = match client.program {
        Program::Kcat => {
            demand(&["python3", "kcat"])?;
            script("python3", client.name, "produce.py")
        }
        Program::Python => {
            demand(&["python3"])?;
            script(python_packages(client.name)?, client.name, "produce.py")
        }
        Program::ConsoleProducer => {
            demand(&["python3", "java", "mvn"])?;
            let mut command = script("python3", client.name, "produce.py");
            command.env("CLASSPATH", jars(client.name, client.name, None)?);
            command
        }
        Program::Java { kafka_clients } => {
            demand(&["java", "mvn"])?;
            java(client.name, kafka_clients, "Produce.java")?
        }
        Program::Go { program, .. } => {
            demand(&["go"])?;
            Command::new(go_program(program)?)
        }
        Program::Node => {
            demand(&["node", "npm"])?;
            let mut command = Command::new("node");
            command.env("NODE_PATH", node_packages(client.name)?);
            command.arg(sources(client.name).join("produce.js"));
            command
        }
    };
    command.arg("plan.json");
    if let Program::Go { option, .. } = client.program {
        command.args(option);
    }
    Ok(command)
}

/// Installs what a client needs, and gives the command of its program for the runs through a network that loses
/// replies, which sends the `plan.json` of the folder in which it is started.
pub(crate) fn install_chaos(client: &Client) -> Result<Command> {
    install_under_faults(client, "chaos.py", "Chaos.java", "chaos")
}

/// Installs what a client needs, and gives the command of its program for the runs in which the server is killed.
pub(crate) fn install_crash(client: &Client) -> Result<Command> {
    install_under_faults(client, "crash.py", "Crash.java", "crash")
}

fn install_under_faults(client: &Client, python: &str, java: &str, go: &str) -> Result<Command> {
    let mut command = match client.program {
        Program::Python => {
            demand(&["python3"])?;
            script(python_packages(client.name)?, client.name, python)
        }
        Program::Java { kafka_clients } => {
            demand(&["java", "mvn"])?;
            self::java(client.name, kafka_clients, java)?
        }
        Program::Go { .. } => {
            demand(&["go"])?;
            Command::new(go_program(go)?)
        }
        Program::Kcat | Program::ConsoleProducer | Program::Node => {
            bail!("{} has no program for this", client.name)
        }
    };
    command.arg("plan.json");
    Ok(command)
}

fn demand(tools: &[&str]) -> Result<()> {
    match tools.iter().find(|tool| places::tool(tool).is_none()) {
        Some(missing) => bail!("there is no {missing} on this machine"),
        None => Ok(()),
    }
}

fn sources(name: &str) -> PathBuf {
    places::root().join("tests/interop").join(name)
}

/// Where everything goes that is downloaded or built for the clients.
fn installed(name: &str) -> PathBuf {
    places::target().join("interop/installed").join(name)
}

fn script(python: impl Into<OsString>, client: &str, file: &str) -> Command {
    let mut command = Command::new(python.into());
    command.env("PYTHONPATH", sources("")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(sources(client).join(file));
    command
}

fn java(client: &str, kafka_clients: &str, file: &str) -> Result<Command> {
    let mut command = Command::new("java");
    command.env("CLASSPATH", jars(client, "java", Some(kafka_clients))?);
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn").arg(sources("java").join(file));
    Ok(command)
}

/// A virtual environment with the packages of the client's `requirements.txt`; gives its Python.
fn python_packages(client: &str) -> Result<PathBuf> {
    let requirements = sources(client).join("requirements.txt");
    let folder = installed(client);
    let python = folder.join("bin/python");
    once(&folder, &requirements, "", || {
        succeed(quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder)))?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ]);
        succeed(quiet(pip.arg("--requirement").arg(&requirements)))
    })?;
    Ok(python)
}

/// The packages of the client's `package-lock.json`; gives the folder in which Node.js finds them.
fn node_packages(client: &str) -> Result<PathBuf> {
    let folder = installed(client);
    let lock = sources(client).join("package-lock.json");
    once(&folder, &lock, "", || {
        fs::copy(&lock, folder.join("package-lock.json"))?;
        fs::copy(sources(client).join("package.json"), folder.join("package.json"))?;
        let mut npm = Command::new("npm");
        npm.current_dir(&folder)
            .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--cache"])
            .arg(installed("npm"));
        succeed(quiet(&mut npm))
    })?;
    Ok(folder.join("node_modules"))
}

/// The jars that a `pom.xml` asks for, as a class path.
fn jars(client: &str, manifest: &str, kafka_clients: Option<&str>) -> Result<OsString> {
    let pom = sources(manifest).join("pom.xml");
    let folder = installed(client);
    once(&folder, &pom, kafka_clients.unwrap_or_default(), || {
        let mut maven = Command::new("mvn");
        maven
            .args(["--batch-mode", "--quiet"])
            .arg(setting("-Dmaven.repo.local=", &installed("maven")));
        maven
            .arg("--file")
            .arg(&pom)
            .arg("dependency:copy-dependencies")
            .arg(setting("-DoutputDirectory=", &folder));
        maven.args(kafka_clients.map(|version| format!("-Dkafka.version={version}")));
        succeed(quiet(&mut maven))
    })?;
    Ok(folder.join("*").into_os_string())
}

/// The class path of a broker of Apache Kafka.
pub(crate) fn kafka_broker() -> Result<OsString> {
    demand(&["java", "mvn"])?;
    jars("kafka-broker", "kafka-broker", None)
}

fn setting(name: &str, value: &Path) -> OsString {
    let mut setting = OsString::from(name);
    setting.push(value);
    setting
}

/// A program of the Go module; go itself knows whether it has to build it again.
fn go_program(client: &str) -> Result<PathBuf> {
    let program = installed("go").join(client);
    let mut go = Command::new("go");
    go.current_dir(sources("go"))
        .args(["build", "-buildvcs=false", "-modcacherw", "-o"])
        .arg(&program)
        .arg(format!("./{client}"));
    go.env("GOMODCACHE", installed("go/modules")).env("GOCACHE", installed("go/cache"));
    succeed(quiet(&mut go))?;
    Ok(program)
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null())
}

/// Installs into a fresh folder, unless that was done before from the same manifest.
fn once(
    folder: &Path,
    manifest: &Path,
    version: &str,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stamp = folder.join("installed-from");
    let manifest = fs::read_to_string(manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let wanted = format!("{version}\n{manifest}");
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    install()?;
    Ok(fs::write(stamp, wanted)?)
}
