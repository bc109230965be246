use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::error::{DecodeError, Limit, What};
use crate::limits::Limits;
use crate::reader::{Reader, pass};
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
#[derive(Clone, Default)]
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
    pub fn parse<'t, 'a>(&'t mut self, input: &'a [u8], limits: &Limits) -> Result<Tree<'t, 'a>, DecodeError> {
        self.entries.clear();
        if u32::try_from(input.len()).is_err() {
            return Err(DecodeError::over(Limit::MaxLen, u32::MAX.into(), 0, What::Value));
        }
        let (mut rest, mut open, mut left, mut depth) = (input, OUTERMOST, 1_u32, 0_u8);
        let mut what = Container::List;
        loop {
            let Some((token, after)) = pass(rest) else { return Err(Reader::at(input, rest).wrong()) };
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
                // Keys leave an odd number of values; what the value behind one is, its first byte tells.
                Token::Str(b"nd") | Token::Bin(b"nd")
                    if what == Container::Map && left & 1 == 1 && matches!(after, [0xc2 | 0xc3, ..]) =>
                {
                    what = Container::Tagged;
                }
                Token::Str(b"complex") | Token::Bin(b"complex")
                    if what == Container::Map && left & 1 == 1 && matches!(after, [0xc3, ..]) =>
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

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} lists and maps)", self.entries.len())
    }
}

/// A place in an input that is shorter than 4 GiB, or on the tape of one, which has no more entries than that has bytes.
#[expect(clippy::cast_possible_truncation, reason = "checked at the start of parse")]
#[cfg_attr(not(debug_assertions), inline(always))]
const fn offset(at: usize) -> u32 {
    at as u32
}

/// A checked value laid out for going down: finding the next value is one step, however large the one passed by. Only a map with the keys
/// of an array is looked through once more, to find out whether it is one.
#[derive(Clone, Copy)]
pub struct Tree<'t, 'a> {
    input: &'a [u8],
    entries: &'t [Entry],
    limits: Limits,
}

impl<'t, 'a> Tree<'t, 'a> {
    /// The outermost value.
    #[must_use]
    pub fn root(self) -> Node<'t, 'a> {
        let nothing = Node { tree: self, token: Token::Nil, start: 0, end: 0, entry: 0 };
        // It was checked.
        Node::read(self, 0, 0).map_or(nothing, |(node, _)| node)
    }
}

/// A value of a [`Tree`].
#[derive(Clone, Copy)]
pub struct Node<'t, 'a> {
    tree: Tree<'t, 'a>,
    token: Token<'a>,
    // Of the width of a register each: what is written in halves and read as a whole waits for the halves.
    start: usize,
    end: usize,
    /// That of the next list or map, which it is itself if it is one.
    entry: usize,
}

impl<'t, 'a> Node<'t, 'a> {
    /// The value that starts there, and where it ends and the list or map behind it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read(tree: Tree<'t, 'a>, start: usize, entry: usize) -> Option<(Self, usize)> {
        let (token, after) = lex(tree.input.get(start..)?).ok()?;
        let (end, next) = if let Token::List(_) | Token::Map(_) = token {
            let container = tree.entries.get(entry)?;
            (container.end as usize, container.next as usize)
        } else {
            (tree.input.len().saturating_sub(after.len()), entry)
        };
        Some((Node { tree, token, start, end, entry }, next))
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
                let map = MapRef::new(self.as_encoded(), len, &self.tree.limits);
                if self.is_tagged() { ValueRef::of_map(map, &self.tree.limits) } else { ValueRef::Map(map) }
            }
        }
    }

    /// Whether it is a map with a key that makes it something else.
    fn is_tagged(self) -> bool {
        self.tree.entries.get(self.entry).is_some_and(|entry| entry.what == Container::Tagged)
    }

    /// Its encoding, as received.
    #[must_use]
    pub fn as_encoded(self) -> &'a [u8] {
        self.tree.input.get(self.start..self.end).unwrap_or_default()
    }

    /// Where its first byte is in the input.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.start
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

    /// The items of a list; of a map, a tagged one too, keys and values in turn; nothing of anything else. Whoever goes down asks for the
    /// [`value`](Self::value) first, and leaves arrays alone.
    #[must_use]
    pub fn children(self) -> Children<'t, 'a> {
        let head = lex(self.as_encoded()).map_or(0, |(_, rest)| self.as_encoded().len().saturating_sub(rest.len()));
        Children {
            tree: self.tree,
            at: self.start.saturating_add(head),
            entry: self.entry.saturating_add(1),
            left: usize::try_from(self.token.items()).unwrap_or_default(),
        }
    }

    /// The entries of a map, a tagged one too; nothing of anything else.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> + use<'t, 'a> {
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

impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// The children of a [`Node`].
#[derive(Clone)]
pub struct Children<'t, 'a> {
    tree: Tree<'t, 'a>,
    at: usize,
    entry: usize,
    left: usize,
}

impl<'t, 'a> Iterator for Children<'t, 'a> {
    type Item = Node<'t, 'a>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Node<'t, 'a>> {
        self.left = self.left.checked_sub(1)?;
        let (node, next) = Node::read(self.tree, self.at, self.entry)?;
        (self.at, self.entry) = (node.end, next);
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl fmt::Debug for Children<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Children({} left)", self.left)
    }
}

impl FusedIterator for Children<'_, '_> {}
impl ExactSizeIterator for Children<'_, '_> {}

impl<'t, 'a> Tree<'t, 'a> {
    /// Every value in the order of the bytes, without its place, for which there is [`root`](Self::root): a list before its items, a map before its keys and values in turn; arrays and all that tagged
    /// maps stand for are one value each.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Limits, Tape, ValueRef};
    ///
    /// let mut tape = Tape::new();
    /// let tree = tape.parse(b"\x92\x81\xa1a\x07\xc0", &Limits::DEFAULT)?;
    /// let scalars = tree.values().filter(|value| !matches!(value, ValueRef::List(_) | ValueRef::Map(_)));
    /// assert!(scalars.eq([ValueRef::Str(b"a"), ValueRef::Int(7), ValueRef::Nil]));
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn values(self) -> Values<'t, 'a> {
        Values { rest: self.input, tree: self, entry: 0 }
    }
}

/// Iterator over every value of a [`Tree`].
#[derive(Clone)]
pub struct Values<'t, 'a> {
    rest: &'a [u8],
    tree: Tree<'t, 'a>,
    /// That of the next list or map.
    entry: usize,
}

impl<'a> Iterator for Values<'_, 'a> {
    type Item = ValueRef<'a>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (token, after) = lex(self.rest).ok()?;
        let rest = core::mem::replace(&mut self.rest, after);
        Some(match token {
            Token::Nil => ValueRef::Nil,
            Token::Bool(value) => ValueRef::Bool(value),
            Token::Int(value) => ValueRef::Int(value),
            Token::UInt(value) => ValueRef::UInt(value),
            Token::F32(value) => ValueRef::F32(value),
            Token::F64(value) => ValueRef::F64(value),
            Token::Str(text) => ValueRef::Str(text),
            Token::Bin(bytes) => ValueRef::Bin(bytes),
            Token::Ext(kind, bytes) => ValueRef::Ext(kind, bytes),
            Token::List(len) => ValueRef::List(ListRef::new(self.enter(rest)?.0, len, &self.tree.limits)),
            Token::Map(len) => {
                let (encoded, entry) = self.enter(rest)?;
                let map = MapRef::new(encoded, len, &self.tree.limits);
                if entry.what == Container::Tagged { self.tagged(map, entry) } else { ValueRef::Map(map) }
            }
        })
    }
}

impl<'a> Values<'_, 'a> {
    /// Bytes and entry of the list or map at the front of `rest`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(&mut self, rest: &[u8]) -> Option<(&'a [u8], Entry)> {
        let entry = self.tree.entries.get(self.entry)?;
        self.entry = self.entry.saturating_add(1);
        let start = self.tree.input.len().saturating_sub(rest.len());
        Some((self.tree.input.get(start..entry.end as usize)?, *entry))
    }

    #[inline(never)]
    fn tagged(&mut self, map: MapRef<'a>, entry: Entry) -> ValueRef<'a> {
        let value = ValueRef::of_map(map, &self.tree.limits);
        if !matches!(value, ValueRef::Map(_)) {
            self.rest = self.tree.input.get(entry.end as usize..).unwrap_or_default();
            self.entry = entry.next as usize;
        }
        value
    }
}

impl FusedIterator for Values<'_, '_> {}

impl fmt::Debug for Values<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values([{} bytes])", self.rest.len())
    }
}

impl fmt::Debug for Tree<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}
