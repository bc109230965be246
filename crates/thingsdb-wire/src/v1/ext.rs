use core::fmt;

use crate::kinds::open_numbers;
use crate::msgpack::{Token, ValueRef, ValuesBuf};

open_numbers! {
    /// Type of a MessagePack extension. Servers take these from clients and never send them, but what a module answers is passed on
    /// unread, so a client may meet any.
    Ext: i8 {
        /// MessagePack data.
        MPDATA = 0,
        /// Text of a regular expression.
        REGEX = 1,
        /// Source of a closure.
        CLOSURE = 2,
        /// ID of a room.
        ROOM = 3,
        /// ID of a task.
        TASK = 4,
        /// ID of a thing.
        THING = 5,
        /// A name.
        NAME = 6,
        /// An anonymous type.
        ANONYMOUS_TYPE = 7,
    }
}

/// An extension with its content (SPEC.md §3).
///
/// ```
/// use thingsdb_wire::msgpack::{Reader, ValuesBuf};
/// use thingsdb_wire::v1::ExtRef;
///
/// let mut args = ValuesBuf::new();
/// args.push_ext(ExtRef::Thing(5));
/// assert_eq!(args.as_ref().as_bytes(), b"\xd7\x05\0\0\0\0\0\0\0\x05");
/// let value = args.as_ref().iter().next().unwrap();
/// assert_eq!(ExtRef::of(value), Some(ExtRef::Thing(5)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtRef<'a> {
    /// MessagePack data.
    Mpdata(&'a [u8]),
    /// Text of a regular expression, with slashes and flags.
    Regex(&'a [u8]),
    /// Source of a closure.
    Closure(&'a [u8]),
    /// ID of a room.
    Room(u64),
    /// ID of a task.
    Task(u64),
    /// ID of a thing.
    Thing(u64),
    /// A name.
    Name(&'a [u8]),
    /// An anonymous type.
    AnonymousType(&'a [u8]),
    /// Any other, and an ID that does not have eight bytes.
    Unknown(Ext, &'a [u8]),
}

impl<'a> ExtRef<'a> {
    /// The extension that a value is, if it is one.
    #[must_use]
    pub fn of(value: ValueRef<'a>) -> Option<Self> {
        match value.reader().token() {
            Ok(Token::Ext(kind, content)) => Some(Self::new(Ext(kind), content)),
            _ => None,
        }
    }

    /// From type and content.
    #[must_use]
    pub fn new(kind: Ext, content: &'a [u8]) -> Self {
        let id = content.try_into().map(u64::from_be_bytes);
        match (kind, id) {
            (Ext::MPDATA, _) => Self::Mpdata(content),
            (Ext::REGEX, _) => Self::Regex(content),
            (Ext::CLOSURE, _) => Self::Closure(content),
            (Ext::ROOM, Ok(id)) => Self::Room(id),
            (Ext::TASK, Ok(id)) => Self::Task(id),
            (Ext::THING, Ok(id)) => Self::Thing(id),
            (Ext::NAME, _) => Self::Name(content),
            (Ext::ANONYMOUS_TYPE, _) => Self::AnonymousType(content),
            (kind, _) => Self::Unknown(kind, content),
        }
    }
}

impl ValuesBuf {
    /// An extension. One of 4 GiB or more cannot be sent, and comes out as an error when the package is made.
    pub fn push_ext(&mut self, ext: ExtRef<'_>) -> &mut Self {
        let (kind, id, content) = match ext {
            ExtRef::Mpdata(content) => (Ext::MPDATA, None, content),
            ExtRef::Regex(content) => (Ext::REGEX, None, content),
            ExtRef::Closure(content) => (Ext::CLOSURE, None, content),
            ExtRef::Room(id) => (Ext::ROOM, Some(id.to_be_bytes()), &[][..]),
            ExtRef::Task(id) => (Ext::TASK, Some(id.to_be_bytes()), &[][..]),
            ExtRef::Thing(id) => (Ext::THING, Some(id.to_be_bytes()), &[][..]),
            ExtRef::Name(content) => (Ext::NAME, None, content),
            ExtRef::AnonymousType(content) => (Ext::ANONYMOUS_TYPE, None, content),
            ExtRef::Unknown(kind, content) => (kind, None, content),
        };
        self.put(|out| out.ext(kind.0, id.as_ref().map_or(content, <[u8; 8]>::as_slice)))
    }
}

impl fmt::Debug for ExtRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mpdata(content) => write!(f, "Mpdata([{} bytes])", content.len()),
            Self::Regex(content) => write!(f, "Regex([{} bytes])", content.len()),
            Self::Closure(content) => write!(f, "Closure([{} bytes])", content.len()),
            Self::Room(id) => write!(f, "Room({id})"),
            Self::Task(id) => write!(f, "Task({id})"),
            Self::Thing(id) => write!(f, "Thing({id})"),
            Self::Name(content) => write!(f, "Name([{} bytes])", content.len()),
            Self::AnonymousType(content) => write!(f, "AnonymousType([{} bytes])", content.len()),
            Self::Unknown(kind, content) => write!(f, "Unknown({kind}, [{} bytes])", content.len()),
        }
    }
}
