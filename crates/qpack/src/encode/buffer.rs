use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use self::sealed::Sealed;

/// A buffer that a [`Writer`](super::Writer) appends to and can cut back: `Vec<u8>` or [`BytesMut`].
pub trait Buffer: Sealed {}

impl Buffer for Vec<u8> {}
impl Buffer for BytesMut {}
impl Buffer for Count {}

/// Apart from [`Buffer`], so that its methods do not come along with that name.
mod sealed {
    #[expect(unnameable_types, reason = "sealed: who cannot name it cannot implement it")]
    pub trait Sealed {
        /// Bytes it holds.
        fn filled(&self) -> usize;
        /// Appends a byte.
        fn push(&mut self, byte: u8);
        /// Appends bytes.
        fn extend(&mut self, bytes: &[u8]);
        /// Cuts back to `len` bytes.
        fn cut(&mut self, len: usize);
        /// Replaces the byte at `at`.
        fn patch(&mut self, at: usize, byte: u8);
    }
}

impl Sealed for Vec<u8> {
    #[inline]
    fn filled(&self) -> usize {
        self.len()
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        Self::push(self, byte);
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }

    #[inline]
    fn patch(&mut self, at: usize, byte: u8) {
        if let Some(slot) = self.get_mut(at) {
            *slot = byte;
        }
    }
}

impl Sealed for BytesMut {
    fn filled(&self) -> usize {
        self.len()
    }

    fn push(&mut self, byte: u8) {
        self.put_u8(byte);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }

    fn patch(&mut self, at: usize, byte: u8) {
        if let Some(slot) = self.get_mut(at) {
            *slot = byte;
        }
    }
}

/// Takes bytes by number only.
#[derive(Debug)]
pub(super) struct Count(pub(super) usize);

impl Sealed for Count {
    fn filled(&self) -> usize {
        self.0
    }

    fn push(&mut self, _: u8) {
        self.0 = self.0.saturating_add(1);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn cut(&mut self, len: usize) {
        self.0 = len;
    }

    fn patch(&mut self, _: usize, _: u8) {}
}
