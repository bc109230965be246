//! The command as a function.

use alloc::rc::Rc;
use core::fmt;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use crate::args::{self, Args, Color, Task};
use crate::dissect::{Options, Protocol};
use crate::progress::{Progress, Style};
use crate::protocols::PROTOCOLS;
use crate::render::{Json, Render, Text, Total};
use crate::source::Source;
use crate::stream::{Inspection, Trouble};

/// What the command reads and writes.
#[expect(clippy::exhaustive_structs, reason = "made by the program beside this library and by its tests")]
pub struct Console<'a> {
    /// Read where no file is named.
    pub stdin: &'a mut dyn Read,
    /// Frames and errors in the input go here.
    pub stdout: &'a mut dyn Write,
    /// Progress, and why nothing could be tried, go here.
    pub stderr: &'a mut dyn Write,
    /// Whether colours are seen.
    pub stdout_is_terminal: bool,
    /// Whether a line can be written over.
    pub stderr_is_terminal: bool,
    /// Whether `NO_COLOR` is set.
    pub no_color: bool,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

const DECODED: u8 = 0;
const NOT_DECODED: u8 = 1;
const NOT_TRIED: u8 = 2;

/// Runs the command with the words after its name; the exit status.
pub fn run<W: Into<OsString>>(words: impl IntoIterator<Item = W>, console: &mut Console<'_>) -> u8 {
    let args = match Args::parse(words.into_iter().map(Into::into)) {
        Ok(args) => args,
        Err(message) => {
            let _ = writeln!(console.stderr, "inspect: {message}\nTry 'inspect --help'.");
            return NOT_TRIED;
        }
    };
    let in_color = match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => console.stdout_is_terminal && !console.no_color,
    };
    let style = match (console.stdout_is_terminal, console.stderr_is_terminal) {
        (true, true) => Style::None,
        (false, true) => Style::Rewritten,
        (_, false) => Style::Appended,
    };
    let mut job = Job {
        render: match args.in_json {
            true => &mut Json::new(args.show_secrets),
            false => &mut Text::new(in_color, args.show_secrets),
        },
        out: BufWriter::with_capacity(64 << 10, &mut *console.stdout),
        progress: Progress::new(console.stderr, style),
        errors: 0,
    };
    let done = match &args.task {
        Task::Help => job.print(&args::help()),
        Task::Version => job.print(concat!("inspect ", env!("CARGO_PKG_VERSION"), "\n")),
        Task::Demo => job.demo(&args),
        Task::Show(protocol, None) => job.show(protocol, console.stdin, None, "standard input", &args),
        Task::Show(protocol, Some(path)) => job.file(protocol, path, &args),
    };
    let done = done.and_then(|()| job.out.flush().map_err(Failure::Write));
    job.progress.clear();
    match done {
        Ok(()) => {}
        // Who reads has seen enough.
        Err(Failure::Write(error)) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(Failure::Write(error)) => {
            job.progress.say(&format!("cannot write: {error}"));
            return NOT_TRIED;
        }
        Err(Failure::Input(message)) => {
            job.progress.say(&message);
            return NOT_TRIED;
        }
    }
    if job.errors == 0 { DECODED } else { NOT_DECODED }
}

/// Why the command was not done.
enum Failure {
    Write(std::io::Error),
    Input(String),
}

struct Job<'a> {
    render: &'a mut dyn Render,
    out: BufWriter<&'a mut dyn Write>,
    progress: Progress<'a>,
    errors: u64,
}

impl Job<'_> {
    fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(Failure::Write)
    }

    fn demo(&mut self, args: &Args) -> Result<(), Failure> {
        for protocol in PROTOCOLS {
            for capture in protocol.captures {
                self.render.capture(&mut self.out, protocol.name, capture).map_err(Failure::Write)?;
                let options = Options {
                    max_len: args.max_len,
                    end_closes: capture.end_closes,
                    dialect: None,
                    types: capture.types.iter().map(|(name, message)| ((*name).to_owned(), *message)).collect(),
                    formats: capture.formats.iter().map(|(name, text)| ((*name).to_owned(), text.to_vec())).collect(),
                };
                let mut bytes = capture.bytes;
                let mut source = Source::new(&mut bytes, Some(capture.bytes.len() as u64), false);
                self.inspect(protocol, Some(capture.file), options, &mut source, capture.file)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, protocol: &'static Protocol, path: &Path, args: &Args) -> Result<(), Failure> {
        let name = path.display().to_string();
        let mut file = open(path)?;
        let total = file.metadata().ok().filter(|about| about.is_file()).map(|about| about.len());
        self.show(protocol, &mut file, total, &format!("{name:?}"), args)
    }

    fn show(
        &mut self,
        protocol: &'static Protocol,
        reader: &mut dyn Read,
        total: Option<u64>,
        name: &str,
        args: &Args,
    ) -> Result<(), Failure> {
        let options = Options {
            max_len: args.max_len,
            end_closes: args.end_closes,
            dialect: args.dialect,
            types: Rc::from(&*args.types),
            formats: args.formats.iter().map(|path| format(protocol, path)).collect::<Result<_, _>>()?,
        };
        let mut source = Source::new(reader, total, args.is_hex);
        let total = self.inspect(protocol, None, options, &mut source, name)?;
        self.render.total(&mut self.out, protocol.name, &total).map_err(Failure::Write)
    }

    fn inspect(
        &mut self,
        protocol: &'static Protocol,
        capture: Option<&'static str>,
        options: Options,
        source: &mut Source<'_>,
        name: &str,
    ) -> Result<Total, Failure> {
        let Self { render, out, .. } = self;
        let mut inspection = Inspection { protocol, capture, options, render: *render, out, total: Total::default() };
        let done = inspection.run(source, &mut self.progress);
        let total = inspection.total;
        self.errors = self.errors.saturating_add(total.errors);
        match done {
            Ok(true) => Ok(total),
            Ok(false) => Err(Failure::Input(format!("empty input: {name} holds no bytes"))),
            Err(Trouble::Read(error)) => Err(Failure::Input(format!("cannot read {name}: {error}"))),
            Err(Trouble::Write(error)) => Err(Failure::Write(error)),
        }
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    let name = path.display().to_string();
    File::open(path).map_err(|error| {
        let is_missing = error.kind() == ErrorKind::NotFound;
        Failure::Input(if is_missing { format!("no file {name:?}") } else { format!("cannot open {name:?}: {error}") })
    })
}

/// Most bytes of a document of `--format`.
const MAX_FORMAT_LEN: u64 = 64 << 20;

/// A document that tells what messages hold, and its name.
fn format(protocol: &Protocol, path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.display().to_string();
    let mut document = Vec::new();
    let read = open(path)?.take(MAX_FORMAT_LEN.saturating_add(1)).read_to_end(&mut document);
    read.map_err(|error| Failure::Input(format!("cannot read {name:?}: {error}")))?;
    if document.len() as u64 > MAX_FORMAT_LEN {
        return Err(Failure::Input(format!("--format {name:?} is longer than {MAX_FORMAT_LEN} bytes")));
    }
    if let Some(check) = protocol.check_format {
        check(&document).map_err(|why| Failure::Input(format!("--format {name:?} is no data format: {why}")))?;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((stem, document))
}
