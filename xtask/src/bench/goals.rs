//! What is to be reached, beside what was.

use super::table::Table;

/// What a goal is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A multiple of something measured in the same run.
    Times,
    /// A share of something measured in the same run.
    Percent,
    MiB,
    Milliseconds,
}

/// Which side of the bound is the good one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Must {
    AtLeast(f64),
    AtMost(f64),
}

/// One goal, and what was measured for it.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) must: Must,
    pub(super) unit: Unit,
    pub(super) reached: f64,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2} x"),
            Self::Percent => format!("{:.0} %", value * 100.0),
            Self::MiB => format!("{value:.1} MiB"),
            Self::Milliseconds => format!("{value:.1} ms"),
        }
    }
}

impl Goal {
    pub(super) fn is_reached(&self) -> bool {
        match self.must {
            Must::AtLeast(bound) => self.reached >= bound,
            Must::AtMost(bound) => self.reached <= bound,
        }
    }

    fn must(&self) -> String {
        match self.must {
            Must::AtLeast(bound) => format!(">= {}", self.unit.show(bound)),
            Must::AtMost(bound) => format!("<= {}", self.unit.show(bound)),
        }
    }

    fn cells(&self) -> [String; 4] {
        let verdict = if self.is_reached() { "ok" } else { "missed" };
        [verdict.to_owned(), self.what.clone(), self.must(), self.unit.show(self.reached)]
    }
}

/// Prints all goals; whether each was reached.
pub(super) fn print(goals: &[Goal]) -> bool {
    let mut table = Table::new(2, &["", "goal", "must", "reached"]);
    goals.iter().for_each(|goal| table.row(goal.cells()));
    println!("{table}");
    goals.iter().all(Goal::is_reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_on_its_side_of_the_bound() {
        let check = |must, reached, expected| {
            let goal = Goal { what: String::new(), must, unit: Unit::Times, reached };
            assert_eq!(goal.is_reached(), expected, "{goal:?}");
        };
        check(Must::AtLeast(2.0), 2.0, true);
        check(Must::AtLeast(2.0), 1.9, false);
        check(Must::AtMost(2.0), 2.0, true);
        check(Must::AtMost(2.0), 2.1, false);
        check(Must::AtMost(2.0), f64::NAN, false);
    }
}
