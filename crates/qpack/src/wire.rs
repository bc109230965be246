//! The byte map (SPEC.md §1) and the one function that reads a token off input bytes.

/// First bytes, under the names of SPEC.md §1.
pub(crate) mod tag {
    pub(crate) const NEG_FIRST: u8 = 0x40;
    pub(crate) const NEG_LAST: u8 = 0x7b;
    pub(crate) const HOOK: u8 = 0x7c;
    pub(crate) const DOUBLE_NEG_ONE: u8 = 0x7d;
    pub(crate) const DOUBLE_ZERO: u8 = 0x7e;
    pub(crate) const DOUBLE_ONE: u8 = 0x7f;
    pub(crate) const RAW_FIRST: u8 = 0x80;
    pub(crate) const RAW_LAST: u8 = 0xe3;
    pub(crate) const RAW8: u8 = 0xe4;
    pub(crate) const RAW16: u8 = 0xe5;
    pub(crate) const RAW32: u8 = 0xe6;
    pub(crate) const RAW64: u8 = 0xe7;
    pub(crate) const INT8: u8 = 0xe8;
    pub(crate) const INT16: u8 = 0xe9;
    pub(crate) const INT32: u8 = 0xea;
    pub(crate) const INT64: u8 = 0xeb;
    pub(crate) const DOUBLE: u8 = 0xec;
    pub(crate) const ARRAY0: u8 = 0xed;
    pub(crate) const ARRAY5: u8 = 0xf2;
    pub(crate) const MAP0: u8 = 0xf3;
    pub(crate) const MAP5: u8 = 0xf8;
    pub(crate) const TRUE: u8 = 0xf9;
    pub(crate) const FALSE: u8 = 0xfa;
    pub(crate) const NULL: u8 = 0xfb;
    pub(crate) const ARRAY_OPEN: u8 = 0xfc;
    pub(crate) const MAP_OPEN: u8 = 0xfd;
    pub(crate) const ARRAY_CLOSE: u8 = 0xfe;
    pub(crate) const MAP_CLOSE: u8 = 0xff;
}

/// Most items of an array, and pairs of a map, that a tag can count.
pub(crate) const MAX_COUNTED: usize = 5;

/// One token as it stands on the wire, without regard to what it stands in.
#[derive(Clone, Copy)]
pub(crate) enum Lexeme<'a> {
    Int(i64),
    Double(f64),
    Raw(&'a [u8]),
    Bool(bool),
    Null,
    Hook,
    /// Followed by this many values.
    Array(u8),
    /// Followed by this many pairs.
    Map(u8),
    ArrayOpen,
    MapOpen,
    ArrayClose,
    MapClose,
}

/// The input ends inside a token: at least so many bytes are missing.
#[derive(Clone, Copy)]
pub(crate) struct Short {
    pub(crate) missing: u64,
}

/// Reads the token at the front of `input` and returns it with what follows.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lex(input: &[u8]) -> Result<(Lexeme<'_>, &[u8]), Short> {
    struct Plain;

    impl<'a> Then<'a> for Plain {
        type Out = Result<(Lexeme<'a>, &'a [u8]), Short>;

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn token(self, lexeme: Lexeme<'a>, rest: &'a [u8]) -> Self::Out {
            Ok((lexeme, rest))
        }

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn short(self, short: Short) -> Self::Out {
            Err(short)
        }
    }

    lex_then(input, Plain)
}

/// What is done with a token. Its methods must be inlined for [`lex_then`] to be worth while.
pub(crate) trait Then<'a> {
    type Out;

    fn token(self, lexeme: Lexeme<'a>, rest: &'a [u8]) -> Self::Out;
    fn short(self, short: Short) -> Self::Out;
}

/// Reads the token at the front of `input` and goes on with it and what follows.
///
/// Each arm goes on by itself, so that what is done with a token needs no second look at its kind. That takes inlining, here
/// and in all that is marked like this; without optimization it would only make stack frames of many kilobytes, so there
/// it is left out.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lex_then<'a, T: Then<'a>>(input: &'a [u8], then: T) -> T::Out {
    let Some((&first, rest)) = input.split_first() else { return then.short(Short { missing: 1 }) };
    macro_rules! number {
        ($int:ty, $bytes:ident => $lexeme:expr) => {
            match rest.split_first_chunk::<{ size_of::<$int>() }>() {
                Some(($bytes, rest)) => then.token($lexeme, rest),
                None => then.short(missing(size_of::<$int>() as u64, rest)),
            }
        };
    }
    macro_rules! raw {
        ($int:ty) => {
            match rest.split_first_chunk::<{ size_of::<$int>() }>() {
                Some((len, rest)) => raw!(rest, u64::from(<$int>::from_le_bytes(*len))),
                None => then.short(missing(size_of::<$int>() as u64, rest)),
            }
        };
        // A length is compared with the bytes that are there; it is never added to a position, so it cannot wrap.
        ($rest:expr, $len:expr) => {
            match usize::try_from($len).ok().and_then(|len| $rest.split_at_checked(len)) {
                Some((bytes, rest)) => then.token(Lexeme::Raw(bytes), rest),
                None => then.short(missing($len, $rest)),
            }
        };
    }
    // Short raws first: most keys and texts are, and two comparisons tell.
    if let tag::RAW_FIRST..=tag::RAW_LAST = first {
        return raw!(rest, u64::from(first.wrapping_sub(tag::RAW_FIRST)));
    }
    if let 0..=tag::NEG_LAST = first {
        let value = i64::from(first);
        return then.token(Lexeme::Int(if first < tag::NEG_FIRST { value } else { 63_i64.wrapping_sub(value) }), rest);
    }
    match first {
        0..=tag::NEG_LAST | tag::RAW_FIRST..=tag::RAW_LAST | tag::HOOK => then.token(Lexeme::Hook, rest),
        tag::DOUBLE_NEG_ONE => then.token(Lexeme::Double(-1.0), rest),
        tag::DOUBLE_ZERO => then.token(Lexeme::Double(0.0), rest),
        tag::DOUBLE_ONE => then.token(Lexeme::Double(1.0), rest),
        tag::RAW8 => raw!(u8),
        tag::RAW16 => raw!(u16),
        tag::RAW32 => raw!(u32),
        tag::RAW64 => raw!(u64),
        tag::INT8 => number!(i8, bytes => Lexeme::Int(i64::from(i8::from_le_bytes(*bytes)))),
        tag::INT16 => number!(i16, bytes => Lexeme::Int(i64::from(i16::from_le_bytes(*bytes)))),
        tag::INT32 => number!(i32, bytes => Lexeme::Int(i64::from(i32::from_le_bytes(*bytes)))),
        tag::INT64 => number!(i64, bytes => Lexeme::Int(i64::from_le_bytes(*bytes))),
        tag::DOUBLE => number!(f64, bytes => Lexeme::Double(f64::from_le_bytes(*bytes))),
        tag::ARRAY0..=tag::ARRAY5 => then.token(Lexeme::Array(first.wrapping_sub(tag::ARRAY0)), rest),
        tag::MAP0..=tag::MAP5 => then.token(Lexeme::Map(first.wrapping_sub(tag::MAP0)), rest),
        tag::TRUE => then.token(Lexeme::Bool(true), rest),
        tag::FALSE => then.token(Lexeme::Bool(false), rest),
        tag::NULL => then.token(Lexeme::Null, rest),
        tag::ARRAY_OPEN => then.token(Lexeme::ArrayOpen, rest),
        tag::MAP_OPEN => then.token(Lexeme::MapOpen, rest),
        tag::ARRAY_CLOSE => then.token(Lexeme::ArrayClose, rest),
        tag::MAP_CLOSE => then.token(Lexeme::MapClose, rest),
    }
}

#[cold]
fn missing(wanted: u64, there: &[u8]) -> Short {
    Short { missing: wanted.saturating_sub(there.len() as u64) }
}

/// The name of a token by its first byte, as the byte map of SPEC.md §1 has it: `INT8`, `RAW16`, `MAP_OPEN`.
#[must_use]
pub const fn tag_name(first: u8) -> &'static str {
    match first {
        0..=tag::NEG_LAST => "INT",
        tag::HOOK => "HOOK",
        tag::DOUBLE_NEG_ONE..=tag::DOUBLE_ONE | tag::DOUBLE => "DOUBLE",
        tag::RAW_FIRST..=tag::RAW_LAST => "RAW",
        tag::RAW8 => "RAW8",
        tag::RAW16 => "RAW16",
        tag::RAW32 => "RAW32",
        tag::RAW64 => "RAW64",
        tag::INT8 => "INT8",
        tag::INT16 => "INT16",
        tag::INT32 => "INT32",
        tag::INT64 => "INT64",
        tag::ARRAY0 => "ARRAY0",
        0xee => "ARRAY1",
        0xef => "ARRAY2",
        0xf0 => "ARRAY3",
        0xf1 => "ARRAY4",
        tag::ARRAY5 => "ARRAY5",
        tag::MAP0 => "MAP0",
        0xf4 => "MAP1",
        0xf5 => "MAP2",
        0xf6 => "MAP3",
        0xf7 => "MAP4",
        tag::MAP5 => "MAP5",
        tag::TRUE => "TRUE",
        tag::FALSE => "FALSE",
        tag::NULL => "NULL",
        tag::ARRAY_OPEN => "ARRAY_OPEN",
        tag::MAP_OPEN => "MAP_OPEN",
        tag::ARRAY_CLOSE => "ARRAY_CLOSE",
        tag::MAP_CLOSE => "MAP_CLOSE",
    }
}
