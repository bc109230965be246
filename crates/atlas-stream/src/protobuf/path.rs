//! The way down to a byte.

use alloc::string::String;
use core::fmt::Write as _;

use super::Kind;
use crate::telemetry::TelemetryKind;
use crate::wire::Fields;

/// What message the fields are of.
#[derive(Clone, Copy)]
enum Level {
    Top,
    Entry,
    /// Of `ParameterDataValuesWithTimestamps` and `ParameterSampleValuesWithTimestamps`.
    Timed,
    Values,
}

/// The way from the outermost message to what is at `offset`, such as `parameters[3].avg_values`; `is_at_end` for what ends there.
pub(crate) fn path(message: &[u8], offset: usize, is_at_end: bool, kind: Kind) -> String {
    let base = message.as_ptr() as usize;
    let at = |bytes: &[u8]| (bytes.as_ptr() as usize).wrapping_sub(base);
    let mut path = String::new();
    let (mut fields, mut level) = (Fields::new(message), Level::Top);
    while let Some(field) = fields.next() {
        let end = at(field.raw).saturating_add(field.raw.len());
        if end < offset || end == offset && !is_at_end {
            continue;
        }
        let dot = if path.is_empty() { "" } else { "." };
        let inner = super::bytes_of(&field, field.number);
        let Some((name, next)) = step(level, field.number, kind) else { return path };
        // Writing into a text does not fail.
        let _ = match (level, next, inner) {
            (Level::Entry, ..) => Ok(()),
            (Level::Top, Some(_), Some(entry)) => write!(path, "{name}[{}]", super::scattered::signed_key(entry)),
            _ => write!(path, "{dot}{name}"),
        };
        match (next, inner) {
            (Some(next), Some(bytes)) if at(bytes) < offset || is_at_end => {
                (fields, level) = (Fields::new(bytes), next)
            }
            _ => return path,
        }
    }
    path
}

/// The name of a field, and what message it is.
fn step(level: Level, number: u32, kind: Kind) -> Option<(&'static str, Option<Level>)> {
    let Kind::Telemetry(kind) = kind else {
        let names = ["epoch_nanos", "timestamps_nanos", "id", "status", "values"];
        return Some((names.get((number as usize).checked_sub(1)?)?, None));
    };
    let is_data = kind == TelemetryKind::Data;
    Some(match (level, number) {
        (Level::Top, 1) => ("dataFormatId", None),
        (Level::Top, 2) => ("feed", None),
        (Level::Top, 3) if is_data => ("epoch_nanos", None),
        (Level::Top, 4) if is_data => ("timestamps_nanos", None),
        (Level::Top, number) if number == kind.parameters() => ("parameters", Some(Level::Entry)),
        (Level::Entry, 2) => ("", Some(if is_data { Level::Values } else { Level::Timed })),
        (Level::Timed, 1) => ("epoch_nanos", None),
        (Level::Timed, 2) => ("timestamps_nanos", None),
        (Level::Timed, 3) if kind.is_samples() => ("values", None),
        (Level::Timed, 3) => ("values", Some(Level::Values)),
        (Level::Values, 1) => ("statuses", None),
        (Level::Values, 2) => ("min_values", None),
        (Level::Values, 3) => ("max_values", None),
        (Level::Values, 4) => ("avg_values", None),
        (Level::Values, 5) => ("first_values", None),
        _ => return None,
    })
}
