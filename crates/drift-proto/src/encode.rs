//! Messages into bytes: each tells its fields once, and they are counted or written.

use bytes::BufMut;

use crate::schema::Schema;
use crate::wire::Field;

/// Takes fields. What is equal to its default is not written.
pub(crate) trait Sink {
    fn raw(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);

    fn message(&mut self, number: u32, message: &impl Message);

    /// A message that is bytes to who reads the one it is in: it does not make that one deeper.
    fn opaque(&mut self, number: u32, message: &impl Message) {
        self.head(number, 2, message.measure(u8::MAX).len as u64);
        message.put(self);
    }

    /// A field that was read, as it came.
    fn taken(&mut self, schema: &'static Schema, field: Field<'_>) {
        let _ = schema;
        self.raw(field.raw);
    }

    /// A tag, and the number behind it: a value or a length.
    #[inline]
    fn head(&mut self, number: u32, kind: u8, value: u64) {
        self.varint(tag(number, kind));
        self.varint(value);
    }

    #[inline]
    fn number(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.head(number, 0, value);
        }
    }

    /// `int32` and enums: with a sign in front of 64 bits.
    fn int(&mut self, number: u32, value: i32) {
        self.long(number, value.into());
    }

    fn long(&mut self, number: u32, value: i64) {
        self.number(number, u64::from_ne_bytes(value.to_ne_bytes()));
    }

    fn float(&mut self, number: u32, value: f32) {
        // Minus zero is one, too.
        if value != 0.0 {
            self.varint(tag(number, 5));
            self.raw(&value.to_le_bytes());
        }
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.head(number, 2, bytes.len() as u64);
            self.raw(bytes);
        }
    }

    fn text(&mut self, number: u32, text: &str) {
        self.bytes(number, text.as_bytes());
    }

    /// A text of two.
    fn text_of(&mut self, number: u32, texts: [&str; 2]) {
        self.head(number, 2, texts.iter().fold(0_u64, |len, text| len.saturating_add(text.len() as u64)));
        texts.iter().for_each(|text| self.raw(text.as_bytes()));
    }
}

const fn tag(number: u32, kind: u8) -> u64 {
    (number as u64) << 3 | kind as u64
}

/// What has fields, in the order of their numbers.
pub(crate) trait Message {
    fn put(&self, sink: &mut (impl Sink + ?Sized));

    /// Its bytes, and whether at most so many messages are in one another in it.
    fn measure(&self, depth: u8) -> Measure {
        let mut measure = Measure { len: 0, depth, is_too_deep: false };
        self.put(&mut measure);
        measure
    }
}

/// Counts.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) len: usize,
    depth: u8,
    /// Then bytes were not counted.
    pub(crate) is_too_deep: bool,
}

impl Sink for Measure {
    fn raw(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
    }

    fn varint(&mut self, value: u64) {
        // Seven bits a byte: of 1 to 64 bits this is a seventh, rounded up.
        let bits = u64::BITS.wrapping_sub((value | 1).leading_zeros());
        self.len = self.len.saturating_add((bits.wrapping_mul(9).wrapping_add(64) >> 6) as usize);
    }

    fn message(&mut self, number: u32, message: &impl Message) {
        let Some(depth) = self.depth.checked_sub(1) else {
            self.is_too_deep = true;
            return;
        };
        let measure = message.measure(depth);
        self.head(number, 2, measure.len as u64);
        self.len = self.len.saturating_add(measure.len);
        self.is_too_deep |= measure.is_too_deep;
    }

    fn opaque(&mut self, number: u32, message: &impl Message) {
        let len = message.measure(u8::MAX).len;
        self.head(number, 2, len as u64);
        self.len = self.len.saturating_add(len);
    }

    fn taken(&mut self, schema: &'static Schema, field: Field<'_>) {
        self.raw(field.raw);
        self.is_too_deep |= !schema.is_no_deeper(field, self.depth);
    }
}

/// Into a buffer that is large enough.
pub(crate) struct Output<'b, B>(pub(crate) &'b mut B);

impl<B: BufMut> Sink for Output<'_, B> {
    #[inline]
    fn raw(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        // Times are of four to six bytes: four at once.
        while value >= 1 << 28 {
            let [a, b, c, d] = [0, 7, 14, 21].map(|shift| (value >> shift).to_le_bytes()[0] | 0x80);
            self.0.put_slice(&[a, b, c, d]);
            value >>= 28;
        }
        while value > 0x7f {
            self.0.put_u8(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.put_u8(value.to_le_bytes()[0]);
    }

    /// Nearly always these are two bytes.
    #[inline]
    fn head(&mut self, number: u32, kind: u8, value: u64) {
        match (u8::try_from(tag(number, kind)), u8::try_from(value)) {
            (Ok(tag @ ..0x80), Ok(value @ ..0x80)) => self.raw(&[tag, value]),
            _ => {
                self.varint(tag(number, kind));
                self.varint(value);
            }
        }
    }

    fn message(&mut self, number: u32, message: &impl Message) {
        self.head(number, 2, message.measure(u8::MAX).len as u64);
        message.put(self);
    }
}
