//! ThingsDB packages: a header of eight bytes and a qpack body.

use qpack_codec::{Config, ValueRef};

use super::qpack;
use crate::dissect::{Capture, Dissect, Fault, Field, FieldIter, Fields, Frame, Input, Place, Protocol, Step, Value};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "thingsdb",
    about: "packages with qpack bodies (ThingsDB of 2019)",
    captures: &[Capture {
        file: "thingsdb-auth.bin",
        about: "the AUTH package of ThingsDB's own protocol text",
        bytes: include_bytes!("../../captures/thingsdb-auth.bin"),
        end_closes: false,
    }],
    open: |options| Box::new(Packages { config: qpack::config(options) }),
};

const HEADER_LEN: usize = 8;
const AUTH: u8 = 33;
/// SiriDB's header is the same, and this is its request to log in.
const SIRIDB_AUTH: u8 = 2;

struct Packages {
    config: Config,
}

impl Dissect for Packages {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        let bytes = input.bytes;
        let Some((head, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return if input.ended && !bytes.is_empty() { Step::Fault(torn_header(input)) } else { Step::More };
        };
        let header = Header::read(*head);
        if header.check != !header.kind {
            return Step::Fault(header.bad_check(input));
        }
        let max = self.config.limits.max_len;
        let Some(len) = usize::try_from(header.len).ok().filter(|len| *len <= max) else {
            return Step::Fault(header.too_long(input, max));
        };
        let Some(body) = rest.get(..len) else {
            return if input.ended { Step::Fault(header.torn_body(input, rest.len())) } else { Step::More };
        };
        let taken = HEADER_LEN.saturating_add(len);
        let config = self.config;
        let fields = move || -> FieldIter<'a> {
            Box::new(header.fields(input).chain(header.body(body, input.at(HEADER_LEN), &config)))
        };
        match ValueRef::decode_with(body, &config) {
            Err(error) if !body.is_empty() => {
                let fault = qpack::fault(&error, body, input.at(HEADER_LEN), Box::new(fields));
                // The way leads by keys, and any raw of these may be a secret.
                let path = fault.path.filter(|_| !header.is_auth());
                Step::Fault(Fault { path, resume: Some(taken as u64), ..fault })
            }
            Ok(_) | Err(_) => Step::Frame(Frame { len: taken, summary: header.summary(), fields: Box::new(fields) }),
        }
    }
}

#[derive(Clone, Copy)]
struct Header {
    len: u32,
    id: u16,
    kind: u8,
    check: u8,
}

impl Header {
    /// Whether the body is there to log in.
    fn is_auth(&self) -> bool {
        matches!(self.kind, AUTH | SIRIDB_AUTH)
    }

    fn read(head: [u8; HEADER_LEN]) -> Self {
        let [a, b, c, d, e, f, kind, check] = head;
        Self { len: u32::from_le_bytes([a, b, c, d]), id: u16::from_le_bytes([e, f]), kind, check }
    }

    fn name(self) -> &'static str {
        match self.kind {
            32 => "PING",
            AUTH => "AUTH",
            36 => "QUERY_COLLECTION",
            48 => "WATCH",
            49 => "UNWATCH",
            _ => "",
        }
    }

    fn summary(self) -> String {
        let (id, len) = (self.id, self.len);
        match self.name() {
            "" => format!("type {}, id {id}, {len} bytes of data", self.kind),
            name => format!("{name}, id {id}, {len} bytes of data"),
        }
    }

    fn fields<'a>(self, input: Input<'a>) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let parts = [
            ("LEN", "u32", 0..4, i128::from(self.len), ""),
            ("ID", "u16", 4..6, i128::from(self.id), ""),
            ("TYPE", "u8", 6..7, i128::from(self.kind), self.name()),
            ("CHK", "u8", 7..8, i128::from(self.check), if self.check == !self.kind { "TYPE ^ 0xff" } else { "" }),
        ];
        parts.into_iter().map(move |(name, tag, range, value, note)| Field {
            offset: input.at(range.start),
            bytes: input.bytes.get(range).unwrap_or_default(),
            tag_len: 0,
            depth: 0,
            place: Place::Part(name),
            tag,
            value: Value::Int(value),
            note,
            secret: false,
        })
    }

    /// Of an AUTH body, `[name, password]` or a lone token, only the name may be seen.
    fn body<'a>(self, body: &'a [u8], offset: u64, config: &Config) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let fields = |config| qpack::fields("DATA", body, offset, config);
        let is_auth = self.is_auth();
        let mut open_raws = usize::from(is_auth && fields(config).filter(is_raw).nth(1).is_some());
        let body = if body.is_empty() { None } else { Some(fields(config)) };
        body.into_iter().flatten().map(move |mut field| {
            if is_auth && is_raw(&field) {
                field.secret = open_raws == 0;
                open_raws = open_raws.saturating_sub(1);
            }
            field
        })
    }

    fn bad_check(self, input: Input<'_>) -> Fault<'_> {
        let Self { kind, check, .. } = self;
        let message = format!("check byte 0x{check:02x} does not fit type {kind}, which asks for 0x{:02x}", !kind);
        Fault { fields: self.alone(input), ..Fault::new("bad_check", input.at(7), "CHK", message) }
    }

    /// Where the next package starts is known, so the data is dropped as it comes.
    fn too_long(self, input: Input<'_>, max: usize) -> Fault<'_> {
        let message = format!("length {} exceeds max_len {max}", self.len);
        let whole = u64::from(self.len).saturating_add(HEADER_LEN as u64);
        let fault = Fault::new("limit_exceeded", input.at(0), "LEN", message);
        Fault { fields: self.alone(input), resume: Some(whole), ..fault }
    }

    fn torn_body(self, input: Input<'_>, have: usize) -> Fault<'_> {
        let missing = u64::from(self.len).saturating_sub(have as u64);
        let message = format!("input ends, {missing} of {} bytes of data missing", self.len);
        Fault { fields: self.alone(input), ..Fault::new("unexpected_end", input.at(HEADER_LEN), "DATA", message) }
    }

    /// The fields of the header and no other.
    fn alone(self, input: Input<'_>) -> Fields<'_> {
        Box::new(move || Box::new(self.fields(input)))
    }
}

fn torn_header<'a>(input: Input<'_>) -> Fault<'a> {
    let have = input.bytes.len();
    let (position, what) = match have {
        0..4 => (0, "LEN"),
        4..6 => (4, "ID"),
        6 => (6, "TYPE"),
        _ => (7, "CHK"),
    };
    let message =
        format!("input ends, {} of {HEADER_LEN} bytes of the header missing", HEADER_LEN.saturating_sub(have));
    Fault::new("unexpected_end", input.at(position), what, message)
}

fn is_raw(field: &Field<'_>) -> bool {
    matches!(field.value, Value::Raw(_))
}
