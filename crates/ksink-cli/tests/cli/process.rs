//! A ksink process of one test, and what it left behind.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ksink_tests::Client;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Nothing on loopback takes this long; a test that waits longer has found a bug.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at what another process does.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A ksink that is about to be started: in a folder of its own, with nothing of the test's environment.
pub(crate) struct Setup {
    folder: TempDir,
    command: Command,
}

/// A process that listens. It is killed when the test is done with it.
pub(crate) struct Ksink {
    folder: TempDir,
    child: Child,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    /// What the process wrote its files into.
    pub(crate) folder: TempDir,
}

/// Waits until `look` finds something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(LOOK_AGAIN);
    }
}

impl Setup {
    pub(crate) fn new(flags: &[&str]) -> Self {
        Self::again(tempfile::tempdir().expect("a folder"), flags)
    }

    /// In the folder of an earlier process.
    pub(crate) fn again(folder: TempDir, flags: &[&str]) -> Self {
        // Where that one listened would mislead whoever waits for this one.
        let _ = fs::remove_file(folder.path().join("port"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_ksink"));
        let file = |name| File::create(folder.path().join(name)).expect("a file");
        command.env_clear().current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(file("stdout")).stderr(file("stderr")).args(flags);
        Self { folder, command }
    }

    pub(crate) fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.command.envs(variables.iter().copied());
        self
    }

    pub(crate) fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    pub(crate) fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Puts a file into the folder that the process runs in.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).expect("a file");
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a server on a free port of loopback, and waits until it listens.
    pub(crate) fn listen(mut self) -> Ksink {
        self.command.args(["--addr", "127.0.0.1:0", "--port-file", "port"]);
        self.start()
    }

    /// Starts a server that says itself where it listens.
    pub(crate) fn start(self) -> Ksink {
        let mut ksink = self.spawn();
        wait_for("the port file", || {
            let ended = ksink.child.try_wait().expect("our child");
            assert!(ended.is_none(), "{ended:?}: {}", ksink.stderr());
            ksink.file("port").is_file().then_some(())
        });
        ksink
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Ended {
        self.spawn().wait()
    }

    fn spawn(mut self) -> Ksink {
        let child = self.command.spawn().expect("ksink was built");
        // Its ends of pipes are closed with the command, so that only the child holds them.
        Ksink { folder: self.folder, child }
    }
}

impl Ksink {
    /// Where it listens, on loopback.
    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    pub(crate) fn port(&self) -> u16 {
        let text = fs::read_to_string(self.file("port")).expect("the port file");
        text.trim_end().parse().expect("a port")
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.addr())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it said so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.file("stderr")).expect("stderr")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is not waited for yet");
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Ends it without a warning, as `kill -9` does.
    pub(crate) fn kill(self) -> TempDir {
        self.signal(Signal::KILL);
        self.wait().folder
    }

    /// Waits until it ends.
    pub(crate) fn wait(mut self) -> Ended {
        let status =
            wait_for("the end of the process", || self.child.try_wait().expect("our child"));
        let stdout = fs::read(self.file("stdout")).expect("stdout");
        let stderr = self.stderr();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        Ended { code: status.code(), stdout, stderr, folder }
    }
}

impl Drop for Ksink {
    fn drop(&mut self) {
        // A child that was waited for is not there any more, which std knows.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
    }

    /// What was written to stdout, as text.
    pub(crate) fn stdout_text(&self) -> &str {
        str::from_utf8(&self.stdout).expect("text")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("the file")
    }

    /// One line on stderr that says so, and this code.
    #[track_caller]
    pub(crate) fn assert_refused(&self, code: i32, says: &[&str]) {
        self.assert_code(code);
        let line = self.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("ksink: "), "{}", self.stderr);
        for says in says {
            assert!(line.contains(says), "{says} is missing: {line}");
        }
    }
}
