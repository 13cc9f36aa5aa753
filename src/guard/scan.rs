//! Reads the text of a document once, before the parser, and counts what could kill or stall the parser.
//!
//! The parser recurses only where it meets an opening bracket, and never gets past a bracket that does not match,
//! so that the brackets open at a place bound its depth there. The scan counts at least as many tokens as the
//! parser finds, which takes care in the places where the parser's grammar is laxer than the specification:
//!
//! - an unterminated block string is refused, because the parser would take its quotes for an empty string and
//!   read on into what follows;
//! - `0123` and `1a` are refused, as the specification says, because the parser takes the first for four numbers;
//! - `truefalsenull` counts as three, because the parser takes it for three values where it expects values.
//!
//! The parser works on each character, several times on some. What may be long without being many tokens has bounds of
//! its own, and comments, on which the parser is slowest, are turned into blanks: places in the text stay the same.

#![expect(
    clippy::string_slice,
    reason = "every place is that of a whole ASCII byte, or of the mark whose bytes are counted"
)]

use std::{borrow::Cow, ops::Range};

use async_graphql::Pos;

use super::{
    Limits,
    refusal::{Refusal, counted},
};

/// Blanks, commas and comments in a text, in bytes: an indented document of as many tokens as the limit has a third
/// of it. The parser takes half a millisecond over so many.
const MAX_BLANKS: usize = 32 * 1024;

/// Strings and numbers in a text, in bytes. The parser takes a millisecond over so many.
const MAX_LITERALS: usize = 16 * 1024;

/// One name, in bytes.
const MAX_NAME: usize = 256;

/// A text that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scanned<'a> {
    /// The text without its comments.
    pub(super) text: Cow<'a, str>,
    pub(super) tokens: usize,
    /// The most brackets that were open at once.
    #[cfg(test)]
    pub(super) nesting: usize,
}

/// Counts the tokens of a document and the brackets that are open at once.
///
/// # Errors
/// A limit that is exceeded, or text that no GraphQL document holds.
pub(super) fn scan<'a>(text: &'a str, limits: &Limits) -> Result<Scanned<'a>, Refusal> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        limits,
        at: 0,
        open: Vec::new(),
        nesting: 0,
        tokens: 0,
        blanks: 0,
        literals: 0,
        comments: Vec::new(),
    };
    while scanner.at < scanner.bytes.len() {
        scanner.step()?;
    }
    if let Some((_, opened)) = scanner.open.last() {
        return Err(scanner.fault(*opened, "this bracket is never closed"));
    }
    Ok(Scanned {
        text: without(text, &scanner.comments),
        tokens: scanner.tokens,
        #[cfg(test)]
        nesting: scanner.nesting,
    })
}

/// A text with blanks in place of comments, as many as they have characters.
fn without<'a>(text: &'a str, comments: &[Range<usize>]) -> Cow<'a, str> {
    if comments.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut done = 0;
    for comment in comments {
        plain.push_str(&text[done..comment.start]);
        plain.extend(text[comment.clone()].chars().map(|_| ' '));
        done = comment.end;
    }
    plain.push_str(&text[done..]);
    Cow::Owned(plain)
}

/// The place of a byte in a text: lines end as the specification says, columns count characters (§2.1.3).
fn place(text: &str, byte: usize) -> Pos {
    let mut pos = Pos { line: 1, column: 1 };
    let mut characters = text[..byte].chars().peekable();
    while let Some(character) = characters.next() {
        let carriage = character == '\r' && characters.peek() != Some(&'\n');
        if carriage || character == '\n' {
            pos = Pos {
                line: pos.line + 1,
                column: 1,
            };
        } else {
            pos.column += 1;
        }
    }
    pos
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    limits: &'a Limits,
    at: usize,
    /// The brackets that are open, and where.
    open: Vec<(u8, usize)>,
    nesting: usize,
    tokens: usize,
    blanks: usize,
    literals: usize,
    comments: Vec<Range<usize>>,
}

impl Scanner<'_> {
    /// Reads one token, blank or comment, and always gets on by a byte at least.
    fn step(&mut self) -> Result<(), Refusal> {
        match self.bytes[self.at] {
            b' ' | b',' | b'\t' | b'\n' | b'\r' => self.blank(1),
            0xEF if self.text[self.at..].starts_with('\u{feff}') => self.blank(3),
            b'#' => self.comment(),
            b'{' | b'[' | b'(' => self.open(),
            b'}' | b']' | b')' => self.close(),
            b'!' | b'$' | b':' | b'=' | b'@' | b'&' | b'|' => self.take(1, 1),
            b'.' if self.rest().starts_with(b"...") => self.take(3, 1),
            b'"' => {
                let length = self.string()?;
                self.literal(length)
            }
            b'-' | b'0'..=b'9' => {
                let length = self.number()?;
                self.literal(length)
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.name(),
            _ => Err(self.fault(self.at, "no GraphQL token begins with this character")),
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// How many bytes from here on satisfy a condition.
    fn run(&self, condition: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest();
        rest.iter()
            .position(|&byte| !condition(byte))
            .unwrap_or(rest.len())
    }

    fn fault(&self, byte: usize, problem: &str) -> Refusal {
        Refusal::syntax(place(self.text, byte), problem)
    }

    fn beyond(&self, problem: String) -> Refusal {
        Refusal::limit(problem).at(place(self.text, self.at))
    }

    fn blank(&mut self, length: usize) -> Result<(), Refusal> {
        self.blanks += length;
        if self.blanks > MAX_BLANKS {
            return Err(self.beyond(format!(
                "The document holds more than {} KiB of blanks, commas and comments. Leave them out.",
                MAX_BLANKS / 1024
            )));
        }
        self.at += length;
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.blank(self.run(|byte| !matches!(byte, b'\n' | b'\r')))?;
        self.comments.push(start..self.at);
        Ok(())
    }

    fn take(&mut self, length: usize, tokens: usize) -> Result<(), Refusal> {
        self.tokens += tokens;
        if self.tokens > self.limits.tokens {
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
                "The document nests its brackets deeper than {}, which is the limit. Select less deep, and pass \
                 nested values as variables.",
                counted(self.limits.nesting as u64, "level", "levels")
            )));
        }
        self.take(1, 1)
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let wanted = match self.bytes[self.at] {
            b'}' => b'{',
            b']' => b'[',
            _ => b'(',
        };
        if self.open.pop().is_none_or(|(opened, _)| opened != wanted) {
            return Err(self.fault(self.at, "this bracket does not close the one opened last"));
        }
        self.take(1, 1)
    }

    fn literal(&mut self, length: usize) -> Result<(), Refusal> {
        self.literals += length;
        if self.literals > MAX_LITERALS {
            return Err(self.beyond(format!(
                "The document holds more than {} KiB of strings and numbers. Pass them as variables.",
                MAX_LITERALS / 1024
            )));
        }
        self.take(length, 1)
    }

    fn name(&mut self) -> Result<(), Refusal> {
        let length = self.run(is_name);
        if length > MAX_NAME {
            return Err(self.beyond(format!(
                "The document holds a name of more than {MAX_NAME} characters, which is the limit."
            )));
        }
        let tokens = values_in(&self.bytes[self.at..self.at + length]);
        self.take(length, tokens)
    }

    /// The length of the string that begins here (§2.9.4).
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

    /// The length of the escape sequence at a byte. The parser has no `\u{…}` and no surrogate pairs.
    fn escape(&self, at: usize) -> Result<usize, Refusal> {
        let known = match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Some(2),
            Some(b'u') => self
                .bytes
                .get(at + 2..at + 6)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .map(|_| 6),
            _ => None,
        };
        known.ok_or_else(|| self.fault(at, "a string holds an escape that GraphQL does not have"))
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

    /// The length of the number that begins here (§2.9.1, §2.9.2).
    fn number(&self) -> Result<usize, Refusal> {
        let rest = self.rest();
        let mut at = usize::from(rest[0] == b'-');
        let digits_from = |from: usize| {
            rest[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let whole = digits_from(at);
        let leading_zero = rest.get(at) == Some(&b'0') && whole > 1;
        at += whole;
        let mut sound = whole > 0 && !leading_zero;
        if rest.get(at) == Some(&b'.') {
            let fraction = digits_from(at + 1);
            sound &= fraction > 0;
            at += 1 + fraction;
        }
        if matches!(rest.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(rest.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits_from(at);
            sound &= exponent > 0;
            at += exponent;
        }
        sound &= !rest.get(at).is_some_and(|&byte| byte == b'.' || is_name(byte));
        if sound {
            Ok(at)
        } else {
            Err(self.fault(self.at, "this is not a number that GraphQL has"))
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// As how many tokens the parser may read a name: it takes `true`, `false` and `null` for values of their own even
/// where the name goes on, and each digit after them for a number where it is a zero.
fn values_in(name: &[u8]) -> usize {
    let mut rest = name;
    let mut values = 0;
    while let Some(after) = [&b"true"[..], b"false", b"null"]
        .iter()
        .find_map(|literal| rest.strip_prefix(*literal))
    {
        values += 1;
        rest = after;
    }
    match rest.first() {
        None => values,
        Some(first) if first.is_ascii_digit() => values + rest.len(),
        Some(_) => values + 1,
    }
}
