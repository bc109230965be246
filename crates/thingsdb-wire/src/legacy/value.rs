use qpack_codec::{ArrayRef, MapRef, ValueRef};

/// What a map in an answer stands for: the first byte of its first key tells (SPEC.md §5). So do servers read what they are sent.
///
/// ```
/// use thingsdb_wire::legacy::{Special, ValueRef};
///
/// let value = ValueRef::decode(b"\xf4\x81*\x85/a.*/").unwrap(); // {"*": "/a.*/"}
/// assert_eq!(Special::of(value), Some(Special::Regex(b"/a.*/")));
/// assert_eq!(Special::of(ValueRef::Int(1)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Special<'a> {
    /// `#`: a thing that is stored. Beyond the depth asked for it has its ID only.
    Thing {
        /// Its ID.
        id: i64,
        /// All of the map, the ID included.
        map: MapRef<'a>,
    },
    /// `$`: a set of things.
    Set(ArrayRef<'a>),
    /// `>`: the source of a closure.
    Closure(&'a [u8]),
    /// `*`: the text of a regular expression, with slashes and flags.
    Regex(&'a [u8]),
    /// `!`: an error as a value, with `error_msg` and `error_code`.
    Error(MapRef<'a>),
    /// `?`: information; servers refuse it from clients.
    Info(MapRef<'a>),
    /// None of these: a thing that is not stored. Also a sign whose value is of another type.
    Plain(MapRef<'a>),
}

impl<'a> Special<'a> {
    /// What a map stands for; `None` for other values.
    #[must_use]
    pub fn of(value: ValueRef<'a>) -> Option<Self> {
        let map = value.as_map()?;
        let special = map.iter().next().and_then(|(key, value)| match key.as_raw()?.first()? {
            b'#' => value.as_int().map(|id| Self::Thing { id, map }),
            b'$' => value.as_array().map(Self::Set),
            b'>' => value.as_raw().map(Self::Closure),
            b'*' => value.as_raw().map(Self::Regex),
            b'!' => Some(Self::Error(map)),
            b'?' => Some(Self::Info(map)),
            _ => None,
        });
        Some(special.unwrap_or(Self::Plain(map)))
    }
}
