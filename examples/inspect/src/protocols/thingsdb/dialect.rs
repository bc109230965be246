//! Who speaks: what a package may be in each dialect, and which of them its data fits.
#![expect(clippy::wildcard_enum_match_arm, reason = "bodies that are named differ from all the others")]

use core::fmt;

use qpack_codec::ValueRef;
use thingsdb_wire::{
    BodyError, BodyErrorKind, Dialect as Table, FromClient, FromServer, PackageRef, legacy, module, siridb, v1,
};

use super::body::QPACK;
use super::msgpack;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    V1,
    S1,
    S2,
    September,
    Module,
    Siridb,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Qpack,
    Msgpack,
}

const ALL: [Dialect; 6] = [Dialect::V1, Dialect::S1, Dialect::S2, Dialect::September, Dialect::Module, Dialect::Siridb];

impl Dialect {
    /// By the word of the command line.
    pub(super) fn find(word: &str) -> Option<Self> {
        let words = super::PROTOCOL.dialects.iter().zip(ALL);
        words.into_iter().find(|(known, _)| **known == word).map(|(_, dialect)| dialect)
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::V1 => &v1::DIALECT,
            Self::S1 => &legacy::S1,
            Self::S2 => &legacy::S2,
            Self::September => &legacy::SEPTEMBER,
            Self::Module => &module::DIALECT,
            Self::Siridb => &siridb::DIALECT,
        }
    }

    pub(super) const fn format(self) -> Format {
        match self {
            Self::V1 | Self::Module => Format::Msgpack,
            Self::S1 | Self::S2 | Self::September | Self::Siridb => Format::Qpack,
        }
    }

    const fn state(self) -> Option<legacy::State> {
        match self {
            Self::S1 => Some(legacy::State::S1),
            Self::S2 => Some(legacy::State::S2),
            Self::September => Some(legacy::State::September),
            Self::V1 | Self::Module | Self::Siridb => None,
        }
    }

    /// The names of a TYPE from a client and from a server.
    fn names(self, kind: u8) -> (Option<&'static str>, Option<&'static str>) {
        let table = self.table();
        let one = match self {
            // Here the two overlap.
            Self::Siridb => return (siridb::Request(kind).name(), siridb::Answer(kind).name()),
            Self::V1 => v1::Kind(kind).name(),
            Self::Module => module::Kind(kind).name(),
            Self::S1 | Self::S2 | Self::September => self.state().and_then(|state| legacy::Kind(kind).name(state)),
        };
        let (from_client, from_server) = ((table.from_client)(kind), (table.from_server)(kind));
        (one.filter(|_| from_client != FromClient::Unknown), one.filter(|_| from_server != FromServer::Unknown))
    }

    /// Whether a package of this TYPE is there to log in.
    const fn has_secrets(self, kind: u8) -> bool {
        match self {
            Self::V1 | Self::S1 | Self::S2 | Self::September => kind == v1::Kind::AUTH.0,
            Self::Module => false,
            Self::Siridb => kind == siridb::Request::AUTH.0 || kind == siridb::Request::SERVICE.0,
        }
    }
}

/// Some of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialects([bool; ALL.len()]);

impl Dialects {
    pub(super) const ALL: Self = Self([true; ALL.len()]);

    pub(super) fn of(dialect: Dialect) -> Self {
        Self(ALL.map(|one| one == dialect))
    }

    pub(super) fn insert(&mut self, dialect: Dialect) {
        let both = ALL.iter().zip(&mut self.0);
        both.for_each(|(one, is_in)| *is_in |= *one == dialect);
    }

    fn iter(self) -> impl Iterator<Item = Dialect> {
        ALL.into_iter().zip(self.0).filter_map(|(dialect, is_in)| is_in.then_some(dialect))
    }

    /// The highest of their limits.
    pub(super) fn max_data_len(self) -> u32 {
        self.iter().map(|dialect| dialect.table().limits.max_data_len).max().unwrap_or_default()
    }

    pub(super) fn have_secrets(self, kind: u8) -> bool {
        self.iter().any(|dialect| dialect.has_secrets(kind))
    }

    /// Of data whose TYPE has no name, if it can be told.
    pub(super) fn format(self, data: &[u8]) -> Option<Format> {
        let could_be = |format| self.iter().any(|dialect| dialect.format() == format);
        let is_qpack = could_be(Format::Qpack) && ValueRef::decode_with(data, &QPACK).is_ok();
        let is_msgpack = could_be(Format::Msgpack) && msgpack::is_value(data);
        match (is_qpack, is_msgpack) {
            (true, false) => Some(Format::Qpack),
            (false, true) => Some(Format::Msgpack),
            (true, true) | (false, false) => None,
        }
    }

    /// Whether a package is what one of these says, and those it leaves. What is only not excluded decides nothing.
    pub(super) fn narrowed(self, best: &[Reading]) -> (bool, Self) {
        if best.iter().any(|reading| reading.verdict.fault().is_some()) {
            return (false, self);
        }
        let mut left = Self([false; ALL.len()]);
        let fitting = best.iter().filter(|reading| matches!(reading.verdict, Verdict::Fits));
        // An array that is no login is not enough to take logins for something else from then on.
        let fitting = fitting.filter(|reading| reading.name != "SERVICE_DATA" || best.len() > 1);
        fitting.for_each(|reading| left.insert(reading.dialect));
        (true, if left.0.contains(&true) { left } else { self })
    }
}

impl fmt::Display for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.iter().count().saturating_sub(1);
        let mut after_legacy = false;
        for (index, dialect) in self.iter().enumerate() {
            let before = match index {
                0 => "",
                _ if index == last => " or ",
                _ => ", ",
            };
            let name = dialect.table().name;
            // Said once of the three.
            let short = name.strip_prefix("legacy ").filter(|_| after_legacy).unwrap_or(name);
            after_legacy |= dialect.state().is_some();
            write!(f, "{before}{short}")?;
        }
        Ok(())
    }
}

/// What a package may be.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) dialect: Dialect,
    pub(super) direction: &'static str,
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
}

#[derive(Clone)]
pub(super) enum Verdict {
    /// It is just that.
    Fits,
    /// It is read as that, though nobody would send it.
    Odd,
    /// Its data is wrong for that, though it is one value in the format, or is not.
    Faulty(BodyError, bool),
}

impl Verdict {
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Fits => 2,
            Self::Odd => 1,
            Self::Faulty(..) => 0,
        }
    }

    pub(super) const fn fault(&self) -> Option<BodyError> {
        if let Self::Faulty(error, _) = self { Some(*error) } else { None }
    }

    /// How far it is from being true: of faults, those that come last are the nearest.
    pub(super) fn distance(&self) -> (bool, u64) {
        match self {
            Self::Fits | Self::Odd => (false, 0),
            Self::Faulty(error, is_value) => (!is_value, u64::MAX.saturating_sub(error.offset())),
        }
    }
}

impl Reading {
    /// All that a package may be in these dialects: those in which its TYPE has a name.
    pub(super) fn all(package: PackageRef<'_>, dialects: Dialects) -> Vec<Self> {
        let mut readings = Vec::new();
        for dialect in dialects.iter() {
            let (asked, told) = dialect.names(package.kind);
            readings.extend(asked.map(|name| {
                let verdict = verdict(dialect, package, request(dialect, package));
                Self { dialect, direction: "request", name, verdict }
            }));
            readings.extend(told.map(|name| {
                let is_event = (dialect.table().from_server)(package.kind) == FromServer::Event;
                let direction = if is_event { "event" } else { "answer" };
                Self { dialect, direction, name, verdict: verdict(dialect, package, told_body(dialect, package)) }
            }));
        }
        readings
    }

    /// The likeliest of them. What nobody would send is less likely than a mistake, if each dialect has one to offer.
    pub(super) fn best(readings: Vec<Self>) -> Vec<Self> {
        let most = readings.iter().map(|reading| reading.verdict.rank()).max();
        let (best, others): (Vec<_>, Vec<_>) =
            readings.into_iter().partition(|reading| Some(reading.verdict.rank()) == most);
        let is_odd = best
            .iter()
            .all(|odd| matches!(odd.verdict, Verdict::Odd) && others.iter().any(|other| other.dialect == odd.dialect));
        if is_odd && !best.is_empty() { others } else { best }
    }

    pub(super) fn label(&self) -> String {
        format!("{}, {} of {}", self.name, self.direction, self.dialect.table().name)
    }
}

/// From whether it is as usual.
fn verdict(dialect: Dialect, package: PackageRef<'_>, read: Result<bool, BodyError>) -> Verdict {
    match read {
        Ok(true) => Verdict::Fits,
        Ok(false) => Verdict::Odd,
        Err(error) => {
            let is_value = match dialect.format() {
                Format::Qpack => ValueRef::decode_with(package.data, &QPACK).is_ok(),
                Format::Msgpack => msgpack::is_value(package.data),
            };
            Verdict::Faulty(error, is_value && error.kind() != BodyErrorKind::UnexpectedEnd)
        }
    }
}

/// Reads it as from a client; whether it is as clients send it.
fn request(dialect: Dialect, package: PackageRef<'_>) -> Result<bool, BodyError> {
    let is_bare = package.data.is_empty();
    if let Some(state) = dialect.state() {
        return Ok(match legacy::RequestRef::decode(package, state)? {
            legacy::RequestRef::Ping => is_bare,
            // Of September; all that is known is that it is an array.
            legacy::RequestRef::Unknown(..) => value(package)?.as_array().is_some(),
            _ => true,
        });
    }
    Ok(match dialect {
        Dialect::V1 => match v1::RequestRef::decode(package)? {
            v1::RequestRef::Ping => is_bare,
            v1::RequestRef::Watch(_) | v1::RequestRef::Unwatch(_) => is_bare || msgpack::is_value(package.data),
            _ => true,
        },
        Dialect::Module => match module::ToModule::from(package) {
            module::ToModule::Conf(data) => data.value().map(|_| true)?,
            module::ToModule::Req(data) => data.value()?.is_map(),
            _ => true,
        },
        Dialect::Siridb => match siridb::RequestRef::decode(package)? {
            siridb::RequestRef::Insert(data) => {
                let points = data.value()?;
                points.as_map().is_some() || points.as_array().is_some()
            }
            siridb::RequestRef::Query { .. }
            | siridb::RequestRef::Auth(_)
            | siridb::RequestRef::RegisterServer { .. }
            | siridb::RequestRef::Service(_) => true,
            _ => is_bare,
        },
        Dialect::S1 | Dialect::S2 | Dialect::September => false,
    })
}

/// Reads it as from a server; whether it is as servers send it.
fn told_body(dialect: Dialect, package: PackageRef<'_>) -> Result<bool, BodyError> {
    let is_bare = package.data.is_empty();
    if let Some(state) = dialect.state() {
        if (dialect.table().from_server)(package.kind) == FromServer::Event {
            return legacy::EventRef::decode(package).map(|_| true);
        }
        return Ok(match legacy::AnswerRef::decode(package, state)? {
            legacy::AnswerRef::Query(data) => data.value().map(|_| true)?,
            // In S1 the code repeats the TYPE, unless the user's code raised it.
            legacy::AnswerRef::Error(error) if state == legacy::State::S1 => {
                error.code.0 > 0 || error.code.0.checked_neg() == Some(error.kind.0.into())
            }
            legacy::AnswerRef::Error(error) => error.code.name().is_some() || matches!(error.code.0, -127..=-100),
            _ => is_bare,
        });
    }
    Ok(match dialect {
        Dialect::V1 if (v1::DIALECT.from_server)(package.kind) == FromServer::Event => {
            v1::EventRef::decode(package).map(|_| true)?
        }
        Dialect::V1 => match v1::AnswerRef::decode(package)? {
            v1::AnswerRef::Data(data) => data.value().map(|_| true)?,
            v1::AnswerRef::Error(_) => true,
            _ => is_bare,
        },
        Dialect::Module => match module::FromModule::decode(package)? {
            // Nodes do not look at it; modules send nothing or nil.
            module::FromModule::ConfOk => matches!(package.data, [] | [0xc0]),
            module::FromModule::Res(data) => data.value().map(|_| true)?,
            _ => true,
        },
        Dialect::Siridb => match siridb::AnswerRef::decode(package)? {
            siridb::AnswerRef::Query(data) => data.value()?.as_map().is_some(),
            siridb::AnswerRef::ServiceData(data) => data.value()?.as_array().is_some(),
            siridb::AnswerRef::Insert { .. } | siridb::AnswerRef::File(_) => true,
            siridb::AnswerRef::Error { message, .. } => message.is_some() == matches!(package.kind, 64..=69 | 96),
            siridb::AnswerRef::Unknown(..) => false,
            _ => is_bare,
        },
        Dialect::S1 | Dialect::S2 | Dialect::September => false,
    })
}

fn value(package: PackageRef<'_>) -> Result<ValueRef<'_>, BodyError> {
    legacy::Data::of(package).value()
}
