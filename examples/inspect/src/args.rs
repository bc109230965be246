//! The words of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::dissect::Protocol;
use crate::protocols::{self, PROTOCOLS};

/// What was asked for.
pub(crate) struct Args {
    pub(crate) task: Task,
    pub(crate) is_hex: bool,
    pub(crate) in_json: bool,
    pub(crate) end_closes: bool,
    pub(crate) dialect: Option<&'static str>,
    /// Of messages, and what each is.
    pub(crate) types: Vec<(String, &'static str)>,
    /// Documents that tell what messages hold.
    pub(crate) formats: Vec<PathBuf>,
    pub(crate) max_len: usize,
    pub(crate) show_secrets: bool,
    pub(crate) color: Color,
}

pub(crate) enum Task {
    Help,
    Version,
    /// The captures of all protocols.
    Demo,
    /// A file, or the standard input.
    Show(&'static Protocol, Option<PathBuf>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

const MAX_LEN: usize = 64 << 20;
/// Of a message in a file, so that the largest trains fit, of 1.3 GB: a file cannot hold back what it announces.
const KARABO_MAX_LEN: usize = 2 << 30;

impl Args {
    /// # Errors
    ///
    /// What is wrong with them, in a line.
    pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut args = Self {
            task: Task::Demo,
            is_hex: false,
            in_json: false,
            end_closes: false,
            dialect: None,
            types: Vec::new(),
            formats: Vec::new(),
            max_len: MAX_LEN,
            show_secrets: false,
            color: Color::Auto,
        };
        let mut words = words;
        let mut places: Vec<OsString> = Vec::new();
        let mut named = None;
        let mut types = Vec::new();
        let mut given_len = None;
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if text == "--" {
                places.extend(words);
                break;
            }
            if text == "-" || !text.starts_with('-') {
                places.push(word);
                continue;
            }
            let (name, mut given) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (&*text, None),
            };
            let mut value = || {
                let next = || words.next().map(|word| word.to_string_lossy().into_owned());
                given.take().or_else(next).ok_or_else(|| format!("{name} needs a value"))
            };
            match name {
                "-h" | "--help" => args.task = Task::Help,
                "-V" | "--version" => args.task = Task::Version,
                "--hex" => args.is_hex = true,
                "--json" => args.in_json = true,
                "--end-closes" => args.end_closes = true,
                "--show-secrets" => args.show_secrets = true,
                "--dialect" => named = Some(value()?),
                "--type" => types.push(value()?),
                "--format" => args.formats.push(PathBuf::from(value()?)),
                "--max-len" => given_len = Some(max_len(&value()?)?),
                "--color" => args.color = color(&value()?)?,
                _ => return Err(format!("unknown option {name:?}")),
            }
            if given.is_some() {
                return Err(format!("{name} takes no value"));
            }
        }
        if let Task::Demo = args.task {
            args.task = task(places.into_iter())?;
        }
        args.max_len = given_len.unwrap_or(match &args.task {
            Task::Show(protocol, Some(_)) if protocol.name == "karabo" => KARABO_MAX_LEN,
            Task::Show(..) | Task::Demo | Task::Help | Task::Version => MAX_LEN,
        });
        match args.task {
            Task::Demo if args.is_hex => Err("--hex needs a protocol".to_owned()),
            Task::Demo if args.end_closes => Err("--end-closes needs a protocol".to_owned()),
            Task::Demo if named.is_some() => Err("--dialect needs a protocol".to_owned()),
            Task::Demo if !types.is_empty() => Err("--type needs a protocol".to_owned()),
            Task::Demo if !args.formats.is_empty() => Err("--format needs a protocol".to_owned()),
            Task::Show(protocol, _) if protocol.check_format.is_none() && !args.formats.is_empty() => {
                Err(format!("{} has no data formats", protocol.name))
            }
            Task::Show(protocol, _) => {
                args.types = types.iter().map(|text| message_type(protocol, text)).collect::<Result<_, _>>()?;
                args.dialect = named.map(|named| dialect(protocol, &named)).transpose()?;
                Ok(args)
            }
            Task::Demo | Task::Help | Task::Version => Ok(args),
        }
    }
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut help = HELP_TOP.to_owned();
    for protocol in PROTOCOLS {
        help.push_str(&format!("  {:<16}{}\n", protocol.name, protocol.about));
    }
    help.push_str(HELP_OPTIONS);
    help
}

const HELP_TOP: &str = "\
Shows captured bytes as annotated frames: offset, hex, field name, value.

Usage: inspect [OPTIONS]                   captures that come with the program
       inspect [OPTIONS] PROTOCOL [FILE]   a file, or the standard input

Protocols:
";

const HELP_OPTIONS: &str = "
Options:
  --hex           the input is hex, one input a line; blanks, empty lines and '# …' are passed over
  --json          one JSON object a line: a frame or an error
  --end-closes    the end of an input closes the arrays and maps that are open, as in SiriDB's answers
  --dialect NAME  of thingsdb: v1, s1, s2, september, module, siridb (default: what the packages tell)
  --type NAME=MESSAGE
                  of atlas: what the type NAME in keys is: one of the described ones, or of ParameterDataMessage,
                  ParameterDataBackFillMessage, ParameterSamplesMessage, ParameterSamplesBackFillMessage, EventMessage;
                  may be repeated
  --format FILE   of atlas: a data format, whose id is the name of the file without extension, or what the service
                  makes of it: tells the names of parameters; may be repeated
  --max-len N     most bytes of one frame, and of what is buffered (default 67108864; of karabo with a FILE 2147483648)
  --show-secrets  show passwords and tokens
  --color WHEN    auto (default: on a terminal, unless NO_COLOR is set), always, never
  -h, --help      this text
  -V, --version   the version

Exit status: 0 all decoded, 1 something did not, 2 nothing could be tried: wrong usage, unknown protocol, a file
that cannot be read, empty input, output that cannot be written.
";

fn task(mut places: impl Iterator<Item = OsString>) -> Result<Task, String> {
    let Some(name) = places.next() else { return Ok(Task::Demo) };
    let name = name.to_string_lossy();
    let Some(protocol) = protocols::find(&name) else {
        let known: Vec<_> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
        let hint =
            if name == "-" || std::path::Path::new(&*name).exists() { ", and it comes before the file" } else { "" };
        return Err(format!("unknown protocol {name:?}{hint}; there are: {}", known.join(", ")));
    };
    let file = places.next().filter(|file| file != "-").map(PathBuf::from);
    match places.next() {
        None => Ok(Task::Show(protocol, file)),
        Some(extra) => Err(format!("one file at a time: unexpected {extra:?}")),
    }
}

fn max_len(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(len) if len > 0 => Ok(len),
        _ => Err(format!("--max-len {text:?} is no number of bytes")),
    }
}

fn dialect(protocol: &Protocol, named: &str) -> Result<&'static str, String> {
    if protocol.dialects.is_empty() {
        return Err(format!("{} has no dialects", protocol.name));
    }
    let found = protocol.dialects.iter().find(|known| **known == named);
    found.copied().ok_or_else(|| format!("--dialect {named:?} is none of {}", protocol.dialects.join(", ")))
}

fn message_type(protocol: &Protocol, text: &str) -> Result<(String, &'static str), String> {
    if protocol.messages.is_empty() {
        return Err(format!("{} has no types that could be told", protocol.name));
    }
    let Some((name, message)) = text.rsplit_once('=').filter(|(name, _)| !name.is_empty() && !name.contains(':'))
    else {
        return Err(format!("--type {text:?} is not NAME=MESSAGE, where NAME has no colon"));
    };
    let found = protocol.messages.iter().find(|known| **known == message);
    found
        .map(|message| (name.to_owned(), *message))
        .ok_or_else(|| format!("--type {text:?}: {message:?} is none of {}", protocol.messages.join(", ")))
}

fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => Err(format!("--color {text:?} is none of auto, always, never")),
    }
}
