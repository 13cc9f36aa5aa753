//! The examples in the documentation: every code block is run or checked as far as a machine can do it, and every
//! command, setting and recipe that the text names exists.
//!
//! The scripts of `tests/clients` run the JavaScript of the frontend guide.

mod blocks;
mod commands;
mod graphql;
mod journeys;
mod names;
mod shell;

use self::blocks::{Block, Document};
use self::journeys::JOURNEYS;

/// What a code block is written in.
const LANGUAGES: [&str; 3] = ["graphql", "js", "sh"];

/// Commands of code blocks that no test can run or check, with reasons. This list only shrinks.
const UNTESTED: &[(&str, &str)] = &[
    ("docker compose up", "needs a Docker engine"),
    ("docker compose logs gateway", "needs a Docker engine"),
];

#[test]
fn every_code_block_has_a_tested_language() {
    let mut against = Vec::new();
    for block in Document::all().iter().flat_map(Document::blocks) {
        if !LANGUAGES.contains(&block.language.as_str()) {
            against.push(format!("{block} is no {}", LANGUAGES.join(", ")));
        }
    }
    assert!(against.is_empty(), "{against:#?}");
}

#[test]
fn every_command_of_a_code_block_is_tested() {
    let mut untested: Vec<String> = Vec::new();
    let mut travelled: Vec<(String, String)> = Vec::new();
    for block in Document::all().iter().flat_map(Document::blocks) {
        for command in block.commands() {
            match command.program() {
                // `commands` and `names` check these.
                "cargo" | "storefront-gateway" | ".ci/run" => {}
                // Settings of variables are parts of a journey.
                "curl" | "" => travelled.push((block.file.clone(), block.section.clone())),
                _ => untested.push(command.text),
            }
        }
    }
    travelled.dedup();
    let journeys = JOURNEYS.map(|(file, section)| (file.to_owned(), section.to_owned()));
    assert_eq!(travelled, journeys, "each has a test in `journeys`");
    let known: Vec<&str> = UNTESTED.iter().map(|(command, _)| *command).collect();
    assert_eq!(untested, known);
}

/// A block of JavaScript begins with a comment that names it; a script of `tests/clients` runs it by this name.
#[test]
fn every_javascript_block_is_run_by_a_script() {
    let folder = crate::architecture::root().join("tests/clients");
    let scripts = std::fs::read_dir(folder).expect("the scripts").flatten();
    let scripts: Vec<String> = scripts
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mjs"))
        .map(|path| std::fs::read_to_string(path).expect("a script"))
        .collect();
    let documents = Document::all();
    let blocks = documents.iter().flat_map(Document::blocks);
    let blocks: Vec<Block> = blocks.filter(|block| block.language == "js").collect();
    assert!(!blocks.is_empty(), "the frontend guide has such blocks");
    let unrun: Vec<String> = blocks
        .iter()
        .filter(|block| !is_run(block, &scripts))
        .map(Block::to_string)
        .collect();
    assert_eq!(unrun, [""; 0]);
}

fn is_run(block: &Block, scripts: &[String]) -> bool {
    let name = block
        .text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("// "));
    let call = format!("fromGuide('{}'", name.unwrap_or_default());
    // The only document that the scripts read.
    block.file == "docs/frontend.md" && scripts.iter().any(|script| script.contains(&call))
}
