//! Why a format cannot be made from what was asked for.

/// Why a format cannot be made from what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The kcat format was asked for without a format string.
    #[error("kcat format requires a format string")]
    NoKcatFormat,
    /// A `%` with a letter that means nothing.
    #[error("unknown kcat format specifier: %{specifier} (at byte {at} of the format string)")]
    UnknownSpecifier {
        /// What follows the `%`.
        specifier: char,
        /// Where the `%` stands, from 0.
        at: usize,
    },
    /// The format string ends with a `%`.
    #[error("kcat format string ends with % (at byte {at}); a literal percent is %%")]
    UnfinishedSpecifier {
        /// Where the `%` stands, from 0.
        at: usize,
    },
    /// `\x` without two hexadecimal digits.
    #[error(r"kcat format string: \x needs two hexadecimal digits (at byte {at})")]
    UnfinishedHexEscape {
        /// Where the backslash stands, from 0.
        at: usize,
    },
    /// A numeric escape that is no byte.
    #[error(r"kcat format string: a numeric escape is at most 255 (at byte {at})")]
    EscapeTooLarge {
        /// Where the backslash stands, from 0.
        at: usize,
    },
    /// A separator in hexadecimal of which half a byte is missing.
    #[error("odd length hex string")]
    OddHex,
    /// A separator in hexadecimal with something else in it.
    #[error("invalid hex digit {digit:?} (at character {at})")]
    InvalidHexDigit {
        /// What is no digit.
        digit: char,
        /// Where it stands, from 0.
        at: usize,
    },
}
