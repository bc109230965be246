//! What members of JSON mean, by the documents of the protocol and SPEC.md: read from a tree, which is why nothing of it is as the reader has it.

use atlas_stream::{Limits, Notes, UnknownMembers};

use super::tree::{self, Is, Node};

/// Members that are not known: their names and the text of their values.
pub(super) type Unknown = Vec<(String, String)>;

/// Members in the order they are in.
pub(super) type Members<'a> = [(String, Node<'a>)];

/// What was noted on the way down.
pub(super) struct Model {
    pub(super) notes: Notes,
    pub(super) limits: Limits,
    /// Sources of a session, and theirs, all together: also those that do not count in the end.
    pub(super) sources: u32,
}

impl Model {
    /// Reads a value under limits, by what reads its outermost object.
    pub(super) fn read<T>(
        value: &[u8],
        limits: &Limits,
        read: impl FnOnce(&mut Self, &Node<'_>) -> Option<T>,
    ) -> Option<(T, Notes)> {
        if value.len() > limits.max_len as usize {
            return None;
        }
        let bare = value.strip_prefix(b"\xef\xbb\xbf");
        let notes = if bare.is_some() { Notes::BYTE_ORDER_MARK } else { Notes::NONE };
        let text = tree::quote_bare(std::str::from_utf8(bare.unwrap_or(value)).ok()?);
        let node = tree::read(&text, usize::from(limits.max_depth.min(64)))?;
        let mut model = Self { notes, limits: *limits, sources: 0 };
        let read = read(&mut model, &node)?;
        Some((read, model.notes))
    }

    /// Each time a member is there it has to be what it is; the last counts, and `null` is as if it were not there.
    pub(super) fn member<T>(
        &mut self,
        members: &Members<'_>,
        name: &str,
        mut read: impl FnMut(&mut Self, &Node<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.nullable(members, name, |model, node| match node.is {
            Is::Null => {
                model.notes |= Notes::NULL_MEMBER;
                Some(None)
            }
            _ => read(model, node).map(Some),
        })
        .map(Option::flatten)
    }

    /// The same of a member that may be `null`, which what reads it sees.
    pub(super) fn nullable<T>(
        &mut self,
        members: &Members<'_>,
        name: &str,
        mut read: impl FnMut(&mut Self, &Node<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let mut last = None;
        for (_, node) in members.iter().filter(|(other, _)| other == name) {
            if last.is_some() {
                self.notes |= Notes::DUPLICATE_MEMBER;
            }
            last = Some(read(self, node)?);
        }
        Some(last)
    }

    /// Items, of which there may be as many as parameters.
    pub(super) fn few<'n, T>(&self, items: &'n [T]) -> Option<&'n [T]> {
        (items.len() <= self.limits.max_parameters as usize).then_some(items)
    }

    pub(super) fn doubles(&mut self, node: &Node<'_>) -> Option<Vec<u64>> {
        let each = |item: &Node<'_>| {
            let (value, note) = match &item.is {
                Is::Number(number) => (serde_json::from_str::<f64>(number).ok()?, Notes::NONE),
                Is::Null => (f64::NAN, Notes::NULL_NAN),
                Is::Bare(value) => (*value, Notes::BARE_NAN),
                Is::Text(text) => match &**text {
                    "NaN" => (f64::NAN, Notes::QUOTED_NAN),
                    "Infinity" => (f64::INFINITY, Notes::QUOTED_NAN),
                    "-Infinity" => (f64::NEG_INFINITY, Notes::QUOTED_NAN),
                    _ => return None,
                },
                _ => return None,
            };
            self.notes |= note;
            Some(value.to_bits())
        };
        array(node)?.iter().map(each).collect()
    }

    pub(super) fn flags(&mut self, node: &Node<'_>) -> Option<Vec<u32>> {
        let flags: Vec<u32> = array(node)?.iter().map(|item| integer(item)?.try_into().ok()).collect::<Option<_>>()?;
        if flags.iter().any(|flags| *flags > 255) {
            self.notes |= Notes::UNKNOWN_STATUS;
        }
        Some(flags)
    }
}

/// The members of an object.
pub(super) fn object<'n, 'a>(node: &'n Node<'a>) -> Option<&'n Members<'a>> {
    match &node.is {
        Is::Object(members) => Some(members),
        _ => None,
    }
}

pub(super) fn array<'n, 'a>(node: &'n Node<'a>) -> Option<&'n [Node<'a>]> {
    match &node.is {
        Is::Array(items) => Some(items),
        _ => None,
    }
}

pub(super) fn text(node: &Node<'_>) -> Option<String> {
    match &node.is {
        Is::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// A number without a fraction, however it is written, of 64 bits.
pub(super) fn integer(node: &Node<'_>) -> Option<i64> {
    match node.is {
        Is::Number(number) => tree::whole(number)?.try_into().ok(),
        _ => None,
    }
}

pub(super) fn integers(node: &Node<'_>) -> Option<Vec<i64>> {
    array(node)?.iter().map(integer).collect()
}

/// A double that is a number.
pub(super) fn double(node: &Node<'_>) -> Option<f64> {
    match node.is {
        Is::Number(number) => serde_json::from_str(number).ok(),
        _ => None,
    }
}

/// What has none of these names; in it there is nothing but JSON.
pub(super) fn unknown(members: &Members<'_>, known: &[&str]) -> Option<Unknown> {
    let others = members.iter().filter(|(name, _)| !known.contains(&&**name));
    others.map(|(name, node)| (!node.has_bare()).then(|| (name.clone(), node.raw.to_owned()))).collect()
}

/// The same of what was read; each is found by its name.
pub(super) fn kept(members: UnknownMembers<'_>) -> Unknown {
    let all: Unknown = members.iter().map(|(name, value)| (name.into_owned(), value.to_owned())).collect();
    assert_eq!(members.is_empty(), all.is_empty());
    for (name, _) in &all {
        let last = all.iter().rev().find(|(other, _)| other == name).map(|(_, value)| &**value);
        assert_eq!(members.get(name), last);
    }
    let _ = format!("{members:?}");
    all
}
