//! MessagePack with numpy arrays in it: values one after another.

pub(super) mod block;
mod scan;
mod summary;
pub(super) mod tokens;

use alloc::borrow::Cow;

use msgpack_numpy_codec::{DecodeError, ValueRef};

use self::scan::{Found, Scan};
use self::tokens::Tokens;
use crate::dissect::{Capture, Dissect, Fault, FieldIter, Fields, Frame, Input, Protocol, Step};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "msgpack-numpy",
    about: "MessagePack values with numpy arrays in them, one after another",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[Capture {
        file: "beamline.msgpack",
        about: "one pulse of a camera, packed by the Python package msgpack-numpy 0.4.8",
        bytes: include_bytes!("../../../captures/beamline.msgpack"),
        ..Capture::PLAIN
    }],
    open: |options| Box::new(Values { max_len: options.max_len, scan: Scan::default(), faulty: None }),
};

struct Values {
    max_len: usize,
    /// Where the value at the front ends.
    scan: Scan,
    /// Of the value that was just told.
    faulty: Option<Faulty>,
}

/// Tagged maps that are not what they should be. The value they are in is.
pub(super) struct Faulty {
    count: u64,
    /// Of the first.
    error: DecodeError,
    /// Of its map, in the stream.
    offset: u64,
    path: String,
}

impl Dissect for Values {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        if let Some(faulty) = self.faulty.take() {
            return Step::Fault(faulty.told());
        }
        match self.scan.step(input.bytes, self.max_len) {
            Found::End(len) => {
                self.scan = Scan::default();
                self.value(input.bytes.get(..len).unwrap_or_default(), input)
            }
            Found::Nothing if !input.ended || input.bytes.is_empty() => Step::More,
            Found::Nothing => match ValueRef::decode(input.bytes) {
                Ok(_) => Step::More,
                Err(error) => Step::Fault(fault(&error, None, input)),
            },
            Found::Error(error) => Step::Fault(fault(&error, None, input)),
            Found::TooLong(at) => {
                let message = format!("value exceeds max_len {}", self.max_len);
                let fault = Fault::new("limit_exceeded", input.at(at), "value", message);
                Step::Fault(Fault { path: path(input, at), fields: until(input, at), ..fault })
            }
        }
    }
}

impl Values {
    fn value<'a>(&mut self, bytes: &'a [u8], input: Input<'a>) -> Step<'a> {
        let value = match ValueRef::decode(bytes) {
            Ok(value) => value,
            // Where the next one starts is known.
            Err(error) => return Step::Fault(fault(&error, Some(bytes.len()), input)),
        };
        let mut tokens = Tokens::new("value", bytes, input.offset, bytes.len());
        tokens.by_ref().for_each(drop);
        self.faulty = tokens.faulty();
        Step::Frame(Frame {
            len: bytes.len(),
            summary: summary::summary(value),
            fields: Box::new(move || -> FieldIter<'a> {
                Box::new(Tokens::new("value", bytes, input.offset, bytes.len()))
            }),
        })
    }
}

impl Faulty {
    pub(super) fn told<'a>(self) -> Fault<'a> {
        let Self { count, error, offset, path } = self;
        let others = match count {
            ..=1 => Cow::Borrowed(""),
            2 => Cow::Borrowed("; one more map is faulty"),
            _ => Cow::Owned(format!("; {} more maps are faulty", count.saturating_sub(1))),
        };
        let message = format!("{}{others}", error.reason());
        let offset = offset.saturating_add(error.offset());
        let fault = Fault::new(&error.kind().to_string(), offset, error.what(), message);
        Fault { path: some(path), resume: Some(0), ..fault }
    }
}

/// What is wrong with the MessagePack at the front; of a value whose end is known that of the next.
fn fault<'a>(error: &DecodeError, resume: Option<usize>, input: Input<'a>) -> Fault<'a> {
    let at = usize::try_from(error.offset()).unwrap_or(usize::MAX);
    let fault = Fault::new(&error.kind().to_string(), input.at(at), error.what(), error.reason().to_string());
    Fault { path: path(input, at), resume: resume.map(|len| len as u64), fields: until(input, at), ..fault }
}

/// The fields before a place. How much was read of what comes behind it tells nothing.
fn until(input: Input<'_>, at: usize) -> Fields<'_> {
    Box::new(move || Box::new(Tokens::new("value", input.bytes, input.offset, at)))
}

fn path(input: Input<'_>, at: usize) -> Option<String> {
    let mut tokens = Tokens::new("value", input.bytes, input.offset, at);
    tokens.by_ref().for_each(drop);
    some(tokens.path())
}

fn some(path: String) -> Option<String> {
    (!path.is_empty()).then_some(path)
}
