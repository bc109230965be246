//! MessagePack, each value in its shortest form, as msgpack-python writes it.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::text::Text;

/// Takes bytes.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    /// Takes so many bytes by number, if that is all that it wants of them.
    fn counts(&mut self, _len: u64) -> bool {
        false
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes bytes by number only.
#[derive(Default)]
pub(crate) struct Count(pub(crate) u64);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len() as u64);
    }

    fn counts(&mut self, len: u64) -> bool {
        self.0 = self.0.saturating_add(len);
        true
    }
}

pub(crate) fn uint(out: &mut impl Sink, value: u64) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm is the range of its form")]
    match value {
        0..=0x7f => out.put(&[value as u8]),
        0x80..=0xff => out.put(&[0xcc, value as u8]),
        0x100..=0xffff => tagged(out, 0xcd, (value as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => tagged(out, 0xce, (value as u32).to_be_bytes()),
        _ => tagged(out, 0xcf, value.to_be_bytes()),
    }
}

pub(crate) fn int(out: &mut impl Sink, value: i64) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm is the range of its form")]
    match value {
        0.. => uint(out, value.unsigned_abs()),
        -0x20..=-1 => out.put(&(value as i8).to_be_bytes()),
        -0x80..=-0x21 => tagged(out, 0xd0, (value as i8).to_be_bytes()),
        -0x8000..=-0x81 => tagged(out, 0xd1, (value as i16).to_be_bytes()),
        -0x8000_0000..=-0x8001 => tagged(out, 0xd2, (value as i32).to_be_bytes()),
        _ => tagged(out, 0xd3, value.to_be_bytes()),
    }
}

pub(crate) fn nil(out: &mut impl Sink) {
    out.put(&[0xc0]);
}

pub(crate) fn bool(out: &mut impl Sink, value: bool) {
    out.put(&[if value { 0xc3 } else { 0xc2 }]);
}

pub(crate) fn f32(out: &mut impl Sink, value: f32) {
    tagged(out, 0xca, value.to_be_bytes());
}

pub(crate) fn f64(out: &mut impl Sink, value: f64) {
    tagged(out, 0xcb, value.to_be_bytes());
}

/// The head of a text.
pub(crate) fn str(out: &mut impl Sink, len: u32) {
    match u8::try_from(len) {
        Ok(few @ 0..=31) => out.put(&[0xa0 | few]),
        Ok(len) => out.put(&[0xd9, len]),
        Err(_) => long(out, [0xda, 0xdb], len),
    }
}

/// The head of bytes.
pub(crate) fn bin(out: &mut impl Sink, len: u32) {
    match u8::try_from(len) {
        Ok(len) => out.put(&[0xc4, len]),
        Err(_) => long(out, [0xc5, 0xc6], len),
    }
}

pub(crate) fn list(out: &mut impl Sink, len: u32) {
    match u8::try_from(len) {
        Ok(few @ 0..=15) => out.put(&[0x90 | few]),
        _ => long(out, [0xdc, 0xdd], len),
    }
}

pub(crate) fn map(out: &mut impl Sink, len: u32) {
    match u8::try_from(len) {
        Ok(few @ 0..=15) => out.put(&[0x80 | few]),
        _ => long(out, [0xde, 0xdf], len),
    }
}

/// The head of an extension.
pub(crate) fn ext(out: &mut impl Sink, kind: i8, len: u32) {
    match u8::try_from(len) {
        Ok(1) => out.put(&[0xd4]),
        Ok(2) => out.put(&[0xd5]),
        Ok(4) => out.put(&[0xd6]),
        Ok(8) => out.put(&[0xd7]),
        Ok(16) => out.put(&[0xd8]),
        Ok(len) => out.put(&[0xc7, len]),
        Err(_) => long(out, [0xc8, 0xc9], len),
    }
    out.put(&kind.to_be_bytes());
}

/// A short text that prints.
pub(crate) fn text(out: &mut impl Sink, value: impl fmt::Display) {
    let mut text = Text::default();
    // Nothing that is written so prints longer.
    let _ = write!(text, "{value}");
    let text = text.as_str();
    str(out, u32::try_from(text.len()).unwrap_or_default());
    out.put(text.as_bytes());
}

fn long(out: &mut impl Sink, [two, four]: [u8; 2], len: u32) {
    match u16::try_from(len) {
        Ok(len) => tagged(out, two, len.to_be_bytes()),
        Err(_) => tagged(out, four, len.to_be_bytes()),
    }
}

fn tagged<const N: usize>(out: &mut impl Sink, tag: u8, bytes: [u8; N]) {
    out.put(&[tag]);
    out.put(&bytes);
}
