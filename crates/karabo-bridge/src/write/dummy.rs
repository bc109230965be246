use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use msgpack_numpy_codec::ValueRef;

use super::ToldRef;

/// The timestamp of sources that have none: a double, and the digits that it prints.
#[derive(Clone, Debug)]
pub(super) struct Dummy {
    seconds: f64,
    sec: String,
    frac: String,
}

/// Digits of a fraction.
const DIGITS: usize = 18;

impl Dummy {
    pub(super) fn new(now: Duration) -> Self {
        let seconds = now.as_secs_f64();
        let text = seconds.to_string();
        let (sec, frac) = text.split_once('.').unwrap_or((&text, "0"));
        let frac = frac.get(..DIGITS).unwrap_or(frac);
        Self { seconds, sec: sec.into(), frac: alloc::format!("{frac:0<DIGITS$}") }
    }

    /// Puts it in, unless there is a timestamp. What is there of it keeps its place.
    pub(super) fn complete<'s>(&'s self, entries: &mut Vec<(&'s str, ToldRef<'s>)>) {
        if entries.iter().any(|(name, _)| *name == "timestamp") {
            return;
        }
        for (name, value) in [
            ("timestamp", ValueRef::F64(self.seconds)),
            ("timestamp.sec", ValueRef::Str(self.sec.as_bytes())),
            ("timestamp.frac", ValueRef::Str(self.frac.as_bytes())),
        ] {
            let value = ToldRef::Value(value);
            match entries.iter_mut().find(|(other, _)| *other == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
        }
    }
}
