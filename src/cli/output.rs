//! What a command says on standard output: for a person, or with `--json` for a program.

use std::io::{ErrorKind, Write};

use serde_json::Value;

use super::failure::Failure;
use crate::platform::progress::Progress;

/// Blanks between two columns of a table.
const GAP: usize = 2;

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Where progress is shown: nowhere for a program.
    pub(super) fn progress(self) -> Progress {
        if self.json {
            Progress::silent()
        } else {
            Progress::detect()
        }
    }

    /// One result: the JSON for a program, the words for a person.
    pub(super) fn result(self, json: &Value, words: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            print(&json.to_string())
        } else {
            print(&words())
        }
    }

    /// A list of results: a JSON array for a program; a table for a person, or `none` where there is nothing.
    pub(super) fn list<T>(
        self,
        rows: &[T],
        json: impl Fn(&T) -> Value,
        head: &[&str],
        cells: impl Fn(&T) -> Vec<String>,
        none: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return print(&Value::Array(rows.iter().map(json).collect()).to_string());
        }
        if rows.is_empty() {
            return print(none);
        }
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        print(&table(head, &rows))
    }
}

/// A text as it is, ended by a line break.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        // Who closes the pipe has read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::told(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Rows in aligned columns under a head.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        longest.max(head.get(column).map_or(0, |cell| cell.chars().count())) + GAP
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: String = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", padded.trim_end())
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![
            vec!["sto_1".to_owned(), "DE".to_owned()],
            vec!["sto_22".to_owned(), "Überlandschuh".to_owned()],
        ];
        assert_eq!(
            table(&["ID", "CODE"], &rows),
            "ID      CODE\nsto_1   DE\nsto_22  Überlandschuh\n"
        );
    }
}
