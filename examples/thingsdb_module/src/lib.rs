//! A module for ThingsDB: a child process of a node, asked over its standard input and answering over its standard output.
//!
//! [`serve`] is the loop around [`thingsdb_wire::Server`], the part to copy; what the module does is in [`answer`].
#![expect(clippy::wildcard_enum_match_arm, reason = "what does not matter here is passed over")]

use core::time::Duration;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use thingsdb_wire::module::{DIALECT, ErrorRef, FromModule, Kind, ToModule};
use thingsdb_wire::msgpack::ValuesBuf;
use thingsdb_wire::v1::ErrorCode;
use thingsdb_wire::{Body, CloseReason, Config, PackageRef, PayloadError, Server, ServerEvent};

/// What the module is configured with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Conf {
    /// What an echo begins with.
    #[serde(default)]
    pub prefix: String,
}

/// What is asked, one of these; the node adds keys of its own.
#[derive(Deserialize)]
struct Req<'a> {
    #[serde(borrow)]
    echo: Option<&'a str>,
    sum: Option<Vec<i64>>,
    #[serde(borrow)]
    fail: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Res {
    Echo(String),
    Sum(i64),
}

/// Answers what comes, until the input ends.
///
/// # Errors
///
/// If input or output break, or what comes is no package: nobody can know where the next one begins, and a node starts a module
/// that ended once more.
pub fn serve(mut input: impl Read, mut output: impl Write, log: &mut impl Write) -> io::Result<()> {
    // A module has no deadlines, and so needs no clock.
    const NOW: Duration = Duration::ZERO;
    let mut server = Server::new(&Config::new(&DIALECT), NOW);
    let mut conf = Conf::default();
    let mut buffer = [0; 8192];
    loop {
        let len = input.read(&mut buffer)?;
        if len == 0 {
            server.handle_eof(NOW);
        }
        let mut rest = buffer.get(..len).unwrap_or_default();
        // The machine takes no more than it has room to tell of: answer, then offer what is left.
        loop {
            let taken = server.handle_input(NOW, rest);
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(event) = server.poll_event() {
                match event {
                    ServerEvent::Authenticate(package) => match configure(package.as_ref()) {
                        Ok(new) => {
                            conf = new;
                            server.accept(NOW)?;
                        }
                        Err(error) => {
                            let _ = writeln!(log, "bad configuration: {error}");
                            let (code, message) = (ErrorCode::BAD_DATA, &*error.to_string());
                            let refusal = FromModule::ConfErr(Some(ErrorRef { code, message })).to_body()?;
                            server.deny_with(NOW, refusal)?;
                        }
                    },
                    ServerEvent::Request(package) => {
                        server.answer(NOW, package.id, answer(&conf, package.as_ref())?)?
                    }
                    ServerEvent::Closed(CloseReason::Decode(error)) => return Err(error.into()),
                    ServerEvent::Closed(_) => return Ok(()),
                    other => drop(writeln!(log, "passed over: {other:?}")),
                }
                while let Some(bytes) = server.poll_transmit() {
                    output.write_all(&bytes)?;
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        output.flush()?;
    }
}

fn configure(package: PackageRef<'_>) -> Result<Conf, PayloadError> {
    match ToModule::from(package) {
        ToModule::Conf(data) => data.payload(),
        _ => Ok(Conf::default()),
    }
}

/// What the module does: `{"echo": text}`, `{"sum": [int, ...]}`, or to fail, `{"fail": text}`.
///
/// # Errors
///
/// If the answer is too large.
pub fn answer(conf: &Conf, package: PackageRef<'_>) -> io::Result<Body> {
    let ToModule::Req(data) = ToModule::from(package) else { return error(ErrorCode::BAD_DATA, "no request") };
    let res = match data.payload() {
        Ok(Req { echo: Some(text), .. }) => Res::Echo(format!("{}{text}", conf.prefix)),
        Ok(Req { sum: Some(numbers), .. }) => match numbers.into_iter().try_fold(0_i64, i64::checked_add) {
            Some(sum) => Res::Sum(sum),
            None => return error(ErrorCode::OVERFLOW, "integer overflow"),
        },
        // Codes from -127 to -100 are for modules to choose.
        Ok(Req { fail: Some(why), .. }) => return error(ErrorCode(-101), why),
        Ok(_) => return error(ErrorCode::BAD_DATA, "one of echo, sum and fail is needed"),
        Err(what) => return error(ErrorCode::BAD_DATA, &what.to_string()),
    };
    let mut value = ValuesBuf::new();
    value.push_payload(&res).map_err(io::Error::other)?;
    Ok(Body::new(Kind::RES, value.as_ref().as_bytes().to_vec()))
}

fn error(code: ErrorCode, message: &str) -> io::Result<Body> {
    Ok(FromModule::Err(ErrorRef { code, message }).to_body()?)
}
