use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;
use crate::wire::{NoToken, Token, lex};

/// Pulls MessagePack off a slice, token by token or value by value; allocates nothing. After an error it stays where it was.
///
/// Tokens know nothing of arrays: a tagged map is a map, and what is in it. [`ValueRef`](crate::ValueRef) knows.
///
/// ```
/// use msgpack_numpy_codec::{Reader, Token};
///
/// let mut reader = Reader::new(b"\x82\xa1a\x01\xa1b\x92\xc2\xc3");
/// assert_eq!(reader.token()?, Token::Map(2));
/// assert_eq!(reader.token()?, Token::Str(b"a"));
/// assert_eq!(reader.token()?, Token::Int(1));
/// reader.skip()?; // "b"
/// reader.skip()?; // [false, true]
/// reader.finish()?;
/// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the front of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, rest: input }
    }

    /// With `rest` of `input` left.
    pub(crate) const fn at(input: &'a [u8], rest: &'a [u8]) -> Self {
        Self { input, rest }
    }

    /// Bytes read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.input.len().saturating_sub(self.rest.len())
    }

    /// What was not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next token.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](DecodeErrorKind::UnexpectedEnd), also for a list or map with more items than bytes are left, and
    /// [`InvalidTag`](DecodeErrorKind::InvalidTag).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        match lex(self.rest) {
            Ok((token, rest)) if token.items() <= rest.len() as u64 => {
                self.rest = rest;
                Ok(token)
            }
            Ok(_) => Err(self.end()),
            Err(NoToken::Short) => Err(self.end()),
            Err(NoToken::Reserved) => Err(self.error(DecodeErrorKind::InvalidTag, What::Value)),
        }
    }

    /// Hands every token that is left to `take`: a loop over [`token`](Self::token), and faster.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), once the tokens before were handed out.
    #[inline]
    pub fn for_each_token(&mut self, mut take: impl FnMut(Token<'a>)) -> Result<(), DecodeError> {
        // A copy that nobody holds a pointer to stays in registers.
        let mut rest = self.rest;
        loop {
            match lex(rest) {
                Ok((token, after)) if token.items() <= after.len() as u64 => {
                    rest = after;
                    take(token);
                }
                _ => {
                    self.rest = rest;
                    return if rest.is_empty() { Ok(()) } else { self.token().map(|_| ()) };
                }
            }
        }
    }

    /// Passes one value, with all that is in it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let mut rest = self.rest;
        let mut open = 1_u64;
        while open > 0 {
            match lex(rest) {
                Ok((token, after)) if token.items() <= after.len() as u64 => {
                    rest = after;
                    open = open.saturating_add(token.items()).saturating_sub(1);
                }
                // What exactly is wrong is found out off the path of what is right.
                _ => return Reader { input: self.input, rest }.token().map(|_| ()),
            }
        }
        self.rest = rest;
        Ok(())
    }

    /// There is nothing left.
    ///
    /// # Errors
    ///
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if there is.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(DecodeErrorKind::TrailingBytes, What::Value)) }
    }

    /// The bytes of one value.
    pub(crate) fn pass(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.rest;
        self.skip()?;
        let len = start.len().saturating_sub(self.rest.len());
        Ok(start.get(..len).unwrap_or(start))
    }

    /// Passes one value that is not nested deeper than allowed.
    pub(crate) fn check(&mut self, limits: &Limits) -> Result<(), DecodeError> {
        // What the containers around the innermost one still lack.
        let mut stack = [0_u64; 256];
        let (mut depth, mut open) = (0_u8, 1_u64);
        loop {
            let at = self.position();
            let token = self.token()?;
            open = open.saturating_sub(1);
            if let Token::List(_) | Token::Map(_) = token {
                if depth >= limits.max_depth {
                    return Err(DecodeError::over(Limit::MaxDepth, limits.max_depth.into(), at, What::Value));
                }
                if token.items() > 0 {
                    if let Some(slot) = stack.get_mut(usize::from(depth)) {
                        *slot = open;
                    }
                    depth = depth.saturating_add(1);
                    open = token.items();
                    continue;
                }
            }
            while open == 0 {
                let Some(outer) = depth.checked_sub(1) else { return Ok(()) };
                depth = outer;
                open = stack.get(usize::from(depth)).copied().unwrap_or_default();
            }
        }
    }

    pub(crate) fn error(&self, kind: DecodeErrorKind, what: What) -> DecodeError {
        DecodeError::new(kind, self.position(), what)
    }

    #[cold]
    fn end(&self) -> DecodeError {
        DecodeError::new(DecodeErrorKind::UnexpectedEnd, self.input.len(), What::Value)
    }
}
