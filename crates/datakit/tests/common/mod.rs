//! What the tests of this crate share: the notation of the vectors, a second reader made from SPEC.md with nothing but
//! std, and generators of packets and of lines.

#![allow(dead_code, reason = "each test takes what it needs")]

use bytes::BytesMut;
use datakit::{Config, DataRef, DecodeError, DecodeErrorKind, Decoder, HelloRef, Packet, PacketRef};
use serde_json::{Value as Json, json};
use testkit::Rng;
use testkit::vectors::{hex, text};

/// A packet in plain parts, so that no equality of the crate's own is relied on: values by their bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plain<'a> {
    Hello([&'a str; 4]),
    Ack(&'a str),
    Heartbeat,
    Start,
    Stop,
    Data(&'a str, i64, u32, u64),
    Unknown(&'a str),
}

pub(crate) fn plain(packet: PacketRef<'_>) -> Plain<'_> {
    match packet {
        PacketRef::Hello(hello) => Plain::Hello([hello.name, hello.units, hello.data_type, hello.collection_type]),
        PacketRef::Ack(uid) => Plain::Ack(uid),
        PacketRef::Heartbeat => Plain::Heartbeat,
        PacketRef::Start => Plain::Start,
        PacketRef::Stop => Plain::Stop,
        PacketRef::Data(data) => Plain::Data(data.tag, data.timestamp, data.nanos, data.value.to_bits()),
        PacketRef::Unknown(line) => Plain::Unknown(line),
        other => panic!("a packet nobody knows: {other:?}"),
    }
}

/// What is wrong with a line, and where in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: DecodeErrorKind,
    pub(crate) column: usize,
    pub(crate) what: &'static str,
}

pub(crate) fn fault(error: DecodeError) -> Fault {
    Fault { kind: error.kind(), column: error.column() as usize, what: error.what() }
}

/// A result of the crate's in plain parts.
pub(crate) fn outcome(result: Result<PacketRef<'_>, DecodeError>) -> Result<Plain<'_>, Fault> {
    result.map(plain).map_err(fault)
}

/// What comes out of a stream: what each line was, with its number and the offset of its fault, and what its end gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) lines: Vec<Result<Packet, DecodeError>>,
    pub(crate) end: Result<(), DecodeError>,
    pub(crate) line: u64,
    pub(crate) offset: u64,
}

/// Reads a stream with a [`Decoder`], and makes sure that asking once more changes nothing.
pub(crate) fn read_stream(chunks: &mut dyn Iterator<Item = &[u8]>, config: &Config) -> Told {
    let mut decoder = Decoder::with_config(config);
    let (mut held, mut lines) = (Vec::new(), Vec::new());
    for chunk in chunks {
        held.extend_from_slice(chunk);
        let mut rest = &held[..];
        while let Some(result) = decoder.decode(&mut rest) {
            lines.push(result.map(PacketRef::into_owned));
        }
        let (left, line, offset) = (rest, decoder.line(), decoder.offset());
        assert_eq!(decoder.decode(&mut rest), None);
        assert_eq!((rest, decoder.line(), decoder.offset()), (left, line, offset), "an extra call changes something");
        assert!(rest.len() <= config.limits.max_line_len, "{} bytes are left to be kept", rest.len());
        let consumed = held.len() - rest.len();
        held.drain(..consumed);
    }
    let end = decoder.finish(&held);
    Told { lines, end, line: decoder.line(), offset: decoder.offset() }
}

// The notation of tests/vectors/README.md.

/// The bytes of a vector's line.
pub(crate) fn line(vector: &Json) -> Vec<u8> {
    let mut bytes = match vector.get("hex") {
        Some(_) => hex(text(vector, "hex")),
        None => text(vector, "text").as_bytes().to_vec(),
    };
    if let Some(repeat) = vector.get("repeat") {
        bytes.extend(hex(repeat[0].as_str().unwrap()).repeat(repeat[1].as_u64().unwrap() as usize));
        bytes.extend(hex(text(vector, "end")));
    }
    bytes
}

/// The settings of a vector.
pub(crate) fn settings(vector: &Json) -> Config {
    let mut config = Config::DEFAULT;
    for (name, value) in vector["settings"].as_object().into_iter().flatten() {
        config = match name.as_str() {
            "max_line_len" => config.with_limits(config.limits.with_max_line_len(value.as_u64().unwrap() as usize)),
            "accept_crlf" => config.with_accept_crlf(value.as_bool().unwrap()),
            "fractional_timestamps" => config.with_fractional_timestamps(value.as_bool().unwrap()),
            _ => panic!("no setting is called {name}"),
        };
    }
    config
}

/// The packet of a vector, with what is repeated spelled out.
pub(crate) fn spelled_out(packet: &Json) -> Json {
    let mut packet = packet.clone();
    for field in ["UID", "tag"] {
        if let Some(repeat) = packet.as_object_mut().unwrap().remove(&format!("{field} repeat")) {
            packet[field] = json!(repeat[0].as_str().unwrap().repeat(repeat[1].as_u64().unwrap() as usize));
        }
    }
    packet
}

/// A packet in the notation of the vectors.
pub(crate) fn described(packet: &Plain<'_>) -> Json {
    match packet {
        Plain::Hello([name, units, data_type, collection_type]) => json!({
            "packet": "HELLO", "name": name, "units": units, "data type": data_type, "collection type": collection_type
        }),
        Plain::Ack(uid) => json!({"packet": "ACK", "UID": uid}),
        Plain::Heartbeat => json!({"packet": "HEARTBEAT"}),
        Plain::Start => json!({"packet": "START"}),
        Plain::Stop => json!({"packet": "STOP"}),
        Plain::Data(tag, timestamp, nanos, bits) => json!({
            "packet": "DATA",
            "tag": tag,
            "timestamp": timestamp.to_string(),
            "nanos": nanos,
            "value": format!("{bits:016x}")
        }),
        Plain::Unknown(line) => json!({"packet": "UNKNOWN", "line": line}),
    }
}

/// A result in the notation of the expectations.
pub(crate) fn expectation(result: &Result<Plain<'_>, Fault>) -> Json {
    match result {
        Ok(packet) => json!({"ok": described(packet)}),
        Err(Fault { kind, column, what }) => {
            json!({"error": format!("{kind:?}"), "column": column, "what": what})
        }
    }
}

// A second reader: SPEC.md §1 to §4 in `split` and `parse`.

const HELLO: [(&str, bool); 4] = [("name", true), ("units", false), ("data type", false), ("collection type", true)];

/// Reads a line, given without its `\n`.
pub(crate) fn reference<'a>(line: &'a [u8], config: &Config) -> Result<Plain<'a>, Fault> {
    let max = config.limits.max_line_len;
    if line.len() > max {
        return refuse(DecodeErrorKind::LimitExceeded, max, "line");
    }
    let line = if config.accept_crlf { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let line = match std::str::from_utf8(line) {
        Ok(line) => line,
        Err(error) => {
            let at = error.valid_up_to();
            return refuse(DecodeErrorKind::InvalidUtf8, at, field_of_byte(line, at));
        }
    };
    if let Some(at) = line.find('\r') {
        return refuse(DecodeErrorKind::CarriageReturn, at, field_of_byte(line.as_bytes(), at));
    }
    if line.is_empty() {
        return refuse(DecodeErrorKind::EmptyLine, 0, "line");
    }
    if let Some(behind) = line.strip_prefix('>') {
        return reference_data(line, behind, config);
    }
    let fields: Vec<&str> = line.split('|').collect();
    let take = |names: &[(&'static str, bool)]| -> Result<(), Fault> {
        let mut at = fields[0].len();
        for (index, (name, is_mandatory)) in names.iter().enumerate() {
            let Some(field) = fields.get(index + 1) else {
                return refuse(DecodeErrorKind::MissingField, line.len(), name);
            };
            if field.is_empty() && *is_mandatory {
                return refuse(DecodeErrorKind::EmptyField, at + 1, name);
            }
            at += 1 + field.len();
        }
        if fields.len() > names.len() + 1 { refuse(DecodeErrorKind::UnexpectedField, at, "line") } else { Ok(()) }
    };
    match fields[0] {
        "$H" => take(&HELLO).map(|()| Plain::Hello([fields[1], fields[2], fields[3], fields[4]])),
        "ACK" => take(&[("UID", true)]).map(|()| Plain::Ack(fields[1])),
        "$P" => take(&[]).map(|()| Plain::Heartbeat),
        "START" => take(&[]).map(|()| Plain::Start),
        "STOP" => take(&[]).map(|()| Plain::Stop),
        other => {
            let behind_dollar = other.strip_prefix('$').unwrap_or_default();
            let is_dollar = !behind_dollar.is_empty() && behind_dollar.chars().all(|c| c.is_ascii_alphanumeric());
            let is_word = !other.is_empty() && other.chars().all(|c| c.is_ascii_uppercase());
            if is_dollar || is_word {
                Ok(Plain::Unknown(line))
            } else {
                refuse(DecodeErrorKind::UnknownPacket, 0, "identifier")
            }
        }
    }
}

fn reference_data<'a>(line: &'a str, behind: &'a str, config: &Config) -> Result<Plain<'a>, Fault> {
    let fields: Vec<&str> = behind.split('|').collect();
    let start = |index: usize| 1 + fields[..index].iter().map(|field| field.len() + 1).sum::<usize>();
    let take = |index: usize, name: &'static str| match fields.get(index) {
        None => refuse(DecodeErrorKind::MissingField, line.len(), name),
        Some(&"") => refuse(DecodeErrorKind::EmptyField, start(index), name),
        Some(field) => Ok(*field),
    };
    let tag = take(0, "tag")?;
    let (timestamp, nanos) = reference_timestamp(take(1, "timestamp")?, config.fractional_timestamps)
        .or_else(|(kind, at)| refuse(kind, start(1) + at, "timestamp"))?;
    let value = take(2, "value")?;
    if !is_number(value) {
        return refuse(DecodeErrorKind::InvalidValue, start(2), "value");
    }
    if fields.len() > 3 {
        return refuse(DecodeErrorKind::UnexpectedField, start(3) - 1, "line");
    }
    Ok(Plain::Data(tag, timestamp, nanos, value.parse::<f64>().unwrap().to_bits()))
}

/// In nanoseconds that cannot overflow, divided with the remainder kept positive.
fn reference_timestamp(text: &str, is_fractional: bool) -> Result<(i64, u32), (DecodeErrorKind, usize)> {
    let (sign, unsigned) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(whole, rest)| (whole, Some(rest)));
    if !is_digits(whole) || fraction.is_some_and(|digits| !is_digits(digits)) {
        return Err((DecodeErrorKind::InvalidTimestamp, 0));
    }
    let significant = whole.trim_start_matches('0');
    let out_of_range = (DecodeErrorKind::TimestampOutOfRange, 0);
    if significant.len() > 19 {
        return Err(out_of_range);
    }
    let seconds = sign * format!("0{significant}").parse::<i128>().unwrap();
    i64::try_from(seconds).map_err(|_| out_of_range)?;
    let point = text.len() - fraction.map_or(0, |digits| digits.len() + 1);
    if fraction.is_some() && !is_fractional {
        return Err((DecodeErrorKind::FractionalTimestamp, point));
    }
    let digits = fraction.unwrap_or_default();
    if digits.len() > 9 && digits[9..].contains(|digit| digit != '0') {
        return Err((DecodeErrorKind::TimestampTooFine, point + 10));
    }
    let nanos = format!("{digits:0<9}")[..9].parse::<i128>().unwrap();
    let total = seconds * 1_000_000_000 + sign * nanos;
    let seconds = i64::try_from(total.div_euclid(1_000_000_000)).map_err(|_| out_of_range)?;
    Ok((seconds, total.rem_euclid(1_000_000_000) as u32))
}

/// The texts of values in SPEC.md §3.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return true;
    }
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(front, back)| (front, Some(back)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    is_digits(&[whole, fraction].concat())
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn refuse<T>(kind: DecodeErrorKind, at: usize, what: &'static str) -> Result<T, Fault> {
    Err(Fault { kind, column: at + 1, what })
}

/// The name of the field in which a byte stands.
fn field_of_byte(line: &[u8], at: usize) -> &'static str {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'|').collect();
    let index = line[..at].iter().filter(|byte| **byte == b'|').count();
    let names: &[&str] = match fields[0] {
        [b'>', ..] => &["tag", "timestamp", "value"],
        b"$H" => &["identifier", "name", "units", "data type", "collection type"],
        b"ACK" => &["identifier", "UID"],
        _ => &["identifier"],
    };
    names.get(index).copied().unwrap_or("line")
}

// Generators.

/// Characters around which readers and writers of text are wrong.
const ODD_CHARACTERS: [char; 24] = [
    '\0', '\t', '\u{b}', '\u{c}', '\u{1b}', '\u{1c}', '\u{1e}', ' ', '"', '\'', '\\', '$', '>', '0', 'a', '\u{7f}',
    '\u{85}', '\u{a0}', 'é', '\u{2028}', '\u{2029}', '日', '\u{feff}', '🌡',
];

/// A text that may be written.
pub(crate) fn field(rng: &mut Rng, shortest: usize) -> String {
    (0..shortest + rng.below(9)).map(|_| *rng.choose(&ODD_CHARACTERS)).collect()
}

/// A packet that may be written; with a fraction of a second if that is wanted. NaNs have no payload.
pub(crate) fn packet(rng: &mut Rng, is_fractional: bool) -> Packet {
    match rng.below(12) {
        0 => {
            let texts = [field(rng, 1), field(rng, 0), field(rng, 0), field(rng, 1)];
            let hello = HelloRef::new(&texts[0], &texts[1]).with_data_type(&texts[2]);
            let other = rng.below(2) == 0;
            let hello = if other { hello.with_collection_type(&texts[3]) } else { hello };
            PacketRef::Hello(hello).into_owned()
        }
        1 => Packet::Ack(field(rng, 1)),
        2 => Packet::Heartbeat,
        3 => Packet::Start,
        4 => Packet::Stop,
        5 => {
            let identifier = *rng.choose(&["$Q", "$1", "PAUSE", "X", "$PP", "ACKS"]);
            let fields: String = (0..rng.below(4)).map(|_| format!("|{}", field(rng, 0))).collect();
            Packet::Unknown(format!("{identifier}{fields}"))
        }
        _ => {
            let tag = field(rng, 1);
            let nanos = if is_fractional { rng.below(1_000_000_000) as u32 } else { 0 };
            let data = DataRef::new(&tag, seconds(rng), without_payload(rng.f64())).with_nanos(nanos);
            PacketRef::Data(data).into_owned()
        }
    }
}

pub(crate) fn without_payload(value: f64) -> f64 {
    if value.is_nan() { f64::NAN.copysign(value) } else { value }
}

pub(crate) fn seconds(rng: &mut Rng) -> i64 {
    match rng.below(8) {
        0 => *rng.choose(&[0, -1, 1, i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1]),
        // Of every length.
        1..=3 => (rng.next_u64() as i64) >> rng.below(64),
        _ => 1_459_309_227 + rng.below(1 << 30) as i64,
    }
}

fn digits(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(b'0' + rng.below(10) as u8)).collect()
}

/// A text that is a number, or nearly.
pub(crate) fn number(rng: &mut Rng) -> String {
    let sign = *rng.choose(&["", "", "", "-", "+"]);
    let len = 1 + rng.below(22);
    let unsigned = match rng.below(20) {
        0 => digits(rng, len),
        1 => format!("{}.{}", digits(rng, len), rng.next_u64()),
        2 => format!(".{}", digits(rng, len)),
        3 => format!("{}.", digits(rng, len)),
        4 => rng.f64().abs().to_string(),
        5 => format!("{:e}", rng.f64().abs()),
        6 => format!("{:E}", f64::from_bits(rng.next_u64() >> 12)), // subnormal
        7 | 8 => halfway(rng),
        9 => format!("{}e{}", digits(rng, len), rng.below(700) as i64 - 350),
        10 => {
            let exponents =
                ["999999999", "-999999999", "+0", "99999999999999999999", "-18446744073709551617", "0000000001"];
            format!("{}.{}e{}", rng.below(3), digits(rng, 3), rng.choose(&exponents))
        }
        11 => {
            let word = *rng.choose(&["inf", "infinity", "nan", "in", "infinit", "nann", "i", "snan"]);
            word.chars().map(|c| if rng.below(2) == 0 { c.to_ascii_uppercase() } else { c }).collect()
        }
        12 => format!("{}{}", "0".repeat(rng.below(30)), digits(rng, len)),
        13 => format!("0.{}{}", "0".repeat(rng.below(40)), digits(rng, len)),
        14 => {
            let (whole, fraction) = (rng.below(400), rng.below(400));
            format!("{}.{}", digits(rng, whole), digits(rng, fraction))
        }
        15 => format!("{}.{}", rng.below(100), digits(rng, 6)),
        16 => format!(
            "{}{}",
            rng.choose(&["1844674407370955161", "922337203685477580", "900719925474099"]),
            rng.below(99)
        ),
        17 => {
            let (whole, fraction) = (1 + rng.below(20), rng.below(20));
            format!("{}.{}e{}", digits(rng, whole), digits(rng, fraction), rng.below(60) as i64 - 30)
        }
        18 => {
            let odd = [
                "", ".", "e", "E5", ".e1", "1e", "1e+", "1e-", "1.2.3", "0x1", "1_0", " 1", "1 ", "1,5", "−1", "१",
                "-1",
            ];
            (*rng.choose(&odd)).to_owned()
        }
        _ => rng.below(1000).to_string(),
    };
    format!("{sign}{unsigned}")
}

/// A number in the middle between two doubles, exactly; or the least bit beside it.
fn halfway(rng: &mut Rng) -> String {
    let mantissa = u128::from((1_u64 << 52) | (rng.next_u64() >> 12));
    let middle = 2 * mantissa + 1;
    let mut text = if rng.below(2) == 0 {
        (middle << rng.below(73)).to_string()
    } else {
        // A half is five tenths: so many halvings are so many decimal places.
        let places = 1 + rng.below(31);
        let digits = (middle * 5_u128.pow(places as u32)).to_string();
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{whole}.{fraction}")
    };
    match rng.below(5) {
        0 => text.push_str(if text.contains('.') { "0000000000000000000001" } else { ".0000000000000000000001" }),
        1 => {
            let last = text.pop().unwrap();
            // It ends in 5 or in an even digit, never in 0 alone.
            text.push(if last == '0' { '1' } else { char::from(last as u8 - 1) });
        }
        2 => text.push_str("e0"),
        _ => {}
    }
    text
}

fn timestamp(rng: &mut Rng) -> String {
    match rng.below(16) {
        0 => {
            let len = 1 + rng.below(22);
            digits(rng, len)
        }
        1 => {
            let len = 1 + rng.below(22);
            format!("-{}", digits(rng, len))
        }
        2 => {
            let (whole, fraction) = (1 + rng.below(20), rng.below(14));
            let zeros = "0".repeat(rng.below(4));
            format!("{}{}.{}{zeros}", rng.choose(&["", "-"]), digits(rng, whole), digits(rng, fraction))
        }
        3 => {
            let odd = [
                "9223372036854775807",
                "9223372036854775808",
                "-9223372036854775808",
                "-9223372036854775809",
                "-9223372036854775808.5",
                "-9223372036854775808.0",
                "9223372036854775807.999999999",
                "18446744073709551616",
                "18446744073709551615",
                "00000000000000000000000000000007",
                "-0",
                "-",
                "",
                "+5",
                "1e3",
                "1.",
                ".5",
                " 1",
                "noon",
                "0x10",
                "१",
                "99999999999999999999",
                "92233720368547758070",
                "10000000000000000000",
                "-0.0000000000",
                "1.0000000001",
            ];
            (*rng.choose(&odd)).to_owned()
        }
        _ => seconds(rng).to_string(),
    }
}

fn tag(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => field(rng, 0),
        1 => format!("{}é", "x".repeat(rng.below(40))),
        2 => (*rng.choose(&["some_tag", "a", "temperature.inlet[3]", ">", "日本語日本語", "0123456789abcdef"]))
            .to_owned(),
        _ => "tag".repeat(1 + rng.below(8)),
    }
}

/// A DATA line without its `\n`, or nearly one: a tenth has a byte changed, added or left out.
pub(crate) fn data_line(rng: &mut Rng) -> Vec<u8> {
    let mut line = format!(">{}|{}|{}", tag(rng), timestamp(rng), number(rng)).into_bytes();
    if rng.below(10) == 0 {
        blemish(rng, &mut line);
    }
    line
}

/// A line of any kind without its `\n`: a packet as it is written, or with a few bytes changed.
pub(crate) fn any_line(rng: &mut Rng) -> Vec<u8> {
    let lines: [&[u8]; 8] = [b"", b"$H|a|b|c|stream", b"ACK|17", b"$P", b"START", b"STOP", b"PAUSE|1", b"$Z"];
    let mut line = match rng.below(4) {
        0 => {
            let mut out = BytesMut::new();
            packet(rng, true).encode_with(&mut out, &Config::DEFAULT.with_fractional_timestamps(true)).unwrap();
            out.truncate(out.len() - 1);
            out.to_vec()
        }
        1 => data_line(rng),
        _ => rng.choose(&lines).to_vec(),
    };
    for _ in 0..rng.below(4) {
        blemish(rng, &mut line);
    }
    line
}

/// Bytes that mean something somewhere in a line; a newline is none of them.
const ODD_BYTES: &[u8] = b"||||>$\r\r\0 -+.eE0159aAHPx\x7f\x80\xbf\xc2\xc3\xe2\xed\xf0\xff";

fn blemish(rng: &mut Rng, line: &mut Vec<u8>) {
    let byte = *rng.choose(ODD_BYTES);
    let at = rng.below(line.len() + 1);
    match rng.below(4) {
        0 => line.insert(at, byte),
        1 if at < line.len() => drop(line.remove(at)),
        2 => line.push(byte),
        _ if at < line.len() => line[at] = byte,
        _ => line.truncate(at),
    }
}
