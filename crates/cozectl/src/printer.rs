//! What goes where: data to stdout, everything else to stderr.

use std::env;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use serde::Serialize;

use crate::error::{Failure, Result};

const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Writes the output; made once, and handed to whoever prints.
pub(crate) struct Printer {
    out: BufWriter<Stdout>,
    /// Only data and errors.
    quiet: bool,
    out_is_terminal: bool,
    err_is_terminal: bool,
    colour: bool,
    /// The last line on stdout has no end yet.
    out_open: bool,
    /// The last line on stderr has no end yet.
    err_open: bool,
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        let err_is_terminal = io::stderr().is_terminal();
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            out: BufWriter::new(io::stdout()),
            quiet,
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal,
            colour: err_is_terminal && !no_colour,
            out_open: false,
            err_open: false,
        }
    }

    pub(crate) fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Data, as it is. It may stay in the buffer until [`flush`](Self::flush).
    pub(crate) fn data(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(last) = bytes.last() else {
            return Ok(());
        };
        self.end_err_line();
        self.out_open = *last != b'\n';
        Ok(self.out.write_all(bytes)?)
    }

    /// One line of data, visible at once.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        self.data(text)?;
        self.data("\n")?;
        self.flush()
    }

    /// One value as one line of JSON, visible at once.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.line(&text)
    }

    /// Ends the line of data that stands open, if any.
    pub(crate) fn end_line(&mut self) -> Result<()> {
        if self.out_open {
            self.data("\n")?;
        }
        self.flush()
    }

    /// Makes the data visible.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// A line for people, unless they asked for quiet.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.message(text);
        }
    }

    /// A line for people in any case.
    pub(crate) fn message(&mut self, text: &str) {
        self.end_err_line();
        // A stderr that nobody reads is no reason to stop.
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// A piece of a chain of thought: dimmed, and without a line end of its own.
    pub(crate) fn dim(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let _ = self.out.flush();
        let (on, off) = if self.colour { (DIM, PLAIN) } else { ("", "") };
        let mut err = io::stderr();
        let _ = write!(err, "{on}{text}{off}");
        self.err_open = !text.ends_with('\n');
    }

    /// A prompt, on stderr, without a line end.
    pub(crate) fn prompt(&mut self, text: &str) {
        self.end_err_line();
        let mut err = io::stderr();
        let _ = write!(err, "{text}");
        let _ = err.flush();
    }

    fn end_err_line(&mut self) {
        if std::mem::take(&mut self.err_open) {
            let _ = writeln!(io::stderr());
        }
    }

    /// Why the command failed.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        let lines = failure.lines();
        // A second failure on the way would only hide the first.
        let _ = self.flush();
        if self.out_open && self.out_is_terminal && !lines.is_empty() {
            let _ = self.end_line();
        }
        for line in lines {
            match line.strip_prefix("error:") {
                Some(rest) if self.colour => self.message(&format!("{RED}error:{PLAIN}{rest}")),
                _ => self.message(&line),
            }
        }
    }
}
