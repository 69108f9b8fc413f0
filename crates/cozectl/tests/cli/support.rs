//! A place of its own for each test, and what a run of the binary left.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Long enough for a busy machine; a command that needs it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const DEMO_BOT: &str = "7500000000000000001";

/// A home directory, which is also the working directory.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The binary, in a clean environment.
    pub(crate) fn raw_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cozectl"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("LANG", "C.UTF-8")
            .current_dir(self.path())
            .stdin(Stdio::null());
        // Windows starts no program without it.
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::from_std(self.raw_command(arguments));
        command.timeout(PATIENCE);
        command
    }

    /// The binary as a client of a server.
    pub(crate) fn client(&self, base: &str, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = self.command(arguments);
        command
            .env("COZE_API_BASE", base)
            .env("COZE_API_TOKEN", "pat_test_0123456789")
            .env("COZE_BOT_ID", DEMO_BOT);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// A command that a hint showed, as somebody pastes it into a shell. The environment names no
    /// server.
    #[cfg(unix)]
    pub(crate) fn paste(&self, command: &str) -> Ran {
        let folder = Path::new(env!("CARGO_BIN_EXE_cozectl")).parent().unwrap();
        let system = std::env::var("PATH").unwrap_or_default();
        let mut shell = assert_cmd::Command::new("sh");
        shell
            .args(["-c", command])
            .env_clear()
            .env("PATH", format!("{}:{system}", folder.display()))
            .env("HOME", self.path())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("LANG", "C.UTF-8")
            .current_dir(self.path())
            .timeout(PATIENCE);
        Ran::of(&mut shell)
    }

    pub(crate) fn run_client(&self, base: &str, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.client(base, arguments))
    }
}

/// How a command ended, and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(command: &mut assert_cmd::Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code, and that each text stands in stderr.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, texts: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in\n{self}");
        }
        assert!(!self.stderr.contains("panicked"), "{self}");
        self
    }

    /// Asserts a normal end with this output.
    #[track_caller]
    pub(crate) fn prints(&self, stdout: &str) -> &Self {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(0), stdout),
            "{self}"
        );
        self
    }

    /// The command that the hint ends with.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn shown_command(&self) -> &str {
        let mut hints = self.stderr.lines().filter(|it| it.starts_with("hint: "));
        let hint = hints
            .next_back()
            .unwrap_or_else(|| panic!("no hint in\n{self}"));
        let at = hint.find("cozectl ");
        &hint[at.unwrap_or_else(|| panic!("no command in\n{self}"))..]
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self
            .code
            .map_or("signal".to_owned(), |code| code.to_string());
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        write!(
            f,
            "exit code: {code}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
        )
    }
}

/// `cozectl serve`, as a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) home: Home,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in(Home::new(), &[])
    }

    /// With a `coze.yaml`.
    pub(crate) fn with_config(config: &str) -> Self {
        let home = Home::new();
        home.write("coze.yaml", config);
        Self::start_in(home, &[])
    }

    pub(crate) fn start_in(home: Home, more: &[&str]) -> Self {
        Self::launch(home, more, Stdio::piped())
    }

    /// With its log in a file, or wherever else.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_logged(home: Home, more: &[&str], log: impl Into<Stdio>) -> Self {
        Self::launch(home, more, log.into())
    }

    fn launch(home: Home, more: &[&str], log: Stdio) -> Self {
        let mut arguments = vec!["serve", "--port", "0", "--data", "server-data"];
        arguments.extend(more);
        let mut child = home
            .raw_command(&arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Some(url) = line.strip_prefix("listening on ") else {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("not ready: {line:?}\n{said}");
        };
        let url = url.trim().to_owned();
        Self { child, url, home }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.home.run_client(&self.url, arguments)
    }

    pub(crate) fn client(&self, arguments: &[&str]) -> assert_cmd::Command {
        self.home.client(&self.url, arguments)
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        send_signal(self.child.id(), name);
    }

    /// Without a word: no chance to write anything down.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal with the system's own `kill`: the standard library has no call for it.
#[cfg(unix)]
pub(crate) fn send_signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// A fixture of the wire crate.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../coze-types/fixtures")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
