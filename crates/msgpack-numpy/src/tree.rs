use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::error::{DecodeError, Limit, What};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::value::{ListRef, MapRef, ValueRef};
use crate::wire::{Token, lex};

/// The room for a [`Tree`]: 12 bytes for each list and map, kept from one parse to the next.
///
/// Once it has grown to the value with most of them, parsing allocates nothing.
///
/// ```
/// use msgpack_numpy_codec::{Limits, Tape, ValueRef};
///
/// let mut tape = Tape::new();
/// for input in [&b"\x81\xa2id\x07"[..], b"\x81\xa2id\x08"] {
///     let tree = tape.parse(input, &Limits::DEFAULT)?;
///     assert!(matches!(tree.root().get("id").map(|id| id.value()), Some(ValueRef::Int(7 | 8))));
/// }
/// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tape {
    entries: Vec<Entry>,
}

/// A list or a map. Those in it follow, each with all of its own.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where its bytes end in the input; while it is open, what the container around it still lacks.
    end: u32,
    /// The entry behind its last descendant; while it is open, the container around it.
    next: u32,
    what: Container,
}

/// What an entry is, as far as its tag does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    List,
    Map,
    /// A map with one of the keys that make it something else.
    Tagged,
}

/// No container around it.
const OUTERMOST: u32 = u32::MAX;

impl Tape {
    /// A tape without room yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Checks the one value in `input` and lays it out for going down.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode_with`], and [`Limit::MaxLen`] for an input of 4 GiB or more.
    pub fn parse<'a>(&'a mut self, input: &'a [u8], limits: &Limits) -> Result<Tree<'a>, DecodeError> {
        self.entries.clear();
        if u32::try_from(input.len()).is_err() {
            return Err(DecodeError::over(Limit::MaxLen, u32::MAX.into(), 0, What::Value));
        }
        let (mut rest, mut open, mut left, mut depth) = (input, OUTERMOST, 1_u32, 0_u8);
        let mut what = Container::List;
        loop {
            let (token, after) = match lex(rest) {
                Ok((token, after)) if token.items() <= after.len() as u64 => (token, after),
                // What exactly is wrong is found out off the path of what is right.
                _ => return Err(wrong(input, rest)),
            };
            left = left.wrapping_sub(1);
            match token {
                Token::List(_) | Token::Map(_) => {
                    if depth >= limits.max_depth {
                        let at = input.len().saturating_sub(rest.len());
                        return Err(DecodeError::over(Limit::MaxDepth, limits.max_depth.into(), at, What::Value));
                    }
                    depth = depth.saturating_add(1);
                    let here = offset(self.entries.len());
                    if let Some(entry) = self.entries.get_mut(open as usize) {
                        entry.what = what;
                    }
                    what = if let Token::List(_) = token { Container::List } else { Container::Map };
                    self.entries.push(Entry { end: left, next: open, what });
                    open = here;
                    // Not more than bytes are left.
                    left = offset(usize::try_from(token.items()).unwrap_or_default());
                }
                // Keys leave an odd number of values.
                Token::Str(b"nd" | b"complex") | Token::Bin(b"nd" | b"complex")
                    if what == Container::Map && left & 1 == 1 =>
                {
                    what = Container::Tagged;
                }
                Token::Nil
                | Token::Bool(_)
                | Token::Int(_)
                | Token::UInt(_)
                | Token::F32(_)
                | Token::F64(_)
                | Token::Str(_)
                | Token::Bin(_)
                | Token::Ext(..) => {}
            }
            rest = after;
            while left == 0 {
                let end = offset(self.entries.len());
                let Some(entry) = self.entries.get_mut(open as usize) else {
                    let reader = Reader::at(input, rest);
                    reader.finish()?;
                    return Ok(Tree { input, entries: &self.entries, limits: *limits });
                };
                left = core::mem::replace(&mut entry.end, offset(input.len().saturating_sub(rest.len())));
                open = core::mem::replace(&mut entry.next, end);
                entry.what = what;
                depth = depth.saturating_sub(1);
                what = self.entries.get(open as usize).map_or(Container::List, |entry| entry.what);
            }
        }
    }

    /// Bytes of room it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity().saturating_mul(size_of::<Entry>())
    }
}

#[cold]
fn wrong(input: &[u8], rest: &[u8]) -> DecodeError {
    match Reader::at(input, rest).token() {
        Err(error) => error,
        Ok(_) => DecodeError::new(crate::error::DecodeErrorKind::UnexpectedEnd, input.len(), What::Value),
    }
}

/// A place in an input that is shorter than 4 GiB, or on the tape of one, which has no more entries than that has bytes.
#[expect(clippy::cast_possible_truncation, reason = "checked at the start of parse")]
#[cfg_attr(not(debug_assertions), inline(always))]
const fn offset(at: usize) -> u32 {
    at as u32
}

/// A checked value laid out for going down: finding the next value is one step, however large the one passed by.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    input: &'a [u8],
    entries: &'a [Entry],
    limits: Limits,
}

impl<'a> Tree<'a> {
    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::read(self, 0, 0).unwrap_or(Node { tree: self, token: Token::Nil, start: 0, end: 0, entry: 0 })
    }
}

/// A value of a [`Tree`].
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tree: &'a Tree<'a>,
    token: Token<'a>,
    start: u32,
    end: u32,
    /// That of the next list or map, which it is itself if it is one.
    entry: u32,
}

impl<'a> Node<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read(tree: &'a Tree<'a>, start: u32, entry: u32) -> Option<Self> {
        let rest = tree.input.get(start as usize..)?;
        let (token, after) = lex(rest).ok()?;
        let end = if let Token::List(_) | Token::Map(_) = token {
            tree.entries.get(entry as usize)?.end
        } else {
            offset(tree.input.len().saturating_sub(after.len()))
        };
        Some(Node { tree, token, start, end, entry })
    }

    /// The value itself: a scalar, an array, or a cursor over the bytes of a list or map.
    #[must_use]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn value(self) -> ValueRef<'a> {
        match self.token {
            Token::Nil => ValueRef::Nil,
            Token::Bool(value) => ValueRef::Bool(value),
            Token::Int(value) => ValueRef::Int(value),
            Token::UInt(value) => ValueRef::UInt(value),
            Token::F32(value) => ValueRef::F32(value),
            Token::F64(value) => ValueRef::F64(value),
            Token::Str(text) => ValueRef::Str(text),
            Token::Bin(bytes) => ValueRef::Bin(bytes),
            Token::Ext(kind, bytes) => ValueRef::Ext(kind, bytes),
            Token::List(len) => ValueRef::List(ListRef::new(self.as_encoded(), len, &self.tree.limits)),
            Token::Map(len) => {
                let tagged =
                    self.tree.entries.get(self.entry as usize).is_some_and(|entry| entry.what == Container::Tagged);
                let map = MapRef::new(self.as_encoded(), len, &self.tree.limits);
                if tagged { ValueRef::of_map(map, &self.tree.limits) } else { ValueRef::Map(map) }
            }
        }
    }

    /// Its encoding, as received.
    #[must_use]
    pub fn as_encoded(self) -> &'a [u8] {
        self.tree.input.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Where its first byte is in the input.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.start as usize
    }

    /// Items of a list, entries of a map, a tagged one too; 0 for anything else.
    #[must_use]
    pub const fn len(self) -> usize {
        if let Token::List(len) | Token::Map(len) = self.token { len as usize } else { 0 }
    }

    /// Whether it has no items, no entries, or is no container.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of a list; of a map, a tagged one too, keys and values in turn; nothing of anything else.
    #[must_use]
    pub fn children(self) -> Children<'a> {
        let left = u32::try_from(self.token.items()).unwrap_or_default();
        let start = self
            .tree
            .input
            .get(self.start as usize..)
            .and_then(|rest| Some(rest.len().saturating_sub(lex(rest).ok()?.1.len())));
        Children {
            tree: self.tree,
            at: self.start.saturating_add(offset(start.unwrap_or_default())),
            entry: self.entry.saturating_add(1),
            left,
        }
    }

    /// The entries of a map, a tagged one too; nothing of anything else.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> + use<'a> {
        let mut children = self.children();
        if !matches!(self.token, Token::Map(_)) {
            children.left = 0;
        }
        core::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The item of a list at `index`.
    #[must_use]
    pub fn at(self, index: usize) -> Option<Self> {
        if let Token::List(_) = self.token { self.children().nth(index) } else { None }
    }

    /// The value of the first key that is this text, as text or as bytes.
    #[must_use]
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<Self> {
        let is = |name: &Self| matches!(name.token, Token::Str(name) | Token::Bin(name) if name == key.as_ref());
        self.entries().find(|(name, _)| is(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// The children of a [`Node`].
#[derive(Clone, Debug)]
pub struct Children<'a> {
    tree: &'a Tree<'a>,
    at: u32,
    entry: u32,
    left: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        let node = Node::read(self.tree, self.at, self.entry)?;
        self.at = node.end;
        if let Token::List(_) | Token::Map(_) = node.token {
            self.entry = self.tree.entries.get(self.entry as usize)?.next;
        }
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl FusedIterator for Children<'_> {}
impl ExactSizeIterator for Children<'_> {}

impl fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}
