//! The command.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;
use thingsdb_client::{Address, Command, Login, Settings, Spoken, run};

const USAGE: &str = "usage: thingsdb_client tcp HOST:PORT | --unix PATH
                       [--dialect v1|legacy] [--user USER] [--password PASSWORD | --token TOKEN] COMMAND
  ping
  query SCOPE CODE [NAME=JSON ...]
  run SCOPE PROCEDURE [JSON ...]
  join SCOPE ROOM [--count EVENTS]
  emit SCOPE ROOM EVENT [JSON ...]
The user is admin unless told; without --password it is $THINGSDB_PASSWORD. A scope is like @thingsdb, @node or //stuff, and a
room an ID or a name. With legacy, join watches a thing by its ID, and there is no emit. Bytes are {\"$bytes\": \"hex\"}.";

fn main() -> ExitCode {
    let password = std::env::var("THINGSDB_PASSWORD").ok();
    let (settings, command) = match arguments(std::env::args().skip(1), password) {
        Ok(arguments) => arguments,
        Err(what) => {
            let _ = writeln!(io::stderr(), "thingsdb_client: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&settings, &command, &mut io::stdout(), &mut io::stderr()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "thingsdb_client: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(
    mut words: impl Iterator<Item = String>,
    mut password: Option<String>,
) -> Result<(Settings, Command), String> {
    let (mut address, mut spoken, mut user, mut token) = (None, Spoken::V1, None, None);
    let name = loop {
        let word = words.next().ok_or("there is no command")?;
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "tcp" => address = Some(Address::Tcp(value()?)),
            #[cfg(unix)]
            "--unix" => address = Some(Address::Unix(value()?.into())),
            "--user" => user = Some(value()?),
            "--password" => password = Some(value()?),
            "--token" => token = Some(value()?),
            "--dialect" => {
                spoken = match &*value()? {
                    "v1" => Spoken::V1,
                    "legacy" => Spoken::Legacy,
                    other => return Err(format!("unknown dialect {other}")),
                }
            }
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ => break word,
        }
    };
    let user = user.unwrap_or_else(|| "admin".into());
    let login = match token {
        Some(token) => Some(Login::Token(token)),
        None => password.map(|password| Login::Password(user, password)),
    };
    let address = address.ok_or("where is the server? tcp HOST:PORT or --unix PATH")?;
    let command = command(&name, words)?;
    if login.is_none() && !matches!(command, Command::Ping) {
        return Err("who asks? --password, --token or $THINGSDB_PASSWORD".into());
    }
    Ok((Settings { address, spoken, login }, command))
}

fn command(name: &str, mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut word = |what| words.next().ok_or_else(|| format!("{name} needs {what}"));
    let command = match name {
        "ping" => Command::Ping,
        "query" => Command::Query { scope: word("a scope")?, code: word("code")?, variables: Vec::new() },
        "run" => Command::Run { scope: word("a scope")?, procedure: word("a procedure")?, args: Vec::new() },
        "join" => Command::Join { scope: word("a scope")?, room: word("a room")?, count: None },
        "emit" => Command::Emit {
            scope: word("a scope")?,
            room: word("a room")?,
            event: word("the name of an event")?,
            args: Vec::new(),
        },
        _ => return Err(format!("unknown command {name}")),
    };
    // What follows.
    match command {
        Command::Query { scope, code, .. } => {
            let variables = words.map(|word| {
                let (name, value) = word.split_once('=').ok_or_else(|| format!("{word} is not NAME=JSON"))?;
                Ok((name.to_owned(), json(value)?))
            });
            Ok(Command::Query { scope, code, variables: variables.collect::<Result<_, String>>()? })
        }
        Command::Run { scope, procedure, .. } => {
            Ok(Command::Run { scope, procedure, args: words.map(|word| json(&word)).collect::<Result<_, _>>()? })
        }
        Command::Emit { scope, room, event, .. } => {
            Ok(Command::Emit { scope, room, event, args: words.map(|word| json(&word)).collect::<Result<_, _>>()? })
        }
        Command::Join { scope, room, .. } => match (words.next().as_deref(), words.next()) {
            (None, _) => Ok(Command::Join { scope, room, count: None }),
            (Some("--count"), Some(count)) => {
                let count = count.parse().map_err(|error| format!("--count {count:?}: {error}"))?;
                Ok(Command::Join { scope, room, count: Some(count) })
            }
            (Some(word), _) => Err(format!("unknown word {word}")),
        },
        Command::Ping => words.next().map_or(Ok(Command::Ping), |word| Err(format!("unknown word {word}"))),
    }
}

fn json(word: &str) -> Result<Value, String> {
    serde_json::from_str(word).map_err(|error| format!("{word:?} is not JSON: {error}"))
}
