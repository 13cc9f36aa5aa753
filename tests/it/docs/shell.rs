//! Reads the commands of a shell's code block: words, quotes, continued lines and comments. Variables are not expanded.

use std::iter::Peekable;
use std::str::CharIndices;

/// A command of a code block.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// Its text, without the comment.
    pub(super) text: String,
    /// Its words, without quotes.
    pub(super) words: Vec<String>,
    /// The comment at its end.
    pub(super) comment: Option<String>,
}

impl Command {
    /// Returns its words without the variables that are set in front of them.
    pub(super) fn call(&self) -> &[String] {
        let is_setting = |word: &String| variable(word).is_some();
        let first = self.words.iter().position(|word| !is_setting(word));
        self.words
            .get(first.unwrap_or(self.words.len())..)
            .unwrap_or_default()
    }

    /// Returns the name of its program; empty if it only sets variables.
    pub(super) fn program(&self) -> &str {
        self.call().first().map_or("", String::as_str)
    }
}

/// Returns the name of the variable that a word sets.
pub(super) fn variable(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    (is_name && !name.is_empty()).then_some(name)
}

/// Returns the commands of a block.
pub(super) fn commands(block: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut current = Command::default();
    let mut word: Option<String> = None;
    let mut chars = block.char_indices().peekable();
    let (mut start, mut end) = (0, 0);
    while let Some((at, char)) = chars.next() {
        let is_comment = char == '#' && word.is_none();
        match char {
            '\n' => {
                current.words.extend(word.take());
                current.text = block.get(start..end).unwrap_or_default().trim().to_owned();
                start = at + 1;
                if !current.words.is_empty() {
                    commands.push(std::mem::take(&mut current));
                }
                current = Command::default();
            }
            '#' if is_comment => current.comment = Some(comment(&mut chars)),
            '\\' => match chars.next() {
                Some((_, '\n')) | None => {}
                Some((_, escaped)) => word.get_or_insert_default().push(escaped),
            },
            '\'' | '"' => quoted(&mut chars, char, word.get_or_insert_default()),
            blank if blank.is_whitespace() => current.words.extend(word.take()),
            plain => word.get_or_insert_default().push(plain),
        }
        if !is_comment {
            end = chars.peek().map_or(block.len(), |(next, _)| *next);
        }
    }
    commands
}

/// Reads a comment up to the end of its line.
fn comment(chars: &mut Peekable<CharIndices<'_>>) -> String {
    let mut text = String::new();
    while let Some((_, char)) = chars.next_if(|(_, char)| *char != '\n') {
        text.push(char);
    }
    text.trim().to_owned()
}

/// Reads the rest of a quoted part of a word. In double quotes, a backslash before a quote, a backslash or a dollar sign
/// is not part of the word.
fn quoted(chars: &mut Peekable<CharIndices<'_>>, quote: char, word: &mut String) {
    while let Some((_, char)) = chars.next() {
        if char == quote {
            return;
        }
        let escaped = chars.next_if(|(_, next)| quote == '"' && char == '\\' && "\"\\$".contains(*next));
        word.push(escaped.map_or(char, |(_, escaped)| escaped));
    }
    panic!("a quote does not end");
}

#[test]
fn commands_are_parsed_like_a_shell() {
    let block = "cargo run   # serves\nA=1 B=\"a b\" sh -c 'x \"#1\"\n  y' \\\n  z#1 \"\\\"q\\x\"\n\nKEY=…  # the key\n";
    let read = commands(block);
    let words: Vec<Vec<&str>> = read
        .iter()
        .map(|command| command.words.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(
        words,
        [
            vec!["cargo", "run"],
            vec!["A=1", "B=a b", "sh", "-c", "x \"#1\"\n  y", "z#1", "\"q\\x"],
            vec!["KEY=…"],
        ]
    );
    let programs: Vec<&str> = read.iter().map(Command::program).collect();
    assert_eq!(programs, ["cargo", "sh", ""]);
    let texts: Vec<&str> = read.iter().map(|command| command.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "cargo run",
            "A=1 B=\"a b\" sh -c 'x \"#1\"\n  y' \\\n  z#1 \"\\\"q\\x\"",
            "KEY=…"
        ]
    );
    let comments: Vec<Option<&str>> = read.iter().map(|command| command.comment.as_deref()).collect();
    assert_eq!(comments, [Some("serves"), None, Some("the key")]);
}
