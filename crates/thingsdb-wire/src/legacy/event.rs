use core::fmt;

use qpack_codec::{MapRef, ValueRef};

use super::Kind;
use crate::body::{Body, Raw};
use crate::body_error::BodyError;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::package::PackageRef;
use crate::qpack::{INNER, Reader, ValuesRef, copy, fields, once, required, write};

/// What a server tells without being asked (SPEC.md §5). Its ID is 0, which is also an ordinary ID of a request: only the TYPE
/// tells an event from an answer.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::legacy::{EventRef, Job};
///
/// let event = b"\x18\x00\x00\x00\x00\x00\x11\xee\xf6\x81#\x03\x85event\x05\x84jobs\xee\xf4\x83del\x81x";
/// let event = PackageRef::decode(event)?;
/// let EventRef::WatchUpd { id: 3, event: 5, jobs } = EventRef::decode(event).unwrap() else { panic!() };
/// let jobs: Vec<_> = jobs.iter().map(Job::of).collect();
/// assert_eq!(jobs, [Job::Del { name: b"x" }]);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventRef<'a> {
    /// A thing that is watched from now on.
    WatchIni {
        /// Number of the change it is up to.
        event: i64,
        /// One level of it.
        thing: ThingRef<'a>,
    },
    /// A watched thing changed.
    WatchUpd {
        /// Its ID.
        id: i64,
        /// Number of the change.
        event: i64,
        /// What was done, one after the other; see [`Job`].
        jobs: ValuesRef<'a>,
    },
    /// A watched thing is gone.
    WatchDel {
        /// Its ID.
        id: i64,
    },
    /// The node changed its status: `READY`, `AWAY`, `SHUTTING_DOWN`, `OFFLINE` and others.
    NodeStatus(&'a str),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

impl<'a> EventRef<'a> {
    /// Reads a package as a server sends it on its own.
    ///
    /// # Errors
    ///
    /// What the data lacks. Keys in any order and further ones are taken, and jobs are any values.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>) -> Result<Self, BodyError> {
        let mut reader = Reader::new(package.data);
        let (mut id, mut event) = (None, None);
        let read = match Kind(package.kind) {
            Kind::WATCH_INI => {
                let mut thing = None;
                fields(&mut reader, "DATA", |key, reader| {
                    match key {
                        b"event" => once(&mut event, reader, "event", Reader::int)?,
                        b"thing" => once(&mut thing, reader, "thing", ThingRef::read)?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Self::WatchIni { event: required(event, 0, "event")?, thing: required(thing, 0, "thing")? }
            }
            Kind::WATCH_UPD => {
                let mut jobs = None;
                fields(&mut reader, "DATA", |key, reader| {
                    match key {
                        b"#" => once(&mut id, reader, "#", Reader::int)?,
                        b"event" => once(&mut event, reader, "event", Reader::int)?,
                        b"jobs" => once(&mut jobs, reader, "jobs", |reader, what| {
                            reader.array(what)?;
                            ValuesRef::read(reader, what)
                        })?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Self::WatchUpd {
                    id: required(id, 0, "#")?,
                    event: required(event, 0, "event")?,
                    jobs: required(jobs, 0, "jobs")?,
                }
            }
            Kind::WATCH_DEL => {
                fields(&mut reader, "DATA", |key, reader| {
                    if key == b"#" { once(&mut id, reader, "#", Reader::int).map(|()| true) } else { Ok(false) }
                })?;
                Self::WatchDel { id: required(id, 0, "#")? }
            }
            Kind::NODE_STATUS => Self::NodeStatus(reader.str("status")?),
            kind => return Ok(Self::Unknown(kind, Raw(package.data))),
        };
        reader.finish()?;
        Ok(read)
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::WatchIni { .. } => Kind::WATCH_INI,
            Self::WatchUpd { .. } => Kind::WATCH_UPD,
            Self::WatchDel { .. } => Kind::WATCH_DEL,
            Self::NodeStatus(_) => Kind::NODE_STATUS,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::LEGACY`].
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::LEGACY)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::WatchIni { event, thing } => write(kind, limits, |out| {
                out.map(2)?.str("event")?.int(event)?.str("thing")?;
                out.value_ref(ValueRef::Map(thing.map))?.end().map(|_| ())
            }),
            Self::WatchUpd { id, event, jobs } => write(kind, limits, |out| {
                out.map(3)?.str("#")?.int(id)?.str("event")?.int(event)?.str("jobs")?.array(jobs.len())?;
                jobs.write(out)?;
                out.end()?.end().map(|_| ())
            }),
            Self::WatchDel { id } => write(kind, limits, |out| out.map(1)?.str("#")?.int(id)?.end().map(|_| ())),
            Self::NodeStatus(status) => write(kind, limits, |out| out.str(status).map(|_| ())),
            Self::Unknown(_, data) => copy(kind, data.0, limits),
        }
    }
}

/// A thing that is stored: its ID, and its properties, which stay encoded.
///
/// ```
/// use thingsdb_wire::legacy::{ThingRef, ValueRef};
///
/// let thing = ThingRef::decode(b"\xf5\x81#\x04\x81a\x01").unwrap(); // {"#": 4, "a": 1}
/// assert_eq!(thing.id(), 4);
/// assert!(thing.properties().eq([(ValueRef::Raw(b"a"), ValueRef::Int(1))]));
/// assert_eq!(thing.get("a"), Some(ValueRef::Int(1)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ThingRef<'a> {
    id: i64,
    map: MapRef<'a>,
}

impl<'a> ThingRef<'a> {
    /// Reads a map with an ID, `#`.
    ///
    /// # Errors
    ///
    /// If it is not exactly one such map, or is nested deeper than 62, which leaves two for the package around it.
    pub fn decode(data: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::with_config(data, &INNER);
        let thing = Self::read(&mut reader, "thing")?;
        reader.finish()?;
        Ok(thing)
    }

    fn read(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        let mut id = None;
        let start = fields(reader, what, |key, reader| {
            if key == b"#" { once(&mut id, reader, "#", Reader::int).map(|()| true) } else { Ok(false) }
        })?;
        let id = required(id, start, "#")?;
        let map = reader.walked(start).and_then(ValueRef::as_map);
        // Always there: it was read as a map.
        Ok(Self { id, map: required(map, start, what)? })
    }

    /// Its ID.
    #[must_use]
    pub const fn id(self) -> i64 {
        self.id
    }

    /// All of the map, the ID included.
    #[must_use]
    pub const fn as_map(self) -> MapRef<'a> {
        self.map
    }

    /// Names and values, without the ID.
    pub fn properties(self) -> impl Iterator<Item = (ValueRef<'a>, ValueRef<'a>)> + use<'a> {
        self.map.iter().filter(|(name, _)| name.as_raw() != Some(b"#"))
    }

    /// The property with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<ValueRef<'a>> {
        self.map.get(name)
    }
}

impl fmt::Debug for ThingRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ThingRef({}, [{} bytes])", self.id, self.map.as_encoded().len())
    }
}

/// What was done to a thing: a map of one pair. Names are raws as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Job<'a> {
    /// A property has a value. New things come in full.
    Set {
        /// Which.
        name: &'a [u8],
        /// What.
        value: ValueRef<'a>,
    },
    /// A property is gone.
    Del {
        /// Which.
        name: &'a [u8],
    },
    /// Items of an array were replaced.
    Splice {
        /// Of which property.
        name: &'a [u8],
        /// From which on.
        start: i64,
        /// How many went.
        removed: i64,
        /// What came in their place.
        items: ValuesRef<'a>,
    },
    /// Things came into a set.
    Add {
        /// Which.
        name: &'a [u8],
        /// In full.
        things: ValuesRef<'a>,
    },
    /// Things left a set.
    Remove {
        /// Which.
        name: &'a [u8],
        /// Their IDs.
        ids: ValuesRef<'a>,
    },
    /// A property has another name.
    Rename {
        /// The old one.
        from: &'a [u8],
        /// The new one.
        to: &'a [u8],
    },
    /// An array in place of a map: what the server of 2019-09-12 makes of an `add`, whose first eight bytes it loses.
    Damaged(ValueRef<'a>),
    /// Any other, and one of these that has another shape.
    Unknown(ValueRef<'a>),
}

impl<'a> Job<'a> {
    /// The job that a value of a [`WatchUpd`](EventRef::WatchUpd) is.
    #[must_use]
    pub fn of(value: ValueRef<'a>) -> Self {
        match value.as_array() {
            Some(_) => Self::Damaged(value),
            None => Self::typed(value).unwrap_or(Self::Unknown(value)),
        }
    }

    fn typed(value: ValueRef<'a>) -> Option<Self> {
        let (job, what) = pair(value)?;
        if job == b"del" {
            return Some(Self::Del { name: what.as_raw()? });
        }
        let (name, value) = pair(what)?;
        Some(match job {
            b"set" => Self::Set { name, value },
            b"splice" => {
                let ([start, removed, _], items) = counted(value)?;
                Self::Splice { name, start, removed, items }
            }
            b"add" => {
                let ([_], things) = counted(value)?;
                Self::Add { name, things }
            }
            b"remove" => {
                let ([_], ids) = counted(value)?;
                Self::Remove { name, ids }
            }
            b"rename" => Self::Rename { from: name, to: value.as_raw()? },
            _ => return None,
        })
    }
}

/// Key and value of a map that has just these.
fn pair(value: ValueRef<'_>) -> Option<(&[u8], ValueRef<'_>)> {
    let mut entries = value.as_map()?.iter();
    let (key, value) = entries.next()?;
    if entries.next().is_some() { None } else { Some((key.as_raw()?, value)) }
}

/// An array of some numbers, the last of which counts the items that follow.
fn counted<const N: usize>(value: ValueRef<'_>) -> Option<([i64; N], ValuesRef<'_>)> {
    let mut reader = Reader::new(value.as_array()?.as_encoded());
    reader.array("jobs").ok()?;
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = reader.more("jobs").ok()?.then(|| reader.int("jobs").ok())??;
    }
    let items = ValuesRef::read(&mut reader, "jobs").ok()?;
    (numbers.last().copied() == i64::try_from(items.len()).ok()).then_some((numbers, items))
}
