//! Documents, their code blocks, and the code in their text.

use std::fmt;

use super::shell::{self, Command};
use crate::architecture::root;

/// A document of the project.
pub(super) struct Document {
    /// Its path, such as `docs/frontend.md`.
    pub(super) path: String,
    pub(super) text: String,
}

/// A fenced code block.
pub(super) struct Block {
    /// The path of its document.
    pub(super) file: String,
    /// The line of its first fence, from 1.
    line: usize,
    /// The heading that it is below.
    pub(super) section: String,
    /// The language that its fence names.
    pub(super) language: String,
    /// Its lines without the indentation of the fence.
    pub(super) text: String,
}

impl Document {
    /// Reads a document.
    pub(super) fn read(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: std::fs::read_to_string(root().join(path)).expect(path),
        }
    }

    /// Reads all documents, sorted by path.
    pub(super) fn all() -> Vec<Self> {
        let mut paths = Vec::new();
        for folder in ["", "docs/"] {
            let entries = std::fs::read_dir(root().join(folder))
                .expect("a folder")
                .flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            let names = names.filter(|name| {
                std::path::Path::new(name)
                    .extension()
                    .is_some_and(|extension| extension == "md")
            });
            paths.extend(names.map(|name| format!("{folder}{name}")));
        }
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Returns its code blocks.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut section = String::new();
        let mut open: Option<(Block, usize)> = None;
        for (index, line) in self.text.lines().enumerate() {
            let code = line.trim_start();
            let fence = code.strip_prefix("```");
            match (&mut open, fence) {
                (None, Some(language)) => {
                    let block = Block {
                        file: self.path.clone(),
                        line: index + 1,
                        section: section.clone(),
                        language: language.to_owned(),
                        text: String::new(),
                    };
                    open = Some((block, line.len() - code.len()));
                }
                (Some(_), Some("")) => blocks.extend(open.take().map(|(block, _)| block)),
                (Some((block, indentation)), _) => {
                    block.text.push_str(line.get(*indentation..).unwrap_or_default());
                    block.text.push('\n');
                }
                (None, None) => {
                    if let Some(heading) = line.strip_prefix('#') {
                        section = heading.trim_start_matches('#').trim().to_owned();
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a code block does not end", self.path);
        blocks
    }

    /// Returns the code in its text: what is between backticks, on one line.
    pub(super) fn spans(&self) -> Vec<String> {
        let mut is_code = false;
        let text = self.text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        });
        let text = text.collect::<Vec<_>>().join("\n");
        let parts: Vec<&str> = text.split('`').collect();
        assert!(parts.len() % 2 == 1, "{}: an odd number of backticks", self.path);
        let spans = parts.iter().skip(1).step_by(2);
        spans
            .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }
}

impl Block {
    /// Returns its commands; none if it is not for a shell.
    pub(super) fn commands(&self) -> Vec<Command> {
        if self.language == "sh" {
            shell::commands(&self.text)
        } else {
            Vec::new()
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
