/// One step of a walk over a value: every scalar, every start of a container, every end of one.
///
/// The end of a counted container is a token as well, though no byte stands for it: who walks need not count.
/// Equality of doubles is that of their bits.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "qpack assigns every first byte; there is nothing left to add")]
pub enum Token<'a> {
    /// A signed integer.
    Int(i64),
    /// A double, its bits as sent.
    Double(f64),
    /// Bytes; text, where the sender meant text, is UTF-8 by convention only.
    Raw(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// Null.
    Null,
    /// The hook byte `7c`: reserved, without a payload, read differently by every peer (SPEC.md §6).
    Hook,
    /// The start of an array; the number of items where the tag tells it.
    Array(Option<usize>),
    /// The start of a map; the number of pairs where the tag tells it. Keys and values follow in turn.
    Map(Option<usize>),
    /// The end of the innermost container.
    End,
}

impl PartialEq for Token<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Raw(a), Self::Raw(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Null, Self::Null) | (Self::Hook, Self::Hook) | (Self::End, Self::End) => true,
            (Self::Array(a), Self::Array(b)) | (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Token<'_> {}
