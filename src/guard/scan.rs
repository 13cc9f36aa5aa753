//! Reads the text of a document once, before the parser, and counts what could crash or stall the parser.
//!
//! The parser recurses only at an opening bracket, and never gets past a bracket that does not match, so that the
//! number of open brackets bounds its depth. Strings, numbers and names are checked here by the specification, so that
//! an error in one is reported at its position and the parser meets none.
//!
//! The parser processes each character. Parts that can be long without being many tokens have limits of their own.

#![expect(
    clippy::string_slice,
    reason = "every place is that of a whole ASCII byte, or of the mark whose bytes are counted"
)]

use super::places::LinePositions;
use super::refusal::{Refusal, counted};
use super::{GuardLimits, stray};

/// Blanks, commas and comments in a text, in bytes. An indented document with the maximum number of tokens has a third
/// of it. The parser takes half a millisecond for so many.
const MAX_BLANKS: usize = 32 * 1024;

/// Strings and numbers in a text, in bytes. The parser takes a millisecond for so many.
const MAX_LITERALS: usize = 16 * 1024;

/// Length of one name, in bytes.
const MAX_NAME: usize = 256;

/// The result of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The byte offset of each token.
    pub(super) tokens: Vec<usize>,
    /// Maximum number of brackets open at once.
    #[cfg(test)]
    pub(super) nesting: usize,
}

/// Counts the tokens of a document and its open brackets.
///
/// # Errors
/// A limit is exceeded, or the text cannot be part of a GraphQL document.
pub(super) fn scan(text: &str, limits: &GuardLimits) -> Result<Scanned, Refusal> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        limits,
        at: 0,
        open: Vec::new(),
        nesting: 0,
        tokens: Vec::new(),
        blanks: 0,
        literals: 0,
    };
    while scanner.at < scanner.bytes.len() {
        scanner.step()?;
    }
    if let Some((bracket, opened)) = scanner.open.last() {
        let (name, closing) = bracket_names(*bracket);
        let problem = format!("this {name} is never closed. {closing} is missing");
        return Err(scanner.fault(*opened, &problem));
    }
    Ok(Scanned {
        tokens: scanner.tokens,
        #[cfg(test)]
        nesting: scanner.nesting,
    })
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    limits: &'a GuardLimits,
    at: usize,
    /// The open brackets, and their offsets.
    open: Vec<(u8, usize)>,
    nesting: usize,
    tokens: Vec<usize>,
    blanks: usize,
    literals: usize,
}

impl Scanner<'_> {
    /// Reads one token, blank or comment; consumes at least one byte.
    fn step(&mut self) -> Result<(), Refusal> {
        match self.bytes[self.at] {
            b' ' | b',' | b'\t' | b'\n' | b'\r' => self.blank(1),
            0xEF if self.text[self.at..].starts_with('\u{feff}') => self.blank(3),
            b'#' => self.comment(),
            b'{' | b'[' | b'(' => self.open(),
            b'}' | b']' | b')' => self.close(),
            b'$' if self.rest().starts_with(b"${") => Err(self.fault(
                self.at,
                "a dollar sign and a brace remain of a template whose value was not inserted. Pass values as variables",
            )),
            b'!' | b'$' | b':' | b'=' | b'@' | b'&' | b'|' => self.take(1),
            b'.' if self.rest().starts_with(b"...") => self.take(3),
            b'"' => {
                let length = self.string()?;
                self.literal(length)
            }
            b'-' | b'0'..=b'9' => {
                let length = self.number()?;
                self.literal(length)
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.name(),
            _ => Err(self.fault(self.at, stray::problem(&self.text[self.at..]))),
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Returns how many of the next bytes satisfy a condition without a gap.
    fn run(&self, condition: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !condition(byte));
        end.unwrap_or(rest.len())
    }

    fn fault(&self, byte: usize, problem: &str) -> Refusal {
        Refusal::syntax(LinePositions::of(self.text).at(byte), problem)
    }

    fn beyond(&self, problem: String) -> Refusal {
        Refusal::limit(problem).at(LinePositions::of(self.text).at(self.at))
    }

    fn blank(&mut self, length: usize) -> Result<(), Refusal> {
        self.blanks += length;
        if self.blanks > MAX_BLANKS {
            return Err(self.beyond(format!(
                "The document contains more than {} KiB of blanks, commas and comments. Leave them out.",
                MAX_BLANKS / 1024
            )));
        }
        self.at += length;
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Refusal> {
        self.blank(self.run(|byte| !matches!(byte, b'\n' | b'\r')))
    }

    fn take(&mut self, length: usize) -> Result<(), Refusal> {
        self.tokens.push(self.at);
        if self.tokens.len() > self.limits.tokens {
            return Err(self.beyond(format!(
                "The document has more than {}, which is the limit. Split it into several requests, and pass \
                 values as variables.",
                counted(self.limits.tokens as u64, "token", "tokens")
            )));
        }
        self.at += length;
        Ok(())
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.open.push((self.bytes[self.at], self.at));
        self.nesting = self.nesting.max(self.open.len());
        if self.open.len() > self.limits.nesting {
            return Err(self.beyond(format!(
                "The document nests its brackets deeper than {}, which is the limit. Select fewer levels, and pass \
                 nested values as variables.",
                counted(self.limits.nesting as u64, "level", "levels")
            )));
        }
        self.take(1)
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let wanted = match self.bytes[self.at] {
            b'}' => b'{',
            b']' => b'[',
            _ => b'(',
        };
        match self.open.pop() {
            Some((opened, _)) if opened == wanted => {}
            Some((opened, at)) => {
                let (name, closing) = bracket_names(opened);
                let at = LinePositions::of(self.text).at(at);
                let problem = format!(
                    "the {name} of line {}, column {} is not closed yet. {closing} is missing before this",
                    at.line, at.column
                );
                return Err(self.fault(self.at, &problem));
            }
            None => return Err(self.fault(self.at, "this closes no open bracket. Leave it out")),
        }
        self.take(1)
    }

    fn literal(&mut self, length: usize) -> Result<(), Refusal> {
        self.literals += length;
        if self.literals > MAX_LITERALS {
            return Err(self.beyond(format!(
                "The document contains more than {} KiB of strings and numbers. Pass them as variables.",
                MAX_LITERALS / 1024
            )));
        }
        self.take(length)
    }

    fn name(&mut self) -> Result<(), Refusal> {
        let length = self.run(is_name);
        if length > MAX_NAME {
            return Err(self.beyond(format!(
                "The document contains a name of more than {MAX_NAME} characters, which is the limit."
            )));
        }
        self.take(length)
    }

    /// Returns the length of the string that begins here (§2.9.4).
    fn string(&self) -> Result<usize, Refusal> {
        if self.rest().starts_with(br#"""""#) {
            return self.block_string();
        }
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => return Ok(at + 1 - self.at),
                Some(b'\\') => at += self.escape(at)?,
                None | Some(b'\n' | b'\r') => {
                    return Err(self.fault(self.at, "this string has no end on its line"));
                }
                Some(_) => at += 1,
            }
        }
    }

    /// Returns the length of the escape sequence at an offset; a surrogate pair is one sequence (§2.9.4).
    fn escape(&self, at: usize) -> Result<usize, Refusal> {
        let known = match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Some(2),
            Some(b'u') if self.bytes.get(at + 2) == Some(&b'{') => {
                self.code_point(at + 3).map(|length| length + 4)
            }
            Some(b'u') => match self.code_unit(at) {
                Some(0xD800..=0xDBFF) => self.code_unit(at + 6).filter(is_low_surrogate).map(|_| 12),
                Some(unit) if is_low_surrogate(&unit) => None,
                unit => unit.map(|_| 6),
            },
            _ => None,
        };
        known.ok_or_else(|| self.fault(at, "a string contains an escape that GraphQL does not have"))
    }

    /// Returns the 16 bits of an escape such as `\u00e4` at an offset.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        (digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    }

    /// Returns the number of digits of the code point in an escape such as `\u{1F600}`, from the offset of the first
    /// digit.
    fn code_point(&self, at: usize) -> Option<usize> {
        let rest = &self.bytes[at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = self.text.get(at..at + length)?;
        let significant = digits.trim_start_matches('0');
        let is_scalar = u32::from_str_radix(if significant.is_empty() { "0" } else { significant }, 16)
            .is_ok_and(|value| char::from_u32(value).is_some());
        (length > 0 && is_scalar && rest.get(length) == Some(&b'}')).then_some(length)
    }

    fn block_string(&self) -> Result<usize, Refusal> {
        let mut at = self.at + 3;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            if rest.starts_with(br#"\""""#) {
                at += 4;
            } else if rest.starts_with(br#"""""#) {
                return Ok(at + 3 - self.at);
            } else {
                at += 1;
            }
        }
        Err(self.fault(self.at, "this block string has no end"))
    }

    /// Returns the length of the number that begins here (§2.9.1, §2.9.2).
    fn number(&self) -> Result<usize, Refusal> {
        let rest = self.rest();
        let mut at = usize::from(rest[0] == b'-');
        let digits_from = |from: usize| {
            let rest = rest[from..].iter();
            rest.take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digits_from(at);
        let leading_zero = rest.get(at) == Some(&b'0') && whole > 1;
        at += whole;
        let mut is_valid = whole > 0 && !leading_zero;
        if rest.get(at) == Some(&b'.') {
            let fraction = digits_from(at + 1);
            is_valid &= fraction > 0;
            at += 1 + fraction;
        }
        if matches!(rest.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(rest.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits_from(at);
            is_valid &= exponent > 0;
            at += exponent;
        }
        is_valid &= !rest.get(at).is_some_and(|&byte| byte == b'.' || is_name(byte));
        if !is_valid {
            return Err(self.fault(self.at, "this is not a valid GraphQL number"));
        }
        Ok(at)
    }
}

/// Returns the name of an opening bracket, and the name of its closing bracket with the article.
fn bracket_names(opening: u8) -> (&'static str, &'static str) {
    match opening {
        b'{' => ("brace", "A closing brace"),
        b'[' => ("bracket", "A closing bracket"),
        _ => ("parenthesis", "A closing parenthesis"),
    }
}

fn is_low_surrogate(unit: &u32) -> bool {
    (0xDC00..=0xDFFF).contains(unit)
}

fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
