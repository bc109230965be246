use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// What was read although it is not as the documents have it. Who wants to be strict refuses what has notes.
///
/// ```
/// use atlas_stream::{Notes, RecordRef};
///
/// let record = RecordRef::decode(b"session:a", br#"{"id":"x","state":"Open"}"#)?;
/// assert_eq!(record.notes(), Notes::LETTER_CASE);
/// # Ok::<(), atlas_stream::DecodeError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Notes(u32);

macro_rules! notes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $word:literal;)*) => {
        impl Notes {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            const NAMED: &'static [(Self, &'static str)] = &[$((Self::$name, $word),)*];
        }
    };
}

notes! {
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

impl Notes {
    /// None: all is as the documents have it.
    pub const NONE: Self = Self(0);

    /// Whether all these are there.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each by itself.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        Self::NAMED.iter().map(|(note, _)| *note).filter(move |note| self.contains(*note))
    }
}

impl BitOr for Notes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Notes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Notes {
    /// Words in `snake_case`, between commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (note, word) in Self::NAMED {
            if self.contains(*note) {
                write!(f, "{comma}{word}")?;
                comma = ", ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notes({self})")
    }
}
