//! Between nodes of v1: numbers to know them by, no more (SPEC.md §2).

use crate::kinds::open_numbers;

open_numbers! {
    /// TYPE of a package between nodes.
    Kind: u8 {
        /// A change.
        CHANGE = 128,
        /// Information about a node.
        INFO = 129,
        /// A change is missing.
        MISSING_CHANGE = 130,
        /// An event of a room: `[collection, room, event]`.
        ROOM_EMIT = 136,
        /// A warning for a client of another node.
        FORWARD_WARN = 137,
        /// A task for another node.
        FORWARD_TASK = 138,
        /// A query for another node: `[user, data]`.
        FORWARD_QUERY = 160,
        /// A procedure for another node.
        FORWARD_RUN = 161,
        /// A node connects.
        CONNECT = 168,
        /// Asks for the number of a change.
        CHANGE_ID = 169,
        /// Asks to go away.
        AWAY = 170,
        /// Asks for the setup.
        SETUP = 171,
        /// Asks to be synchronized.
        SYNC = 172,
        /// Part of a full synchronization.
        FULL_SYNC_PART = 173,
        /// End of a full synchronization.
        FULL_SYNC_DONE = 174,
        /// Part of a synchronization of the archive.
        ARCHIVE_SYNC_PART = 175,
        /// End of a synchronization of the archive.
        ARCHIVE_SYNC_DONE = 176,
        /// Part of a synchronization of changes.
        CHANGE_SYNC_PART = 177,
        /// End of a synchronization of changes.
        CHANGE_SYNC_DONE = 178,
        /// Answer to [`CONNECT`](Self::CONNECT).
        CONNECTED = 192,
        /// Accepted.
        ACCEPTED = 193,
        /// Answer to [`SETUP`](Self::SETUP).
        SETUP_ANSWER = 194,
        /// Answer to [`SYNC`](Self::SYNC).
        SYNC_ANSWER = 195,
        /// Answer to [`FULL_SYNC_PART`](Self::FULL_SYNC_PART).
        FULL_SYNC_PART_ANSWER = 196,
        /// Answer to [`FULL_SYNC_DONE`](Self::FULL_SYNC_DONE).
        FULL_SYNC_DONE_ANSWER = 197,
        /// Answer to [`ARCHIVE_SYNC_PART`](Self::ARCHIVE_SYNC_PART).
        ARCHIVE_SYNC_PART_ANSWER = 198,
        /// Answer to [`ARCHIVE_SYNC_DONE`](Self::ARCHIVE_SYNC_DONE).
        ARCHIVE_SYNC_DONE_ANSWER = 199,
        /// Answer to [`CHANGE_SYNC_PART`](Self::CHANGE_SYNC_PART).
        CHANGE_SYNC_PART_ANSWER = 200,
        /// Answer to [`CHANGE_SYNC_DONE`](Self::CHANGE_SYNC_DONE).
        CHANGE_SYNC_DONE_ANSWER = 201,
        /// An error without data.
        ERROR = 224,
        /// An error with a text.
        ERROR_TEXT = 225,
        /// Rejected.
        REJECTED = 226,
        /// Collision.
        COLLISION = 227,
    }
}
