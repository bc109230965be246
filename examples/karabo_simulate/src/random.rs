//! Chance that is the same each time.

use bytes::Bytes;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// One of its own for each place, so that what one draws is nothing to another.
    pub(crate) const fn new(seed: u64, tid: u64, place: u64) -> Self {
        let mut random = Self(seed);
        random = Self(random.next() ^ tid);
        Self(random.next() ^ place)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// So many bytes of items that `item` makes. Some of them are drawn, and then copied from another place on each time: hundreds of
    /// megabytes are wanted ten times a second.
    pub(crate) fn fill<const N: usize>(&mut self, len: usize, mut item: impl FnMut(&mut Self) -> [u8; N]) -> Bytes {
        const ITEMS: u16 = 1 << 14;
        let block: Vec<u8> = (0..ITEMS).flat_map(|_| item(self)).collect();
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let [low, high, ..] = self.next().to_le_bytes();
            let start = u16::from_le_bytes([low, high]) & ITEMS.saturating_sub(1);
            let part = block.get(usize::from(start).saturating_mul(N)..).unwrap_or_default();
            let left = len.saturating_sub(bytes.len());
            bytes.extend_from_slice(part.get(..left).unwrap_or(part));
        }
        bytes.into()
    }
}
