//! Positions in a text, as line and column, for messages.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// The lines of a text, to convert a byte offset into a position.
///
/// Lines end as the specification says (GraphQL §2.1.2), columns count characters. A lookup takes the time of finding
/// the line, independent of the length of the line: a document has as many positions as tokens, and all may be on one
/// line.
#[derive(Debug)]
pub(super) struct LinePositions {
    /// The first byte of each line.
    lines: Vec<usize>,
    /// For each byte, the number of characters that began before it. Empty if the text is ASCII.
    characters: Vec<usize>,
}

impl LinePositions {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                lines.push(at + 1);
            }
        }
        let characters = if text.is_ascii() {
            Vec::new()
        } else {
            let mut count = 0;
            let begins = |at| {
                let before = count;
                count += usize::from(text.is_char_boundary(at));
                before
            };
            (0..=bytes.len()).map(begins).collect()
        };
        Self { lines, characters }
    }

    /// Returns the position of a byte; an offset beyond the end counts as the end.
    pub(super) fn at(&self, byte: usize) -> Pos {
        let line = self.lines.partition_point(|first| *first <= byte).max(1);
        let first = self.lines[line - 1];
        Pos {
            line,
            column: self.character(byte).saturating_sub(self.character(first)) + 1,
        }
    }

    /// Returns the position at which a part of the text begins; a part without a span, which the parser inserted, is at
    /// the beginning.
    pub(super) fn of_span(&self, span: Option<SourceSpan>) -> Pos {
        self.at(span.map_or(0, |span| span.offset()))
    }

    fn character(&self, byte: usize) -> usize {
        match self.characters.last() {
            Some(last) => *self.characters.get(byte).unwrap_or(last),
            None => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_the_specification_says_and_columns_count_characters() {
        let text = "a\nä😀b\r\nc\rd";
        let places = LinePositions::of(text);
        let marks = [
            ('a', 1, 1),
            ('ä', 2, 1),
            ('😀', 2, 2),
            ('b', 2, 3),
            ('c', 3, 1),
            ('d', 4, 1),
        ];
        for (mark, line, column) in marks {
            let at = places.at(text.find(mark).expect("it is there"));
            assert_eq!(at, Pos { line, column }, "{mark}");
        }
        assert_eq!(LinePositions::of("ab").at(1), Pos { line: 1, column: 2 });
        assert_eq!(LinePositions::of("").at(0), Pos { line: 1, column: 1 });
    }
}
