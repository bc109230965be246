//! Arrays that lie in some bytes in any way, and their items in C order, by nothing but the definition of a stride.
#![allow(dead_code, unreachable_pub)]

use testkit::rng::Rng;

/// Where the items of an array are.
#[derive(Clone, Debug)]
pub struct Layout {
    pub shape: Vec<u64>,
    pub strides: Vec<i64>,
    pub start: usize,
    pub data: Vec<u8>,
}

pub const LAYOUTS: [&str; 12] =
    ["0-d", "1-d", "n-d", "empty", "fortran", "transposed", "steps", "reversed", "broadcast", "ones", "window", "any"];

/// Strides of items one behind the other.
pub fn c_strides(shape: &[u64], itemsize: u64) -> Vec<i64> {
    let mut strides = vec![0; shape.len()];
    let mut next = itemsize;
    for (stride, len) in strides.iter_mut().zip(shape).rev() {
        *stride = i64::try_from(next).unwrap();
        next = next.saturating_mul((*len).max(1));
    }
    strides
}

impl Layout {
    /// At random, with some bytes before and behind so that nothing is aligned.
    pub fn random(name: &str, itemsize: u64, rng: &mut Rng) -> Self {
        let axes = match name {
            "0-d" => 0,
            "1-d" => 1,
            "transposed" | "fortran" => 2 + rng.below(3),
            _ => 1 + rng.below(4),
        };
        let mut shape: Vec<u64> = (0..axes).map(|_| 1 + rng.below(if axes == 1 { 9 } else { 4 }) as u64).collect();
        if name == "ones" {
            shape.iter_mut().filter(|_| rng.below(2) == 0).for_each(|len| *len = 1);
        }
        let mut strides = c_strides(&shape, itemsize);
        let size = i64::try_from(itemsize).unwrap();
        match name {
            "empty" => {
                let at = rng.below(axes);
                shape[at] = 0;
                strides = c_strides(&shape, itemsize);
            }
            "fortran" => {
                let turned: Vec<u64> = shape.iter().rev().copied().collect();
                strides = c_strides(&turned, itemsize);
                strides.reverse();
            }
            "transposed" => {
                for last in (1..axes).rev() {
                    let other = rng.below(last + 1);
                    shape.swap(last, other);
                    strides.swap(last, other);
                }
            }
            "steps" => {
                let steps: Vec<u64> = shape.iter().map(|_| 1 + rng.below(3) as u64).collect();
                let wide: Vec<u64> = shape.iter().zip(&steps).map(|(len, step)| len * step).collect();
                strides = c_strides(&wide, itemsize);
                for (stride, step) in strides.iter_mut().zip(steps) {
                    *stride *= step as i64 * if rng.below(3) == 0 { -1 } else { 1 };
                }
            }
            "reversed" => {
                let all = rng.below(2) == 0;
                strides.iter_mut().filter(|_| all || rng.below(2) == 0).for_each(|stride| *stride = -*stride);
            }
            "broadcast" => {
                let all = rng.below(3) == 0;
                strides.iter_mut().filter(|_| all || rng.below(2) == 0).for_each(|stride| *stride = 0);
            }
            // Any stride where there is one index only: it is never gone.
            "ones" => {
                let odd = [i64::MIN, i64::MAX, -1, 7];
                let ones = strides.iter_mut().zip(&shape).filter(|(_, len)| **len == 1);
                ones.for_each(|(stride, _)| *stride = *rng.choose(&odd));
            }
            "window" => strides.iter_mut().for_each(|stride| *stride = size),
            "any" => strides.iter_mut().for_each(|stride| *stride = rng.below(41) as i64 - 20),
            _ => {}
        }
        Self::around(shape, strides, size, rng)
    }

    /// With just the bytes that these strides need, and some more around.
    pub fn around(shape: Vec<u64>, strides: Vec<i64>, size: i64, rng: &mut Rng) -> Self {
        let (mut low, mut high) = (0, size);
        if shape.contains(&0) {
            high = 0;
        } else {
            for (len, stride) in shape.iter().zip(&strides).filter(|(len, _)| **len > 1) {
                let way = (*len as i64 - 1) * stride;
                low += way.min(0);
                high += way.max(0);
            }
        }
        let before = rng.below(6);
        let start = before + usize::try_from(-low).unwrap();
        let end = start + usize::try_from(high).unwrap() + rng.below(6);
        let data = rng.bytes(end);
        Self { shape, strides, start, data }
    }

    /// The items in C order.
    pub fn items(&self, itemsize: u64) -> Vec<u8> {
        let count: u64 = self.shape.iter().product();
        let mut out = Vec::new();
        for flat in 0..count {
            let (mut rest, mut at) = (flat, i64::try_from(self.start).unwrap());
            for (len, stride) in self.shape.iter().zip(&self.strides).rev() {
                let index = i64::try_from(rest % len).unwrap();
                rest /= len;
                if index > 0 {
                    at += index * stride;
                }
            }
            let at = usize::try_from(at).unwrap();
            out.extend_from_slice(&self.data[at..at + itemsize as usize]);
        }
        out
    }
}
