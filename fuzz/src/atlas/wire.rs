//! A reader of protobuf of its own: says whether a message is one, makes it what prost reads of it, and tells where prost would not.

pub(super) struct Schema(pub(super) &'static [(u64, Is)]);

#[derive(Clone, Copy)]
pub(super) enum Is {
    Varint,
    Text,
    /// Packed or not.
    Varints,
    /// The same, of 32 bits, and noted if they are more than those with names.
    Flags,
    /// The same of eight bytes each.
    Doubles,
    Message(&'static Schema),
    /// An entry of the map of parameters.
    Entry(&'static Schema),
}

use Is::{Doubles, Entry, Flags, Message, Text, Varint, Varints};

static VALUES: Schema = Schema(&[(1, Flags), (2, Doubles), (3, Doubles), (4, Doubles), (5, Doubles)]);
static TIMED: Schema = Schema(&[(1, Varint), (2, Varints), (3, Message(&VALUES))]);
static SAMPLES: Schema = Schema(&[(1, Varint), (2, Varints), (3, Doubles)]);
static DATA_ENTRY: Schema = Schema(&[(1, Varint), (2, Message(&VALUES))]);
static TIMED_ENTRY: Schema = Schema(&[(1, Varint), (2, Message(&TIMED))]);
static SAMPLES_ENTRY: Schema = Schema(&[(1, Varint), (2, Message(&SAMPLES))]);

pub(super) static DATA: Schema = Schema(&[(1, Text), (2, Text), (3, Varint), (4, Varints), (5, Entry(&DATA_ENTRY))]);
pub(super) static DATA_BACK_FILL: Schema = Schema(&[(1, Text), (2, Text), (3, Entry(&TIMED_ENTRY))]);
/// Those that come late are the same.
pub(super) static SAMPLES_MESSAGE: Schema = Schema(&[(1, Text), (2, Text), (3, Entry(&SAMPLES_ENTRY))]);
pub(super) static EVENT: Schema = Schema(&[(1, Varint), (2, Varint), (3, Text), (4, Text), (5, Doubles)]);

/// What was met on the way.
#[derive(Default)]
pub(super) struct Reader {
    /// Groups in one another, counted with the messages they are in, that are taken.
    pub(super) max_depth: usize,
    /// There were more.
    pub(super) too_deep: bool,
    /// A known field of another wire type: passed here, and refused by prost.
    pub(super) wrong_type: bool,
    /// The same of a map, whose wire type prost does not look at: it takes what follows for an entry.
    pub(super) wrong_map: bool,
    /// A number with bits beyond 64: dropped here, and refused by prost.
    pub(super) wide: bool,
    /// Flags without a name.
    pub(super) unknown_status: bool,
    /// The keys of entries, in the order they are in.
    pub(super) keys: Vec<i32>,
}

impl Reader {
    pub(super) fn new(max_depth: usize) -> Self {
        Self { max_depth, ..Self::default() }
    }

    /// The message without what is not known or of another type, and with numbers as they are usually written.
    pub(super) fn read(&mut self, schema: &Schema, message: &[u8]) -> Option<Vec<u8>> {
        self.message(schema, message, 1)
    }

    fn varint(&mut self, rest: &mut &[u8]) -> Option<u64> {
        let mut value = 0_u128;
        for shift in 0..10 {
            let byte = *rest.split_off_first()?;
            value |= u128::from(byte & 0x7f) << (shift * 7);
            if byte < 0x80 {
                self.wide |= value > u128::from(u64::MAX);
                return Some(value as u64);
            }
        }
        None
    }

    fn tag(&mut self, rest: &mut &[u8]) -> Option<(u64, u64)> {
        let tag = self.varint(rest)?;
        ((1..1 << 29).contains(&(tag >> 3)) && tag & 7 < 6).then_some((tag >> 3, tag & 7))
    }

    /// A number, and what there is of bytes.
    fn value<'a>(&mut self, kind: u64, rest: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
        Some(match kind {
            0 => (self.varint(rest)?, &[]),
            1 => (0, rest.split_off(..8)?),
            2 => {
                let len = usize::try_from(self.varint(rest)?).ok()?;
                (0, rest.split_off(..len)?)
            }
            _ => (0, rest.split_off(..4)?),
        })
    }

    fn group(&mut self, number: u64, rest: &mut &[u8], level: usize) -> Option<()> {
        if level >= self.max_depth {
            self.too_deep = true;
            return None;
        }
        loop {
            match self.tag(rest)? {
                (other, 4) => return (other == number).then_some(()),
                (inner, 3) => self.group(inner, rest, level + 1)?,
                (_, kind) => drop(self.value(kind, rest)?),
            }
        }
    }

    fn message(&mut self, schema: &Schema, mut rest: &[u8], level: usize) -> Option<Vec<u8>> {
        let mut normal = Vec::new();
        let rest = &mut rest;
        while !rest.is_empty() {
            let (number, kind) = self.tag(rest)?;
            let known = schema.0.iter().find(|field| field.0 == number).map(|field| field.1);
            let is_right = known.is_some_and(|is| match is {
                Varint => kind == 0,
                Varints | Flags => kind == 0 || kind == 2,
                Doubles => kind == 1 || kind == 2,
                Text | Message(_) | Entry(_) => kind == 2,
            });
            if !is_right {
                self.wrong_type |= known.is_some();
                self.wrong_map |= matches!(known, Some(Entry(_)));
            }
            let (value, bytes) = match kind {
                3 => {
                    self.group(number, rest, level)?;
                    continue;
                }
                4 => return None,
                kind => self.value(kind, rest)?,
            };
            let (Some(is), true) = (known, is_right) else {
                continue;
            };
            let note = |all: &mut bool, value: u64| *all |= matches!(is, Flags) && value as u32 > 255;
            let content = match is {
                Varint | Varints | Flags if kind == 0 => {
                    note(&mut self.unknown_status, value);
                    None
                }
                Doubles if kind == 1 => None,
                Text => Some(std::str::from_utf8(bytes).ok()?.as_bytes().to_vec()),
                Varints | Varint | Flags => {
                    let (mut left, mut packed) = (bytes, Vec::new());
                    while !left.is_empty() {
                        let value = self.varint(&mut left)?;
                        note(&mut self.unknown_status, value);
                        prost::encoding::encode_varint(value, &mut packed);
                    }
                    Some(packed)
                }
                Doubles => (bytes.len() % 8 == 0).then(|| Some(bytes.to_vec()))?,
                Message(schema) => Some(self.message(schema, bytes, level + 1)?),
                Entry(schema) => {
                    let entry = self.message(schema, bytes, level + 1)?;
                    let key = self.key(&entry);
                    self.keys.push(key);
                    Some(entry)
                }
            };
            prost::encoding::encode_varint(number << 3 | kind, &mut normal);
            match content {
                Some(content) => {
                    prost::encoding::encode_varint(content.len() as u64, &mut normal);
                    normal.extend(content);
                }
                None if kind == 0 => prost::encoding::encode_varint(value, &mut normal),
                None => normal.extend(bytes),
            }
        }
        Some(normal)
    }

    /// The key of an entry as it was normalized.
    fn key(&mut self, mut entry: &[u8]) -> i32 {
        let mut key = 0;
        while let Some((number, kind)) = self.tag(&mut entry) {
            let (value, _) = self.value(kind, &mut entry).expect("it was read");
            if number == 1 {
                key = value as i32;
            }
        }
        key
    }
}
