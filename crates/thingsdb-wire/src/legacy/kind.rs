use core::fmt;

/// Which state of the protocol a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum State {
    /// 2019-05-16 to 2019-07-15: a package type for each class of errors.
    S1,
    /// 2019-07-17 to 2019-09-12: one error type, with codes; the one of the protocol's own document.
    #[default]
    S2,
    /// From 2019-09-12: one QUERY, and arrays for data.
    September,
}

/// TYPE of a package. Some numbers mean different things in different states, so that a name needs both.
///
/// ```
/// use thingsdb_wire::legacy::{Kind, State};
///
/// assert_eq!(Kind(34).name(State::S2), Some("QUERY_NODE"));
/// assert_eq!(Kind(34).name(State::September), Some("QUERY"));
/// assert_eq!(Kind(99).name(State::S1), Some("ERR_AUTH"));
/// assert_eq!(Kind(99).name(State::S2), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "any number is one")]
pub struct Kind(pub u8);

/// A number that has a name, from one state to another.
macro_rules! kinds {
    ($($(#[$doc:meta])* $constant:ident = $value:literal in $from:ident..=$to:ident,)*) => {
        impl Kind {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// Its name in this state, if it has one.
            #[must_use]
            pub fn name(self, state: State) -> Option<&'static str> {
                let names = [$(($value, State::$from..=State::$to, stringify!($constant)),)*];
                names.into_iter().find(|(number, states, _)| *number == self.0 && states.contains(&state)).map(|(_, _, name)| name)
            }
        }
    };
}

kinds! {
    /// Event: `{"event": int, "thing": {...}}`.
    WATCH_INI = 16 in S1..=September,
    /// Event: `{"#": id, "event": int, "jobs": [...]}`.
    WATCH_UPD = 17 in S1..=September,
    /// Event: `{"#": id}`.
    WATCH_DEL = 18 in S1..=September,
    /// Event: a text.
    NODE_STATUS = 19 in S1..=September,
    /// Request without data.
    PING = 32 in S1..=September,
    /// Request: `[user, password]`, or from 2019-07-05 on a token.
    AUTH = 33 in S1..=September,
    /// Request to the node: `{"query": code}`.
    QUERY_NODE = 34 in S1..=S2,
    /// Request: `[scope, code, blob, ...]`.
    QUERY = 34 in September..=September,
    /// Request to all of ThingsDB: `{"query": code}`.
    QUERY_THINGSDB = 35 in S1..=S2,
    /// Request to a collection: `{"query": code, "collection": name or id, "blobs": [...]}`.
    QUERY_COLLECTION = 36 in S1..=S2,
    /// Request: nothing, or things and a collection.
    WATCH = 48 in S1..=September,
    /// Request: as [`WATCH`](Self::WATCH).
    UNWATCH = 49 in S1..=September,
    /// Request: `[target, procedure, argument, ...]`; called CALL at first.
    RUN = 50 in S1..=September,
    /// Answer without data.
    RES_PING = 64 in S1..=September,
    /// Answer without data.
    RES_AUTH = 65 in S1..=September,
    /// Answer to the queries and to [`RUN`](Self::RUN): any value.
    RES_QUERY = 66 in S1..=September,
    /// Answer without data.
    RES_WATCH = 80 in S1..=September,
    /// Answer without data.
    RES_UNWATCH = 81 in S1..=September,
    /// Answer: `{"error_code": int, "error_msg": text}`.
    RES_ERROR = 96 in S2..=September,
    /// Error: integer overflow; data as that of [`RES_ERROR`](Self::RES_ERROR), and so for the others.
    ERR_OVERFLOW = 96 in S1..=S1,
    /// Error: division by zero.
    ERR_ZERO_DIV = 97 in S1..=S1,
    /// Error: a quota is reached.
    ERR_MAX_QUOTA = 98 in S1..=S1,
    /// Error: not authenticated, or wrongly.
    ERR_AUTH = 99 in S1..=S1,
    /// Error: no right to do this.
    ERR_FORBIDDEN = 100 in S1..=S1,
    /// Error: not found.
    ERR_INDEX = 101 in S1..=S1,
    /// Error: the request is malformed.
    ERR_BAD_REQUEST = 102 in S1..=S1,
    /// Error: syntax.
    ERR_SYNTAX = 103 in S1..=S1,
    /// Error: the node cannot do it now.
    ERR_NODE = 104 in S1..=S1,
    /// Error: an assertion failed.
    ERR_ASSERTION = 105 in S1..=S1,
    /// Error: an internal one of the node.
    ERR_INTERNAL = 127 in S1..=S1,
}

/// Its number: a name needs the state.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u8> for Kind {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> Self {
        kind.0
    }
}

crate::kinds::open_numbers! {
    /// `error_code` of a [`RES_ERROR`](Kind::RES_ERROR), from S2 on; in S1 it is the negative of the package's type. From
    /// -127 to -100 they are raised by the user's code.
    ErrorCode: i64 {
        /// Integer overflow.
        OVERFLOW = -59,
        /// Division by zero.
        ZERO_DIV = -58,
        /// A quota is reached.
        MAX_QUOTA = -57,
        /// Not authenticated, or wrongly.
        AUTH = -56,
        /// No right to do this.
        FORBIDDEN = -55,
        /// Not found.
        INDEX = -54,
        /// The request is malformed.
        BAD_DATA = -53,
        /// Syntax.
        SYNTAX = -52,
        /// The node cannot do it now.
        NODE = -51,
        /// An assertion failed.
        ASSERTION = -50,
        /// The request took too long.
        REQUEST_TIMEOUT = -5,
        /// The request was cancelled.
        REQUEST_CANCELLED = -4,
        /// The node could not write to the socket.
        WRITE = -3,
        /// The node is out of memory.
        MEMORY = -2,
        /// An internal error of the node.
        INTERNAL = -1,
    }
}
