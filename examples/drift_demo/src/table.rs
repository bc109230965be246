//! What the core prints of packages.

use drift_proto::{
    DecodeError, InfoRef, IntervalTrigger, ItemRef, Package, PackageRef, PayloadKind, Timestamp, Trigger,
};

/// The columns, with the width of topics.
pub(crate) fn header(width: usize) -> String {
    line(["id", "time", "topic", "status", "kind", "points", "bytes", "latency"], width)
}

/// A package. Latency is the time from when the trigger was published until this was, by the clocks of who did.
pub(crate) fn row(topic: &str, package: PackageRef<'_>, all: &[(String, Package)], width: usize) -> String {
    let id = package.id();
    let (kind, points) = content(package).unwrap_or(("bad payload", None));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    line(
        [
            &id.to_string(),
            &utc(id),
            &printable(topic),
            &package.status().to_string(),
            kind,
            &or_none(points.map(|points| points.to_string())),
            &package.as_bytes().len().to_string(),
            &or_none(latency(package, all)),
        ],
        width,
    )
}

fn line([id, time, topic, status, kind, points, bytes, latency]: [&str; 8], width: usize) -> String {
    format!("{id:<13}  {time:<24}  {topic:<width$}  {status:<16}  {kind:<16}  {points:>6}  {bytes:>6}  {latency:>9}")
}

/// What it carries, and how many points or values that is.
pub(crate) fn content(package: PackageRef<'_>) -> Result<(&'static str, Option<u64>), DecodeError> {
    for any in package.data() {
        if any.unpack::<IntervalTrigger>()?.is_some() {
            return Ok(("interval trigger", None));
        }
        if any.unpack::<Trigger>()?.is_some() {
            return Ok(("trigger", None));
        }
    }
    // All of them, not only the last.
    if package.payloads().try_fold(0_u32, |sum, payload| payload.map(|_| sum.saturating_add(1)))? == 0 {
        return Ok(("-", None));
    }
    let Some(meta) = package.meta() else { return Ok(("unknown", None)) };
    let kind = match meta.payload_kind() {
        PayloadKind::WaveletBuffer => "wavelet buffer",
        PayloadKind::Jpeg => "JPEG",
        PayloadKind::Text => "text",
        PayloadKind::DriftBytes => "typed data",
        PayloadKind::Aligned => "aligned",
        _ => "unknown",
    };
    if let Some(data) = package.typed_data()? {
        let values = data.values().items().fold(0_u64, |sum, item| sum.saturating_add(values(item)));
        return Ok((kind, Some(values)));
    }
    let points = match meta.info() {
        Some(InfoRef::TimeSeries(series)) => Some(series.size),
        Some(InfoRef::Image(image)) => image.width.checked_mul(image.height),
        Some(InfoRef::Scalars(names)) => u64::try_from(names.iter().count()).ok(),
        _ => None,
    };
    Ok((kind, points))
}

fn values(item: ItemRef<'_>) -> u64 {
    u64::try_from(item.len()).unwrap_or(u64::MAX)
}

fn latency(package: PackageRef<'_>, all: &[(String, Package)]) -> Option<String> {
    let published = |package: PackageRef<'_>| package.publish_timestamp().and_then(Timestamp::unix_nanos);
    let is_trigger = |package: &PackageRef<'_>| matches!(content(*package), Ok(("interval trigger" | "trigger", _)));
    let trigger = all.iter().map(|(_, package)| package.as_ref()).find(is_trigger)?;
    let nanos = published(package)?.checked_sub(published(trigger)?)?;
    Some(format!("{:.1} ms", nanos as f64 / 1e6))
}

/// The time that an id is.
#[expect(clippy::arithmetic_side_effects, reason = "days and smaller numbers, from 64 bits of milliseconds")]
fn utc(millis: i64) -> String {
    let (days, millis) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Days since the first of March of year 0, by spans of 400 years: the day that leap years have more is then their last.
    let (era, day) = ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let year = 400 * era + year + i64::from(month > 9);
    let (month, second) = ((month + 2) % 12 + 1, millis / 1000);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}.{:03}Z", second % 60, millis % 1000)
}

/// A topic as a terminal may see it: what a stranger sends never moves the cursor.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\'' | '\\') { out.push(c) } else { out.extend(c.escape_debug()) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against GNU `date -u -d @…`.
    #[test]
    fn ids_are_times() {
        for (millis, due) in [
            (1_630_062_869_443, "2021-08-27T11:14:29.443Z"),
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(millis), due);
        }
        // No overflow at the ends.
        assert!(utc(i64::MAX).ends_with('Z') && utc(i64::MIN).ends_with('Z'));
    }

    #[test]
    fn what_moves_a_cursor_is_spelled_out() {
        assert_eq!(printable("drift/a\u{1b}[2J\nü"), "drift/a\\u{1b}[2J\\nü");
    }
}
