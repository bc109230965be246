//! ThingsDB and SiriDB: packages with a header of eight bytes, and data in the format of the dialect.

mod body;
mod dialect;
pub(super) mod msgpack;

use alloc::borrow::Cow;

use thingsdb_wire::{DecodeError, DecodeErrorKind, Decoded, HEADER_LEN, Header, Limits, PackageRef};

use self::body::Body;
use self::dialect::{Dialect, Dialects, Reading};
use crate::dissect::{Capture, Dissect, Fault, Field, FieldIter, Fields, Frame, Input, Place, Protocol, Step, Value};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "thingsdb",
    about: "packages of ThingsDB and SiriDB, in any dialect",
    dialects: &["v1", "s1", "s2", "september", "module", "siridb"],
    messages: &[],
    check_format: None,
    captures: &[
        Capture {
            file: "thingsdb-auth.bin",
            about: "the AUTH package of ThingsDB's own protocol text",
            bytes: include_bytes!("../../../captures/thingsdb-auth.bin"),
            ..Capture::PLAIN
        },
        Capture {
            file: "thingsdb-v1.bin",
            about: "a client and a server of 2026, both directions",
            bytes: include_bytes!("../../../captures/thingsdb-v1.bin"),
            ..Capture::PLAIN
        },
    ],
    open: |options| {
        let chosen = options.dialect.and_then(Dialect::find);
        Box::new(Packages {
            max_len: options.max_len,
            dialects: chosen.map_or(Dialects::ALL, Dialects::of),
            // Who was told the dialect is not told it again.
            told: chosen.map(Dialects::of),
        })
    },
};

struct Packages {
    max_len: usize,
    /// Those that all packages so far may belong to.
    dialects: Dialects,
    /// What the reader of the output knows of that.
    told: Option<Dialects>,
}

impl Dissect for Packages {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        let limits = Limits::DEFAULT.with_max_data_len(self.dialects.max_data_len());
        let header = input.bytes.first_chunk().copied().and_then(Header::from_bytes);
        match PackageRef::decode_prefix(input.bytes, &limits) {
            Ok(_) if header.is_some_and(|header| header.len as usize > self.max_len) => self.too_long(input),
            Ok(Decoded::Complete { value, consumed }) => self.package(value, consumed, input),
            Ok(Decoded::Incomplete { .. }) if input.ended && !input.bytes.is_empty() => {
                match PackageRef::decode_with(input.bytes, &limits) {
                    Ok(_) => Step::More,
                    Err(error) => Step::Fault(self.no_package(&error, input)),
                }
            }
            Ok(Decoded::Incomplete { .. }) => Step::More,
            Err(error) => Step::Fault(self.no_package(&error, input)),
        }
    }
}

impl Packages {
    fn package<'a>(&mut self, package: PackageRef<'a>, len: usize, input: Input<'a>) -> Step<'a> {
        let might_hold_secrets = self.dialects.have_secrets(package.kind);
        let readings = Reading::all(package, self.dialects);
        let has_choice = readings.len() > 1;
        let best = Reading::best(readings);
        let (fits, found) = self.dialects.narrowed(&best);
        self.dialects = found;
        let headline = best.iter().min_by_key(|reading| reading.verdict.distance());
        let faulty = headline.and_then(|reading| reading.verdict.fault().map(|error| (reading.clone(), error)));
        let format = headline.map(|reading| reading.dialect.format()).or_else(|| self.dialects.format(package.data));
        let body = Body { data: package.data, offset: input.at(HEADER_LEN), format, might_hold_secrets, fits };
        let head = Head { input, names: names(&best) };
        let fields = {
            let (head, body) = (head.clone(), body);
            move || -> FieldIter<'a> { Box::new(head.clone().fields().chain(body.fields())) }
        };
        match faulty {
            Some((reading, error)) => {
                let message = if has_choice {
                    format!("{}, read as {}", error.reason(), reading.label())
                } else {
                    error.reason().to_owned()
                };
                let offset = input.at(HEADER_LEN).saturating_add(error.offset());
                let fault = Fault::new(&error.kind().to_string(), offset, error.what(), message);
                Step::Fault(Fault { resume: Some(len as u64), fields: Box::new(fields), ..fault })
            }
            None => Step::Frame(Frame { len, summary: self.summary(package, &best), fields: Box::new(fields) }),
        }
    }

    /// What it is, and what was learned of the dialect by it.
    fn summary(&mut self, package: PackageRef<'_>, readings: &[Reading]) -> String {
        let PackageRef { id, kind, data } = package;
        let mut groups = groups(readings).into_iter();
        let mut summary = match groups.next() {
            Some((name, direction, _)) => format!("{direction} {name}"),
            None => format!("type {kind}"),
        };
        let s = if data.len() == 1 { "" } else { "s" };
        summary.push_str(&format!(", id {id}, {} byte{s} of data", data.len()));
        for (name, direction, _) in groups {
            summary.push_str(&format!(", or {direction} {name}"));
        }
        if self.told != Some(self.dialects) {
            self.told = Some(self.dialects);
            summary.push_str(&format!("; {}", self.dialects));
        }
        summary
    }

    /// Where the next package starts is known, so the data is dropped as it comes.
    fn too_long<'a>(&self, input: Input<'a>) -> Step<'a> {
        let header = input.bytes.first_chunk().copied().and_then(Header::from_bytes);
        let len = header.map_or(0, |header| header.len);
        let message = format!("length {len} exceeds max_len {}", self.max_len);
        let whole = u64::from(len).saturating_add(HEADER_LEN as u64);
        let fault = Fault::new("limit_exceeded", input.at(0), "LEN", message);
        Step::Fault(Fault { fields: alone(input), resume: Some(whole), ..fault })
    }

    /// The way on is lost.
    fn no_package<'a>(&self, error: &DecodeError, input: Input<'a>) -> Fault<'a> {
        let message = if error.kind() == DecodeErrorKind::LimitExceeded {
            format!("{}, the most of {}", error.reason(), self.dialects)
        } else {
            error.reason().to_string()
        };
        let offset = input.offset.saturating_add(error.offset());
        Fault { fields: alone(input), ..Fault::new(&error.kind().to_string(), offset, error.what(), message) }
    }
}

/// Readings of one name and direction, and whose they are.
fn groups(readings: &[Reading]) -> Vec<(&'static str, &'static str, Dialects)> {
    let mut groups: Vec<(&'static str, &'static str, Dialects)> = Vec::new();
    for reading in readings {
        match groups.iter_mut().find(|(name, direction, _)| (*name, *direction) == (reading.name, reading.direction)) {
            Some((_, _, dialects)) => dialects.insert(reading.dialect),
            None => groups.push((reading.name, reading.direction, Dialects::of(reading.dialect))),
        }
    }
    groups
}

/// For the TYPE.
fn names(readings: &[Reading]) -> Cow<'static, str> {
    let groups = groups(readings);
    let names: Vec<_> =
        groups.iter().map(|(name, direction, dialects)| format!("{name}, {direction} of {dialects}")).collect();
    names.join("; or ").into()
}

/// The fields of the header and no other.
fn alone(input: Input<'_>) -> Fields<'_> {
    Box::new(move || Box::new(Head { input, names: "".into() }.fields()))
}

#[derive(Clone)]
struct Head<'a> {
    input: Input<'a>,
    /// What the TYPE is called.
    names: Cow<'static, str>,
}

impl<'a> Head<'a> {
    /// None if there is no whole header.
    fn fields(self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let Self { input, names } = self;
        let header = input.bytes.first_chunk::<HEADER_LEN>().copied();
        header.into_iter().flat_map(move |[a, b, c, d, e, f, kind, check]| {
            let fits = check == !kind;
            [
                ("LEN", "u32", 0..4, i128::from(u32::from_le_bytes([a, b, c, d])), "".into()),
                ("ID", "u16", 4..6, i128::from(u16::from_le_bytes([e, f])), "".into()),
                ("TYPE", "u8", 6..7, i128::from(kind), names.clone()),
                ("CHK", "u8", 7..8, i128::from(check), if fits { "TYPE ^ 0xff" } else { "" }.into()),
            ]
            .map(|(name, tag, range, value, note): (_, _, _, _, Cow<'static, str>)| Field {
                offset: input.at(range.start),
                bytes: input.bytes.get(range).unwrap_or_default(),
                tag_len: 0,
                depth: 0,
                place: Place::Part(name),
                tag,
                value: Value::Int(value),
                note,
                secret: false,
            })
        })
    }
}
