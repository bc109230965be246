//! What is wrong with parts of a message, once it was shown.

use alloc::collections::VecDeque;

use karabo_bridge::{DecodeError, PartError};

use super::scan::Place;
use crate::dissect::Fault;
use crate::render::{clip, visible};

/// Most faults of a message that are told one by one.
pub(super) const FAULTS: usize = 100;
/// Characters of one-line forms.
const PATH_LEN: usize = 200;

/// A fault in a message that was shown.
pub(super) struct Told {
    kind: String,
    offset: u64,
    what: &'static str,
    message: String,
    path: Option<String>,
}

impl Told {
    pub(super) fn fault<'a>(self) -> Fault<'a> {
        let Self { kind, offset, what, message, path } = self;
        Fault { path, resume: Some(0), ..Fault::new(&kind, offset, what, message) }
    }

    pub(super) fn of(fault: Fault<'_>, part: usize) -> Self {
        let Fault { kind, offset, what, message, path, .. } = fault;
        let path = path.map_or_else(|| format!("part {part}"), |path| format!("part {part}, {path}"));
        Self { kind, offset, what, message, path: Some(path) }
    }

    /// About a message whose parts are at these places behind `offset`.
    pub(super) fn new(error: &DecodeError, places: &[Place], offset: u64) -> Self {
        let start = places.get(error.part()).map_or(0, |place| place.start);
        let offset = offset.saturating_add(start as u64).saturating_add(error.offset());
        let path = (places.len() > 1).then(|| format!("part {}", error.part()));
        let (kind, message) = (error.kind().to_string(), error.reason().to_string());
        Self { kind, offset, what: error.what(), message, path }
    }

    /// All that are lost of a train.
    pub(super) fn all<'a>(
        mut errors: impl Iterator<Item = PartError<'a>>,
        places: &[Place],
        offset: u64,
    ) -> VecDeque<Self> {
        let mut faults: VecDeque<_> =
            errors.by_ref().take(FAULTS).map(|error| Self::of_part(&error, places, offset)).collect();
        let more = errors.count();
        if let Some(last) = faults.back_mut().filter(|_| more > 0) {
            let s = if more == 1 { "" } else { "s" };
            last.message.push_str(&format!("; and {more} more fault{s} in this message"));
        }
        faults
    }

    fn of_part(lost: &PartError<'_>, places: &[Place], offset: u64) -> Self {
        let told = Self::new(&lost.error, places, offset);
        let mut path = told.path.clone().unwrap_or_default();
        let names = [("source", lost.source_name), ("property", lost.path)];
        for (what, name) in names {
            let Some(name) = name else { continue };
            let comma = if path.is_empty() { "" } else { ", " };
            path.push_str(&format!("{comma}{what} {}", quoted(name)));
        }
        Self { path: Some(path).filter(|path| !path.is_empty()), ..told }
    }
}

/// A name in quotes, cut where it is long.
pub(super) fn quoted(name: &str) -> String {
    visible(&clip(format_args!("{name:?}"), PATH_LEN))
}
