//! Starting what is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::clients::Sample;

/// The in-memory server, in a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// While it is open the server runs.
    stdin: Option<ChildStdin>,
    port: u16,
}

impl Server {
    /// Starts it.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the bench server does not start")?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        BufReader::new(stdout(&mut child)?).read_line(&mut line)?;
        let port = line.trim().parse().context("the bench server's port")?;
        Ok(Self { child, stdin, port })
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The base address for streams of so many deltas; see [`crate::server`].
    pub(crate) fn base(&self, pace: &str, deltas: usize) -> String {
        format!("http://127.0.0.1:{}/{pace}/{deltas}", self.port)
    }

    /// The address of its endpoint for embeddings, up to and including `/v1`.
    pub(crate) fn embeddings(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// How many connections were made so far, those of this question included.
    pub(crate) fn connections(&self) -> Result<usize> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.write_all(b"GET /connections HTTP/1.1\r\n\r\n")?;
        // The server closes when it is asked nothing more.
        socket.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let count = answer.lines().last().unwrap_or_default();
        count.parse().context("the bench server's connections")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// What a client is to do; see [`crate::clients`].
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) name: &'static str,
    /// The base address.
    pub(crate) base: String,
    pub(crate) count: usize,
}

/// Runs a client of this binary to its end.
pub(crate) fn client(client: &str, task: &Task) -> Result<Sample> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["client", client]);
    sample(command, task).with_context(|| format!("client {client} {}", task.name))
}

/// Runs a client in any language to its end.
pub(crate) fn sample(mut command: Command, task: &Task) -> Result<Sample> {
    command
        .args([task.name, &task.base, &task.count.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output().context("it does not start")?;
    ensure!(output.status.success(), "it failed: {}", output.status);
    serde_json::from_slice(&output.stdout).context("what it printed")
}

/// A program with nothing of this environment but a home of its own.
pub(crate) fn clean(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .current_dir(home);
    command
}

/// Runs a program to its end: the time from its start to its first byte, and all that it printed.
pub(crate) fn first_byte(command: &mut Command) -> Result<(Duration, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().context("it does not start")?;
    let mut out = stdout(&mut child)?;
    let mut bytes = vec![0];
    let first = out.read_exact(&mut bytes);
    let time = start.elapsed();
    out.read_to_end(&mut bytes)?;
    let output = child.wait_with_output()?;
    if first.is_err() || !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}: {errors}", output.status);
    }
    Ok((time, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Starts a server: the time until it printed its first line, and that line. Then kills it.
pub(crate) fn ready(command: &mut Command, check: impl Fn(&str) -> Result<()>) -> Result<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().context("it does not start")?;
    let mut line = String::new();
    let read = stdout(&mut child).and_then(|out| Ok(BufReader::new(out).read_line(&mut line)?));
    let time = start.elapsed();
    let checked = read.and_then(|_| check(line.trim_end()));
    let _ = child.kill();
    let errors = child.wait_with_output()?.stderr;
    checked.with_context(|| format!("{command:?}: {}", String::from_utf8_lossy(&errors)))?;
    Ok(time)
}

fn stdout(child: &mut Child) -> Result<ChildStdout> {
    child.stdout.take().context("no stdout")
}
