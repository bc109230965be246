use super::buffer::Buffer;
use crate::wire::{MAX_COUNTED, tag};

/// Ends a container that was begun with an open tag at `tag_at`, in the form that its length asks for.
#[inline]
pub(crate) fn close_counted<B: Buffer>(out: &mut B, tag_at: usize, is_map: bool, items: usize) {
    match u8::try_from(items) {
        Ok(few) if items <= MAX_COUNTED => {
            out.patch(tag_at, if is_map { tag::MAP0 } else { tag::ARRAY0 }.wrapping_add(few));
        }
        _ => out.push(if is_map { tag::MAP_CLOSE } else { tag::ARRAY_CLOSE }),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn int<B: Buffer>(out: &mut B, value: i64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "each arm is the range of its form")]
    match value {
        0..=0x3f => out.push(value as u8),
        -60..=-1 => out.push(63_i64.wrapping_sub(value) as u8),
        -0x80..=0x7f => out.extend(&[tag::INT8, value as u8]),
        -0x8000..=0x7fff => {
            let [a, b] = (value as i16).to_le_bytes();
            out.extend(&[tag::INT16, a, b]);
        }
        -0x8000_0000..=0x7fff_ffff => {
            let [a, b, c, d] = (value as i32).to_le_bytes();
            out.extend(&[tag::INT32, a, b, c, d]);
        }
        _ => tagged(out, tag::INT64, value.to_le_bytes()),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn double<B: Buffer>(out: &mut B, value: f64, peer_compatible: bool) {
    const ONE: u64 = 1.0_f64.to_bits();
    const NEG_ONE: u64 = (-1.0_f64).to_bits();
    const NEG_ZERO: u64 = (-0.0_f64).to_bits();
    match value.to_bits() {
        0 => out.push(tag::DOUBLE_ZERO),
        ONE => out.push(tag::DOUBLE_ONE),
        NEG_ONE => out.push(tag::DOUBLE_NEG_ONE),
        NEG_ZERO if peer_compatible => out.push(tag::DOUBLE_ZERO),
        _ => tagged(out, tag::DOUBLE, value.to_le_bytes()),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn raw<B: Buffer>(out: &mut B, bytes: &[u8]) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm is the range of its form")]
    match bytes.len() as u64 {
        len @ 0..=99 => out.push(tag::RAW_FIRST.wrapping_add(len as u8)),
        len @ 100..=0xff => out.extend(&[tag::RAW8, len as u8]),
        len @ 0x100..=0xffff => {
            let [a, b] = (len as u16).to_le_bytes();
            out.extend(&[tag::RAW16, a, b]);
        }
        len @ 0x1_0000..=0xffff_ffff => {
            let [a, b, c, d] = (len as u32).to_le_bytes();
            out.extend(&[tag::RAW32, a, b, c, d]);
        }
        len => tagged(out, tag::RAW64, len.to_le_bytes()),
    }
    out.extend(bytes);
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn tagged<B: Buffer>(out: &mut B, first: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
    out.extend(&[first, a, b, c, d, e, f, g, h]);
}

const _: () = assert!(MAX_COUNTED == (tag::ARRAY5 - tag::ARRAY0) as usize);
