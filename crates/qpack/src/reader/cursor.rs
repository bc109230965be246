//! The moving parts of a [`Reader`](super::Reader).

use crate::limits::Config;
use crate::token::Token;
use crate::wire::{self, Lexeme, Short, Then};

/// Where a reader stands in the structure, apart from its input: what a [`Decoder`](crate::Decoder) keeps between calls.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(super) values_left: usize,
    pub(super) top: u8,
    pub(super) depth: u8,
    pub(super) stack: Stack,
}

impl State {
    #[inline]
    pub(crate) const fn new(config: &Config) -> Self {
        match config.limits.max_values.checked_sub(1) {
            Some(values_left) => Self::inside(0, values_left),
            None => Self { top: frame::NOTHING, ..Self::inside(0, 0) },
        }
    }

    /// In front of one value inside `depth` containers that somebody else keeps.
    #[inline]
    pub(crate) const fn inside(depth: u8, values_left: usize) -> Self {
        Self { values_left, top: frame::OUTSIDE, depth, stack: Stack([0; 256]) }
    }

    /// The same where something else is due.
    #[cfg(feature = "serde")]
    pub(crate) const fn awaiting(mut self, due: Due) -> Self {
        self.top = match due {
            Due::Value => self.top,
            Due::Key => frame::counted_map(1),
            Due::ItemOrClose => frame::OPEN_ARRAY,
            Due::KeyOrClose => frame::OPEN_MAP,
            Due::ValueOfOpen => frame::OPEN_MAP_AT_VALUE,
        };
        self
    }

    #[cfg(feature = "serde")]
    pub(crate) const fn values_left(&self) -> usize {
        self.values_left
    }
}

/// What may come next, for who keeps the containers elsewhere.
#[cfg(feature = "serde")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Value,
    Key,
    ItemOrClose,
    KeyOrClose,
    ValueOfOpen,
}

/// What does not change while a value is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of the input that may be read; fewer than were handed in where `max_len` cuts them.
    pub(super) window: usize,
    pub(super) config: Config,
}

/// What changes with every token. Apart from the stack, since a structure with an array that is indexed cannot be kept in
/// registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
    /// Values that may come beside those that were charged already.
    pub(super) values_left: usize,
    /// The innermost container.
    pub(super) top: u8,
    /// Containers that are open.
    pub(super) depth: u8,
}

impl<'a> Cursor<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn token(&mut self, stack: &mut Stack, bounds: &Bounds) -> Result<Option<Token<'a>>, Stop> {
        if frame::is_exhausted(self.top) {
            return Ok(self.pop(stack).then_some(Token::End));
        }
        wire::lex_then(self.rest, Step { cursor: self, stack, bounds })
    }

    /// Takes the place of one value in the innermost container. The values of a counted one are charged when it is entered.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_place(&mut self) -> Result<(), Stop> {
        // One branch for both, which a walk takes over and over.
        if self.top < frame::OPEN_ARRAY {
            self.top = self.top.wrapping_sub(1);
        } else {
            self.values_left = self.values_left.checked_sub(1).ok_or(Stop::TooMany)?;
            self.top = frame::less_one(self.top);
        }
        Ok(())
    }

    /// Leaves the innermost container; false if there is none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn pop(&mut self, stack: &Stack) -> bool {
        match self.depth.checked_sub(1) {
            Some(depth) => {
                self.depth = depth;
                self.top = stack.at(depth);
                true
            }
            None => false,
        }
    }
}

/// Why a cursor did not move. What exactly is wrong is found out afterwards, off the path of what is right.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// The input ends at or inside a token.
    Short,
    /// A close byte that closes nothing.
    Close,
    TooDeep,
    TooMany,
}

/// What a token does to a cursor.
struct Step<'r, 'a> {
    cursor: &'r mut Cursor<'a>,
    stack: &'r mut Stack,
    bounds: &'r Bounds,
}

impl<'a> Step<'_, 'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scalar(self, token: Token<'a>, rest: &'a [u8]) -> Result<Option<Token<'a>>, Stop> {
        self.cursor.take_place()?;
        self.cursor.rest = rest;
        Ok(Some(token))
    }

    /// `values` is what a counted container will hold.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(self, frame: u8, values: u8, token: Token<'a>, rest: &'a [u8]) -> Result<Option<Token<'a>>, Stop> {
        let Cursor { top, depth, values_left, .. } = *self.cursor;
        if depth >= self.bounds.config.limits.max_depth {
            return Err(Stop::TooDeep);
        }
        // In an open container it is charged itself as well.
        let charged = values.wrapping_add(u8::from(top >= frame::OPEN_ARRAY));
        let Some(values_left) = values_left.checked_sub(usize::from(charged)) else { return Err(Stop::TooMany) };
        self.stack.put(depth, frame::less_one(top));
        *self.cursor = Cursor { rest, values_left, top: frame, depth: depth.wrapping_add(1) };
        Ok(Some(token))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn close(self, closable: u8, rest: &'a [u8]) -> Result<Option<Token<'a>>, Stop> {
        if self.cursor.top != closable {
            return Err(Stop::Close);
        }
        self.cursor.pop(self.stack);
        self.cursor.rest = rest;
        Ok(Some(Token::End))
    }
}

impl<'a> Then<'a> for Step<'_, 'a> {
    type Out = Result<Option<Token<'a>>, Stop>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn token(self, lexeme: Lexeme<'a>, rest: &'a [u8]) -> Self::Out {
        match lexeme {
            Lexeme::Int(value) => self.scalar(Token::Int(value), rest),
            Lexeme::Double(value) => self.scalar(Token::Double(value), rest),
            Lexeme::Raw(bytes) => self.scalar(Token::Raw(bytes), rest),
            Lexeme::Bool(value) => self.scalar(Token::Bool(value), rest),
            Lexeme::Null => self.scalar(Token::Null, rest),
            Lexeme::Hook => self.scalar(Token::Hook, rest),
            Lexeme::Array(n) => self.enter(frame::counted_array(n), n, Token::Array(Some(usize::from(n))), rest),
            Lexeme::Map(n) => self.enter(frame::counted_map(n), n << 1, Token::Map(Some(usize::from(n))), rest),
            Lexeme::ArrayOpen => self.enter(frame::OPEN_ARRAY, 0, Token::Array(None), rest),
            Lexeme::MapOpen => self.enter(frame::OPEN_MAP, 0, Token::Map(None), rest),
            Lexeme::ArrayClose => self.close(frame::OPEN_ARRAY, rest),
            Lexeme::MapClose => self.close(frame::OPEN_MAP, rest),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn short(self, _: Short) -> Self::Out {
        Err(Stop::Short)
    }
}

/// The containers around the innermost one, a [`frame`] each.
#[derive(Clone)]
pub(super) struct Stack([u8; 256]);

impl Stack {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[expect(clippy::indexing_slicing, reason = "a u8 indexes 256 entries")]
    const fn at(&self, depth: u8) -> u8 {
        self.0[depth as usize]
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    #[expect(clippy::indexing_slicing, reason = "a u8 indexes 256 entries")]
    const fn put(&mut self, depth: u8, frame: u8) {
        self.0[depth as usize] = frame;
    }
}

impl core::fmt::Debug for Stack {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Stack")
    }
}

/// One open container in a byte.
///
/// A counted container is the number of values it still lacks, with bit 4 set for a map, whose key is due when the number
/// is even. An open container has bit 7 set, a map bit 6 too, and there bit 0 tells that a value is due. Outside of all
/// stands a counted container of one: the value that is read.
pub(super) mod frame {
    use crate::error::What;

    pub(in crate::reader) const OUTSIDE: u8 = 0x01;
    /// In place of it where not even one value is allowed: takes one as an open container does, and cannot be closed.
    pub(in crate::reader) const NOTHING: u8 = 0x81;
    pub(in crate::reader) const OPEN_ARRAY: u8 = 0x80;
    pub(in crate::reader) const OPEN_MAP: u8 = 0xc0;
    pub(in crate::reader) const OPEN_MAP_AT_VALUE: u8 = 0xc1;
    const COUNTED_MAP: u8 = 0x10;

    pub(in crate::reader) const fn counted_array(items: u8) -> u8 {
        items & 0x0f
    }

    pub(in crate::reader) const fn counted_map(pairs: u8) -> u8 {
        (pairs << 1) & 0x0f | COUNTED_MAP
    }

    /// Counted, with nothing left to come.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(in crate::reader) const fn is_exhausted(frame: u8) -> bool {
        frame & 0x8f == 0
    }

    /// Open, at a place where it may be closed.
    pub(in crate::reader) const fn is_closable(frame: u8) -> bool {
        matches!(frame, OPEN_ARRAY | OPEN_MAP)
    }

    /// Whether a key or a value is due.
    pub(in crate::reader) const fn awaited(frame: u8) -> What {
        let is_map = frame & 0xc0 == 0xc0 || frame & 0x90 == COUNTED_MAP;
        if is_map && frame & 1 == 0 { What::Key } else { What::Value }
    }

    /// The frame after one of its values.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(in crate::reader) const fn less_one(frame: u8) -> u8 {
        if frame < OPEN_ARRAY { frame.wrapping_sub(1) } else { frame ^ ((frame >> 6) & 1) }
    }
}
