//! A ThingsDB client over TCP or a Unix socket, with blocking sockets and nothing but std, in v1 and in the qpack dialect of
//! 2019.
//!
//! [`Connection`] is the loop around [`thingsdb_wire::Client`], the part to copy. [`run`] does one [`Command`] with it;
//! `dialect.rs` makes requests and reads answers, `json.rs` turns values into JSON and back.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what does not matter here is passed over")]

mod connection;
mod dialect;
mod json;

use core::fmt;
use core::time::Duration;
use std::io::{self, Write};
use std::thread;

use serde_json::Value;
use thingsdb_wire::{ClientEvent, CloseReason};

pub use crate::connection::{Address, Connection};
pub use crate::dialect::Spoken;

/// Longest wait between connections.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Where, in what dialect, and who.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// Where the server is.
    pub address: Address,
    /// What it speaks.
    pub spoken: Spoken,
    /// Who asks; without, only [`Command::Ping`] has a chance.
    pub login: Option<Login>,
}

/// Who asks.
#[derive(Clone)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Login {
    /// Name and password.
    Password(String, String),
    /// A token.
    Token(String),
}

/// What to do.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Command {
    /// Ask whether anybody is there.
    Ping,
    /// Run code.
    Query {
        /// Where.
        scope: String,
        /// What.
        code: String,
        /// Variables: v1 only.
        variables: Vec<(String, Value)>,
    },
    /// Run a procedure.
    Run {
        /// Where.
        scope: String,
        /// Its name.
        procedure: String,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// Join a room, or watch a thing in the dialect of 2019, and print what comes.
    Join {
        /// A collection.
        scope: String,
        /// ID or name of the room, or ID of the thing.
        room: String,
        /// How many emitted events, or changes, to wait for; without, there is no end.
        count: Option<u64>,
    },
    /// Send an event to all in a room: v1 only.
    Emit {
        /// A collection.
        scope: String,
        /// ID or name of the room.
        room: String,
        /// Name of the event.
        event: String,
        /// What goes with it.
        args: Vec<Value>,
    },
}

/// Why a command came to nothing.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Failure {
    /// The command cannot be said in this dialect, or not at all.
    Command(String),
    /// The server said no.
    Refused(String),
    /// The connection broke, or was not to be had. Another one may do better.
    Connection(String),
    /// The result could not be printed.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(what) => f.write_str(what),
            Self::Refused(what) => write!(f, "refused: {what}"),
            Self::Connection(what) => write!(f, "no connection: {what}"),
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

impl From<CloseReason> for Failure {
    fn from(reason: CloseReason) -> Self {
        Self::Connection(match reason {
            CloseReason::Eof => "the server has closed it".into(),
            CloseReason::Decode(error) => error.to_string(),
            CloseReason::KeepAlive => "no sign of life".into(),
            CloseReason::AuthTimeout => "no answer to the authentication".into(),
            _ => "closed".into(),
        })
    }
}

/// The machine does what it is asked as long as the connection lasts.
impl From<thingsdb_wire::Error> for Failure {
    fn from(error: thingsdb_wire::Error) -> Self {
        Self::Command(error.to_string())
    }
}

/// Data that is not what its type says.
impl From<thingsdb_wire::BodyError> for Failure {
    fn from(error: thingsdb_wire::BodyError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Does a command; the result goes to `out` as a line of JSON, and what else there is to say to `log`.
///
/// # Errors
///
/// Why it came to nothing.
pub fn run(settings: &Settings, command: &Command, out: &mut dyn Write, log: &mut dyn Write) -> Result<(), Failure> {
    let request = settings.spoken.request(command)?;
    let mut connection = Connection::new(settings);
    if let Command::Join { count, .. } = command {
        return follow(&mut connection, settings, request, *count, out, log);
    }
    connection.connect()?;
    let answer = connection.ask(request)?;
    print(out, &settings.spoken.answer(&answer)?)?;
    connection.close();
    Ok(())
}

/// Joins, and stays: one connection after the other.
fn follow(
    connection: &mut Connection,
    settings: &Settings,
    request: thingsdb_wire::Body,
    mut count: Option<u64>,
    out: &mut dyn Write,
    log: &mut dyn Write,
) -> Result<(), Failure> {
    // Until it is answered; from then on the machine knows what to join again.
    let mut request = Some(request);
    let mut pause = Duration::from_secs(1);
    loop {
        match stay(connection, settings, &mut request, &mut count, out, log) {
            Ok(()) => {
                connection.close();
                return Ok(());
            }
            Err(Failure::Connection(what)) => {
                if connection.lasted() {
                    pause = Duration::from_secs(1);
                }
                let _ = writeln!(log, "no connection: {what}; next try in {} s", pause.as_secs());
                thread::sleep(pause);
                pause = pause.saturating_mul(2).min(MAX_PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// One connection, from joining to its end.
fn stay(
    connection: &mut Connection,
    settings: &Settings,
    request: &mut Option<thingsdb_wire::Body>,
    count: &mut Option<u64>,
    out: &mut dyn Write,
    log: &mut dyn Write,
) -> Result<(), Failure> {
    connection.connect()?;
    if let Some(body) = request.as_ref() {
        let answer = connection.ask(body.clone())?;
        settings.spoken.joined(&answer)?;
        *request = None;
        let _ = writeln!(log, "joined");
    }
    while *count != Some(0) {
        match connection.next_event()? {
            ClientEvent::Event(package) => {
                let (event, counts) = settings.spoken.event(package.as_ref())?;
                print(out, &event)?;
                if counts {
                    *count = count.map(|count| count.saturating_sub(1));
                }
            }
            ClientEvent::Rejoin(joined) => {
                connection.start(settings.spoken.rejoin(&joined)?)?;
            }
            ClientEvent::Answer { package, .. } => {
                settings.spoken.joined(&package)?;
                let _ = writeln!(log, "joined again");
            }
            ClientEvent::Error { package, .. } => return Err(settings.spoken.refusal(package.as_ref())),
            ClientEvent::TimedOut { .. } => return Err(Failure::Connection("no answer in time".into())),
            _ => {}
        }
    }
    Ok(())
}

fn print(out: &mut dyn Write, value: &Value) -> Result<(), Failure> {
    writeln!(out, "{value}").and_then(|()| out.flush()).map_err(Failure::Output)
}
