use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::json::{Cursor, Text};
use crate::limits::Limits;

/// Members of a JSON object that nobody here knows, as they came, to be written again: `"name":value` between commas.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct UnknownMembers<'a>(&'a str);

impl<'a> UnknownMembers<'a> {
    pub(crate) const fn new(members: &'a str) -> Self {
        Self(members)
    }

    /// Their JSON, without brackets.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each with the JSON of its value.
    pub fn iter(self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        // They were read before, under limits.
        let limits = Limits::DEFAULT.with_max_len(u32::MAX);
        let mut cursor = Cursor::new(self.0.as_bytes(), &limits).ok();
        core::iter::from_fn(move || {
            let (name, value) = cursor.as_mut()?.member()?;
            Some((name.to_cow(), value))
        })
    }

    /// The JSON of the value of the last one with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter().filter(|(member, _)| member == name).last().map(|(_, value)| value)
    }
}

impl fmt::Debug for UnknownMembers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.0)
    }
}

/// Unknown members of a value that has texts in place or of its own.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept<'a>(Cow<'a, str>);

impl<'a> Kept<'a> {
    pub(crate) const NONE: Self = Self(Cow::Borrowed(""));

    pub(crate) fn members(&self) -> UnknownMembers<'_> {
        UnknownMembers(&self.0)
    }

    pub(crate) fn into_owned(self) -> Kept<'static> {
        Kept(Cow::Owned(self.0.into_owned()))
    }

    /// One more. Alone, it is kept where it lies.
    pub(crate) fn push(&mut self, member: &'a str) {
        if self.0.is_empty() {
            self.0 = Cow::Borrowed(member);
        } else {
            let all = self.0.to_mut();
            all.push(',');
            all.push_str(member);
        }
    }
}

impl fmt::Debug for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.members().fmt(f)
    }
}

/// Puts one behind others, which begin at `start`.
pub(crate) fn push(members: &mut String, start: usize, name: Text<'_>, value: &str) {
    if members.len() > start {
        members.push(',');
    }
    members.push('"');
    members.push_str(name.raw());
    members.push_str("\":");
    members.push_str(value);
}
