use crate::bits::bits;

bits! {
    /// What a record is in its stream, and what is wrong with its place. The record is delivered all the same.
    StreamNotes;
    /// The first of its stream here.
    OPENED = 0, "opened";
    /// The first of its stream here, and not `$start`: the stream was joined in the middle, or its writer forgot it.
    LATE = 1, "late";
    /// `$start` of a stream that was there before: a new stream from here on.
    RESTARTED = 2, "restarted";
    /// Behind `$end`: it changes nothing, unless it is the `$start` of a new stream, which is `RESTARTED`, too.
    AFTER_END = 3, "after_end";
    /// Data behind a closed state.
    AFTER_CLOSE = 4, "after_close";
    /// A session that was closed is told to be open or to wait: it stays closed.
    REOPENED = 5, "reopened";
    /// A session that was closed is told to be closed in another way: the first stays.
    CLOSED_AGAIN = 6, "closed_again";
    /// A session that was open is told to wait: it stays open.
    WENT_BACK = 7, "went_back";
    /// The first session of a stream that came from `$start` on, behind data.
    AFTER_DATA = 8, "after_data";
    /// `$end` of a stream whose session is not closed.
    NOT_CLOSED = 9, "not_closed";
    /// The first of a stream that had been told to be stale.
    RETURNED = 10, "returned";
    /// The session is in another stream, too: a replay.
    REPLAY = 11, "replay";
    /// The stream is not kept: all others wait for formats, its id is too long, or none may be. Or its session is not, which alone is too large.
    NO_ROOM = 12, "no_room";
    /// Data that names a format which is not known: it is not to be had, did not come in time, or there was no room to wait.
    UNBOUND = 13, "unbound";
}
