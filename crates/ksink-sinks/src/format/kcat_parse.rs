//! Reads a kcat format string.

use nom::{
    Err, IResult, Parser,
    branch::alt,
    bytes::complete::{is_not, tag_no_case, take_while_m_n},
    character::complete::{anychar, char, digit1, hex_digit1, oct_digit1, one_of},
    combinator::{map, peek},
    error::{ErrorKind, ParseError},
    sequence::preceded,
};

use super::kcat::Segment;
use crate::FormatError;

/// Takes a format string apart.
pub(super) fn parse(format: &str) -> Result<Vec<Segment>, FormatError> {
    let mut segments = Vec::new();
    let mut literal = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        let (tail, piece) =
            piece(rest).map_err(|fault| located(fault, format.len() - rest.len()))?;
        rest = tail;
        match piece {
            Piece::Text(text) => literal.extend_from_slice(text.as_bytes()),
            Piece::Byte(byte) => literal.push(byte),
            Piece::Field(segment) => {
                push_literal(&mut segments, &mut literal);
                segments.push(segment);
            }
        }
    }
    push_literal(&mut segments, &mut literal);
    Ok(segments)
}

enum Piece<'a> {
    Text(&'a str),
    Byte(u8),
    Field(Segment),
}

fn push_literal(segments: &mut Vec<Segment>, literal: &mut Vec<u8>) {
    if !literal.is_empty() {
        segments.push(Segment::Literal(std::mem::take(literal)));
    }
}

/// What is wrong with a piece. Where it stands is known to whoever asked for it.
#[derive(Debug)]
enum Fault {
    UnknownSpecifier(char),
    UnfinishedSpecifier,
    UnfinishedHexEscape,
    EscapeTooLarge,
    /// Not this alternative; the next one may fit.
    NoMatch,
}

impl<I> ParseError<I> for Fault {
    fn from_error_kind(_input: I, _kind: ErrorKind) -> Self {
        Self::NoMatch
    }

    fn append(_input: I, _kind: ErrorKind, other: Self) -> Self {
        other
    }
}

fn located(fault: Err<Fault>, at: usize) -> FormatError {
    match fault {
        Err::Error(fault) | Err::Failure(fault) => match fault {
            Fault::UnknownSpecifier(specifier) => FormatError::UnknownSpecifier { specifier, at },
            Fault::UnfinishedHexEscape => FormatError::UnfinishedHexEscape { at },
            Fault::EscapeTooLarge => FormatError::EscapeTooLarge { at },
            Fault::UnfinishedSpecifier | Fault::NoMatch => FormatError::UnfinishedSpecifier { at },
        },
        Err::Incomplete(_) => unreachable!("only parsers of complete input are used"),
    }
}

type Parsed<'a> = IResult<&'a str, Piece<'a>, Fault>;

fn piece(input: &str) -> Parsed<'_> {
    let text = map(is_not("%\\"), Piece::Text);
    let lone_backslash = map(char('\\'), |_| Piece::Byte(b'\\'));
    alt((text, specifier, preceded(char('\\'), escape), lone_backslash)).parse(input)
}

fn specifier(input: &str) -> Parsed<'_> {
    let (input, _) = char('%').parse(input)?;
    let (input, specifier) = or_fault(anychar, Fault::UnfinishedSpecifier)(input)?;
    let segment = match specifier {
        '%' => return Ok((input, Piece::Byte(b'%'))),
        't' => Segment::Topic,
        'p' => Segment::Partition,
        'o' => Segment::Offset,
        'k' => Segment::Key,
        'K' => Segment::KeyLen,
        's' => Segment::Value,
        'S' => Segment::ValueLen,
        'R' => Segment::ValueLenBinary,
        'T' => Segment::Timestamp,
        'h' => Segment::Headers,
        _ => return Err(Err::Failure(Fault::UnknownSpecifier(specifier))),
    };
    Ok((input, Piece::Field(segment)))
}

fn escape(input: &str) -> Parsed<'_> {
    alt((letter, hex, number)).parse(input)
}

fn letter(input: &str) -> Parsed<'_> {
    let (input, letter) = one_of("nrt\\").parse(input)?;
    let byte = match letter {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        _ => b'\\',
    };
    Ok((input, Piece::Byte(byte)))
}

fn hex(input: &str) -> Parsed<'_> {
    let (input, _) = char('x').parse(input)?;
    let two_digits = take_while_m_n(2, 2, |digit: char| digit.is_ascii_hexdigit());
    let (input, digits) = or_fault(two_digits, Fault::UnfinishedHexEscape)(input)?;
    byte(input, digits, 16)
}

/// A number as C's `strtoul` reads it with base 0, which is what kcat calls.
fn number(input: &str) -> Parsed<'_> {
    let hex = map(preceded(tag_no_case("0x"), hex_digit1), |digits| (digits, 16));
    let octal = map(preceded(peek(char('0')), oct_digit1), |digits| (digits, 8));
    let decimal = map(digit1, |digits| (digits, 10));
    let (input, (digits, radix)) = alt((hex, octal, decimal)).parse(input)?;
    byte(input, digits, radix)
}

fn byte<'a>(input: &'a str, digits: &str, radix: u32) -> Parsed<'a> {
    match u8::from_str_radix(digits, radix) {
        Ok(byte) => Ok((input, Piece::Byte(byte))),
        Err(_) => Err(Err::Failure(Fault::EscapeTooLarge)),
    }
}

/// What `parser` reads, and no other alternative: if it does not fit, this is what is wrong.
fn or_fault<'a, O>(
    mut parser: impl Parser<&'a str, Output = O, Error = Fault>,
    fault: Fault,
) -> impl FnOnce(&'a str) -> IResult<&'a str, O, Fault> {
    move |input| parser.parse(input).map_err(|_| Err::Failure(fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(format: &str, expected: &[Segment]) {
        assert_eq!(parse(format).as_deref(), Ok(expected), "{format}");
    }

    #[track_caller]
    fn check_literal(format: &str, expected: &[u8]) {
        check(format, &[Segment::Literal(expected.to_vec())]);
    }

    #[track_caller]
    fn check_refused(format: &str, expected: FormatError, said: &str) {
        let refused = parse(format).expect_err(format);
        assert_eq!(refused, expected);
        assert_eq!(refused.to_string(), said);
    }

    #[test]
    fn every_specifier_is_a_field() {
        use Segment::*;
        check(
            "%t%p%o%k%K%s%S%R%T%h",
            &[
                Topic,
                Partition,
                Offset,
                Key,
                KeyLen,
                Value,
                ValueLen,
                ValueLenBinary,
                Timestamp,
                Headers,
            ],
        );
    }

    #[test]
    fn what_stands_between_fields_is_literal() {
        let literal = |text: &str| Segment::Literal(text.into());
        check(
            r"%t: 100%% [%o]\n",
            &[Segment::Topic, literal(": 100% ["), Segment::Offset, literal("]\n")],
        );
    }

    #[test]
    fn letters_are_escapes() {
        check_literal(r"\n\r\t\\", b"\n\r\t\\");
    }

    #[test]
    fn a_hex_escape_is_any_byte() {
        check_literal(r"\x00\xAB\xff0", b"\x00\xab\xff0");
    }

    #[test]
    fn a_number_is_read_as_kcat_reads_it() {
        check_literal(r"\0", b"\0");
        check_literal(r"\10", b"\x0a");
        check_literal(r"\012", b"\x0a");
        check_literal(r"\0x0a", b"\x0a");
        check_literal(r"\0X0A!", b"\x0a!");
        check_literal(r"\08", b"\x008");
        check_literal(r"\0xyz", b"\0xyz");
        check_literal(r"\255", b"\xff");
    }

    #[test]
    fn a_backslash_before_anything_else_stands_for_itself() {
        check_literal(r"\q", br"\q");
        check_literal(r"a\", br"a\");
        check_literal(r"\é", r"\é".as_bytes());
        check(r"\%s", &[Segment::Literal(b"\\".to_vec()), Segment::Value]);
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        check_refused(
            "%t %x",
            FormatError::UnknownSpecifier { specifier: 'x', at: 3 },
            "unknown kcat format specifier: %x (at byte 3 of the format string)",
        );
        check_refused(
            "é%é",
            FormatError::UnknownSpecifier { specifier: 'é', at: 2 },
            "unknown kcat format specifier: %é (at byte 2 of the format string)",
        );
        check_refused(
            "%s%",
            FormatError::UnfinishedSpecifier { at: 2 },
            "kcat format string ends with % (at byte 2); a literal percent is %%",
        );
        check_refused(
            r"ab\x1",
            FormatError::UnfinishedHexEscape { at: 2 },
            r"kcat format string: \x needs two hexadecimal digits (at byte 2)",
        );
        for format in [r"\256", r"\0400", r"\0x100", r"\99999999999999999999"] {
            check_refused(
                format,
                FormatError::EscapeTooLarge { at: 0 },
                r"kcat format string: a numeric escape is at most 255 (at byte 0)",
            );
        }
    }

    proptest! {
        #[test]
        fn any_string_is_read_or_refused(format in r"([%\\]?.){0,30}") {
            let _ = parse(&format);
        }

        #[test]
        fn text_without_specials_is_itself(format in r"[^%\\]{1,40}") {
            prop_assert_eq!(parse(&format), Ok(vec![Segment::Literal(format.into_bytes())]));
        }
    }
}
