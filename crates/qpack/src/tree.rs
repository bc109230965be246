use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::error::{DecodeError, What};
use crate::limits::{Config, Limit};
use crate::reader::Reader;
use crate::token::Token;
use crate::value_ref::ValueRef;

/// The room for a [`Tree`]: a flat list of 16 bytes a value, kept from one parse to the next.
///
/// Once it has grown to the largest value met, parsing allocates nothing.
///
/// ```
/// use qpack_codec::{Config, Tape};
///
/// let mut tape = Tape::new();
/// for input in [&b"\xf4\x82id\x07"[..], b"\xf4\x82id\x08"] {
///     let tree = tape.parse(input, &Config::DEFAULT)?;
///     assert!(matches!(tree.root().get("id").and_then(|id| id.value().as_int()), Some(7 | 8)));
/// }
/// # Ok::<(), qpack_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tape {
    nodes: Vec<Entry>,
}

/// One value on the tape. The children of a container follow it, each with all of its own.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where its bytes start and end in the input.
    start: u32,
    end: u32,
    /// The entry behind its last descendant; while it is open, the container around it.
    next: u32,
    /// Items of an array, keys and values of a map.
    children: u32,
}

/// No container around it.
const OUTERMOST: u32 = u32::MAX;

impl Tape {
    /// A tape without room yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// Checks the one value in `input` and lays it out for random access.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode_with`], and [`Limit::MaxLen`] for an input of 4 GiB or more.
    pub fn parse<'a>(&'a mut self, input: &'a [u8], config: &Config) -> Result<Tree<'a>, DecodeError> {
        self.nodes.clear();
        if u32::try_from(input.len()).is_err() {
            let met = input.len() as u64;
            return Err(DecodeError::limited(Limit::MaxLen, 0, What::Value, met, u32::MAX as usize));
        }
        let mut reader = Reader::with_config(input, config);
        let mut open = OUTERMOST;
        loop {
            let start = offset(reader.position());
            let Some(token) = reader.token()? else { break };
            let end = offset(reader.position());
            let here = offset(self.nodes.len());
            if token == Token::End {
                let Some(entry) = self.nodes.get_mut(open as usize) else { break };
                open = core::mem::replace(&mut entry.next, here);
                entry.end = end;
                continue;
            }
            if let Some(parent) = self.nodes.get_mut(open as usize) {
                parent.children = parent.children.wrapping_add(1);
            }
            let next = match token {
                Token::Array(_) | Token::Map(_) => core::mem::replace(&mut open, here),
                Token::Int(_)
                | Token::Double(_)
                | Token::Raw(_)
                | Token::Bool(_)
                | Token::Null
                | Token::Hook
                | Token::End => here.wrapping_add(1),
            };
            self.nodes.push(Entry { start, end, next, children: 0 });
        }
        reader.finish()?;
        Ok(Tree { input, nodes: &self.nodes })
    }

    /// Bytes of room it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.nodes.capacity().saturating_mul(size_of::<Entry>())
    }
}

/// A place in an input that is shorter than 4 GiB, or on the tape of one, which has no more entries than that has bytes.
#[expect(clippy::cast_possible_truncation, reason = "checked at the start of parse")]
const fn offset(at: usize) -> u32 {
    at as u32
}

/// A checked value laid out for random access: finding the next sibling is one step, however large the value passed by.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    input: &'a [u8],
    nodes: &'a [Entry],
}

impl<'a> Tree<'a> {
    /// The outermost value.
    #[must_use]
    pub const fn root(self) -> Node<'a> {
        Node { tree: self, at: 0 }
    }

    /// How many values it holds, containers and keys counted.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there always is a root")]
    pub const fn len(self) -> usize {
        self.nodes.len()
    }
}

impl fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

/// A value of a [`Tree`].
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tree: Tree<'a>,
    at: u32,
}

impl<'a> Node<'a> {
    /// The value itself: a scalar, or a cursor over the bytes of a container.
    #[must_use]
    pub fn value(self) -> ValueRef<'a> {
        ValueRef::of_checked(self.as_encoded())
    }

    /// Its encoding, as received.
    #[must_use]
    pub fn as_encoded(self) -> &'a [u8] {
        let range = self.entry().map(|entry| entry.start as usize..entry.end as usize);
        range.and_then(|range| self.tree.input.get(range)).unwrap_or_default()
    }

    /// Where its first byte is in the input.
    #[must_use]
    pub fn offset(self) -> usize {
        self.entry().map_or(0, |entry| entry.start as usize)
    }

    /// Items of an array, pairs of a map, 0 for a scalar.
    #[must_use]
    pub fn len(self) -> usize {
        let children = self.entry().map_or(0, |entry| entry.children as usize);
        if self.is_map() { children / 2 } else { children }
    }

    /// Whether it has no items, pairs or is a scalar.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of an array; of a map, keys and values in turn; nothing of a scalar.
    #[must_use]
    pub fn children(self) -> Children<'a> {
        let end = self.entry().map_or(0, |entry| entry.next);
        Children { tree: self.tree, at: self.at.saturating_add(1), end }
    }

    /// The pairs of a map; nothing of anything else.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> + use<'a> {
        let mut children = self.children();
        if !self.is_map() {
            children.end = 0;
        }
        core::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The item of an array at `index`.
    #[must_use]
    pub fn at(self, index: usize) -> Option<Self> {
        if self.is_map() { None } else { self.children().nth(index) }
    }

    /// The value of the first pair whose key is a raw of just these bytes.
    #[must_use]
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<Self> {
        self.entries().find(|(name, _)| name.value().as_raw() == Some(key.as_ref())).map(|(_, value)| value)
    }

    fn entry(self) -> Option<&'a Entry> {
        self.tree.nodes.get(self.at as usize)
    }

    fn is_map(self) -> bool {
        matches!(self.value(), ValueRef::Map(_))
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Node<'_> {}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// The children of a [`Node`].
#[derive(Clone, Debug)]
pub struct Children<'a> {
    tree: Tree<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node { tree: self.tree, at: self.at };
        self.at = node.entry()?.next;
        Some(node)
    }
}

impl FusedIterator for Children<'_> {}
