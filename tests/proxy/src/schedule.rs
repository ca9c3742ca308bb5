//! Which fault comes next.

use std::{collections::VecDeque, time::Duration};

use crate::fault::{Ending, Fault};

/// Faults are dealt in hands of so many Produce requests.
const HAND: u32 = 20;

/// How often each kind of fault happens, in parts of a thousand Produce requests.
///
/// The rates are kept exactly over the long run, and within one fault over any run of 20 requests that starts at a
/// multiple of 20: what is left to chance is only which of them are hit. A run of 200 requests with
/// 50 permille of cuts has ten, with any seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Connections that are cut so that the client does not hear what the server answered; the ways to do
    /// it, and both endings, take turns.
    pub cuts_permille: u32,
    /// Requests that come a second time.
    pub duplicates_permille: u32,
    /// Replies that come late.
    pub delays_permille: u32,
    /// How late they come.
    pub delay: Duration,
    /// Connections that go silent.
    pub black_holes_permille: u32,
}

/// Says which fault each Produce request meets, in the order in which they come to the proxy.
#[derive(Debug)]
pub struct Schedule {
    /// What was dealt and not drawn yet; the next one is at the end.
    hand: Vec<Fault>,
    dealer: Dealer,
}

#[derive(Debug)]
enum Dealer {
    /// What was written down; then nothing happens any more.
    Script(VecDeque<Fault>),
    Seeded {
        rates: Rates,
        random: Random,
        hands: u32,
        cuts: usize,
    },
}

impl Schedule {
    /// The first requests meet these faults, and all others none.
    pub fn scripted(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { hand: Vec::new(), dealer: Dealer::Script(faults.into_iter().collect()) }
    }

    /// Faults at these rates, at places that follow from the seed.
    ///
    /// # Panics
    /// When the rates add up to more than all requests.
    pub fn seeded(seed: u64, rates: Rates) -> Self {
        let Rates {
            cuts_permille, duplicates_permille, delays_permille, black_holes_permille, ..
        } = rates;
        let sum = cuts_permille + duplicates_permille + delays_permille + black_holes_permille;
        assert!(sum <= 950, "a hand must have room for the faults that are due in it");
        let dealer = Dealer::Seeded { rates, random: Random(seed), hands: 0, cuts: 0 };
        Self { hand: Vec::new(), dealer }
    }

    /// The fault of the next request.
    pub(crate) fn draw(&mut self) -> Fault {
        if self.hand.is_empty() {
            self.hand = self.dealer.deal();
        }
        self.hand.pop().unwrap_or(Fault::None)
    }
}

impl Dealer {
    fn deal(&mut self) -> Vec<Fault> {
        match self {
            Self::Script(faults) => faults.pop_front().into_iter().collect(),
            Self::Seeded { rates, random, hands, cuts } => {
                let mut hand = Vec::with_capacity(HAND as usize);
                for _ in 0..due(rates.cuts_permille, *hands) {
                    hand.push(CUTS[*cuts % CUTS.len()]);
                    *cuts += 1;
                }
                let mut add =
                    |fault, permille| (0..due(permille, *hands)).for_each(|_| hand.push(fault));
                add(Fault::Duplicate, rates.duplicates_permille);
                add(Fault::Delay(rates.delay), rates.delays_permille);
                add(Fault::BlackHole, rates.black_holes_permille);
                hand.resize(hand.len().max(HAND as usize), Fault::None);
                random.shuffle(&mut hand);
                *hands += 1;
                hand
            }
        }
    }
}

const CUTS: [Fault; 6] = [
    Fault::DropReply(Ending::Fin),
    Fault::HalfReply(Ending::Rst),
    Fault::DeliverAndCut(Ending::Fin),
    Fault::DropReply(Ending::Rst),
    Fault::HalfReply(Ending::Fin),
    Fault::DeliverAndCut(Ending::Rst),
];

/// How many faults of this rate belong into a hand, after so many hands.
fn due(permille: u32, hands: u32) -> u64 {
    let by = |hands: u64| hands * u64::from(HAND) * u64::from(permille) / 1000;
    by(u64::from(hands) + 1) - by(u64::from(hands))
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            // The bias of the remainder is far below what 20 items could show.
            let other = self.next() % (at as u64 + 1);
            items.swap(at, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        cuts_permille: 50,
        duplicates_permille: 25,
        delays_permille: 100,
        delay: Duration::from_secs(1),
        black_holes_permille: 4,
    };

    fn draw(seed: u64, rates: Rates, requests: usize) -> Vec<Fault> {
        let mut schedule = Schedule::seeded(seed, rates);
        (0..requests).map(|_| schedule.draw()).collect()
    }

    fn cuts(faults: &[Fault]) -> usize {
        faults.iter().filter(|fault| CUTS.contains(fault)).count()
    }

    #[test]
    fn a_seed_always_means_the_same_faults_and_another_seed_others() {
        assert_eq!(draw(7, RATES, 500), draw(7, RATES, 500));
        assert_ne!(draw(7, RATES, 500), draw(8, RATES, 500));
    }

    #[test]
    fn rates_are_kept_whatever_the_seed() {
        for seed in 0..100 {
            let faults = draw(seed, RATES, 1000);
            let count = |wanted| faults.iter().filter(|fault| **fault == wanted).count();
            let delay = Fault::Delay(RATES.delay);
            assert_eq!(
                (cuts(&faults), count(Fault::Duplicate), count(delay), count(Fault::BlackHole)),
                (50, 25, 100, 4)
            );
            assert_eq!(cuts(&draw(seed, RATES, 200)), 10);
        }
    }

    #[test]
    fn every_way_of_cutting_has_its_turn() {
        let faults = draw(1, RATES, 20 * CUTS.len());
        assert!(CUTS.iter().all(|cut| faults.contains(cut)));
    }

    #[test]
    fn a_script_is_followed_and_then_nothing_happens() {
        let mut schedule = Schedule::scripted([Fault::BlackHole, Fault::Duplicate]);
        let drawn = [schedule.draw(), schedule.draw(), schedule.draw()];
        assert_eq!(drawn, [Fault::BlackHole, Fault::Duplicate, Fault::None]);
    }
}
