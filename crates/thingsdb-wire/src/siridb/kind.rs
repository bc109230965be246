use crate::kinds::open_numbers;

open_numbers! {
    /// TYPE of a package to the server.
    Request: u8 {
        /// `[query, time precision or null]`.
        QUERY = 0,
        /// `{series: [[timestamp, value], ...]}`.
        INSERT = 1,
        /// `[user, password, database]`.
        AUTH = 2,
        /// Without data; needs no authentication.
        PING = 3,
        /// Gone in 2.x: no answer.
        INFO = 4,
        /// Gone in 2.x: no answer.
        LOADDB = 5,
        /// `[uuid, host, port, pool]`.
        REGISTER_SERVER = 6,
        /// Without data.
        FILE_SERVERS = 7,
        /// Without data.
        FILE_USERS = 8,
        /// Without data.
        FILE_GROUPS = 9,
        /// Without data.
        FILE_DATABASE = 10,
        /// `[user, password, request, {...}]`.
        SERVICE = 32,
    }
}

open_numbers! {
    /// TYPE of a package from the server.
    Answer: u8 {
        /// A map, opened and often never closed.
        QUERY = 0,
        /// `{"success_msg": text}`, never closed.
        INSERT = 1,
        /// Without data.
        AUTH_SUCCESS = 2,
        /// Without data: to a ping, and to others.
        ACK = 3,
        /// The content of a file.
        FILE = 5,
        /// Without data.
        SERVICE_OK = 32,
        /// An array.
        SERVICE_DATA = 33,
        /// `{"error_msg": text}`, never closed, as are those up to 69.
        ERR_GENERAL = 64,
        /// In a query.
        ERR_QUERY = 65,
        /// In an insert.
        ERR_INSERT = 66,
        /// Of the server.
        ERR_SERVER = 67,
        /// Of a pool.
        ERR_POOL = 68,
        /// No right to do this.
        ERR_USER_ACCESS = 69,
        /// Without data, as are those up to 75.
        ERR_UNEXPECTED = 70,
        /// Not authenticated.
        ERR_NOT_AUTHENTICATED = 71,
        /// Wrong user or password.
        ERR_AUTH_CREDENTIALS = 72,
        /// Unknown database.
        ERR_AUTH_UNKNOWN_DB = 73,
        /// Still loading.
        ERR_LOADING = 74,
        /// Of a file.
        ERR_FILE = 75,
        /// `{"error_msg": text}`.
        ERR_SERVICE = 96,
        /// Without data.
        ERR_INVALID_SERVICE = 97,
        /// Internal: the answer comes later.
        DEFERRED = 127,
    }
}
