//! What happens next in a story.

/// Numbers that a seed repeats: a linear congruence, with Knuth's constants (MMIX), of which the high bits are used.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self(seed);
        // Small seeds are alike at first.
        (0..4).for_each(|_| chance.advance());
        chance
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.advance();
        self.0 >> 33
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.number() as usize % bound
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn advance(&mut self) {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }
}
