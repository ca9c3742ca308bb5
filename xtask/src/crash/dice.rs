//! Chance that a seed repeats (splitmix64).

use std::ops::Range;

/// Numbers without a pattern, the same ones for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of somebody else's, so that one thread's throws do not move another's.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.throw())
    }

    /// A number in the range, which must not be empty.
    pub(crate) fn pick(&mut self, range: Range<u64>) -> u64 {
        range.start + self.throw() % (range.end - range.start)
    }

    /// Whether a thing of this likelihood happens.
    pub(crate) fn percent(&mut self, likelihood: u64) -> bool {
        self.pick(0..100) < likelihood
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_numbers() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            [(); 8].map(|()| dice.pick(5..500))
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        assert!(throws(7).iter().all(|throw| (5..500).contains(throw)));
    }
}
