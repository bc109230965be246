//! A reader of lines that knows nothing but `split` and `parse`, after SPEC.md §1 to §4.

use datakit::{Config, DataRef, DecodeError, DecodeErrorKind, HelloRef, Packet, PacketRef};

/// What a line says by SPEC.md, worked out without the crate.
pub(super) struct Expected<'a> {
    pub(super) bytes: &'a [u8],
    line: u64,
    start: u64,
    result: Result<Packet, (DecodeErrorKind, usize, Option<&'static str>)>,
}

impl Expected<'_> {
    pub(super) fn check(&self, read: &Result<Packet, DecodeError>) {
        match (read, &self.result) {
            (Ok(packet), Ok(expected)) => assert_eq!(packet, expected),
            (Err(error), Err((kind, at, what))) => {
                assert_eq!((error.kind(), error.line()), (*kind, self.line), "{error}");
                assert_eq!((error.column() as usize, error.offset()), (at + 1, self.start + *at as u64), "{error}");
                assert!(*at <= self.bytes.len(), "{error}");
                if let Some(what) = what {
                    assert_eq!(error.what(), *what, "{error}");
                }
                assert!(error.to_string().starts_with(&error.reason().to_string()));
            }
            (read, expected) => panic!("{read:?} against {expected:?} of {:?}", self.bytes.escape_ascii().to_string()),
        }
    }
}

/// The lines of a stream.
pub(super) fn lines<'a>(input: &'a [u8], config: &Config) -> Vec<Expected<'a>> {
    let (mut lines, mut start, max) = (Vec::new(), 0, config.limits.max_line_len);
    for (line, piece) in (1..).zip(input.split_inclusive(|byte| *byte == b'\n')) {
        let end = piece.iter().position(|byte| *byte == b'\n');
        let (bytes, result) = match end {
            _ if end.unwrap_or(piece.len()) > max => {
                (&piece[..=max], Err((DecodeErrorKind::LimitExceeded, max, Some("line"))))
            }
            None => (piece, Err((DecodeErrorKind::UnexpectedEnd, piece.len(), Some("line")))),
            Some(end) => (piece, oracle_line(&piece[..end], config)),
        };
        lines.push(Expected { bytes, line, start, result });
        start += piece.len() as u64;
    }
    lines
}

fn oracle_line(line: &[u8], config: &Config) -> Result<Packet, (DecodeErrorKind, usize, Option<&'static str>)> {
    use DecodeErrorKind as Kind;
    let line = if config.accept_crlf { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let text = std::str::from_utf8(line).map_err(|error| (Kind::InvalidUtf8, error.valid_up_to(), None))?;
    if let Some(at) = text.find('\r') {
        return Err((Kind::CarriageReturn, at, None));
    }
    let mut fields: Vec<(usize, &str)> = Vec::new();
    for field in text.split('|') {
        fields.push((fields.last().map_or(0, |(at, field)| at + field.len() + 1), field));
    }
    let identifier = fields[0].1;
    let names: &[&'static str] = match identifier {
        "" if text.is_empty() => return Err((Kind::EmptyLine, 0, Some("line"))),
        "$H" => &["name", "units", "data type", "collection type"],
        "ACK" => &["UID"],
        "$P" | "START" | "STOP" => &[],
        _ if identifier.starts_with('>') => {
            fields[0] = (1, &identifier[1..]);
            fields.insert(0, (0, ">"));
            &["tag", "timestamp", "value"]
        }
        _ => {
            let letters = identifier.strip_prefix('$').map(|rest| (rest, true)).unwrap_or((identifier, false));
            let is_word =
                |c: char| c.is_ascii_uppercase() || letters.1 && (c.is_ascii_lowercase() || c.is_ascii_digit());
            return if !letters.0.is_empty() && letters.0.chars().all(is_word) {
                Ok(PacketRef::Unknown(text).into_owned())
            } else {
                Err((Kind::UnknownPacket, 0, Some("identifier")))
            };
        }
    };
    let (mut time, mut value) = ((0, 0), 0.0);
    for (index, name) in names.iter().enumerate() {
        let Some((at, field)) = fields.get(index + 1).copied() else {
            return Err((Kind::MissingField, text.len(), Some(name)));
        };
        if field.is_empty() && !matches!(*name, "units" | "data type") {
            return Err((Kind::EmptyField, at, Some(name)));
        }
        match *name {
            "timestamp" => {
                time = oracle_time(field, config).map_err(|(kind, inside)| (kind, at + inside, Some(*name)))?;
            }
            "value" => value = field.parse().map_err(|_| (Kind::InvalidValue, at, Some(*name)))?,
            _ => {}
        }
    }
    if let Some((at, _)) = fields.get(names.len() + 1) {
        return Err((Kind::UnexpectedField, at - 1, Some("line")));
    }
    Ok(match identifier {
        "$H" => PacketRef::Hello(
            HelloRef::new(fields[1].1, fields[2].1).with_data_type(fields[3].1).with_collection_type(fields[4].1),
        ),
        "ACK" => PacketRef::Ack(fields[1].1),
        "$P" => PacketRef::Heartbeat,
        "START" => PacketRef::Start,
        "STOP" => PacketRef::Stop,
        _ => PacketRef::Data(DataRef::new(fields[1].1, time.0, value).with_nanos(time.1)),
    }
    .into_owned())
}

fn oracle_time(field: &str, config: &Config) -> Result<(i64, u32), (DecodeErrorKind, usize)> {
    use DecodeErrorKind as Kind;
    let digits = field.strip_prefix('-').unwrap_or(field);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !fraction.is_none_or(is_number) {
        return Err((Kind::InvalidTimestamp, 0));
    }
    let point = field.find('.').unwrap_or(field.len());
    // A number too large even for this is out of range all the more.
    let whole: i128 = field[..point].parse().map_err(|_| (Kind::TimestampOutOfRange, 0))?;
    i64::try_from(whole).map_err(|_| (Kind::TimestampOutOfRange, 0))?;
    let Some(fraction) = fraction else { return Ok((whole as i64, 0)) };
    if !config.fractional_timestamps {
        return Err((Kind::FractionalTimestamp, point));
    }
    let (fine, finer) = fraction.split_at(fraction.len().min(9));
    let nanos: i128 = format!("{fine:0<9}").parse().expect("nine digits");
    let sum = whole * 1_000_000_000 + if field.starts_with('-') { -nanos } else { nanos };
    let seconds = i64::try_from(sum.div_euclid(1_000_000_000)).map_err(|_| (Kind::TimestampOutOfRange, 0))?;
    // What is wrong with the field stands left of what is wrong with its tenth digit.
    if finer.bytes().any(|digit| digit != b'0') {
        return Err((Kind::TimestampTooFine, point + 10));
    }
    Ok((seconds, sum.rem_euclid(1_000_000_000) as u32))
}
