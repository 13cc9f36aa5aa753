//! Results on standard output: for a person, or with `--json` for a program.

use std::io::{ErrorKind, Write};
use std::pin::pin;

use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::failure::Failure;
use crate::error;
use crate::platform::progress::Progress;

/// Spaces between two columns of a table.
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

    /// Returns the display of progress: none for a program.
    pub(super) fn progress(self) -> Progress {
        if self.json {
            Progress::silent()
        } else {
            Progress::detect()
        }
    }

    /// Prints one result: the JSON for a program, the text for a person.
    pub(super) fn result(self, json: &Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        print(&if self.json { json.to_string() } else { text() })
    }

    /// Prints a list: a JSON array for a program; a table for a person, or `none` if the list is empty.
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

    /// Prints a list that may be very long: each row is written when it is read, in columns of fixed widths.
    pub(super) async fn stream<T>(
        self,
        rows: impl Stream<Item = error::Result<T>>,
        json: impl Fn(&T) -> Value,
        columns: &[(&str, usize)],
        cells: impl Fn(&T) -> Vec<String>,
        none: &str,
    ) -> Result<(), Failure> {
        let widths: Vec<usize> = columns.iter().map(|(_, width)| width + GAP).collect();
        let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let mut rows = pin!(rows);
        let mut is_first = true;
        while let Some(row) = rows.next().await {
            let row = row?;
            let text = match (self.json, is_first) {
                (true, true) => format!("[{}", json(&row)),
                (true, false) => format!(",{}", json(&row)),
                (false, true) => format!("{}{}", line(&head, &widths), line(&cells(&row), &widths)),
                (false, false) => line(&cells(&row), &widths),
            };
            if !write(&text)? {
                return Ok(());
            }
            is_first = false;
        }
        match (self.json, is_first) {
            (true, true) => print("[]"),
            (true, false) => print("]"),
            (false, true) => print(none),
            (false, false) => Ok(()),
        }
    }
}

/// Prints a text and a line break.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    write(text).map(|_is_read| ())
}

/// Writes a text and a line break. Returns whether the reader still reads.
fn write(text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        // A reader that closes the pipe has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::message(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// Returns rows in aligned columns under a head.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        longest.max(head.get(column).map_or(0, |cell| cell.chars().count())) + GAP
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let rows = rows.iter().map(|row| line(row, &widths));
    line(head, &widths) + &rows.collect::<String>()
}

fn line<C: AsRef<str>>(cells: &[C], widths: &[usize]) -> String {
    let padded: String = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{:width$}", cell.as_ref()))
        .collect();
    format!("{}\n", padded.trim_end())
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
