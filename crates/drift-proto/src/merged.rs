use crate::wire::{Field, Fields, Value};

/// A message that was checked, and may have come in pieces: protobuf merges those of a field that is there more than once. Reading them
/// one behind the other is that, since of a number the last counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged<'a> {
    root: &'a [u8],
    steps: [Step; STEPS],
    len: u8,
}

/// From a message to the pieces of a field of it.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    number: u32,
    /// So many of them are of a choice that was taken back.
    skip: u32,
}

/// From a package to its meta, to what that is about, to a timestamp in it.
const STEPS: usize = 3;

impl<'a> Merged<'a> {
    /// In one piece.
    pub(crate) const fn one(root: &'a [u8]) -> Self {
        Self { root, steps: [Step { number: 0, skip: 0 }; STEPS], len: 0 }
    }

    pub(crate) fn fields(self) -> MergedFields<'a> {
        let mut cursors = [Fields::new(&[]); STEPS + 1];
        let [first, ..] = &mut cursors;
        *first = Fields::new(self.root);
        MergedFields { cursors, steps: self.steps, len: self.len, level: 0 }
    }

    /// The last value of a field that is of its wire type; others are not known.
    pub(crate) fn last<T>(self, number: u32, of: fn(Value<'a>) -> Option<T>) -> Option<T> {
        self.fields().filter(|field| field.number == number).filter_map(|field| of(field.value)).last()
    }

    /// A message in it.
    pub(crate) fn sub(self, number: u32) -> Option<Self> {
        self.sub_after(number, 0)
    }

    fn sub_after(self, number: u32, skip: u32) -> Option<Self> {
        let mut pieces = self.fields().filter_map(|field| piece(field, number));
        let mut pieces = pieces.by_ref().skip(skip as usize);
        let first = pieces.next()?;
        match pieces.next() {
            None => Some(Self::one(first)),
            Some(_) => {
                let mut merged = self;
                *merged.steps.get_mut(usize::from(self.len))? = Step { number, skip };
                merged.len = self.len.saturating_add(1);
                Some(merged)
            }
        }
    }

    /// Which of the messages of a choice is there, and it: the last, and what came of it before another does not count.
    pub(crate) fn oneof(self, is_member: fn(u32) -> bool) -> Option<(u32, Self)> {
        let (mut last, mut skip) = (None, 0);
        let mut met = [0_u32; 18];
        for field in self.fields() {
            if !is_member(field.number) || !matches!(field.value, Value::Bytes(_)) {
                continue;
            }
            let Some(met) = met.get_mut(field.number as usize) else { continue };
            if last != Some(field.number) {
                (last, skip) = (Some(field.number), *met);
            }
            *met = met.saturating_add(1);
        }
        let number = last?;
        Some((number, self.sub_after(number, skip)?))
    }
}

/// Bytes, if it is these.
pub(crate) fn bytes(value: Value<'_>) -> Option<&[u8]> {
    if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
}

fn piece(field: Field<'_>, number: u32) -> Option<&[u8]> {
    if let (Value::Bytes(bytes), true) = (field.value, field.number == number) { Some(bytes) } else { None }
}

/// The fields of all pieces.
#[derive(Clone, Debug)]
pub(crate) struct MergedFields<'a> {
    cursors: [Fields<'a>; STEPS + 1],
    steps: [Step; STEPS],
    len: u8,
    level: u8,
}

impl<'a> Iterator for MergedFields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let level = usize::from(self.level);
            let Some(field) = self.cursors.get_mut(level)?.next() else {
                self.level = self.level.checked_sub(1)?;
                continue;
            };
            if self.level == self.len {
                return Some(field);
            }
            let step = self.steps.get_mut(level)?;
            let Some(bytes) = piece(field, step.number) else { continue };
            if let Some(less) = step.skip.checked_sub(1) {
                step.skip = less;
                continue;
            }
            self.level = self.level.saturating_add(1);
            *self.cursors.get_mut(usize::from(self.level))? = Fields::new(bytes);
        }
    }
}
