use crate::bits::bits;

bits! {
    /// What was read although it is not as the documents have it. Who wants to be strict refuses what has notes.
    ///
    /// ```
    /// use atlas_stream::{Notes, RecordRef};
    ///
    /// let record = RecordRef::decode(b"session:a", br#"{"id":"x","state":"Open"}"#)?;
    /// assert_eq!(record.notes(), Notes::LETTER_CASE);
    /// # Ok::<(), atlas_stream::DecodeError>(())
    /// ```
    Notes;
    /// A byte order mark in front of the key or the value.
    BYTE_ORDER_MARK = 0, "byte_order_mark";
    /// A member, or a parameter, twice: the last counts.
    DUPLICATE_MEMBER = 1, "duplicate_member";
    /// `null` for a member that has to have a value: as if it were not there.
    NULL_MEMBER = 2, "null_member";
    /// `"NaN"`, `"Infinity"` or `"-Infinity"` among numbers: what the vendor's writer writes.
    QUOTED_NAN = 3, "quoted_nan";
    /// The same without quotes, which is not JSON.
    BARE_NAN = 4, "bare_nan";
    /// `null` among numbers: NaN.
    NULL_NAN = 5, "null_nan";
    /// `tsamples` as it was before February 2020.
    LEGACY_SAMPLES = 6, "legacy_samples";
    /// Flags of a status without a name.
    UNKNOWN_STATUS = 7, "unknown_status";
    /// A state, a type of laps or an aggregate without a name here.
    UNKNOWN_NAME = 8, "unknown_name";
    /// A name in another case of letters.
    LETTER_CASE = 9, "letter_case";
    /// A state by its number.
    NUMERIC_STATE = 10, "numeric_state";
    /// A date and time without an offset: taken for UTC.
    NO_OFFSET = 11, "no_offset";
    /// A detail that is no text: its JSON.
    DETAIL_NOT_TEXT = 12, "detail_not_text";
    /// A quality below 0 or above 1.
    QUALITY_RANGE = 13, "quality_range";
    /// A type of sessions of more than 32 characters, or a group of models of more than 255.
    LONG_TEXT = 14, "long_text";
    /// An id that is none for the service.
    DEPENDENCY_ID = 15, "dependency_id";
    /// A value where there is none: it was not looked at.
    IGNORED_VALUE = 16, "ignored_value";
    /// A version below 0.
    VERSION_RANGE = 17, "version_range";
    /// A field of protobuf that is known, with another wire type: passed, and not written again.
    SKIPPED_FIELD = 18, "skipped_field";
}
