//! A small seeded generator for tests.

/// SplitMix64: the same seed gives the same numbers, on every machine.
///
/// For tests only: it is predictable, and its smaller numbers are very slightly uneven.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// The seed of this run: the variable `TESTKIT_SEED` (decimal, or hexadecimal after `0x`), else a fixed number.
///
/// Who uses it prints it when something fails.
///
/// # Panics
///
/// When the variable is set to something that is no number.
pub fn seed() -> u64 {
    match std::env::var("TESTKIT_SEED") {
        Ok(text) => parse(&text).unwrap_or_else(|| panic!("TESTKIT_SEED is no number: {text:?}")),
        Err(_) => DEFAULT_SEED,
    }
}

impl Rng {
    /// A generator that starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, `bound`.
    ///
    /// # Panics
    ///
    /// When `bound` is 0.
    #[track_caller]
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "no number is below 0");
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// One of `items`.
    ///
    /// # Panics
    ///
    /// When there are none.
    #[track_caller]
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A double of any bits: one in four is a zero, a subnormal, an infinity, a NaN with a payload or a limit.
    pub fn f64(&mut self) -> f64 {
        let bits = if self.below(4) == 0 { *self.choose(&ODD_DOUBLES) } else { self.next_u64() };
        f64::from_bits(bits)
    }
}

const DEFAULT_SEED: u64 = 0x5eed_0000_0000_0001;

const ODD_DOUBLES: [u64; 12] = [
    0x0000_0000_0000_0000, // 0.0
    0x8000_0000_0000_0000, // -0.0
    0x0000_0000_0000_0001, // the smallest subnormal
    0x800f_ffff_ffff_ffff, // the largest subnormal, negative
    0x0010_0000_0000_0000, // the smallest normal
    0x7fef_ffff_ffff_ffff, // the largest
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000, // -infinity
    0x7ff8_0000_0000_0000, // a quiet NaN
    0xfff8_dead_beef_cafe, // a quiet NaN with sign and payload
    0x7ff0_0000_0000_0001, // a signalling NaN
    0x3ff0_0000_0000_0000, // 1.0
];

fn parse(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_published_numbers() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!([rng.next_u64(), rng.next_u64()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_stay_below_the_bound_and_reach_all_of_it() {
        let mut rng = Rng::new(1);
        let mut seen = [false; 7];
        for _ in 0..500 {
            seen[rng.below(7)] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(rng.below(1), 0);
    }

    #[test]
    fn bytes_have_the_length_asked_for() {
        for len in [0, 1, 7, 8, 9, 100] {
            assert_eq!(Rng::new(2).bytes(len).len(), len);
        }
    }

    #[test]
    fn doubles_include_the_odd_ones() {
        let mut rng = Rng::new(3);
        let doubles: Vec<f64> = (0..2000).map(|_| rng.f64()).collect();
        assert!(doubles.iter().any(|double| double.is_nan()));
        assert!(doubles.iter().any(|double| double.to_bits() == (-0.0_f64).to_bits()));
        assert!(doubles.iter().any(|double| double.is_subnormal()));
    }

    #[test]
    fn seeds_are_decimal_or_hexadecimal() {
        assert_eq!((parse("17"), parse("0x11"), parse("x")), (Some(17), Some(17), None));
    }
}
