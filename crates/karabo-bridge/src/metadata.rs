use msgpack_numpy_codec::{MapRef, Named, ValueRef};

use crate::header::is;

/// What a bridge tells of a source: where it comes from, and of which train it is. Any of it may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetadataRef<'a>(pub(crate) Place<'a>);

/// Where the versions keep it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place<'a> {
    Nowhere,
    /// A map of its own.
    Map(MapRef<'a>),
    /// Among the properties, with `metadata.` in front: version 2.1.
    Flat(MapRef<'a>),
}

/// In front of flat keys.
pub(crate) const PREFIX: &str = "metadata.";

/// A point in time, to the attosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that a time has")]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00 UTC.
    pub sec: u64,
    /// Attoseconds since then; less than 10^18.
    pub frac: u64,
}

/// Seconds that a double may be off in this millennium, and some.
const PRECISION: f64 = 2e-6;

/// Attoseconds of a second.
const SECOND: u64 = 1_000_000_000_000_000_000;

impl<'a> MetadataRef<'a> {
    /// Names and values, in the order they came in.
    #[must_use]
    pub fn entries(self) -> MetadataEntries<'a> {
        match self.0 {
            Place::Nowhere => MetadataEntries { entries: None, prefix: "" },
            Place::Map(map) => MetadataEntries { entries: Some(map.named()), prefix: "" },
            Place::Flat(map) => MetadataEntries { entries: Some(map.named()), prefix: PREFIX },
        }
    }

    /// The value of the first entry with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<ValueRef<'a>> {
        self.entries().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The source it was taken from.
    #[must_use]
    pub fn source(self) -> Option<&'a str> {
        self.get("source")?.as_str()
    }

    /// The number of the train; servers that know none send 0.
    #[must_use]
    pub fn tid(self) -> Option<u64> {
        self.part("tid")?.0.as_u64()
    }

    /// Seconds since 1970, to about a quarter of a microsecond; see [`time`](Self::time).
    #[must_use]
    pub fn timestamp(self) -> Option<f64> {
        let value = self.get("timestamp")?;
        value.as_f64().or_else(|| value.as_i64().map(|seconds| seconds as f64))
    }

    /// Seconds and attoseconds, whichever way they are spelled (SPEC.md §4); `None` if either is missing or is no such number.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        let (sec, _) = self.part("sec")?;
        let sec = sec.as_u64().or_else(|| decimal(sec.as_bytes()?))?;
        let frac = match self.part("frac")? {
            // The first senders wrote the digits as a number, and lost the zeros in front.
            (value, Form::Nested) => digits(value.as_u64()?),
            (value, Form::Flat) => value.as_u64().or_else(|| self.fraction(sec, value.as_bytes()?)),
        };
        Some(Timestamp { sec, frac: frac.filter(|frac| *frac < SECOND)? })
    }

    /// Digits behind the decimal point. Should a sender have lost zeros in front of them, its `timestamp` tells.
    fn fraction(self, sec: u64, text: &[u8]) -> Option<u64> {
        let (right, left) = (fraction(text)?, decimal(text)?);
        let Some(due) = self.timestamp() else { return Some(right) };
        let agrees = |frac: u64| {
            let off = due - (sec as f64 + frac as f64 / SECOND as f64);
            off.max(-off) < PRECISION
        };
        Some(if !agrees(right) && agrees(left) { left } else { right })
    }

    /// `timestamp.tid` and the like, or what they were before: entries of a map `timestamp`.
    fn part(self, name: &str) -> Option<(ValueRef<'a>, Form)> {
        let flat = self.entries().find(|(key, _)| key.strip_prefix("timestamp.") == Some(name));
        if let Some((_, value)) = flat {
            return Some((value, Form::Flat));
        }
        let Some(ValueRef::Map(map)) = self.get("timestamp") else { return None };
        Some((map.get(name)?, Form::Nested))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Flat,
    Nested,
}

/// Decimal digits, and nothing else.
fn decimal(digits: &[u8]) -> Option<u64> {
    let only = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(digits).ok().filter(|_| only)?.parse().ok()
}

/// Digits behind a decimal point as attoseconds: up to 18 of them, the rest being zeros.
fn fraction(digits: &[u8]) -> Option<u64> {
    let missing = 18_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
    decimal(digits)?.checked_mul(10_u64.checked_pow(missing)?)
}

/// The same of a number that such digits were made into.
fn digits(number: u64) -> Option<u64> {
    let len = number.checked_ilog10().map_or(1, |log| log.saturating_add(1));
    number.checked_mul(10_u64.checked_pow(18_u32.checked_sub(len)?)?)
}

/// Iterator over the entries of a [`MetadataRef`]; keys that are no texts are skipped, and not written again.
#[derive(Clone, Debug)]
pub struct MetadataEntries<'a> {
    entries: Option<Named<'a>>,
    prefix: &'static str,
}

impl<'a> MetadataEntries<'a> {
    /// The next name.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn name(&mut self) -> Option<&'a str> {
        let entries = self.entries.as_mut()?;
        loop {
            let key = entries.key()?;
            let name = if self.prefix.is_empty() { Some(key) } else { key.strip_prefix(self.prefix.as_bytes()) };
            if let Some(name) = name.and_then(name_of) {
                return Some(name);
            }
            entries.pass();
        }
    }
}

impl<'a> Iterator for MetadataEntries<'a> {
    type Item = (&'a str, ValueRef<'a>);

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Self::Item> {
        let name = self.name()?;
        self.entries.as_mut()?.value_into(None, |_, value| Some((name, value)))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(mut self, mut folded: T, mut fold: F) -> T {
        while let (Some(name), Some(entries)) = (self.name(), self.entries.as_mut()) {
            folded = entries.value_into(folded, |folded, value| fold(folded, (name, value)));
        }
        folded
    }
}

/// A name in UTF-8. Those that all bridges send are known without a look at each byte.
#[cfg_attr(not(debug_assertions), inline(always))]
fn name_of(bytes: &[u8]) -> Option<&str> {
    match bytes.len() {
        6 if is(bytes, b"source") => Some("source"),
        9 if is(bytes, b"timestamp") => Some("timestamp"),
        13 if is(bytes, b"timestamp.tid") => Some("timestamp.tid"),
        13 if is(bytes, b"timestamp.sec") => Some("timestamp.sec"),
        14 if is(bytes, b"timestamp.frac") => Some("timestamp.frac"),
        _ => core::str::from_utf8(bytes).ok(),
    }
}
