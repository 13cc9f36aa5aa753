//! Commands that the documentation names are right: the gateway's own are read by its command line, cargo's name tests
//! and parts that exist.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use super::blocks::Document;
use super::shell;
use crate::architecture::root;

/// A changelog describes commands of earlier versions too.
const OLDER: &str = "CHANGELOG.md";

/// An id in place of one that the documentation shortens.
const NUMBER: &str = "00000000000000000000000001";

/// Why a command line is refused that lacks only what the text leaves out.
const INCOMPLETE: [&str; 2] = ["required arguments were not provided", "a value is required for"];

/// A command that the documentation names: its words, and where they are.
struct Named {
    words: Vec<String>,
    place: String,
}

/// Returns the commands of all code blocks, and those in the text that begin with one of these words.
fn named(programs: &[&str]) -> Vec<Named> {
    let mut named = Vec::new();
    for document in Document::all().iter().filter(|document| document.path != OLDER) {
        for block in document.blocks() {
            let commands = block.commands();
            let calls = commands.iter().map(|command| command.call().to_vec());
            named.extend(calls.map(|words| Named {
                words,
                place: block.to_string(),
            }));
        }
        for span in document.spans() {
            let commands = shell::commands(&format!("{span}\n"));
            named.extend(commands.iter().map(|command| Named {
                words: command.call().to_vec(),
                place: format!("{}: `{span}`", document.path),
            }));
        }
    }
    named.retain(|named| {
        let first = named.words.first().map_or("", String::as_str);
        programs.contains(&first)
    });
    for named in &mut named {
        let end = named.words.iter().position(|word| word == ">");
        named.words.truncate(end.unwrap_or(named.words.len()));
    }
    named
}

/// Runs the built gateway with a setting that it refuses, so that it reads its command line and does nothing more.
fn parse(words: &[String]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_storefront-gateway"))
        .args(words)
        .env_clear()
        .env("GATEWAY_NO_SUCH_SETTING", "1")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output();
    output.expect("the binary runs")
}

/// Returns words as an operator would write them: with ids and values, and with the options in brackets.
fn filled_in(words: &[String]) -> Vec<String> {
    let fill = |word: &String| {
        let word = word.trim_matches(['[', ']']);
        match (word, word.strip_suffix("_…")) {
            (_, Some(prefix)) => format!("{prefix}_{NUMBER}"),
            ("…", _) => "some".to_owned(),
            ("N", _) => "1".to_owned(),
            (word, None) => word.to_owned(),
        }
    };
    words.iter().map(fill).collect()
}

/// Returns what is wrong with a command line of the gateway. A text may leave options out.
fn fault(words: &[String], may_leave_out: bool) -> Option<String> {
    let output = parse(&filled_in(words));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_incomplete = may_leave_out && INCOMPLETE.iter().any(|reason| message.contains(reason));
    (output.status.code() == Some(2) && !is_incomplete).then_some(message)
}

/// Returns the subcommands that the gateway's help lists.
fn subcommands() -> Vec<String> {
    let output = parse(&["-h".to_owned()]);
    let help = String::from_utf8(output.stdout).expect("a text");
    let (_, rest) = help.split_once("Commands:\n").expect("a list");
    let (list, _) = rest.split_once("\n\n").expect("an end");
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn documented_commands_are_accepted_by_the_command_line() {
    let mut faults = Vec::new();
    let mut count = 0;
    for Named { words, place } in named(&["storefront-gateway"]) {
        count += 1;
        faults.extend(fault(&words[1..], false).map(|message| format!("{place}: {message}")));
    }
    for Named { words, place } in named(&["cargo"]) {
        if words.get(1).is_some_and(|subcommand| subcommand == "run") {
            count += 1;
            let arguments = words.split(|word| word == "--").nth(1).unwrap_or_default();
            faults.extend(fault(arguments, false).map(|message| format!("{place}: {message}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(count > 5, "the commands were not found");
}

/// Text and tables name commands without the program, such as `keys rotate --now`.
#[test]
fn commands_named_in_text_exist() {
    let subcommands = subcommands();
    let known: Vec<&str> = subcommands.iter().map(String::as_str).collect();
    let mut named = named(&known);
    // A single word is often a word of the schema.
    named.retain(|named| named.words.len() > 1);
    assert!(named.len() > 15, "the commands were not found");
    let faults = named
        .iter()
        .filter_map(|Named { words, place }| Some(format!("{place}: {}", fault(words, true)?)));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_wrong_command_is_detected() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(fault(&words("jobs list [--dead]"), false), None);
    assert_eq!(fault(&words("audit list --customer cus_…"), false), None);
    assert_eq!(fault(&words("client create --kind public"), true), None);
    for wrong in [
        "client create --kind public",
        "jobs list --all",
        "no-such",
        "keys",
    ] {
        assert!(fault(&words(wrong), false).is_some(), "{wrong}");
    }
    for wrong in ["client create --kind secret", "client create --no-such"] {
        assert!(fault(&words(wrong), true).is_some(), "{wrong}");
    }
}

#[test]
fn the_operators_guide_lists_every_command() {
    let guide = Document::read("docs/operators.md");
    let mut listed: Vec<String> = Vec::new();
    let (_, table) = guide.text.split_once("| command | effect |").expect("a table");
    for line in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let cell = line.split('`').nth(1).unwrap_or_default();
        listed.extend(cell.split(' ').next().map(str::to_owned));
    }
    listed.retain(|name| !name.is_empty());
    let (listed, known) = (BTreeSet::from_iter(listed), BTreeSet::from_iter(subcommands()));
    assert_eq!(listed, known);
}

/// Returns the number of tests of this program whose path contains the filter.
fn tests_named(filter: &str) -> usize {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--list", filter]).output();
    let listed = String::from_utf8(output.expect("it runs").stdout).expect("a text");
    listed.lines().filter(|line| line.ends_with(": test")).count()
}

#[test]
fn cargo_commands_name_existing_tests_and_benchmarks() {
    let benchmarks = std::fs::read_to_string(root().join("benches/gateway/main.rs")).expect("the benchmarks");
    let mut faults = Vec::new();
    for Named { words, place } in named(&["cargo"]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_right = match words[..] {
            ["cargo", "run", ..] | ["cargo", "test" | "bench" | "build"] => true,
            // The Dockerfile does this.
            [
                "cargo",
                "build",
                "--release",
                "--package",
                "storefront-gateway",
                "--no-default-features",
            ] => true,
            ["cargo", "test", "--test", "it", filter] | ["cargo", "test", "--test", "it", "--", filter] => {
                tests_named(filter) > 0
            }
            ["cargo", "bench", "--", part] => benchmarks.contains(&format!("wanted(\"{part}\")")),
            // .ci/run does this.
            ["cargo", "doc", "--no-deps", "--document-private-items", "--open"] => true,
            _ => false,
        };
        if !is_right {
            faults.push(format!("{place}: {}", words.join(" ")));
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn documented_scripts_and_recipes_exist() {
    let recipes = std::fs::read_to_string(root().join("justfile")).expect("the recipes");
    let is_recipe = |name: &str| {
        let line =
            |line: &str| line.starts_with(&format!("{name}:")) || line.starts_with(&format!("{name} "));
        name == "--list" || recipes.lines().any(line)
    };
    for Named { words, place } in named(&["just"]) {
        let [_, name] = &words[..] else {
            panic!("{place}: one recipe")
        };
        assert!(is_recipe(name), "{place}");
    }
    assert!(!named(&[".ci/run"]).is_empty(), "it is named");
    assert!(root().join(".ci/run").is_file(), "it is there");
}
