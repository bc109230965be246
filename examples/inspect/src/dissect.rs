//! The seam between protocols and everything else: what a protocol tells of its bytes.

use alloc::borrow::Cow;
use alloc::rc::Rc;

/// A protocol that can be shown.
pub(crate) struct Protocol {
    /// As it is asked for.
    pub(crate) name: &'static str,
    /// Half a line for the help.
    pub(crate) about: &'static str,
    /// What `--dialect` may name, if there are several.
    pub(crate) dialects: &'static [&'static str],
    /// What `--type` may say that a type of messages is, if that can be said.
    pub(crate) messages: &'static [&'static str],
    /// What is wrong with a document of `--format`, if there are such.
    pub(crate) check_format: Option<Check>,
    /// What is shown when nothing is asked for.
    pub(crate) captures: &'static [Capture],
    /// A dissector for one input from its first byte.
    pub(crate) open: fn(&Options) -> Box<dyn Dissect>,
}

/// Says what is wrong.
pub(crate) type Check = fn(&[u8]) -> Result<(), String>;

/// Bytes in the folder `captures`.
pub(crate) struct Capture {
    pub(crate) file: &'static str,
    pub(crate) about: &'static str,
    pub(crate) bytes: &'static [u8],
    /// As [`Options::end_closes`].
    pub(crate) end_closes: bool,
    /// As [`Options::types`].
    pub(crate) types: &'static [(&'static str, &'static str)],
    /// As [`Options::formats`].
    pub(crate) formats: &'static [(&'static str, &'static [u8])],
}

impl Capture {
    /// Nothing that is shown without more being told.
    pub(crate) const PLAIN: Self =
        Self { file: "", about: "", bytes: &[], end_closes: false, types: &[], formats: &[] };
}

/// What the caller settles about dissection.
#[derive(Clone)]
pub(crate) struct Options {
    /// Most bytes of one frame, and so what is buffered.
    pub(crate) max_len: usize,
    /// The end of the input closes what is open.
    pub(crate) end_closes: bool,
    /// One of [`Protocol::dialects`]; without it, the protocol finds out.
    pub(crate) dialect: Option<&'static str>,
    /// Types of messages, and which of [`Protocol::messages`] each is.
    pub(crate) types: Rc<[(String, &'static str)]>,
    /// Documents that tell what messages hold, each behind the name of its file, without what follows the last point. They were checked.
    pub(crate) formats: Rc<[(String, Vec<u8>)]>,
}

/// Splits one input into frames.
pub(crate) trait Dissect {
    /// Looks for a frame at the front of `input`. The same bytes come again, and more, until they are taken.
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a>;
}

/// The bytes not yet taken.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where they start in the stream.
    pub(crate) offset: u64,
    /// Nothing follows them.
    pub(crate) ended: bool,
}

impl Input<'_> {
    /// The place in the stream of a place in `bytes`.
    pub(crate) fn at(&self, position: usize) -> u64 {
        self.offset.saturating_add(position as u64)
    }
}

pub(crate) enum Step<'a> {
    Frame(Frame<'a>),
    Fault(Fault<'a>),
    /// Bytes to drop off the front; at least one. They belong to a fault that was told, whose end was not known then.
    Skip(usize),
    /// Bytes to drop off the front, at least one: something that is not of this protocol. It is counted.
    Pass(usize),
    /// The start of a frame, or nothing; never once the input has ended with bytes left.
    More,
}

/// The fields of a frame in the order of their bytes, as often as asked.
pub(crate) type Fields<'a> = Box<dyn Fn() -> FieldIter<'a> + 'a>;
pub(crate) type FieldIter<'a> = Box<dyn Iterator<Item = Field<'a>> + 'a>;

pub(crate) struct Frame<'a> {
    /// Bytes to take off the front; at least one.
    pub(crate) len: usize,
    /// The frame in half a line. It is shown as it stands: escaped, and without secrets.
    pub(crate) summary: String,
    /// Complete: what opens closes.
    pub(crate) fields: Fields<'a>,
}

/// Something that did not decode.
pub(crate) struct Fault<'a> {
    /// In one word, `snake_case`.
    pub(crate) kind: String,
    pub(crate) offset: u64,
    /// The field's name.
    pub(crate) what: &'static str,
    /// Without the place, which is shown beside it; escaped, and without secrets.
    pub(crate) message: String,
    /// The way to it through the value's keys, or the line and column of a text; escaped, and without secrets.
    pub(crate) path: Option<String>,
    /// Bytes to drop off the front, or to wait for and drop, up to the next frame. Without it the input is given up.
    pub(crate) resume: Option<u64>,
    /// What could be read before it; of a text also what is left.
    pub(crate) fields: Fields<'a>,
}

impl<'a> Fault<'a> {
    /// An input that ends too early, or a like fault: without fields, and without a way on.
    pub(crate) fn new(kind: &str, offset: u64, what: &'static str, message: String) -> Self {
        let fields: Fields<'a> = Box::new(|| Box::new(core::iter::empty()));
        Self { kind: kind.to_owned(), offset, what, message, path: None, resume: None, fields }
    }
}

/// One line: some bytes of a frame and what they say.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) offset: u64,
    /// Its own bytes; of an array or map those that open it, or none.
    pub(crate) bytes: &'a [u8],
    /// How many of those in front hide nothing of a secret: its tag.
    pub(crate) tag_len: usize,
    /// Arrays and maps around it.
    pub(crate) depth: usize,
    pub(crate) place: Place,
    /// How it is encoded, in the protocol's word.
    pub(crate) tag: &'static str,
    pub(crate) value: Value<'a>,
    pub(crate) note: Cow<'static, str>,
    /// Neither its value nor its bytes are shown unless asked.
    pub(crate) secret: bool,
}

/// What a field is to what is around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A named part of the frame; all fields of depth 0 are, but the ends.
    Part(&'static str),
    /// An item of an array, counted from 0.
    Item(u64),
    Key,
    /// The value of the key before it.
    Value,
    /// A named part of the map it is in: key and value in one.
    Member(&'static str),
    /// The end of an array or map.
    End,
}

#[derive(Clone)]
pub(crate) enum Value<'a> {
    /// Wide enough for any protocol's.
    Int(i128),
    Double(f64),
    /// Of 32 bits, which takes fewer digits.
    Float(f32),
    /// Real and imaginary part.
    Complex(Box<[Self; 2]>),
    /// So many of a unit.
    Count(i64, Cow<'static, str>),
    /// Bytes that often are text.
    Raw(Cow<'a, [u8]>),
    /// Bytes that are no text, whatever they look like.
    Bytes(&'a [u8]),
    /// Bytes that are not even shown as letters.
    Hex(&'a [u8]),
    /// Bytes of a type that the format has no other word for.
    Ext(i8, &'a [u8]),
    Bool(bool),
    Null,
    /// A value without a counterpart elsewhere, by its name.
    Special(&'static str),
    Block(Box<Block<'a>>),
    /// Values with names, in one line.
    Row(Vec<(&'static str, Self)>),
    /// Values in one line.
    List(First<'a>),
    /// Many numbers, and between which they are, but for those that are NaN.
    Series(Option<[f64; 2]>, First<'a>),
    Array,
    Map,
    Close(By),
}

/// Items of one type in one piece of bytes, or one such item.
#[derive(Clone)]
pub(crate) struct Block<'a> {
    /// In one word, which is its name in JSON too.
    pub(crate) what: &'static str,
    /// Of each item; a text, or bytes where it is none.
    pub(crate) dtype: Option<Value<'a>>,
    /// None if it is no array.
    pub(crate) shape: Option<Vec<u64>>,
    pub(crate) data: &'a [u8],
    pub(crate) items: Items<'a>,
}

#[derive(Clone)]
pub(crate) enum Items<'a> {
    /// They are not looked at, and why.
    Unread(&'static str),
    Plain(First<'a>),
    /// With fields; of those that are shown. And whether there are more.
    Fields(Vec<Column<'a>>, bool),
}

/// The first of some values.
#[derive(Clone)]
pub(crate) struct First<'a> {
    pub(crate) values: Vec<Value<'a>>,
    pub(crate) has_more: bool,
}

/// One field of all items.
#[derive(Clone)]
pub(crate) struct Column<'a> {
    /// Of the first value.
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
    /// With the names of what it is in before it.
    pub(crate) name: String,
    pub(crate) dtype: String,
    /// If each item has several.
    pub(crate) shape: Vec<u64>,
    pub(crate) first: First<'a>,
}

/// What ended an array or map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Bytes,
    /// Its count, told at its start.
    Count,
    EndOfInput,
}
