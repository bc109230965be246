use crate::decode::Decoded;
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::{Config, Limit};
use crate::token::Token;
use crate::value::Kind;
use crate::wire::{self, Lexeme, Short, Then, tag};

/// Pulls the tokens of one value off a slice, checking as it goes; allocates nothing.
///
/// Either take every [`token`](Self::token), or ask for what you expect:
///
/// ```
/// use qpack_codec::Reader;
///
/// // {"temperature": 21.5, "unit": "C", "tags": [1, 2]}
/// let input = b"\xf6\x8btemperature\xec\x00\x00\x00\x00\x00\x80\x35\x40\x84unit\x81C\x84tags\xef\x01\x02";
/// let mut reader = Reader::new(input);
/// let (mut temperature, mut unit) = (0.0, "");
/// reader.map()?;
/// while reader.more()? {
///     match reader.str()? {
///         "temperature" => temperature = reader.double()?,
///         "unit" => unit = reader.str()?,
///         _ => reader.skip()?,
///     }
/// }
/// reader.finish()?;
/// assert_eq!((temperature, unit), (21.5, "C"));
/// # Ok::<(), qpack_codec::DecodeError>(())
/// ```
///
/// # Errors
///
/// Every method reports the fault at the token it met and leaves the reader in front of it, so that a second call says the
/// same again.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    cursor: Cursor<'a>,
    stack: Stack,
    bounds: Bounds,
}

impl<'a> Reader<'a> {
    /// A reader of the one value in `input`, strict, under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self::with_config(input, &Config::DEFAULT)
    }

    /// A reader of the one value in `input`.
    #[must_use]
    #[inline]
    pub fn with_config(input: &'a [u8], config: &Config) -> Self {
        Self::resume(input, 0, State::new(config), config)
    }

    /// Goes on at `at` where `state` was left.
    #[inline]
    pub(crate) fn resume(input: &'a [u8], at: usize, state: State, config: &Config) -> Self {
        let window = input.get(..config.limits.max_len).unwrap_or(input);
        let State { values_left, top, depth, stack } = state;
        let cursor = Cursor { rest: window.get(at..).unwrap_or_default(), values_left, top, depth };
        Self { input, cursor, stack, bounds: Bounds { window: window.len(), config: *config } }
    }

    pub(crate) fn into_state(self) -> State {
        let Cursor { values_left, top, depth, .. } = self.cursor;
        State { values_left, top, depth, stack: self.stack }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.bounds.window.saturating_sub(self.cursor.rest.len())
    }

    /// Containers open at this point.
    #[must_use]
    pub fn depth(&self) -> usize {
        usize::from(self.cursor.depth)
    }

    /// The next token; `None` once the value is complete.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the next token, or with where it stands.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn token(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        match self.cursor.token(&mut self.stack, &self.bounds) {
            Ok(token) => Ok(token),
            Err(stop) => self.stopped(stop).map(Some),
        }
    }

    /// Hands every token that is left to `take`: a loop over [`token`](Self::token), at twice its speed.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), once the tokens before were handed out.
    #[inline]
    pub fn for_each_token(&mut self, mut take: impl FnMut(Token<'a>)) -> Result<(), DecodeError> {
        loop {
            // A copy that nobody holds a pointer to stays in registers.
            let mut cursor = self.cursor;
            let stop = loop {
                match cursor.token(&mut self.stack, &self.bounds) {
                    Ok(Some(token)) => take(token),
                    Ok(None) => break None,
                    Err(stop) => break Some(stop),
                }
            };
            self.cursor = cursor;
            match stop {
                None => return Ok(()),
                Some(stop) => take(self.stopped(stop)?),
            }
        }
    }

    /// Whether the innermost container, or the input outside of any, holds another value. At the end of a container
    /// `more` leaves it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), if what comes is neither a value nor the right close.
    pub fn more(&mut self) -> Result<bool, DecodeError> {
        if frame::is_exhausted(self.cursor.top) {
            self.cursor.pop(&self.stack);
            return Ok(false);
        }
        match self.cursor.rest.first() {
            Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) | None => self.token().map(|_| false),
            Some(_) => Ok(true),
        }
    }

    /// What kind of value comes next; `None` where a container ends or the value is complete.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token); for a token cut short only when it is read.
    pub fn peek(&self) -> Result<Option<Kind>, DecodeError> {
        if frame::is_exhausted(self.cursor.top) {
            return Ok(None);
        }
        match self.cursor.rest.first() {
            Some(&tag::ARRAY_CLOSE) if self.cursor.top == frame::OPEN_ARRAY => Ok(None),
            Some(&tag::MAP_CLOSE) if self.cursor.top == frame::OPEN_MAP => Ok(None),
            Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) | None => self.clone().token().map(|_| None),
            Some(&first) => Ok(Some(Kind::of(first))),
        }
    }

    /// Reads an integer.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::UnexpectedKind`] if something else comes, [`DecodeErrorKind::NoMoreValues`] at the end of a
    /// container or of the value, and what [`token`](Self::token) reports; so for the methods below.
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        self.expect(Kind::Int, |token| if let Token::Int(value) = token { Some(value) } else { None })
    }

    /// Reads a double. An integer is not taken for one.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn double(&mut self) -> Result<f64, DecodeError> {
        self.expect(Kind::Double, |token| if let Token::Double(value) = token { Some(value) } else { None })
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.expect(Kind::Bool, |token| if let Token::Bool(value) = token { Some(value) } else { None })
    }

    /// Reads null.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn null(&mut self) -> Result<(), DecodeError> {
        self.expect(Kind::Null, |token| if let Token::Null = token { Some(()) } else { None })
    }

    /// Reads the hook byte.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn hook(&mut self) -> Result<(), DecodeError> {
        self.expect(Kind::Hook, |token| if let Token::Hook = token { Some(()) } else { None })
    }

    /// Reads a raw, borrowed from the input.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        self.expect(Kind::Raw, |token| if let Token::Raw(bytes) = token { Some(bytes) } else { None })
    }

    /// Reads a raw as text, borrowed from the input.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int), and [`DecodeErrorKind::InvalidUtf8`].
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let before = self.cursor;
        let bytes = self.raw()?;
        core::str::from_utf8(bytes).map_err(|_| {
            self.cursor = before;
            DecodeError::utf8(self.position(), self.first())
        })
    }

    /// Enters an array; the number of items where the tag tells it.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn array(&mut self) -> Result<Option<usize>, DecodeError> {
        self.expect(Kind::Array, |token| if let Token::Array(count) = token { Some(count) } else { None })
    }

    /// Enters a map; the number of pairs where the tag tells it.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn map(&mut self) -> Result<Option<usize>, DecodeError> {
        self.expect(Kind::Map, |token| if let Token::Map(count) = token { Some(count) } else { None })
    }

    /// Skips one value, however deep; does nothing where a container ends or the value is complete.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token): what is skipped is checked as well.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        if self.peek()?.is_some() {
            let depth = self.cursor.depth;
            self.token()?;
            self.skip_to(depth)?;
        }
        Ok(())
    }

    /// Skips what is left of the innermost container and leaves it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and [`DecodeErrorKind::NothingOpen`] outside of any container.
    pub fn leave(&mut self) -> Result<(), DecodeError> {
        match self.cursor.depth.checked_sub(1) {
            Some(depth) => self.skip_to(depth),
            None => Err(DecodeError::nothing_open(self.position())),
        }
    }

    /// Checks that the value is complete, skipping what is left of it, and that nothing follows; returns its length.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and [`DecodeErrorKind::TrailingBytes`] unless
    /// [`Config::ignore_trailing`] is set.
    pub fn finish(&mut self) -> Result<usize, DecodeError> {
        self.for_each_token(|_| {})?;
        let position = self.position();
        match self.input.get(position..) {
            Some(trailing @ &[first, ..]) if !self.bounds.config.ignore_trailing => {
                Err(DecodeError::trailing(position, first, trailing.len()))
            }
            _ => Ok(position),
        }
    }

    /// As [`finish`](Self::finish) for a stream: what follows is another value's, and running out of input is not a fault.
    pub(crate) fn finish_prefix(&mut self) -> Result<Decoded<()>, DecodeError> {
        self.bounds.config.end_closes_open = false;
        match self.for_each_token(|_| {}) {
            Ok(()) => Ok(Decoded::Complete { value: (), consumed: self.position() }),
            Err(error) if error.is_incomplete() => Ok(Decoded::incomplete(error.missing())),
            Err(error) => Err(error),
        }
    }

    /// Whether the next token is the end of a counted container, for which no byte stands.
    pub(crate) const fn is_at_counted_end(&self) -> bool {
        frame::is_exhausted(self.cursor.top) && self.cursor.depth > 0
    }

    fn skip_to(&mut self, depth: u8) -> Result<(), DecodeError> {
        while self.cursor.depth > depth {
            let mut cursor = self.cursor;
            let mut stop = None;
            while cursor.depth > depth && stop.is_none() {
                stop = cursor.token(&mut self.stack, &self.bounds).err();
            }
            self.cursor = cursor;
            if let Some(stop) = stop {
                self.stopped(stop)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn expect<T>(&mut self, kind: Kind, pick: impl FnOnce(Token<'a>) -> Option<T>) -> Result<T, DecodeError> {
        // What a token writes to the stack stands above the depth that the cursor goes back to.
        let before = self.cursor;
        let token = self.token()?;
        if let Some(value) = token.and_then(pick) {
            return Ok(value);
        }
        self.cursor = before;
        Err(match token {
            None | Some(Token::End) => DecodeError::no_more_values(self.position()),
            Some(_) => DecodeError::unexpected(self.position(), self.first(), kind),
        })
    }

    /// What to make of a stop: the end of a container that the end of the input closes, or an error.
    #[cold]
    #[inline(never)]
    fn stopped(&mut self, stop: Stop) -> Result<Token<'a>, DecodeError> {
        let config = &self.bounds.config;
        let (offset, top) = (self.position(), self.cursor.top);
        let first = self.cursor.rest.first().copied();
        let what = first.map_or(frame::awaited(top), What::Token);
        let limited = |limit, met: u64, max| DecodeError::limited(limit, offset, what, met, max);
        Err(match stop {
            Stop::TooDeep => {
                let max = config.limits.max_depth;
                limited(Limit::MaxDepth, u64::from(max).saturating_add(1), max.into())
            }
            Stop::TooMany => {
                let max = config.limits.max_values;
                limited(Limit::MaxValues, (max as u64).saturating_add(1), max)
            }
            Stop::Close => {
                let lacks_value = first == Some(tag::MAP_CLOSE) && top == frame::OPEN_MAP_AT_VALUE;
                let kind = if lacks_value { DecodeErrorKind::MissingValue } else { DecodeErrorKind::UnexpectedClose };
                DecodeError::close(kind, offset, first.unwrap_or_default())
            }
            Stop::Short => {
                let missing = wire::lex(self.cursor.rest).err().map_or(1, |short| short.missing);
                let at_close = first.is_none() && frame::is_closable(top);
                if at_close && config.end_closes_open && self.bounds.window == self.input.len() {
                    self.cursor.pop(&self.stack);
                    return Ok(Token::End);
                }
                let wanted = (self.bounds.window as u64).saturating_add(missing);
                let max = config.limits.max_len;
                if wanted > max as u64 {
                    limited(Limit::MaxLen, wanted, max)
                } else if at_close {
                    DecodeError::unclosed(offset, what)
                } else {
                    DecodeError::end(offset, what, missing)
                }
            }
        })
    }

    /// The first byte of the token that comes next.
    fn first(&self) -> u8 {
        self.cursor.rest.first().copied().unwrap_or_default()
    }
}

/// Where a reader stands in the structure, apart from its input: what a [`Decoder`](crate::Decoder) keeps between calls.
#[derive(Clone, Debug)]
pub(crate) struct State {
    values_left: usize,
    top: u8,
    depth: u8,
    stack: Stack,
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
struct Bounds {
    /// Bytes of the input that may be read; fewer than were handed in where `max_len` cuts them.
    window: usize,
    config: Config,
}

/// What changes with every token. Apart from the stack, since a structure with an array that is indexed cannot be kept in
/// registers.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a [u8],
    /// Values that may come beside those that were charged already.
    values_left: usize,
    /// The innermost container.
    top: u8,
    /// Containers that are open.
    depth: u8,
}

impl<'a> Cursor<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn token(&mut self, stack: &mut Stack, bounds: &Bounds) -> Result<Option<Token<'a>>, Stop> {
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
    fn pop(&mut self, stack: &Stack) -> bool {
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
enum Stop {
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
struct Stack([u8; 256]);

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
mod frame {
    use crate::error::What;

    pub(super) const OUTSIDE: u8 = 0x01;
    /// In place of it where not even one value is allowed: takes one as an open container does, and cannot be closed.
    pub(super) const NOTHING: u8 = 0x81;
    pub(super) const OPEN_ARRAY: u8 = 0x80;
    pub(super) const OPEN_MAP: u8 = 0xc0;
    pub(super) const OPEN_MAP_AT_VALUE: u8 = 0xc1;
    const COUNTED_MAP: u8 = 0x10;

    pub(super) const fn counted_array(items: u8) -> u8 {
        items & 0x0f
    }

    pub(super) const fn counted_map(pairs: u8) -> u8 {
        (pairs << 1) & 0x0f | COUNTED_MAP
    }

    /// Counted, with nothing left to come.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn is_exhausted(frame: u8) -> bool {
        frame & 0x8f == 0
    }

    /// Open, at a place where it may be closed.
    pub(super) const fn is_closable(frame: u8) -> bool {
        matches!(frame, OPEN_ARRAY | OPEN_MAP)
    }

    /// Whether a key or a value is due.
    pub(super) const fn awaited(frame: u8) -> What {
        let is_map = frame & 0xc0 == 0xc0 || frame & 0x90 == COUNTED_MAP;
        if is_map && frame & 1 == 0 { What::Key } else { What::Value }
    }

    /// The frame after one of its values.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn less_one(frame: u8) -> u8 {
        if frame < OPEN_ARRAY { frame.wrapping_sub(1) } else { frame ^ ((frame >> 6) & 1) }
    }
}
