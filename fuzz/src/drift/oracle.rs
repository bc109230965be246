//! A reader of the messages of its own, which says exactly where a fault is and in what prost differs (SPEC.md §1).

use drift_proto::DecodeErrorKind as Kind;

pub(super) struct Schema {
    /// As errors have it.
    pub(super) root: &'static str,
    pub(super) fields: &'static [(u64, &'static str, Is)],
}

#[derive(Clone, Copy)]
pub(super) enum Is {
    Varint,
    Fixed32,
    Bytes,
    Text,
    /// Numbers, one by one or one behind the other.
    Numbers,
    One(&'static Schema),
    Many(&'static Schema),
}

use Is::{Bytes, Fixed32, Many, Numbers, One, Text, Varint};

const fn part(fields: &'static [(u64, &'static str, Is)]) -> Schema {
    Schema { root: "", fields }
}

pub(super) static PACKAGE: Schema = Schema {
    root: "package",
    fields: &[
        (1, "id", Varint),
        (2, "source_timestamp", One(&TIMESTAMP)),
        (3, "publish_timestamp", One(&TIMESTAMP)),
        (4, "status", Varint),
        (5, "data", Many(&ANY)),
        (6, "meta", One(&META)),
        (7, "labels", Many(&LABEL)),
    ],
};

static TIMESTAMP: Schema = part(&[(1, "seconds", Varint), (2, "nanos", Varint)]);
static ANY: Schema = part(&[(1, "type_url", Text), (2, "value", Bytes)]);
static LABEL: Schema = part(&[(1, "key", Text), (2, "value", Text)]);

static META: Schema = part(&[
    (1, "type", Varint),
    (2, "time_series_info", One(&TIME_SERIES)),
    (3, "image_info", One(&IMAGE)),
    (4, "scalar_info", One(&SCALARS)),
    (5, "text_info", One(&TEXT)),
    (6, "alignment_info", One(&ALIGNMENT)),
    (7, "wavelet_buffer_info", One(&WAVELET)),
    (8, "typed_data_info", One(&TYPED)),
]);

static TIME_SERIES: Schema = part(&[
    (1, "start_timestamp", One(&TIMESTAMP)),
    (2, "stop_timestamp", One(&TIMESTAMP)),
    (3, "size", Varint),
    (4, "first", Fixed32),
    (5, "last", Fixed32),
    (6, "min", Fixed32),
    (7, "max", Fixed32),
    (8, "mean", Fixed32),
]);

static IMAGE: Schema =
    part(&[(1, "type", Varint), (2, "width", Varint), (3, "height", Varint), (4, "channel_layout", Text)]);
static SCALARS: Schema = part(&[(1, "variables", Many(&NAMED))]);
static TYPED: Schema = part(&[(1, "items", Many(&NAMED))]);
static NAMED: Schema = part(&[(1, "name", Text), (2, "status", Varint)]);
static TEXT: Schema = part(&[(1, "mime_type", Text)]);
static ALIGNMENT: Schema = part(&[(1, "packages", Many(&PACKAGE_INFO))]);
static PACKAGE_INFO: Schema = part(&[(1, "topic", Text), (2, "meta", One(&META))]);

static WAVELET: Schema = part(&[
    (1, "abi_version", Varint),
    (2, "wavelet_type", Varint),
    (3, "decomposition_steps", Varint),
    (4, "float_compression", Varint),
    (15, "no_denoising", One(&NOTHING)),
    (16, "threshold_denoising", One(&THRESHOLD)),
    (17, "partial_denoising", One(&PARTIAL)),
]);

static NOTHING: Schema = part(&[]);
static THRESHOLD: Schema = part(&[(1, "a", Fixed32), (2, "b", Fixed32)]);
static PARTIAL: Schema = part(&[(1, "partial", Fixed32)]);

pub(super) static DATA_PAYLOAD: Schema =
    Schema { root: "data_payload", fields: &[(1, "shape", Numbers), (2, "data", Bytes)] };
pub(super) static TRIGGER: Schema = Schema { root: "trigger_message", fields: &[(2, "timestamp", One(&TIMESTAMP))] };
pub(super) static INTERVAL_TRIGGER: Schema = Schema {
    root: "interval_trigger_message",
    fields: &[(2, "start_timestamp", One(&TIMESTAMP)), (3, "stop_timestamp", One(&TIMESTAMP))],
};
pub(super) static ALIGNED_PACKAGE: Schema =
    Schema { root: "aligned_package", fields: &[(1, "topic_name", Text), (2, "payloads", Many(&DATA_PAYLOAD))] };

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) at: usize,
    pub(super) what: &'static str,
    pub(super) path: String,
}

/// What was met on the way.
#[derive(Default)]
pub(super) struct Met<'a> {
    /// A known field of another wire type. prost refuses these.
    pub(super) wrong_type: bool,
    /// A number with bits beyond 64. prost refuses these.
    pub(super) wide: bool,
    /// Messages in one another, or fields in groups in messages, as deep as prost does not go.
    pub(super) too_deep_for_prost: bool,
    /// The same but for fields that are not known.
    pub(super) known_too_deep_for_prost: bool,
    /// Fields that are not known: how deep, in which field, and all of it.
    pub(super) unknown: Vec<(usize, &'static str, &'a [u8])>,
}

/// What prost has for messages in one another.
const PROST_DEPTH: usize = 100;
/// Most groups in one another that are taken whatever is allowed.
const GROUPS: usize = 100;

pub(super) struct Reader<'a> {
    root: &'a [u8],
    max_depth: usize,
    pub(super) met: Met<'a>,
}

/// What is left of a message, and where it is.
#[derive(Clone, Copy)]
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn skip(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        (self.bytes, self.at) = (rest, self.at + len);
        Some(taken)
    }

    fn end(&self) -> usize {
        self.at + self.bytes.len()
    }
}

/// The message in which something is.
struct Place {
    what: &'static str,
    path: String,
    depth: usize,
}

impl Place {
    fn fault(&self, kind: Kind, at: usize) -> Fault {
        Fault { kind, at, what: self.what, path: self.path.clone() }
    }

    fn of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(root: &'a [u8], max_depth: usize) -> Self {
        Self { root, max_depth, met: Met::default() }
    }

    /// The same message without what is not known, and with numbers as they are usually written.
    pub(super) fn read(&mut self, schema: &'static Schema) -> Result<Vec<u8>, Fault> {
        let place = Place { what: schema.root, path: String::new(), depth: 0 };
        self.message(schema, Rest { bytes: self.root, at: 0 }, &place)
    }

    fn varint(&mut self, rest: &mut Rest<'a>, place: &Place) -> Result<u64, Fault> {
        let start = rest.at;
        let mut value = 0_u128;
        for shift in 0..10 {
            let Some(&[byte]) = rest.skip(1) else { return Err(place.fault(Kind::UnexpectedEnd, rest.end())) };
            value |= u128::from(byte & 0x7f) << (shift * 7);
            if byte < 0x80 {
                self.met.wide |= value > u128::from(u64::MAX);
                return Ok(value as u64);
            }
        }
        Err(place.fault(Kind::InvalidVarint, start))
    }

    fn tag(&mut self, rest: &mut Rest<'a>, place: &Place) -> Result<(u64, u64), Fault> {
        let start = rest.at;
        let tag = self.varint(rest, place)?;
        if !(1..1 << 29).contains(&(tag >> 3)) || tag & 7 > 5 {
            return Err(place.fault(Kind::InvalidTag, start));
        }
        Ok((tag >> 3, tag & 7))
    }

    /// Passes a value; bytes are given back, numbers of either kind as they are.
    fn value(&mut self, kind: u64, rest: &mut Rest<'a>, place: &Place) -> Result<(u64, &'a [u8]), Fault> {
        let len = match kind {
            0 => return Ok((self.varint(rest, place)?, &[])),
            1 => 8,
            2 => self.varint(rest, place)?,
            _ => 4,
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        rest.skip(len).map(|bytes| (0, bytes)).ok_or_else(|| place.fault(Kind::UnexpectedEnd, rest.end()))
    }

    /// What is behind the tag of a group; `level` counts from 1.
    fn group(&mut self, number: u64, level: usize, rest: &mut Rest<'a>, place: &Place, at: usize) -> Result<(), Fault> {
        if level > GROUPS.min(self.max_depth.saturating_sub(place.depth)) {
            return Err(place.fault(Kind::LimitExceeded, at));
        }
        loop {
            if rest.bytes.is_empty() {
                return Err(place.fault(Kind::UnexpectedEnd, rest.end()));
            }
            let start = rest.at;
            let (inner, kind) = self.tag(rest, place)?;
            if kind == 4 {
                return if inner == number { Ok(()) } else { Err(place.fault(Kind::UnexpectedGroupEnd, start)) };
            }
            self.met.too_deep_for_prost |= place.depth + level >= PROST_DEPTH;
            match kind {
                3 => self.group(inner, level + 1, rest, place, start)?,
                kind => drop(self.value(kind, rest, place)?),
            }
        }
    }

    fn message(&mut self, schema: &'static Schema, mut rest: Rest<'a>, place: &Place) -> Result<Vec<u8>, Fault> {
        let mut normal = Vec::new();
        let mut counts = [0_usize; 18];
        while !rest.bytes.is_empty() {
            let start = rest;
            let (number, kind) = self.tag(&mut rest, place)?;
            let known = schema.fields.iter().find(|field| field.0 == number);
            let is_right = known.is_some_and(|(_, _, is)| match is {
                Varint => kind == 0,
                Fixed32 => kind == 5,
                Numbers => kind == 0 || kind == 2,
                Bytes | Text | One(_) | Many(_) => kind == 2,
            });
            let found = match kind {
                3 => {
                    self.group(number, 1, &mut rest, place, start.at)?;
                    None
                }
                4 => return Err(place.fault(Kind::UnexpectedGroupEnd, start.at)),
                kind => Some(self.value(kind, &mut rest, place)?),
            };
            let raw = &start.bytes[..rest.at - start.at];
            let (Some((_, name, is)), Some((value, bytes)), true) = (known, found, is_right) else {
                self.met.wrong_type |= known.is_some();
                self.met.too_deep_for_prost |= place.depth >= PROST_DEPTH;
                self.met.unknown.push((place.depth, place.what, raw));
                continue;
            };
            let content = Rest { bytes, at: rest.at - bytes.len() };
            let inner = |path: String| Place { what: name, path, depth: place.depth + 1 };
            let written = match is {
                Varint => None,
                Fixed32 | Bytes => Some(bytes.to_vec()),
                Text => match std::str::from_utf8(bytes) {
                    Ok(_) => Some(bytes.to_vec()),
                    Err(error) => {
                        return Err(inner(place.of(name)).fault(Kind::InvalidUtf8, content.at + error.valid_up_to()));
                    }
                },
                Numbers if kind == 0 => None,
                Numbers => {
                    let (mut left, place) = (content, inner(place.of(name)));
                    let mut packed = Vec::new();
                    while !left.bytes.is_empty() {
                        let value = self.varint(&mut left, &place)?;
                        prost::encoding::encode_varint(value, &mut packed);
                    }
                    Some(packed)
                }
                One(schema) | Many(schema) => {
                    let count = &mut counts[number as usize];
                    let path = match is {
                        Many(_) => place.of(&format!("{name}[{count}]")),
                        _ => place.of(name),
                    };
                    *count += 1;
                    let inner = inner(path);
                    if inner.depth > self.max_depth {
                        return Err(inner.fault(Kind::LimitExceeded, content.at));
                    }
                    self.met.too_deep_for_prost |= place.depth >= PROST_DEPTH;
                    self.met.known_too_deep_for_prost |= place.depth >= PROST_DEPTH;
                    Some(self.message(schema, content, &inner)?)
                }
            };
            prost::encoding::encode_varint(number << 3 | kind, &mut normal);
            match written {
                None => prost::encoding::encode_varint(value, &mut normal),
                Some(written) => {
                    if kind == 2 {
                        prost::encoding::encode_varint(written.len() as u64, &mut normal);
                    }
                    normal.extend(written);
                }
            }
        }
        Ok(normal)
    }
}
