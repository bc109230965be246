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

/// From a package, or from one in an alignment, to its meta, and to what that is about.
const STEPS: usize = 2;

impl<'a> Merged<'a> {
    /// In one piece.
    pub(crate) const fn one(root: &'a [u8]) -> Self {
        Self { root, steps: [Step { number: 0, skip: 0 }; STEPS], len: 0 }
    }

    pub(crate) fn fields(self) -> MergedFields<'a> {
        let (rest, pieces) = self.split();
        MergedFields { rest, pieces }
    }

    /// The fields of the first piece, and the others.
    #[inline]
    fn split(self) -> (Fields<'a>, Pieces<'a>) {
        let (one, root) = if self.len == 0 { (self.root, &[][..]) } else { (&[][..], self.root) };
        let mut cursors = [Fields::new(&[]); STEPS];
        let [first, ..] = &mut cursors;
        *first = Fields::new(root);
        (Fields::new(one), Pieces { cursors, steps: self.steps, len: self.len, level: 0 })
    }

    /// Looks at all fields.
    #[inline]
    pub(crate) fn each(self, mut look: impl FnMut(Field<'a>)) {
        let (mut rest, mut pieces) = self.split();
        loop {
            for field in rest {
                look(field);
            }
            if self.len == 0 {
                return;
            }
            let Some(piece) = pieces.next() else { return };
            rest = Fields::new(piece);
        }
    }

    /// The last value of a field that is of its wire type; others are not known.
    #[inline]
    pub(crate) fn last<T>(self, number: u32, of: fn(Value<'a>) -> Option<T>) -> Option<T> {
        let mut last = None;
        self.each(|field| {
            if field.number == number {
                last = of(field.value).or(last.take());
            }
        });
        last
    }

    /// A message in it.
    #[inline]
    pub(crate) fn sub(self, number: u32) -> Option<Self> {
        self.oneof(|met| met == number).map(|(_, message)| message)
    }

    /// Which of the messages of a choice is there, and it: the last, and what came of it before another does not count.
    #[inline]
    pub(crate) fn oneof(self, is_member: impl Fn(u32) -> bool) -> Option<(u32, Self)> {
        let (mut number, mut last, mut pieces) = (0, &[][..], 0_u32);
        self.each(|field| {
            if let (true, Value::Bytes(bytes)) = (is_member(field.number), field.value) {
                pieces = if number == field.number { pieces.saturating_add(1) } else { 1 };
                (number, last) = (field.number, bytes);
            }
        });
        match pieces {
            0 => None,
            1 => Some((number, Self::one(last))),
            _ => Some((number, self.step(number, pieces)?)),
        }
    }

    /// The last pieces of a message.
    #[cold]
    fn step(mut self, number: u32, pieces: u32) -> Option<Self> {
        let mut all = 0_u32;
        self.each(|field| all = all.saturating_add(u32::from(piece(field, number).is_some())));
        *self.steps.get_mut(usize::from(self.len))? = Step { number, skip: all.saturating_sub(pieces) };
        self.len = self.len.saturating_add(1);
        Some(self)
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
    rest: Fields<'a>,
    pieces: Pieces<'a>,
}

impl<'a> Iterator for MergedFields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            if let Some(field) = self.rest.next() {
                return Some(field);
            }
            self.rest = Fields::new(self.pieces.next()?);
        }
    }
}

/// The pieces of a message that are left.
#[derive(Clone, Debug)]
struct Pieces<'a> {
    cursors: [Fields<'a>; STEPS],
    steps: [Step; STEPS],
    len: u8,
    level: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    #[cold]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let level = usize::from(self.level);
            let Some(field) = self.cursors.get_mut(level)?.next() else {
                self.level = self.level.checked_sub(1)?;
                continue;
            };
            let step = self.steps.get_mut(level)?;
            let Some(bytes) = piece(field, step.number) else { continue };
            if let Some(less) = step.skip.checked_sub(1) {
                step.skip = less;
                continue;
            }
            let inner = self.level.saturating_add(1);
            if inner == self.len {
                return Some(bytes);
            }
            self.level = inner;
            *self.cursors.get_mut(usize::from(inner))? = Fields::new(bytes);
        }
    }
}
