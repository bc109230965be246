//! The grammar of complete lines (SPEC.md §1 to §4), in nom's combinators. `fast` reads the common DATA line without it and
//! is held against it in tests.

use core::str;

use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::{char, digit1};
use nom::combinator::{all_consuming, opt, recognize};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::limits::Config;
use crate::packet::{DataRef, HelloRef, PacketRef};

/// Reads a line, given without its `\n`.
pub(crate) fn packet<'a>(line: &'a [u8], config: &Config) -> Result<PacketRef<'a>, DecodeError> {
    let line = match line {
        [text @ .., b'\r'] if config.accept_crlf => text,
        _ => line,
    };
    let text = match str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, field_at(line, at), at));
        }
    };
    if let Some(at) = memchr::memchr(b'\r', line) {
        return Err(DecodeError::new(DecodeErrorKind::CarriageReturn, field_at(line, at), at));
    }
    if text.is_empty() {
        return Err(DecodeError::new(DecodeErrorKind::EmptyLine, Field::Line, 0));
    }
    match any_packet(text, config) {
        Ok((_, packet)) => Ok(packet),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
            Err(DecodeError::new(fault.kind, fault.what, text.len().saturating_sub(fault.left)))
        }
        // No combinator here waits for more.
        Err(nom::Err::Incomplete(_)) => Err(DecodeError::new(DecodeErrorKind::UnexpectedEnd, Field::Line, text.len())),
    }
}

/// What the grammar stumbled over, with `left` bytes to the end of the line.
#[derive(Debug)]
struct Fault {
    left: usize,
    kind: DecodeErrorKind,
    what: Field,
}

/// What nom's own combinators report; whoever calls them and may fail says better what was wrong.
impl ParseError<&str> for Fault {
    fn from_error_kind(input: &str, _: ErrorKind) -> Self {
        Self { left: input.len(), kind: DecodeErrorKind::UnknownPacket, what: Field::Identifier }
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Read<'a, T> = IResult<&'a str, T, Fault>;

fn fault<T>(left: &str, kind: DecodeErrorKind, what: Field) -> Read<'_, T> {
    Err(nom::Err::Failure(Fault { left: left.len(), kind, what }))
}

fn any_packet<'a>(line: &'a str, config: &Config) -> Read<'a, PacketRef<'a>> {
    if let Some(rest) = line.strip_prefix('>') {
        return data(rest, config);
    }
    let (rest, identifier) = take_till(is_separator).parse(line)?;
    let (rest, packet) = match identifier {
        "$H" => hello(rest)?,
        "ACK" => mandatory(Field::Uid).map(PacketRef::Ack).parse(rest)?,
        "$P" => (rest, PacketRef::Heartbeat),
        "START" => (rest, PacketRef::Start),
        "STOP" => (rest, PacketRef::Stop),
        _ if is_identifier(identifier) => ("", PacketRef::Unknown(line)),
        _ => return fault(line, DecodeErrorKind::UnknownPacket, Field::Identifier),
    };
    end(rest, packet)
}

fn hello(rest: &str) -> Read<'_, PacketRef<'_>> {
    (mandatory(Field::Name), text(Field::Units), text(Field::DataType), mandatory(Field::CollectionType))
        .map(|(name, units, data_type, collection_type)| {
            PacketRef::Hello(HelloRef { name, units, data_type, collection_type })
        })
        .parse(rest)
}

/// What follows the `>`: its tag has no separator in front.
fn data<'a>(rest: &'a str, config: &Config) -> Read<'a, PacketRef<'a>> {
    let (after_tag, tag) = take_till(is_separator).parse(rest)?;
    if tag.is_empty() {
        return fault(rest, DecodeErrorKind::EmptyField, Field::Tag);
    }
    let (after_timestamp, written) = mandatory(Field::Timestamp).parse(after_tag)?;
    let (timestamp, nanos) = match timestamp(written, config) {
        Ok(time) => time,
        Err((kind, left)) => {
            let left = after_timestamp.len().saturating_add(left);
            return Err(nom::Err::Failure(Fault { left, kind, what: Field::Timestamp }));
        }
    };
    let (rest, written) = mandatory(Field::Value).parse(after_timestamp)?;
    let Ok(value) = written.parse() else {
        let left = rest.len().saturating_add(written.len());
        return Err(nom::Err::Failure(Fault { left, kind: DecodeErrorKind::InvalidValue, what: Field::Value }));
    };
    end(rest, PacketRef::Data(DataRef { tag, timestamp, nanos, value }))
}

/// Seconds, rounded down, and nanoseconds; or what is wrong, with so many bytes of the field left.
fn timestamp(written: &str, config: &Config) -> Result<(i64, u32), (DecodeErrorKind, usize)> {
    let whole = recognize(pair(opt(char::<_, Fault>('-')), digit1));
    let fraction = opt(preceded(char('.'), digit1));
    let Ok((_, (whole, fraction))) = all_consuming(pair(whole, fraction)).parse(written) else {
        return Err((DecodeErrorKind::InvalidTimestamp, written.len()));
    };
    let Ok(seconds) = whole.parse::<i64>() else {
        return Err((DecodeErrorKind::TimestampOutOfRange, written.len()));
    };
    let Some(fraction) = fraction else { return Ok((seconds, 0)) };
    if !config.fractional_timestamps {
        return Err((DecodeErrorKind::FractionalTimestamp, fraction.len().saturating_add(1)));
    }
    let nanos = fraction.bytes().chain(core::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0_u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0'))));
    let rounds_down = nanos > 0 && whole.starts_with('-');
    let Some(seconds) = seconds.checked_sub(i64::from(rounds_down)) else {
        return Err((DecodeErrorKind::TimestampOutOfRange, written.len()));
    };
    if fraction.bytes().skip(9).any(|digit| digit != b'0') {
        return Err((DecodeErrorKind::TimestampTooFine, fraction.len().saturating_sub(9)));
    }
    Ok((seconds, if rounds_down { 1_000_000_000_u32.saturating_sub(nanos) } else { nanos }))
}

/// `|` and a text, which may be empty.
fn text<'a>(what: Field) -> impl Parser<&'a str, Output = &'a str, Error = Fault> {
    move |rest: &'a str| match preceded(char::<_, Fault>('|'), take_till(is_separator)).parse(rest) {
        Ok(read) => Ok(read),
        Err(_) => fault(rest, DecodeErrorKind::MissingField, what),
    }
}

/// `|` and a text, which may not be empty.
fn mandatory<'a>(what: Field) -> impl Parser<&'a str, Output = &'a str, Error = Fault> {
    move |rest: &'a str| match text(what).parse(rest)? {
        (rest, "") => fault(rest, DecodeErrorKind::EmptyField, what),
        read => Ok(read),
    }
}

fn end<'a>(rest: &'a str, packet: PacketRef<'a>) -> Read<'a, PacketRef<'a>> {
    if rest.is_empty() { Ok((rest, packet)) } else { fault(rest, DecodeErrorKind::UnexpectedField, Field::Line) }
}

fn is_separator(c: char) -> bool {
    c == '|'
}

/// Whether a packet of a later version may begin like this: `$` and letters or digits, or a word in capitals.
pub(crate) fn is_identifier(text: &str) -> bool {
    let dollar = preceded(char::<_, Fault>('$'), take_while1(|c: char| c.is_ascii_alphanumeric()));
    let word = take_while1(|c: char| c.is_ascii_uppercase());
    all_consuming(nom::branch::alt((dollar, word))).parse(text).is_ok()
}

/// Whether a packet of this version begins like this.
pub(crate) fn is_known(identifier: &str) -> bool {
    matches!(identifier, "$H" | "ACK" | "$P" | "START" | "STOP")
}

/// The field around the byte at `at`, for lines that are not text.
#[cold]
fn field_at(line: &[u8], at: usize) -> Field {
    let before = line.get(..at).unwrap_or_default();
    let separators = before.iter().filter(|byte| **byte == b'|').count();
    let identifier = before.split(|byte| *byte == b'|').next().unwrap_or_default();
    let is_data = line.first() == Some(&b'>');
    match (identifier, separators) {
        (_, 0) if is_data && at > 0 => Field::Tag,
        (_, 1) if is_data => Field::Timestamp,
        (_, 2) if is_data => Field::Value,
        (_, 0) => Field::Identifier,
        (b"$H", 1) => Field::Name,
        (b"$H", 2) => Field::Units,
        (b"$H", 3) => Field::DataType,
        (b"$H", 4) => Field::CollectionType,
        (b"ACK", 1) => Field::Uid,
        _ => Field::Line,
    }
}
