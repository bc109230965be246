//! Messages into bytes: each tells its fields once, and they are counted or written.

use bytes::BufMut;

/// Takes fields. What is equal to its default is not written.
pub(crate) trait Sink {
    fn raw(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);

    fn message(&mut self, number: u32, message: &impl Message);

    fn tag(&mut self, number: u32, kind: u8) {
        self.varint(u64::from(number) << 3 | u64::from(kind));
    }

    fn number(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.tag(number, 0);
            self.varint(value);
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
            self.tag(number, 5);
            self.raw(&value.to_le_bytes());
        }
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.tag(number, 2);
            self.varint(bytes.len() as u64);
            self.raw(bytes);
        }
    }

    fn text(&mut self, number: u32, text: &str) {
        self.bytes(number, text.as_bytes());
    }
}

/// What has fields, in the order of their numbers.
pub(crate) trait Message {
    fn put(&self, sink: &mut impl Sink);

    /// Its bytes, and how many messages are in one another in it.
    fn measure(&self) -> Measure {
        let mut measure = Measure { len: 0, depth: 0 };
        self.put(&mut measure);
        measure
    }
}

/// Counts.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) len: usize,
    pub(crate) depth: usize,
}

impl Sink for Measure {
    fn raw(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
    }

    fn varint(&mut self, value: u64) {
        // Seven bits a byte.
        let bits = u64::BITS.saturating_sub((value | 1).leading_zeros()) as usize;
        self.len = self.len.saturating_add(bits.div_ceil(7));
    }

    fn message(&mut self, number: u32, message: &impl Message) {
        let Self { len, depth } = message.measure();
        self.tag(number, 2);
        self.varint(len as u64);
        self.len = self.len.saturating_add(len);
        self.depth = self.depth.max(depth.saturating_add(1));
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
        while value > 0x7f {
            self.0.put_u8(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.put_u8(value.to_le_bytes()[0]);
    }

    fn message(&mut self, number: u32, message: &impl Message) {
        self.tag(number, 2);
        self.varint(message.measure().len as u64);
        message.put(self);
    }
}
