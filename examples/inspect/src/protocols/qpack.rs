//! qpack: a sequence of values.

use alloc::borrow::Cow;

use qpack_codec::{Config, DecodeError, Decoded, Decoder, Limits, Reader, Token, ValueRef, tag_name};

use crate::dissect::{
    By, Capture, Dissect, Fault, Field, FieldIter, Fields, Frame, Input, Options, Place, Protocol, Step, Value,
};
use crate::render::clip;

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "qpack",
    about: "values one after another (SiriDB, early ThingsDB)",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[
        Capture {
            file: "siridb-answer.qpack",
            about: "shaped like the answer to a query, packed by the Python package qpack 0.0.21",
            bytes: include_bytes!("../../captures/siridb-answer.qpack"),
            ..Capture::PLAIN
        },
        Capture {
            file: "siridb-insert.qpack",
            about: "the body of an insert, packed by the same package",
            bytes: include_bytes!("../../captures/siridb-insert.qpack"),
            ..Capture::PLAIN
        },
        Capture {
            file: "siridb-error.qpack",
            about: "an error by SiriDB's convention: the map is never closed",
            bytes: include_bytes!("../../captures/siridb-error.qpack"),
            end_closes: true,
            ..Capture::PLAIN
        },
    ],
    open: |options| Box::new(Values { decoder: Decoder::with_config(&config(options)), config: config(options) }),
};

pub(super) fn config(options: &Options) -> Config {
    Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(options.max_len)).with_end_closes_open(options.end_closes)
}

/// The fields of the one value in `bytes`, which start at `offset` in the stream; as far as they can be read.
pub(super) fn fields<'a>(
    part: &'static str,
    bytes: &'a [u8],
    offset: u64,
    config: &Config,
) -> impl Iterator<Item = Field<'a>> + use<'a> {
    Tokens { part, bytes, offset, reader: Reader::with_config(bytes, config), open: Vec::new() }
}

/// What is wrong with the value at the front of `bytes`, which start at `offset` in the stream.
pub(super) fn fault<'a>(error: &DecodeError, bytes: &'a [u8], offset: u64, fields: Fields<'a>) -> Fault<'a> {
    let path = clip(format_args!("{}", error.path(bytes)), PATH_LEN);
    Fault {
        kind: error.kind().to_string(),
        offset: offset.saturating_add(error.offset() as u64),
        what: error.what(),
        // Here the setting is an option.
        message: error.reason().to_string().replace("end_closes_open", "--end-closes"),
        path: (!path.is_empty()).then_some(path),
        resume: None,
        fields,
    }
}

/// Characters of the one-line forms.
const SUMMARY_LEN: usize = 60;
const PATH_LEN: usize = 200;

struct Values {
    decoder: Decoder,
    config: Config,
}

impl Dissect for Values {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        let found = match self.decoder.decode(input.bytes) {
            Ok(Decoded::Complete { value, consumed }) => Ok((value, consumed)),
            Ok(Decoded::Incomplete { .. }) if !input.ended || input.bytes.is_empty() => return Step::More,
            Ok(Decoded::Incomplete { .. }) => {
                ValueRef::decode_with(input.bytes, &self.config).map(|value| (value, input.bytes.len()))
            }
            Err(error) => Err(error),
        };
        let config = self.config;
        match found {
            Ok((value, len)) => {
                let bytes = input.bytes.get(..len).unwrap_or_default();
                Step::Frame(Frame {
                    len,
                    summary: clip(format_args!("{value:?}"), SUMMARY_LEN),
                    fields: Box::new(move || Box::new(fields("value", bytes, input.offset, &config))),
                })
            }
            Err(error) => {
                // What was met before the fault does not depend on where the bytes at hand happen to end.
                let config = config.with_end_closes_open(false);
                let met = move || -> FieldIter<'a> { Box::new(fields("value", input.bytes, input.offset, &config)) };
                Step::Fault(fault(&error, input.bytes, input.offset, Box::new(met)))
            }
        }
    }
}

/// Walks a value and tells where each token stands.
struct Tokens<'a> {
    part: &'static str,
    bytes: &'a [u8],
    /// Of `bytes` in the stream.
    offset: u64,
    reader: Reader<'a>,
    /// The containers around the next token.
    open: Vec<Level>,
}

struct Level {
    /// The tag told how many values there are, so no byte ends them.
    is_counted: bool,
    /// Where in the container the next value goes.
    next: Place,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.reader.position();
        let token = self.reader.token().ok()??;
        let bytes = self.bytes.get(start..self.reader.position()).unwrap_or_default();
        let mut field = Field {
            offset: self.offset.saturating_add(start as u64),
            bytes,
            tag_len: 1,
            depth: self.open.len(),
            place: Place::End,
            tag: bytes.first().map_or("", |first| tag_name(*first)),
            value: Value::Null,
            note: "".into(),
            secret: false,
        };
        if token == Token::End {
            let is_counted = self.open.pop().is_some_and(|level| level.is_counted);
            field.depth = self.open.len();
            let by = match (bytes.is_empty(), is_counted) {
                (false, _) => By::Bytes,
                (true, true) => By::Count,
                (true, false) => By::EndOfInput,
            };
            field.value = Value::Close(by);
            return Some(field);
        }
        field.place = self.take_place();
        field.value = match token {
            Token::Int(value) => Value::Int(value.into()),
            Token::Double(value) => Value::Double(value),
            Token::Raw(raw) => {
                field.tag_len = bytes.len().saturating_sub(raw.len());
                Value::Raw(Cow::Borrowed(raw))
            }
            Token::Bool(value) => Value::Bool(value),
            Token::Hook => Value::Special("hook"),
            Token::Array(count) => {
                self.open.push(Level { is_counted: count.is_some(), next: Place::Item(0) });
                Value::Array
            }
            Token::Map(count) => {
                self.open.push(Level { is_counted: count.is_some(), next: Place::Key });
                Value::Map
            }
            Token::Null | Token::End => Value::Null,
        };
        Some(field)
    }
}

impl Tokens<'_> {
    /// The place of the value that comes now; moves on to the next.
    fn take_place(&mut self) -> Place {
        let Some(level) = self.open.last_mut() else { return Place::Part(self.part) };
        let next = match level.next {
            Place::Item(index) => Place::Item(index.saturating_add(1)),
            Place::Key => Place::Value,
            Place::Value | Place::Part(_) | Place::Member(_) | Place::End => Place::Key,
        };
        core::mem::replace(&mut level.next, next)
    }
}
