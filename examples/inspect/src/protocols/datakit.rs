//! DataKit: lines of text.

use core::ops::Range;

use datakit::{Config, DecodeError, DecodeErrorKind, Decoder, Limits, PacketKind, PacketRef};

use crate::dissect::{Capture, Dissect, Fault, Field, FieldIter, Frame, Input, Options, Place, Protocol, Step, Value};
use crate::render::clip;

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "datakit",
    about: "lines of sensors and their server (DataKit 0.1)",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[Capture {
        file: "datakit-conversation.txt",
        about: "the examples of the protocol's own document, both directions",
        bytes: include_bytes!("../../captures/datakit-conversation.txt"),
        ..Capture::PLAIN
    }],
    open: |options| Box::new(Lines { decoder: Decoder::with_config(&config(options)), is_skipping: false }),
};

fn config(options: &Options) -> Config {
    Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(options.max_len))
}

/// Characters of a text in a summary.
const TEXT_LEN: usize = 40;

struct Lines {
    decoder: Decoder,
    /// In a line that was told of as too long.
    is_skipping: bool,
}

impl Dissect for Lines {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        // Of a line that is skipped the decoder sees no more than its end, so that a frame begins where the input does.
        let end = if self.is_skipping { input.bytes.iter().position(|byte| *byte == b'\n') } else { None };
        let bytes = end.and_then(|end| input.bytes.get(..=end)).unwrap_or(input.bytes);
        let mut rest = bytes;
        let found = self.decoder.decode(&mut rest);
        let taken = bytes.get(..bytes.len().saturating_sub(rest.len())).unwrap_or_default();
        match found {
            Some(Ok(packet)) => Step::Frame(frame(packet, taken, input.offset)),
            Some(Err(error)) => {
                self.is_skipping = !taken.ends_with(b"\n");
                let line = taken.strip_suffix(b"\n").unwrap_or(taken);
                Step::Fault(Fault { resume: Some(taken.len() as u64), ..fault(&error, line, input.offset) })
            }
            None if !taken.is_empty() => {
                self.is_skipping = !taken.ends_with(b"\n");
                Step::Skip(taken.len())
            }
            None if input.ended => match self.decoder.finish(rest) {
                Ok(()) => Step::More,
                Err(error) => Step::Fault(fault(&error, rest, input.offset)),
            },
            None => Step::More,
        }
    }
}

/// The packet whose line, newline and all, starts at `offset` in the stream.
fn frame<'a>(packet: PacketRef<'a>, bytes: &'a [u8], offset: u64) -> Frame<'a> {
    let fields = move || -> FieldIter<'a> {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let newline = ("newline", line.len()..bytes.len());
        Box::new(parts(line).into_iter().chain([newline]).map(move |(name, range)| {
            let mut field = text(name, bytes, range, offset);
            match (name, packet) {
                ("timestamp", PacketRef::Data(data)) => {
                    (field.tag, field.value) = ("integer", Value::Int(data.timestamp.into()));
                }
                ("value", PacketRef::Data(data)) => (field.tag, field.value) = ("float", Value::Double(data.value)),
                ("identifier", _) => field.note = note(packet.kind()).into(),
                _ => {}
            }
            field
        }))
    };
    Frame { len: bytes.len(), summary: summary(packet), fields: Box::new(fields) }
}

/// What is wrong with a line, given without its newline, that starts at `offset` in the stream.
fn fault<'a>(error: &DecodeError, line: &'a [u8], offset: u64) -> Fault<'a> {
    let at = usize::try_from(error.offset().saturating_sub(offset)).unwrap_or(line.len());
    let is_cut = matches!(error.kind(), DecodeErrorKind::UnexpectedEnd | DecodeErrorKind::LimitExceeded);
    let fields = move || -> FieldIter<'a> {
        let mut parts = parts(line);
        // The last part of a line that was cut may be cut as well.
        let is_read = |part: &Range<usize>| part.end < at || part.end == at && !part.is_empty() && !is_cut;
        let read = parts.iter().take_while(|(_, part)| is_read(part)).count();
        let rest = parts.get(read).map_or(at, |(_, part)| part.start)..line.len();
        parts.truncate(read);
        if !rest.is_empty() {
            parts.push(("rest", rest));
        }
        Box::new(parts.into_iter().map(move |(name, range)| text(name, line, range, offset)))
    };
    Fault {
        kind: error.kind().to_string(),
        offset: error.offset(),
        what: error.what(),
        // Here the setting is an option.
        message: error.reason().to_string().replace("max_line_len", "max_len"),
        path: Some(format!("line {}, column {}", error.line(), error.column())),
        resume: None,
        fields: Box::new(fields),
    }
}

/// Cuts a line, given without its newline, into what is between the separators, as far as that has names.
fn parts(line: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let separator = |start: usize| {
        let found = line.iter().skip(start).position(|byte| *byte == b'|');
        found.map_or(line.len(), |at| start.saturating_add(at))
    };
    // Where the identifier ends, where the next part would begin, and what is to come.
    let (end, mut start, names): (_, _, &[_]) = if line.starts_with(b">") {
        (1, 1, &["tag", "timestamp", "value"])
    } else {
        let end = separator(0);
        let names: &[_] = match line.get(..end).unwrap_or_default() {
            b"$H" => &["name", "units", "data type", "collection type"],
            b"ACK" => &["UID"],
            b"$P" | b"START" | b"STOP" => &[],
            _ => &[OTHERS],
        };
        (end, end.saturating_add(1), names)
    };
    let mut parts = vec![("identifier", 0..end)];
    for name in names {
        if start > line.len() {
            break;
        }
        let end = if *name == OTHERS { line.len() } else { separator(start) };
        parts.push((name, start..end));
        start = end.saturating_add(1);
    }
    parts
}

/// All fields of a packet that is not known. One part: there may be millions.
const OTHERS: &str = "fields";

/// A part of a line that starts at `offset` in the stream, as it is written.
fn text<'a>(name: &'static str, line: &'a [u8], range: Range<usize>, offset: u64) -> Field<'a> {
    let start = range.start;
    let bytes = line.get(range).unwrap_or_default();
    Field {
        offset: offset.saturating_add(start as u64),
        bytes,
        tag_len: 0,
        depth: 0,
        place: Place::Part(name),
        tag: "text",
        value: Value::Raw(bytes.into()),
        note: "".into(),
        secret: false,
    }
}

/// The packet's name, where the identifier does not tell it.
fn note(kind: PacketKind) -> &'static str {
    match kind {
        PacketKind::Hello => "HELLO",
        PacketKind::Heartbeat => "HEARTBEAT",
        PacketKind::Data => "DATA",
        PacketKind::Ack | PacketKind::Start | PacketKind::Stop => "",
        PacketKind::Unknown | _ => "unknown",
    }
}

fn summary(packet: PacketRef<'_>) -> String {
    let kind = packet.kind();
    let short = |text: &str| clip(format_args!("{text:?}"), TEXT_LEN);
    match packet {
        PacketRef::Hello(hello) if hello.units.is_empty() => format!("{kind} {}", short(hello.name)),
        PacketRef::Hello(hello) => format!("{kind} {} in {}", short(hello.name), short(hello.units)),
        PacketRef::Data(data) => {
            let (tag, value, time) = (short(data.tag), data.value, data.timestamp);
            format!("{kind} {tag} {value:?} at {time} ({})", utc(time))
        }
        PacketRef::Ack(text) | PacketRef::Unknown(text) => format!("{kind} {}", short(text)),
        PacketRef::Heartbeat | PacketRef::Start | PacketRef::Stop | _ => kind.to_string(),
    }
}

/// Where in a year each month starts, when March is the first: the day that leap years have more is then the last.
const MONTHS: [i64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];
/// Days of four hundred years, of the first hundred of these, and of the first four.
const CYCLE: i64 = 146_097;
const CENTURY: i64 = 36_524;
const LEAP: i64 = 1_461;
/// From 1970-01-01 to the start of a cycle, 2000-03-01.
const CYCLE_START: i64 = 11_017;

/// Seconds since 1970 as ISO 8601 has them, by the Gregorian calendar in all years. There is a year 0, and years of other
/// than four digits have a sign.
#[expect(clippy::arithmetic_side_effects, reason = "an i64 of seconds is fewer than 2^47 days")]
pub(super) fn utc(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400) - CYCLE_START, seconds.rem_euclid(86_400));
    let (cycle, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    // The last century, and the last year of four, is the one with a day more.
    let century = (day / CENTURY).min(3);
    let day = day - century * CENTURY;
    let (leap, day) = (day / LEAP, day % LEAP);
    let year = (day / 365).min(3);
    let day = day - year * 365;
    let month = MONTHS.iter().take_while(|start| **start <= day).count();
    let day = day + 1 - MONTHS.get(month - 1).unwrap_or(&0);
    // January and February belong to the year that has begun since.
    let year = 2000 + cycle * 400 + century * 100 + leap * 4 + year + i64::from(month > 10);
    let month = (month + 1) % 12 + 1;
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+05}") };
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The same with the nanoseconds behind the second, as far as they are not 0.
pub(super) fn utc_and_nanos(seconds: i64, nanos: u32) -> String {
    let (date, fraction) = (utc(seconds), format!("{nanos:09}"));
    match fraction.trim_end_matches('0') {
        "" => date,
        fraction => format!("{}.{fraction}Z", date.trim_end_matches('Z')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `datetime`, after a shift by whole cycles of four hundred years into its range.
    #[test]
    fn any_second_has_a_date() {
        for (seconds, date) in [
            (1_459_309_227, "2016-03-30T03:40:27Z"),
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (68_169_600, "1972-02-29T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-2_203_891_200, "1900-03-01T00:00:00Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (-62_167_219_201, "-0001-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "+10000-01-01T00:00:00Z"),
            (i64::MAX, "+292277026596-12-04T15:30:07Z"),
            (i64::MIN, "-292277022657-01-27T08:29:52Z"),
        ] {
            assert_eq!(utc(seconds), date, "{seconds}");
        }
    }

    #[test]
    fn the_days_of_a_cycle_follow_one_another() {
        let mut expected = (2000, 3, 1);
        for day in 0..=CYCLE {
            let (year, month, date) = expected;
            assert_eq!(utc((CYCLE_START + day) * 86_400), format!("{year}-{month:02}-{date:02}T00:00:00Z"));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + i32::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, date) {
                (12, 31) => (year + 1, 1, 1),
                _ if date == days => (year, month + 1, 1),
                _ => (year, month, date + 1),
            };
        }
    }
}
