//! Tables for people.

use std::fmt;

/// Rows of cells, of which the first columns are text and the others numbers. A row of one cell is a heading.
#[derive(Debug)]
pub(super) struct Table {
    text_columns: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(text_columns: usize, head: &[&str]) -> Self {
        Self { text_columns, rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let rows = self.rows.iter().filter(|row| row.len() > 1);
        let cells = rows.filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                match column < self.text_columns {
                    true => line += &format!("{cell:<width$}  "),
                    false => line += &format!("{cell:>width$}  "),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A share, where more is better: `85 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A multiple: `3.1 x`.
pub(super) fn times(multiple: f64) -> String {
    match multiple {
        ..10.0 => format!("{multiple:.2} x"),
        _ => format!("{multiple:.0} x"),
    }
}

/// A rate or a time: three digits that count.
pub(super) fn number(number: f64) -> String {
    match number {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        ..1e4 => format!("{number:.0}"),
        ..1e6 => format!("{:.0} k", number / 1e3),
        ..1e7 => format!("{:.2} M", number / 1e6),
        _ => format!("{:.1} M", number / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_left_and_numbers_stand_right() {
        let mut table = Table::new(1, &["what", "x"]);
        table.row(["ü".to_owned(), "10".to_owned()]);
        assert_eq!(table.to_string(), "what   x\nü     10\n");
    }

    #[test]
    fn numbers_show_three_digits() {
        let check = |value, text: &str| assert_eq!(number(value), text);
        check(0.5, "0.50");
        check(47.25, "47.2");
        check(999.0, "999");
        check(45_500.0, "46 k");
        check(1_630_000.0, "1.63 M");
        check(14_500_000.0, "14.5 M");
    }
}
