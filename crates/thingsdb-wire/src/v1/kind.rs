use crate::kinds::open_numbers;

open_numbers! {
    /// TYPE of a package between client and node.
    ///
    /// ```
    /// use thingsdb_wire::v1::Kind;
    ///
    /// assert_eq!(Kind(34), Kind::QUERY);
    /// assert_eq!((Kind(34).to_string(), Kind(99).to_string()), ("QUERY".into(), "99".into()));
    /// ```
    Kind: u8 {
        /// Event: `{"id": node, "status": text}`.
        NODE_STATUS = 0,
        /// Event: `{"warn_code": int, "warn_msg": text}`.
        WARN = 5,
        /// Event: `{"scope": text, "id": room}`.
        ROOM_JOIN = 6,
        /// Event: as [`ROOM_JOIN`](Self::ROOM_JOIN).
        ROOM_LEAVE = 7,
        /// Event: `{"scope": text, "id": room, "event": name, "args": [...]}`.
        ROOM_EMIT = 8,
        /// Event: as [`ROOM_JOIN`](Self::ROOM_JOIN).
        ROOM_DELETE = 9,
        /// Answer to [`PING`](Self::PING), without data.
        PONG = 16,
        /// Answer without data: to [`AUTH`](Self::AUTH), [`EMIT`](Self::EMIT), [`EMIT_PEER`](Self::EMIT_PEER).
        OK = 17,
        /// Answer: any value, to [`QUERY`](Self::QUERY), [`RUN`](Self::RUN), [`JOIN`](Self::JOIN), [`LEAVE`](Self::LEAVE).
        DATA = 18,
        /// Answer: `{"error_code": int, "error_msg": text}`.
        ERROR = 19,
        /// Request, whatever its data.
        PING = 32,
        /// Request: `[user, password]` or a token.
        AUTH = 33,
        /// Request: `[scope, code]` or `[scope, code, {name: value}]`.
        QUERY = 34,
        /// Request of 2019 to 2021, still answered [`OK`](Self::OK) and without effect.
        WATCH = 35,
        /// Request of 2019 to 2021, still answered [`OK`](Self::OK) and without effect.
        UNWATCH = 36,
        /// Request: `[scope, procedure]`, with `[arguments]` or `{name: argument}` as a third item.
        RUN = 37,
        /// Request: `[scope, room, ...]`.
        JOIN = 38,
        /// Request: `[scope, room, ...]`.
        LEAVE = 39,
        /// Request: `[scope, room, event, argument, ...]`.
        EMIT = 40,
        /// Request: as [`EMIT`](Self::EMIT), and not to the connection it comes from.
        EMIT_PEER = 41,
    }
}

open_numbers! {
    /// `error_code` of an [`ERROR`](Kind::ERROR). From -127 to -100 they are raised by the user's code.
    ///
    /// ```
    /// use thingsdb_wire::v1::ErrorCode;
    ///
    /// assert_eq!(ErrorCode(-54), ErrorCode::LOOKUP);
    /// assert!(ErrorCode(-101).is_raised_by_user());
    /// ```
    ErrorCode: i64 {
        /// Cancelled.
        CANCELLED = -64,
        /// Not possible now, or with this.
        OPERATION = -63,
        /// Number of arguments.
        NUM_ARGUMENTS = -62,
        /// Type.
        TYPE = -61,
        /// Value.
        VALUE = -60,
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
        LOOKUP = -54,
        /// The request is malformed.
        BAD_DATA = -53,
        /// Syntax.
        SYNTAX = -52,
        /// The node cannot do it now.
        NODE = -51,
        /// An assertion failed.
        ASSERTION = -50,
        /// The result is too large.
        RESULT_TOO_LARGE = -6,
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

impl ErrorCode {
    /// Whether it comes from the user's code.
    #[must_use]
    pub const fn is_raised_by_user(self) -> bool {
        matches!(self.0, -127..=-100)
    }
}
